/* test_layers.c: every layer on its own against the reference intermediates. */
#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "kernels/blas.h"
#include "model/model.h"
#include "model/trunk.h"

#ifdef LEM_REAL_DOUBLE
#define TOLERANCE 1e-6			/* the reference's spline knots are rounded to float32 */
#else
#define TOLERANCE 2e-5
#endif

static lem_config config;
static const lem_kernels *kern;
static lem_form form;
static const lem_trunk *trunk;
static golden_file *file;
static const char *set;
static int	batch;
static int	rows;				/* batch * T */
static lem_real **parts;

static void *
aligned(size_t bytes)
{
	return aligned_alloc(64, (bytes + 127) / 64 * 64);
}

static lem_real *
reals(size_t n)
{
	return aligned(n * sizeof(lem_real));
}

/* A reference tensor as the build's numbers. */
static lem_real *
reference(const char *name, size_t *count)
{
	size_t		n;
	double	   *d = golden_tensor(file, name, &n);
	lem_real   *r = reals(n);

	for (size_t i = 0; i < n; i++)
		r[i] = (lem_real) d[i];
	free(d);
	if (count)
		*count = n;
	return r;
}

/* have (n rows of width, row stride ld) equals the reference tensor, to its largest number. */
static void
compare(const char *name, const lem_real *have, int n, int width, int ld)
{
	size_t		count;
	double	   *want = golden_tensor(file, name, &count);
	double		worst = 0;
	double		top = 0;

	check(count == (size_t) n * width, "%s, %s: size of %s", set, kern->name, name);
	for (int r = 0; r < n; r++)
		for (int i = 0; i < width; i++)
		{
			double		d = fabs(have[(size_t) r * ld + i] - want[(size_t) r * width + i]);

			worst = check_worse(worst, d);
			top = fmax(top, fabs(want[(size_t) r * width + i]));
		}
	check_near(worst / top, 0, TOLERANCE, "%s, %s: %s", set, kern->name, name);
	free(want);
}

static void
test_embedding_and_vsn(void)
{
	const int	width = config.hidden_size;
	const int	e = config.num_embedding;
	const int	inputs = lem_inputs(&config);
	lem_arena	arena = {NULL, 0};
	lem_vsn_acts acts;
	lem_real   *x = reference("standard_inputs", NULL);
	lem_real   *y = reals((size_t) rows * width);
	lem_real   *flat = reference("vsn/flatten", NULL);
	char		name[96];

	lem_vsn_acts_carve(&arena, &trunk->vsn, rows, false, &acts);
	arena = (lem_arena) {aligned(arena.used), 0};
	lem_vsn_acts_carve(&arena, &trunk->vsn, rows, false, &acts);
	lem_vsn_forward(&trunk->vsn, kern, rows, x, &acts, y);

	/* the reference's embedding is rows x E x F, which is the flattened one */
	if (form == LEM_FORM_GRADIENT)
	{
		compare("embedding", acts.flat, rows, e * inputs, e * inputs);
		compare("vsn/flatten", acts.flat, rows, e * inputs, e * inputs);
	}
	compare("vsn/mlp_dense", acts.logits, rows, inputs, inputs);
	compare("vsn/sparse_weights", acts.weights, rows, inputs, inputs);
	compare("vsn", y, rows, width, width);

	/* each GRN alone, on all rows and on the numbers that differ */
	for (int i = 0; i < inputs; i++)
	{
		lem_real   *column = reals(rows);
		int			differ = 0;

		for (int r = 0; r < rows; r++)
			column[r] = x[(size_t) r * inputs + i];
		lem_scalar_grn_forward(&trunk->vsn.inputs[i], kern, rows, column, &acts.input_grn[0], y);
		snprintf(name, sizeof(name), "vsn/grn_layers/%d", i);
		compare(name, y, rows, width, width);
		acts.distinct[i] = lem_distinct(rows, column, 1, acts.table, acts.values[i],
										acts.index[i]);
		lem_scalar_grn_forward(&trunk->vsn.inputs[i], kern, acts.distinct[i], acts.values[i],
							   &acts.input_grn[0], acts.input_out[i]);
		for (int r = 0; r < rows; r++)
			differ += memcmp(y + (size_t) r * width,
							 acts.input_out[i] + (size_t) acts.index[i][r] * width,
							 width * sizeof(lem_real)) != 0;
		check_int(differ, 0, "%s, %s: %s of numbers computed once", set, kern->name, name);
		free(column);
	}
	if (form == LEM_FORM_GRADIENT)
		lem_grn_forward(&trunk->vsn.weights, kern, rows, flat, e * inputs, &acts.weights_grn, y,
						inputs);
	else
		lem_grn_forward(&trunk->vsn.weights, kern, rows, x, inputs, &acts.weights_grn, y, inputs);
	compare("vsn/mlp_dense", y, rows, inputs, inputs);
	for (int r = 0; r < rows; r++)
	{
		double		sum = 0;

		for (int i = 0; i < inputs; i++)
			sum += acts.weights[(size_t) r * inputs + i];
		if (check_beyond(sum - 1, 1e-6))
			check(false, "variable weights of row %d sum to 1", r);
	}
	check(true, "%s, %s: variable weights sum to 1", set, kern->name);
}

