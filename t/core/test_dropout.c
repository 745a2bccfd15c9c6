/* test_dropout.c: which numbers are left out, and that leaving out none changes no bit. */
#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "training/gradient.h"
#include "training/train.h"

static void *
aligned(size_t bytes)
{
	return aligned_alloc(64, (bytes + 127) / 64 * 64);
}

static void
test_draw(double rate)
{
	enum
	{
		SIZE = 40001
	};
	lem_real   *mask = aligned(SIZE * sizeof(lem_real));
	lem_real   *other = aligned(SIZE * sizeof(lem_real));
	const double deviation = sqrt(rate * (1 - rate) * SIZE);
	const lem_real kept = (lem_real) (1 / (1 - rate));
	int			zeros = 0;
	int			pairs = 0;
	int			factors = 0;
	int			same = 0;

	lem_dropout_draw(rate, 1, 2, 3, SIZE, mask);
	for (int i = 0; i < SIZE; i++)
	{
		zeros += mask[i] == 0;
		factors += mask[i] == 0 || mask[i] == kept;
		pairs += i > 0 && mask[i] == 0 && mask[i - 1] == 0;
	}
	check_int(factors, SIZE, "rate %g: every factor is 0 or 1 / (1 - rate)", rate);
	check_near(zeros, rate * SIZE, 4 * deviation + 1, "rate %g: the share that is left out", rate);
	check_near(pairs, rate * rate * SIZE, 6 * deviation + 1, "rate %g: neighbours do not matter",
			   rate);

	lem_dropout_draw(rate, 1, 2, 3, SIZE, other);
	check(memcmp(mask, other, SIZE * sizeof(lem_real)) == 0, "rate %g: drawn again the same", rate);
	for (int i = 0; i < 3; i++)
	{
		lem_dropout_draw(rate, 1 + (i == 0), 2 + (i == 1), 3 + (i == 2), SIZE, other);
		same += memcmp(mask, other, SIZE * sizeof(lem_real)) == 0;
	}
	check_int(same, 0, "rate %g: another seed, stream or mask is another", rate);
	free(mask);
	free(other);
}

/* Masks of ones, and no masks, give the same bits: loss and every gradient. */
static void
test_none(const char *set)
{
	const lem_loss_options options = {LEM_OBJECTIVE_SOFTPLUS, 0, LEM_SHARP_MASK_SLOPE,
		LEM_SHARP_MASK_OFFSET};
	lem_config	config = golden_config(set);
	float	  **numbers = golden_parts(set, &config);
	lem_model	model = golden_model(&config, numbers, lem_kernels_select(), LEM_FORM_GRADIENT);
	const int	n = golden_batch(set);
	const size_t encoded = (size_t) n * lem_rows(&config) * config.hidden_size;
	const size_t context = (size_t) n * (config.n_ahead - 1) * config.hidden_size;
	lem_samples samples = {n, n, golden_reals(set, "inputs.x.bin", NULL),
		golden_reals(set, "inputs.min_rate.bin", NULL),
		golden_reals(set, "inputs.max_rate.bin", NULL), golden_reals(set, "inputs.y.bin", NULL),
		NULL, 0, NULL, NULL, false, 0};
	lem_real   *ones = aligned((encoded + context) * sizeof(lem_real));
	lem_dropout dropout = {ones, ones + encoded, aligned(encoded * sizeof(lem_real))};
	int			parts = lem_part_count(&config);
	lem_real  **weights = calloc(parts, sizeof(lem_real *));
	lem_real  **gradient[2];
	void	   *workspace = aligned(lem_gradient_workspace(&model, n));
	double		loss[2];
	bool		same = true;
	bool		other = false;

	for (int p = 0; p < parts; p++)
	{
		weights[p] = aligned(lem_part_size(&config, p) * sizeof(lem_real));
		for (int64_t i = 0; i < lem_part_size(&config, p); i++)
			weights[p][i] = numbers[p][i];
	}
	lem_dropout_draw(0, 1, 1, 1, encoded + context, ones);
	for (int pass = 0; pass < 2; pass++)
	{
		gradient[pass] = calloc(parts, sizeof(lem_real *));
		for (int p = 0; p < parts; p++)
		{
			gradient[pass][p] = aligned(lem_part_size(&config, p) * sizeof(lem_real));
			memset(gradient[pass][p], 0, lem_part_size(&config, p) * sizeof(lem_real));
		}
		samples.dropout = pass ? &dropout : NULL;
		lem_gradient(&model, (const lem_real *const *) weights, &samples, &options, workspace,
					 NULL, &loss[pass], gradient[pass]);
	}
	for (int p = 0; p < parts; p++)
		same = same && memcmp(gradient[0][p], gradient[1][p],
							  lem_part_size(&config, p) * sizeof(lem_real)) == 0;
	check(same && loss[0] == loss[1], "%s: leaving out nothing gives the same bits as no dropout",
		  set);

	lem_dropout_draw(0.5, 1, 1, 1, encoded + context, ones);
	lem_gradient(&model, (const lem_real *const *) weights, &samples, &options, workspace, NULL,
				 &loss[1], NULL);
	other = loss[0] != loss[1];
	check(other, "%s: leaving out half of them does not", set);
}

static void
test_option(void)
{
	lem_train_options options;
	lem_fault	fault;

	lem_train_options_default(&options, 12);
	check(options.dropout == 0, "no dropout by default");
	for (int i = 0; i < 4; i++)
	{
		const double bad[] = {-0.1, 1, NAN, 2};

		options.dropout = bad[i];
		check(lem_train_options_check(&options, &fault) == LEM_CONFIG_RANGE
			  && strcmp(fault.name, "dropout") == 0, "dropout %g is refused", bad[i]);
	}
	options.dropout = LEM_MAX_DROPOUT;
	check(lem_train_options_check(&options, &fault) == LEM_OK, "dropout 0.99 is accepted");
}

int
main(void)
{
	test_draw(0.1);
	test_draw(0.5);
	test_draw(0.9);
	test_none("tiny");
	test_none("medium");
	test_option();
	return check_done();
}
