/* test_forward.c: the whole network against the reference outputs. */
#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "model/model.h"

#ifdef LEM_REAL_DOUBLE
#define TOLERANCE 1e-7			/* the reference's knots are rounded to float32 */
#else
#define TOLERANCE 5e-6
#endif

static void *
aligned(size_t bytes)
{
	return aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
}

/* All branches, or with branch >= 0 that one of every sample. */
static lem_real *
run(const lem_model *model, int n, const lem_real *rows, const lem_real *min_rate,
	const lem_real *max_rate, int branch)
{
	const lem_config *config = &model->config;
	size_t		size = (size_t) n * config->n_ahead * LEM_CASES
		* (branch < 0 ? lem_branches(config) : 1);
	lem_real   *out = malloc(size * sizeof(lem_real));
	int		   *branches = malloc(n * sizeof(int));
	void	   *workspace = aligned(lem_forward_workspace(model, n, branch < 0));
	lem_batch	batch = {.n = n, .rows = rows, .min_rate = min_rate, .max_rate = max_rate,
		.branch = branch < 0 ? NULL : branches, .allocation = out};

	for (int i = 0; i < n; i++)
		branches[i] = branch;
	check(lem_forward(model, &batch, workspace, NULL) == LEM_OK, "forward runs");
	free(workspace);
	free(branches);
	return out;
}

static int
stop_now(void *arg)
{
	int		   *polls = arg;

	return --*polls < 0;
}

static void
test_set(const char *set, const lem_kernels *kern)
{
	lem_config	config = golden_config(set);
	int			n = golden_batch(set);
	int			branches = lem_branches(&config);
	size_t		count;
	lem_model	model = golden_model(&config, golden_parts(set, &config), kern, LEM_FORM_FORWARD);
	lem_real   *rows = golden_reals(set, "inputs.x.bin", &count);
	lem_real   *min_rate = golden_reals(set, "inputs.min_rate.bin", NULL);
	lem_real   *max_rate = golden_reals(set, "inputs.max_rate.bin", NULL);
	double	   *want = golden_doubles(set, "outputs_f64.pred.bin", &count);
	lem_real   *all = run(&model, n, rows, min_rate, max_rate, -1);
	double		worst = 0;
	bool		same = true;

	check(count == (size_t) n * config.n_ahead * branches * LEM_CASES, "%s: size of outputs", set);
	for (size_t i = 0; i < count; i++)
		worst = check_worse(worst, fabs(all[i] - want[i]));
	check(worst <= TOLERANCE, "%s, %s: outputs within %.0e of the reference", set, kern->name,
		  TOLERANCE);
	printf("# largest difference %.3g\n", worst);

	/* One branch alone, and one sample alone, give the same bits. */
	for (int b = 0; b < branches; b++)
	{
		lem_real   *own = run(&model, n, rows, min_rate, max_rate, b);

		for (int i = 0; i < n; i++)
			for (int k = 0; k < config.n_ahead; k++)
				for (int c = 0; c < LEM_CASES; c++)
				{
					size_t		place = ((size_t) i * config.n_ahead + k) * branches + b;

					same = same && own[((size_t) i * config.n_ahead + k) * LEM_CASES + c]
						== all[(place * 4 + c % 4) * 2 + c / 4];
				}
		free(own);
	}
	check(same, "%s, %s: a branch alone gives the bits of all branches", set, kern->name);
	same = true;
	for (int i = 0; i < n; i++)
	{
		size_t		sample = (size_t) lem_rows(&config) * lem_inputs(&config);
		size_t		size = count / n;
		lem_real   *one = run(&model, 1, rows + i * sample, min_rate + i, max_rate + i, -1);

		same = same && memcmp(one, all + i * size, size * sizeof(lem_real)) == 0;
		free(one);
	}
	check(same, "%s, %s: a sample alone gives the bits of the batch", set, kern->name);

	/* A stop is obeyed wherever it comes. */
	for (int polls = 0; polls < 3; polls++)
	{
		int			left = polls * 7;
		lem_stop	stop = {stop_now, &left};
		lem_batch	batch = {.n = n, .rows = rows, .min_rate = min_rate, .max_rate = max_rate,
			.allocation = all};
		void	   *workspace = aligned(lem_forward_workspace(&model, n, true));

		check(lem_forward(&model, &batch, workspace, &stop) == LEM_STOPPED,
			  "%s: stops after %d polls", set, polls * 7);
		free(workspace);
	}
}