/* One row of a kept buffer, of all samples, against step t + 1 of a reference of T + 1 steps. */
static void
compare_states(int layer, const char *what, const lem_real *kept, int offset)
{
	const int	width = config.hidden_size;
	const int	t = lem_rows(&config);
	char		name[96];
	size_t		count;
	lem_real   *want;
	lem_real   *have;

	snprintf(name, sizeof(name), "internal_rnn/%d/steps/%s", layer, what);
	want = reference(name, &count);
	have = reals(count);
	check(count == (size_t) batch * (t + 1) * width, "%s: size of %s", set, name);
	/* the reference ran its cell once more, at the start, to build it: it repeats row 0 */
	for (int i = 0; i < batch; i++)
		for (int r = 0; r <= t; r++)
			memcpy(have + ((size_t) i * (t + 1) + r) * width,
				   kept + ((size_t) (r < offset ? 0 : r - offset) * batch + i) * width,
				   width * sizeof(lem_real));
	compare(name, have, batch * (t + 1), width, width);
	free(want);
	free(have);
}

static void
test_tkan(void)
{
	const int	width = config.hidden_size;
	const int	t = lem_rows(&config);
	lem_real   *x = reference("vsn", NULL);

	for (int layer = 0; layer < config.hidden_rnn_layer; layer++)
	{
		lem_arena	arena = {NULL, 0};
		lem_tkan_acts acts;
		lem_real   *y = reals((size_t) rows * width);
		lem_real   *again = reals((size_t) rows * width);
		char		name[96];

		lem_tkan_acts_carve(&arena, &trunk->rnn[layer].tkan, batch, t, true, &acts);
		arena = (lem_arena) {aligned(arena.used), 0};
		lem_tkan_acts_carve(&arena, &trunk->rnn[layer].tkan, batch, t, true, &acts);
		check(lem_tkan_forward(&trunk->rnn[layer].tkan, kern, batch, t, x, &acts, y, NULL) == LEM_OK,
			  "layer %d runs", layer);
		snprintf(name, sizeof(name), "internal_rnn/%d", layer);
		compare(name, y, rows, width, width);
		compare_states(layer, "output", acts.h, 1);
		compare_states(layer, "state_h", acts.h, 1);
		compare_states(layer, "state_c", acts.c, 1);
		compare_states(layer, "state_sub0", acts.s, 1);
		compare_states(layer, "kan_input", acts.a, 1);
		compare_states(layer, "kan_output", acts.y, 1);

		/* keeping nothing, and answering in place, gives the same bits */
		arena = (lem_arena) {NULL, 0};
		lem_tkan_acts_carve(&arena, &trunk->rnn[layer].tkan, batch, t, false, &acts);
		arena = (lem_arena) {aligned(arena.used), 0};
		lem_tkan_acts_carve(&arena, &trunk->rnn[layer].tkan, batch, t, false, &acts);
		memcpy(again, x, (size_t) rows * width * sizeof(lem_real));
		lem_tkan_forward(&trunk->rnn[layer].tkan, kern, batch, t, again, &acts, again, NULL);
		check(memcmp(again, y, (size_t) rows * width * sizeof(lem_real)) == 0,
			  "layer %d: keeping the rows or not gives the same bits", layer);
		x = reference(name, NULL);
	}
}

