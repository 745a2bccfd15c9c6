/* models.c: the models that benchmarks compute with. */
#include "common.h"
#include "models.h"

static void
die(const char *why, const char *what)
{
	fprintf(stderr, "models: %s%s\n", why, what);
	exit(1);
}

lem_config
model_config(const char *name)
{
	lem_config	config;

	if (!bench_config(&config, name))
		die("no config is called ", name);
	return config;
}

/* A model whose sets of heads are all the one in parts[1]; parts are freed. */
static lem_model *
decode(const lem_config *config, lem_real *const parts[2])
{
	lem_model  *model = aligned(sizeof(lem_model));
	const lem_head **heads = aligned(lem_head_sets(config) * sizeof(lem_head *));
	const lem_head *head = lem_head_decode(config, parts[1], aligned(lem_head_bytes(config)));

	*model = (lem_model) {*config, lem_kernels_select(), NULL, heads, {NULL, NULL}};
	model->trunk = lem_trunk_decode(config, parts[0], LEM_FORM_FORWARD,
									aligned(lem_trunk_bytes(config, LEM_FORM_FORWARD)));
	/* every branch's heads cost the same: one set stands for all, and one branch is asked */
	for (int b = 0; b < lem_head_sets(config); b++)
		heads[b] = head;
	free(parts[0]);
	free(parts[1]);
	return model;
}

lem_model *
model_random(const lem_config *config)
{
	lem_real   *parts[2];

	for (int p = 0; p < 2; p++)
	{
		int64_t		size = lem_part_size(config, p);

		parts[p] = aligned(size * sizeof(lem_real));
		for (int64_t i = 0; i < size; i++)
			parts[p][i] = 0.2f * random_number();
	}
	if (config->mixture != LEM_MIXTURE_NONE && config->mixture != LEM_MIXTURE_SINGLE)
	{
		/* what must be in some order, or above 0 */
		static const lem_real regimes[LEM_REGIMES] = {-0.5f, 0.5f, 0.2f};
		lem_mixture_offsets at;

		lem_mixture_layout(config, &at);
		memcpy(parts[1] + at.regimes, regimes, sizeof(regimes));
		parts[1][at.scale] = 0.05f;
	}
	return decode(config, parts);
}

lem_model *
model_open(const char *name)
{
	const lem_config config = model_config(name);

	return model_random(&config);
}

double
model_products(const lem_config *c, bool all_branches)
{
	double		t = lem_rows(c);
	double		h = c->hidden_size;
	double		e = c->num_embedding;
	double		f = lem_inputs(c);
	double		m = c->fused_mlp_hidden_dim;
	double		embedding = f * e;
	double		selection = f * (2 * e * h + h * h + 2 * h * h)	/* a GRN for each input */
		+ e * f * (f + h) + h * h + 2 * h * f	/* the GRN of all */
		+ f * h;				/* the weighted sum */
	double		recurrent = 0;
	double		after = 2 * h * h + 5 * h * h + 2 * h * h;	/* gate, GRN, keys and values */
	double		attention = 0;
	double		heads = 0;

	for (int j = 0; j < c->n_sub_layers; j++)
		recurrent += h * h * (c->sub_layer[j].kan ? 1 + lem_bases(&c->sub_layer[j].spline) : 1)
			+ 3 * h * h;
	recurrent = c->hidden_rnn_layer * (recurrent + 6 * h * h);
	for (int k = 0; k < c->n_ahead - 1; k++)
	{
		attention += 2 * h * h + 2 * (c->lookback + k + 1) * h;
		heads += LEM_CASES * (lem_head_inputs(c, k) * m + m * m + (c->finish_gate ? 2 : 1) * m);
	}
	return t * (embedding + selection + recurrent + after) + attention
		+ heads * (all_branches ? lem_branches(c) : 1);
}

model_batch
model_batch_make(const lem_model *model, int n)
{
	const lem_config *config = &model->config;
	const size_t window = (size_t) lem_rows(config) * lem_inputs(config);
	model_batch samples = {.rows = aligned(n * window * sizeof(lem_real)),
		.rates = aligned(2 * n * sizeof(lem_real)), .branch = aligned(n * sizeof(int)),
		.workspace = aligned(lem_forward_workspace(model, n, false))};

	bench_windows(config, n, samples.rows);
	for (int i = 0; i < n; i++)
	{
		samples.rates[n + i] = 1;
		samples.branch[i] = 2;
	}
	samples.batch = (lem_batch) {.n = n, .rows = samples.rows, .min_rate = samples.rates,
		.max_rate = samples.rates + n, .branch = samples.branch,
		.allocation = aligned((size_t) n * config->n_ahead * LEM_CASES * sizeof(lem_real))};
	return samples;
}

void
model_batch_free(model_batch *samples)
{
	free(samples->batch.allocation);
	free(samples->workspace);
	free(samples->rows);
	free(samples->rates);
	free(samples->branch);
}

void
model_batch_run(const lem_model *model, const model_batch *samples)
{
	if (lem_forward(model, &samples->batch, samples->workspace, NULL) != LEM_OK)
		die("the forward pass was stopped", "");
}
