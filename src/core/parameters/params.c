/*
 * params.c: the tensor table, and the places of layers within the parts.
 *
 * One walk over the table knows the names, shapes and order; the sizes of layers that the layout
 * functions use are spelled out a second time, which the tests hold against the walk.
 */
#include <stdio.h>

#include "parameters/params.h"

/* A walk over the table. */
typedef struct walk
{
	const lem_config *config;
	lem_tensor_visit visit;
	void	   *arg;
	lem_status	status;			/* of the last visit; anything but LEM_OK ends the walk */
	int			n;				/* tensors so far */
	int64_t		trunk;			/* numbers so far in part 0 */
	int64_t		head;			/* and in each head part */
	int64_t		constants;		/* numbers that are never trained */
	lem_tensor	tensor;			/* the one being visited */
} walk;

/* Next tensor: prefix/name with up to 4 dimensions (0: none). */
static void
add(walk *w, const char *prefix, const char *name, int64_t d0, int64_t d1, int64_t d2, int64_t d3)
{
	const int64_t shape[LEM_MAX_DIMS] = {d0, d1, d2, d3};
	lem_tensor *t = &w->tensor;

	if (w->status != LEM_OK)
		return;
	t->dims = 0;
	t->size = 1;
	for (int i = 0; i < LEM_MAX_DIMS; i++)
	{
		t->shape[i] = shape[i];
		if (shape[i] > 0)
		{
			t->dims++;
			t->size *= shape[i];
		}
	}
	t->slice = t->head ? t->size / lem_head_sets(w->config) : t->size;
	t->offset = t->head ? w->head : w->trunk;
	if (w->visit)
	{
		snprintf(t->name, sizeof(t->name), "%s%s%s", prefix, *prefix ? "/" : "", name);
		w->status = w->visit(w->arg, w->n, t);
	}
	w->n++;
	*(t->head ? &w->head : &w->trunk) += t->slice;
	if (t->constant)
		w->constants += t->size;
}

static void
add_1(walk *w, const char *prefix, const char *name, int64_t d0)
{
	add(w, prefix, name, d0, 0, 0, 0);
}

static void
add_2(walk *w, const char *prefix, const char *name, int64_t d0, int64_t d1)
{
	add(w, prefix, name, d0, d1, 0, 0);
}

static void
add_3(walk *w, const char *prefix, const char *name, int64_t d0, int64_t d1, int64_t d2)
{
	add(w, prefix, name, d0, d1, d2, 0);
}

/* A layer's name below its parent's. */
#define LAYER_NAME 64

static void
walk_dense(walk *w, const char *prefix, const char *layer, int in, int out)
{
	char		name[LAYER_NAME];

	snprintf(name, sizeof(name), "%s/kernel", layer);
	add_2(w, prefix, name, in, out);
	snprintf(name, sizeof(name), "%s/bias", layer);
	add_1(w, prefix, name, out);
}

static void
walk_grn(walk *w, const char *prefix, int in, int hidden, int out)
{
	walk_dense(w, prefix, "skip_layer", in, out);
	walk_dense(w, prefix, "hidden_layer_1", in, hidden);
	walk_dense(w, prefix, "hidden_layer_2", hidden, hidden);
	walk_dense(w, prefix, "gate_layer/dense_layer", hidden, out);
	walk_dense(w, prefix, "gate_layer/gated_layer", hidden, out);
	add_1(w, prefix, "add_and_norm_layer/norm_layer/gamma", out);
	add_1(w, prefix, "add_and_norm_layer/norm_layer/beta", out);
}

/* Knots of a sub-layer's spline, for each of its inputs. */
static int
knots(const lem_spline *spline)
{
	return spline->intervals + 1 + 2 * spline->order;
}