static void
test_after_rnn(void)
{
	const int	width = config.hidden_size;
	const int	t = lem_rows(&config);
	lem_real   *vsn = reference("vsn", NULL);
	lem_real   *gate = reals((size_t) rows * 2 * width);
	lem_real   *y = reals((size_t) rows * width);
	lem_arena	arena = {NULL, 0};
	lem_grn_acts grn;
	lem_attention_acts attention;
	lem_real   *x;
	char		name[96];

	snprintf(name, sizeof(name), "internal_rnn/%d", config.hidden_rnn_layer - 1);
	x = reference(name, NULL);
	lem_dense_forward(&trunk->gate, kern, rows, x, width, gate, 2 * width);
	kern->glu(rows, width, gate, 2 * width, NULL, 0, y, width);
	compare("gate", y, rows, width, width);
	kern->glu(rows, width, gate, 2 * width, vsn, width, y, width);
	kern->layer_norm(rows, width, y, width, trunk->norm_gamma, trunk->norm_beta, y, width);
	compare("addnorm", y, rows, width, width);

	lem_grn_acts_carve(&arena, &trunk->grn, rows, &grn);
	lem_attention_acts_carve(&arena, &trunk->attention, t, t, &attention);
	arena = (lem_arena) {aligned(arena.used), 0};
	lem_grn_acts_carve(&arena, &trunk->grn, rows, &grn);
	lem_attention_acts_carve(&arena, &trunk->attention, t, t, &attention);
	lem_grn_forward(&trunk->grn, kern, rows, reference("addnorm", NULL), width, &grn, y, width);
	compare("grn", y, rows, width, width);

	x = reference("grn", NULL);
	for (int i = 0; i < batch; i++)
		lem_attention_forward(&trunk->attention, kern, t, 0, t, x + (size_t) i * t * width,
							  &attention, y + (size_t) i * t * width);
	compare("attention", y, rows, width, width);

	/* some rows alone */
	lem_attention_forward(&trunk->attention, kern, t, config.lookback, config.n_ahead - 1, x,
						  &attention, gate);
	for (int i = 0; i < (config.n_ahead - 1) * width; i++)
		if (check_beyond(gate[i] - y[(size_t) config.lookback * width + i], 1e-5))
			check(false, "attention of some rows: number %d", i);
	check(true, "%s, %s: attention of some rows", set, kern->name);
}

/* The heads on the reference's own attention: inputs and answers of every MLP. */
static void
test_heads(void)
{
	const int	n = config.n_ahead;
	const int	width = config.hidden_size;
	const int	branches = lem_branches(&config);
	lem_real   *attention = reference("attention", NULL);
	lem_real   *context = reals((size_t) batch * (n - 1) * width);
	lem_real   *inputs = reference("standard_inputs", NULL);
	lem_real   *window = golden_reals(set, "inputs.x.bin", NULL);
	lem_real   *min_rate = golden_reals(set, "inputs.min_rate.bin", NULL);
	lem_real   *max_rate = golden_reals(set, "inputs.max_rate.bin", NULL);
	const lem_heads_input in = {context, inputs, window, min_rate, max_rate, NULL};
	lem_real   *all_input[LEM_MAX_AHEAD];
	lem_real   *all_mlp = reals((size_t) batch * (n - 1) * branches * LEM_CASES);
	char		name[96];

	for (int i = 0; i < batch; i++)
		memcpy(context + (size_t) i * (n - 1) * width,
			   attention + ((size_t) i * lem_rows(&config) + config.lookback) * width,
			   (size_t) (n - 1) * width * sizeof(lem_real));
	for (int k = 0; k < n - 1; k++)
		all_input[k] = reals((size_t) batch * branches * lem_head_inputs(&config, k));

	for (int b = 0; b < branches; b++)
	{
		int			sample[64];
		int			branch[64];
		lem_tasks	tasks = {batch, sample, branch, NULL};
		lem_alloc_acts acts;
		lem_arena	arena = {NULL, 0};
		const lem_head *head = lem_head_decode(&config, parts[1 + b],
											   aligned(lem_head_bytes(&config)));

		for (int i = 0; i < batch; i++)
		{
			sample[i] = i;
			branch[i] = b;
		}
		lem_alloc_acts_carve(&arena, &config, batch, true, &acts);
		arena = (lem_arena) {aligned(arena.used), 0};
		lem_alloc_acts_carve(&arena, &config, batch, true, &acts);
		lem_alloc_forward(&config, kern, head, &trunk->curves, &tasks, &in, &acts, NULL, 0, NULL,
						  NULL);
		for (int k = 0; k < n - 1; k++)
			for (int i = 0; i < batch; i++)
			{
				const int	in_k = lem_head_inputs(&config, k);

				memcpy(all_input[k] + ((size_t) i * branches + b) * in_k,
					   acts.input[k] + (size_t) i * in_k, in_k * sizeof(lem_real));
				memcpy(all_mlp + (((size_t) k * batch + i) * branches + b) * LEM_CASES,
					   acts.mlp + ((size_t) k * batch + i) * LEM_CASES,
					   LEM_CASES * sizeof(lem_real));
			}
	}
	for (int k = 0; k < n - 1; k++)
	{
		snprintf(name, sizeof(name), "internal_hidden_to_raw_allocation/%d/input", k);
		compare(name, all_input[k], batch * branches, lem_head_inputs(&config, k),
				lem_head_inputs(&config, k));
		snprintf(name, sizeof(name), "internal_hidden_to_raw_allocation/%d/output", k);
		compare(name, all_mlp + (size_t) k * batch * branches * LEM_CASES, batch * branches,
				LEM_CASES, LEM_CASES);
	}
}