/* Configs beyond the reference sets: they run, and every schedule is a schedule. */
static void
test_other_configs(void)
{
	for (int variant = 0; variant < 12; variant++)
	{
		lem_config	config;
		size_t		sample;
		size_t		size;
		bool		same = true;
		lem_model	model;
		int			n = 5;
		lem_real   *rows;
		lem_real   *rates;
		lem_real   *out;
		bool		sums = true;
		bool		range = true;

		lem_config_default(&config);
		config.lookback = 9;
		config.n_ahead = variant == 1 ? 2 : 5;
		config.hidden_size = 12;
		config.num_heads = 3;
		config.num_embedding = 5;
		config.fused_mlp_hidden_dim = 7;
		config.shared_heads = variant % 2 == 0;
		config.finish_gate = variant != 3;
		config.tkan_linear = variant == 4;
		config.notional_price = variant != 5;
		config.price_sigma = variant % 2 == 0;
		config.hidden_rnn_layer = 1 + variant % 3;
		config.extra_features = variant;
		config.recurrent = variant < 6 ? LEM_RECURRENT_TKAN : (lem_recurrent) (variant % 4);
		config.variable_selection = variant < 6 || variant % 2 == 0;
		config.attention = variant < 6 || variant % 3 == 0;
		config.n_sub_layers = 1 + variant % 4;
		for (int j = 0; j < config.n_sub_layers; j++)
		{
			config.sub_layer[j] = config.sub_layer[0];
			config.sub_layer[j].kan = (j + variant) % 3 != 2;
			config.sub_layer[j].activation = (lem_activation) ((j + variant) % 6);
			config.sub_layer[j].spline.order = 1 + (j + variant) % LEM_MAX_SPLINE_ORDER;
			config.sub_layer[j].spline.intervals = 1 + variant % 6;
		}
		check(lem_parameters_check(&config, NULL) == LEM_OK, "variant %d: config", variant);
		model = golden_model(&config, golden_random_parts(&config, 7 + variant),
							 lem_kernels_select(), LEM_FORM_FORWARD);
		rows = malloc(n * lem_rows(&config) * lem_inputs(&config) * sizeof(lem_real));
		rates = calloc(2 * n, sizeof(lem_real));
		for (int i = 0; i < n * lem_rows(&config) * lem_inputs(&config); i++)
			rows[i] = (lem_real) (1 + 0.1 * sin(i * 0.7 + variant));
		for (int i = 0; i < n; i++)
			rates[n + i] = 1;
		out = run(&model, n, rows, rates, rates + n, -1);
		for (int i = 0; i < n; i++)
			for (int bc = 0; bc < lem_branches(&config) * LEM_CASES; bc++)
			{
				double		sum = 0;

				for (int k = 0; k < config.n_ahead; k++)
				{
					double		a = out[((size_t) i * config.n_ahead + k)
										* lem_branches(&config) * LEM_CASES + bc];

					range = range && a >= 0 && a <= 1;
					sum += a;
				}
				sums = sums && fabs(sum - 1) < 1e-5;
			}
		sample = (size_t) lem_rows(&config) * lem_inputs(&config);
		size = (size_t) config.n_ahead * lem_branches(&config) * LEM_CASES;
		for (int i = 0; i < n; i++)
		{
			lem_real   *one = run(&model, 1, rows + i * sample, rates + i, rates + n + i, -1);

			same = same && memcmp(one, out + i * size, size * sizeof(lem_real)) == 0;
			free(one);
		}
		check(same, "variant %d: a sample alone gives the bits of the batch", variant);
		check(sums, "variant %d: allocations sum to 1", variant);
		check(range, "variant %d: allocations lie in [0, 1]", variant);
	}
}

int
main(void)
{
	for (int s = 0; s < GOLDEN_SETS; s++)
		for (int i = 0; i < 3; i++)
			if (lem_kernels_get(i))
				test_set(golden_sets[s], lem_kernels_get(i));
	test_other_configs();
	return check_done();
}