static void
walk_tkan(walk *w, int layer)
{
	const lem_config *c = w->config;
	const int	h = c->hidden_size;
	const int	s = c->n_sub_layers;
	char		cell[LAYER_NAME];

	snprintf(cell, sizeof(cell), "internal_rnn/%d/cell", layer);
	add_2(w, cell, "kernel", h, 3 * h);
	add_2(w, cell, "recurrent_kernel", h, 3 * h);
	add_1(w, cell, "bias", 3 * h);
	add_2(w, cell, "sub_tkan_kernel", s, 2 * h);
	add_3(w, cell, "sub_tkan_recurrent_kernel_inputs", s, h, h);
	add_3(w, cell, "sub_tkan_recurrent_kernel_states", s, h, h);
	add_2(w, cell, "aggregated_weight", (int64_t) s * h, h);
	add_1(w, cell, "aggregated_bias", h);
	for (int i = 0; i < s; i++)
	{
		const lem_sub_layer *sub = &c->sub_layer[i];
		char		prefix[LAYER_NAME];

		snprintf(prefix, sizeof(prefix), "internal_rnn/%d/cell/tkan_sub_layers/%d", layer, i);
		if (sub->kan)
		{
			w->tensor.constant = true;
			w->tensor.rnn_layer = layer;
			w->tensor.sub_layer = i;
			add_3(w, prefix, "grid", 1, h, knots(&sub->spline));
			w->tensor.constant = false;
			w->tensor.rnn_layer = 0;
			w->tensor.sub_layer = 0;
			add_2(w, prefix, "base_weight", h, h);
			add_1(w, prefix, "base_bias", h);
			add_2(w, prefix, "spline_weight", (int64_t) h * lem_bases(&sub->spline), h);
			add_1(w, prefix, "layer_norm/gamma", h);
			add_1(w, prefix, "layer_norm/beta", h);
		}
		else
		{
			add_2(w, prefix, "kernel", h, h);
			add_1(w, prefix, "bias", h);
		}
	}
}

/* A recurrent layer with one kernel for the row and one for its state, gates side by side. */
static void
walk_gated(walk *w, int layer, int gates, int biases)
{
	const int64_t h = w->config->hidden_size;
	char		cell[LAYER_NAME];

	snprintf(cell, sizeof(cell), "internal_rnn/%d/cell", layer);
	add_2(w, cell, "kernel", h, gates * h);
	add_2(w, cell, "recurrent_kernel", h, gates * h);
	if (biases > 1)
		add_2(w, cell, "bias", biases, gates * h);
	else
		add_1(w, cell, "bias", gates * h);
}

static void
walk_rnn(walk *w, int layer)
{
	switch (w->config->recurrent)
	{
		case LEM_RECURRENT_TKAN:
			walk_tkan(w, layer);
			break;
		case LEM_RECURRENT_LSTM:
			walk_gated(w, layer, 4, 1);
			break;
		case LEM_RECURRENT_GRU:
			walk_gated(w, layer, 3, 2);
			break;
		case LEM_RECURRENT_NONE:
			break;
	}
}

static void
walk_attention(walk *w)
{
	static const char *const inputs[] = {"query", "key", "value"};
	const int	h = w->config->hidden_size;
	const int	a = w->config->num_heads;

	for (int i = 0; i < 3; i++)
	{
		char		name[LAYER_NAME];

		snprintf(name, sizeof(name), "%s/kernel", inputs[i]);
		add_3(w, "attention", name, h, a, h / a);
		snprintf(name, sizeof(name), "%s/bias", inputs[i]);
		add_2(w, "attention", name, a, h / a);
	}
	add_3(w, "attention", "attention_output/kernel", a, h / a, h);
	add_1(w, "attention", "attention_output/bias", h);
	if (w->config->shared_trunk)
		add_2(w, "attention", "age_bias", a, lem_attention_span(w->config));
}