/* The BLAS wrapper against its oracle, and its refusal of strides that do not fit. */
static void
test_gemm(void)
{
	static const int shapes[][3] = {{1, 1, 1}, {3, 5, 7}, {16, 48, 33}, {29, 128, 32}, {64, 64, 65}};
	lem_real   *a = reals(8192);
	lem_real   *b = reals(8192);
	lem_real   *c = reals(8192);
	lem_real   *d = reals(8192);
	double		worst = 0;

	for (int i = 0; i < 8192; i++)
	{
		a[i] = (lem_real) sin(i);
		b[i] = (lem_real) cos(i * 1.3);
	}
	for (int s = 0; s < 5; s++)
		for (int t = 0; t < 4; t++)
		{
			int			m = shapes[s][0];
			int			n = shapes[s][1];
			int			k = shapes[s][2];

			for (int i = 0; i < m * n; i++)
				c[i] = d[i] = (lem_real) i;
			lem_gemm(t & 1, t & 2, m, n, k, (lem_real) 0.5, a, t & 1 ? m : k, b, t & 2 ? k : n,
					 (lem_real) 0.25, c, n);
			lem_gemm_naive(t & 1, t & 2, m, n, k, (lem_real) 0.5, a, t & 1 ? m : k, b,
						   t & 2 ? k : n, (lem_real) 0.25, d, n);
			for (int i = 0; i < m * n; i++)
				worst = check_worse(worst, fabs(c[i] - d[i]) / (1 + fabs(d[i])));
		}
	check_near(worst, 0, 1e-5, "gemm equals its oracle");
	c[0] = 0;
	lem_gemm(false, false, 2, 2, 4, 1, a, 3, b, 2, 0, c, 2);
	check(isnan(c[0]) && isnan(c[3]), "gemm with a stride that does not fit answers NaN");
}

int
main(void)
{
	static const char *const sets[] = {"tiny", "medium"};

	test_gemm();
	for (int s = 0; s < 2; s++)
	{
		float	  **numbers;

		set = sets[s];
		config = golden_config(set);
		batch = golden_batch(set);
		rows = batch * lem_rows(&config);
		file = golden_open(set, "intermediates_f64.safetensors");
		numbers = golden_parts(set, &config);
		parts = calloc(lem_part_count(&config), sizeof(*parts));
		for (int p = 0; p < lem_part_count(&config); p++)
		{
			parts[p] = reals(lem_part_size(&config, p));
			for (int64_t i = 0; i < lem_part_size(&config, p); i++)
				parts[p][i] = numbers[p][i];
		}
		for (int i = 0; i < 2 * 3; i++)
		{
			form = i % 2 ? LEM_FORM_GRADIENT : LEM_FORM_FORWARD;
			kern = lem_kernels_get(i / 2);
			if (!kern)
				continue;
			trunk = lem_trunk_decode(&config, parts[0], form,
									 aligned(lem_trunk_bytes(&config, form)));
			test_embedding_and_vsn();
			test_tkan();
			test_after_rnn();
			test_heads();
		}
	}
	return check_done();
}