/* The allocation MLPs of step k. */
static void
walk_head(walk *w, int k)
{
	const lem_config *c = w->config;
	const int	sets = lem_head_sets(c);
	const int	m = c->fused_mlp_hidden_dim;
	char		prefix[LAYER_NAME];

	snprintf(prefix, sizeof(prefix), "internal_hidden_to_raw_allocation/%d", k);
	w->tensor.head = true;
	add(w, prefix, "kernel_0", sets, LEM_CASES, lem_head_inputs(c, k), m);
	add_3(w, prefix, "bias_0", sets, LEM_CASES, m);
	add(w, prefix, "kernel_1", sets, LEM_CASES, m, m);
	add_3(w, prefix, "bias_1", sets, LEM_CASES, m);
	add(w, prefix, "kernel_2", sets, LEM_CASES, m, 1);
	add_3(w, prefix, "bias_2", sets, LEM_CASES, 1);
	if (c->finish_gate)
	{
		add_3(w, prefix, "finish_kernel", sets, LEM_CASES, m);
		add_2(w, prefix, "finish_bias", sets, LEM_CASES);
	}
	w->tensor.head = false;
}

/* The heads of a model of market making. */
static void
walk_quantiles(walk *w)
{
	const int	h = w->config->hidden_size;
	const int	m = w->config->fused_mlp_hidden_dim;

	w->tensor.head = true;
	walk_dense(w, "quantile_heads", "hidden_layer", h, m);
	walk_dense(w, "quantile_heads", "output_layer", m, LEM_QUANTILE_OUTPUTS);
	w->tensor.head = false;
}

/* A student of a mixture. */
static void
walk_expert(walk *w, int expert)
{
	const lem_config *c = w->config;
	char		prefix[LAYER_NAME];

	snprintf(prefix, sizeof(prefix), "experts/%d", expert);
	walk_dense(w, prefix, "input_layer", lem_features(c), c->hidden_size);
	walk_rnn(w, expert);
	walk_dense(w, prefix, "output_layer", c->hidden_size, lem_expert_outputs(c, expert));
}

/* What joins the students. */
static void
walk_mixture(walk *w)
{
	const int	features = LEM_RANDOM_FEATURES;

	w->tensor.head = true;
	add_1(w, "mixture", "regimes", LEM_REGIMES);
	if (w->config->mixture != LEM_MIXTURE_SINGLE)
	{
		add_2(w, "mixture", "frequencies", w->config->expert_dim, features);
		add_1(w, "mixture", "phases", features);
		add(w, "mixture", "means", LEM_REGIMES, 3, LEM_MEMBERS, features);
		add_2(w, "mixture", "losses", 3, LEM_MEMBERS);
		add_1(w, "mixture", "scale", 1);
		add_2(w, "mixture", "additive", 3, LEM_MEMBERS * features + 1);
	}
	w->tensor.head = false;
}

/* The network of shared steps. */
static void
walk_policy(walk *w)
{
	const int	m = w->config->fused_mlp_hidden_dim;

	w->tensor.head = true;
	walk_dense(w, "policy", "hidden_layer_1", w->config->hidden_size + LEM_POLICY_INPUTS, m);
	walk_dense(w, "policy", "hidden_layer_2", m, m);
	walk_dense(w, "policy", "output_layer", m, LEM_POLICY_OUTPUTS);
	w->tensor.head = false;
}

/* The whole table. */
static void
walk_all(walk *w)
{
	const lem_config *c = w->config;
	const int	f = lem_inputs(c);
	const int	e = c->num_embedding;
	const int	h = c->hidden_size;
	char		number[16];
	char		prefix[LAYER_NAME];

	for (int i = 0; i < lem_experts_count(c); i++)
		walk_expert(w, i);
	if (c->mixture != LEM_MIXTURE_NONE)
	{
		walk_mixture(w);
		return;
	}
	for (int i = 0; i < f; i++)
	{
		snprintf(number, sizeof(number), "%d", i);
		walk_dense(w, "embedding/dense_layers", number, 1, e);
	}
	if (c->variable_selection)
		walk_grn(w, "vsn/mlp_dense", e * f, h, f);
	else
		walk_dense(w, "vsn", "dense_layer", e * f, h);
	for (int i = 0; c->variable_selection && i < f; i++)
	{
		snprintf(prefix, sizeof(prefix), "vsn/grn_layers/%d", i);
		walk_grn(w, prefix, e, h, h);
	}
	for (int i = 0; i < lem_rnn_layers(c); i++)
		walk_rnn(w, i);
	walk_dense(w, "gate", "dense_layer", h, h);
	walk_dense(w, "gate", "gated_layer", h, h);
	add_1(w, "addnorm", "norm_layer/gamma", h);
	add_1(w, "addnorm", "norm_layer/beta", h);
	walk_grn(w, "grn", h, h, h);
	if (c->attention)
		walk_attention(w);
	if (c->horizon > 0)
		walk_quantiles(w);
	if (c->stop_base)
	{
		walk_policy(w);
		return;
	}
	/* the last step takes what is left: no MLP */
	for (int k = 0; c->horizon == 0 && k < c->n_ahead - 1; k++)
		walk_head(w, k);
	add(w, "", "scale_factor", 1, lem_branches(c), 1, 1);
	add_3(w, "", "base_volume_curve", c->n_ahead, lem_branches(c), 2);
	add_3(w, "", "base_notional_curve", c->n_ahead, lem_branches(c), 2);
}

/* Walk for the totals only. */
static walk
walk_totals(const lem_config *config)
{
	walk		w = {.config = config};

	walk_all(&w);
	return w;
}

lem_status
lem_tensor_walk(const lem_config *config, lem_tensor_visit visit, void *arg)
{
	walk		w = {.config = config, .visit = visit, .arg = arg};

	walk_all(&w);
	return w.status;
}

int
lem_tensor_count(const lem_config *config)
{
	return walk_totals(config).n;
}

/* One tensor of the table: which, and where to. */
typedef struct pick
{
	int			wanted;
	lem_tensor *tensor;
} pick;

static lem_status
visit_pick(void *arg, int i, const lem_tensor *tensor)
{
	pick	   *p = arg;

	if (i != p->wanted)
		return LEM_OK;
	*p->tensor = *tensor;
	return LEM_STOPPED;
}

void
lem_tensor_get(const lem_config *config, int i, lem_tensor *tensor)
{
	pick		p = {.wanted = i, .tensor = tensor};

	lem_tensor_walk(config, visit_pick, &p);
}

static lem_status
visit_copy(void *arg, int i, const lem_tensor *tensor)
{
	((lem_tensor *) arg)[i] = *tensor;
	return LEM_OK;
}

void
lem_tensor_table(const lem_config *config, lem_tensor *table)
{
	lem_tensor_walk(config, visit_copy, table);
}

int
lem_part_count(const lem_config *config)
{
	return 1 + lem_head_sets(config);
}

int64_t
lem_part_size(const lem_config *config, int part)
{
	lem_trunk_offsets trunk;
	lem_head_offsets head;
	lem_quantile_offsets quantiles;
	lem_expert_offsets expert;
	lem_mixture_offsets mixture;
	lem_policy_offsets policy;

	if (config->mixture != LEM_MIXTURE_NONE)
	{
		lem_expert_layout(config, lem_experts_count(config) - 1, &expert);
		lem_mixture_layout(config, &mixture);
		return part > 0 ? mixture.end : expert.end;
	}
	if (part > 0 && config->stop_base)
	{
		lem_policy_layout(config, &policy);
		return policy.end;
	}
	if (part > 0 && config->horizon > 0)
	{
		lem_quantile_layout(config, &quantiles);
		return quantiles.end;
	}
	if (part > 0)
	{
		lem_head_layout(config, config->n_ahead - 2, &head);
		return head.end;
	}
	lem_trunk_layout(config, &trunk);
	return trunk.end;
}

int64_t
lem_parameter_count(const lem_config *config, bool trainable_only)
{
	walk		w = walk_totals(config);

	return w.trunk + w.head * lem_head_sets(config) - (trainable_only ? w.constants : 0);
}

lem_status
lem_parameters_check(const lem_config *config, lem_fault *fault)
{
	const lem_status status = lem_config_check(config, fault);
	int64_t		parameters;

	if (status != LEM_OK)
		return status;
	/* With every size within its limit the count is below 2^45. */
	parameters = lem_parameter_count(config, false);
	if (parameters > LEM_MAX_PARAMETERS)
		return lem_fail(fault, LEM_CONFIG_TOO_LARGE, NULL, (double) parameters,
						LEM_MAX_PARAMETERS);
	return LEM_OK;
}

double
lem_spline_knot(const lem_spline *spline, int i)
{
	return spline->low
		+ (i - spline->order) * (spline->high - spline->low) / spline->intervals;
}

float
lem_tensor_knot(const lem_config *config, const lem_tensor *tensor, int64_t i)
{
	const lem_spline *spline = &config->sub_layer[tensor->sub_layer].spline;

	return (float) lem_spline_knot(spline, (int) (i % knots(spline)));
}

static int64_t
dense_size(int64_t in, int64_t out)
{
	return in * out + out;
}

int64_t
lem_grn_size(int in, int hidden, int out)
{
	return dense_size(in, out) + dense_size(in, hidden) + dense_size(hidden, hidden)
		+ 2 * dense_size(hidden, out) + 2 * out;
}

int64_t
lem_sub_layer_size(const lem_sub_layer *sub, int width)
{
	const int64_t w = width;

	if (!sub->kan)
		return dense_size(w, w);
	return w * knots(&sub->spline) + dense_size(w, w) + w * lem_bases(&sub->spline) * w + 2 * w;
}

int64_t
lem_tkan_size(const lem_config *config)
{
	const int64_t h = config->hidden_size;
	const int64_t s = config->n_sub_layers;
	int64_t		size;

	size = 2 * h * 3 * h + 3 * h	/* kernel, recurrent kernel, bias */
		+ s * 2 * h + 2 * s * h * h /* the sub-layers' own recurrence */
		+ s * h * h + h;		/* aggregation */
	for (int i = 0; i < config->n_sub_layers; i++)
		size += lem_sub_layer_size(&config->sub_layer[i], config->hidden_size);
	return size;
}

int64_t
lem_rnn_size(const lem_config *config)
{
	const int64_t h = config->hidden_size;

	switch (config->recurrent)
	{
		case LEM_RECURRENT_TKAN:
			return lem_tkan_size(config);
		case LEM_RECURRENT_LSTM:
			return 2 * h * 4 * h + 4 * h;
		case LEM_RECURRENT_GRU:
			return 2 * h * 3 * h + 2 * 3 * h;
		case LEM_RECURRENT_NONE:
			break;
	}
	return 0;
}

void
lem_trunk_layout(const lem_config *config, lem_trunk_offsets *offsets)
{
	const int	f = lem_inputs(config);
	const int	e = config->num_embedding;
	const int	h = config->hidden_size;
	const int64_t branches = config->stop_base ? 0 : lem_branches(config);
	const int64_t curve = (int64_t) config->n_ahead * branches * 2;

	offsets->embedding = 0;
	offsets->vsn_weights = offsets->embedding + f * dense_size(1, e);
	offsets->vsn_inputs = offsets->vsn_weights
		+ (config->variable_selection ? lem_grn_size(e * f, h, f) : dense_size(e * f, h));
	offsets->rnn = offsets->vsn_inputs
		+ (config->variable_selection ? f * lem_grn_size(e, h, h) : 0);
	offsets->gate = offsets->rnn + lem_rnn_layers(config) * lem_rnn_size(config);
	offsets->norm = offsets->gate + 2 * dense_size(h, h);
	offsets->grn = offsets->norm + 2 * h;
	offsets->attention = offsets->grn + lem_grn_size(h, h, h);
	offsets->age = offsets->attention + (config->attention ? 4 * dense_size(h, h) : 0);
	offsets->scale = offsets->age + (config->attention && config->shared_trunk
									 ? config->num_heads * lem_attention_span(config) : 0);
	offsets->volume_curve = offsets->scale + branches;
	offsets->notional_curve = offsets->volume_curve + curve;
	offsets->end = offsets->notional_curve + curve;
}

void
lem_quantile_layout(const lem_config *config, lem_quantile_offsets *offsets)
{
	const int64_t h = config->hidden_size;
	const int64_t m = config->fused_mlp_hidden_dim;

	offsets->kernel_0 = 0;
	offsets->bias_0 = h * m;
	offsets->kernel_1 = offsets->bias_0 + m;
	offsets->bias_1 = offsets->kernel_1 + m * LEM_QUANTILE_OUTPUTS;
	offsets->end = offsets->bias_1 + LEM_QUANTILE_OUTPUTS;
}

void
lem_expert_layout(const lem_config *config, int expert, lem_expert_offsets *offsets)
{
	const int64_t input = dense_size(lem_features(config), config->hidden_size);
	const int64_t rnn = lem_rnn_size(config);
	int64_t		begin = 0;

	for (int e = 0; e < expert; e++)
		begin += input + rnn + dense_size(config->hidden_size, lem_expert_outputs(config, e));
	offsets->input = begin;
	offsets->rnn = offsets->input + input;
	offsets->output = offsets->rnn + rnn;
	offsets->end = offsets->output
		+ dense_size(config->hidden_size, lem_expert_outputs(config, expert));
}

void
lem_mixture_layout(const lem_config *config, lem_mixture_offsets *offsets)
{
	const int64_t features = LEM_RANDOM_FEATURES;

	offsets->regimes = 0;
	offsets->frequencies = LEM_REGIMES;
	if (config->mixture == LEM_MIXTURE_SINGLE)
	{
		offsets->phases = offsets->means = offsets->losses = offsets->scale = offsets->additive =
			offsets->end = offsets->frequencies;
		return;
	}
	offsets->phases = offsets->frequencies + config->expert_dim * features;
	offsets->means = offsets->phases + features;
	offsets->losses = offsets->means + LEM_REGIMES * 3 * LEM_MEMBERS * features;
	offsets->scale = offsets->losses + 3 * LEM_MEMBERS;
	offsets->additive = offsets->scale + 1;
	offsets->end = offsets->additive + 3 * (LEM_MEMBERS * features + 1);
}

void
lem_policy_layout(const lem_config *config, lem_policy_offsets *offsets)
{
	const int64_t in = config->hidden_size + LEM_POLICY_INPUTS;
	const int64_t m = config->fused_mlp_hidden_dim;

	offsets->kernel_0 = 0;
	offsets->bias_0 = in * m;
	offsets->kernel_1 = offsets->bias_0 + m;
	offsets->bias_1 = offsets->kernel_1 + m * m;
	offsets->kernel_2 = offsets->bias_1 + m;
	offsets->bias_2 = offsets->kernel_2 + m * LEM_POLICY_OUTPUTS;
	offsets->end = offsets->bias_2 + LEM_POLICY_OUTPUTS;
}

void
lem_head_layout(const lem_config *config, int k, lem_head_offsets *offsets)
{
	const int64_t m = config->fused_mlp_hidden_dim;
	const int64_t biases = LEM_CASES * m;
	const int64_t fixed = 2 * biases + LEM_CASES * m * m + biases + LEM_CASES
		+ (config->finish_gate ? biases + LEM_CASES : 0);

	/* inputs grow by 18 a step: rows of kernel_0 before step k add up to k (first + last) / 2 */
	offsets->kernel_0 = k * fixed
		+ biases * k * (lem_head_inputs(config, 0) + lem_head_inputs(config, k - 1)) / 2;
	offsets->bias_0 = offsets->kernel_0 + biases * lem_head_inputs(config, k);
	offsets->kernel_1 = offsets->bias_0 + biases;
	offsets->bias_1 = offsets->kernel_1 + biases * m;
	offsets->kernel_2 = offsets->bias_1 + biases;
	offsets->bias_2 = offsets->kernel_2 + biases;
	offsets->finish_kernel = offsets->bias_2 + LEM_CASES;
	offsets->finish_bias = offsets->finish_kernel + (config->finish_gate ? biases : 0);
	offsets->end = offsets->finish_bias + (config->finish_gate ? LEM_CASES : 0);
}
