/* config.c: defaults and limits of a model's config. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "parameters/config.h"

static const char *const feature_names[LEM_FEATURE_NAMES] = {
	[LEM_FEATURE_LOG_VOLUME] = "log_volume",
	[LEM_FEATURE_RETURN] = "return",
	[LEM_FEATURE_VOLATILITY] = "volatility",
	[LEM_FEATURE_DAY_SIN] = "day_sin",
	[LEM_FEATURE_DAY_COS] = "day_cos",
	[LEM_FEATURE_WEEK_SIN] = "week_sin",
	[LEM_FEATURE_WEEK_COS] = "week_cos",
	[LEM_FEATURE_LOG_INTERVAL] = "log_interval",
	[LEM_FEATURE_CLOSE_OFFSET] = "close_offset",
	[LEM_FEATURE_RANGE] = "range",
};

#define N_ACTIVATIONS (LEM_ACTIVATION_SOFTPLUS + 1)

static const char *const activation_names[N_ACTIVATIONS] = {
	[LEM_ACTIVATION_LINEAR] = "linear",
	[LEM_ACTIVATION_RELU] = "relu",
	[LEM_ACTIVATION_TANH] = "tanh",
	[LEM_ACTIVATION_SIGMOID] = "sigmoid",
	[LEM_ACTIVATION_ELU] = "elu",
	[LEM_ACTIVATION_SOFTPLUS] = "softplus",
};

static int
find_name(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *
lem_feature_name(lem_feature feature)
{
	return (unsigned) feature < LEM_FEATURE_NAMES ? feature_names[feature] : NULL;
}

int
lem_feature_find(const char *name)
{
	return find_name(feature_names, LEM_FEATURE_NAMES, name);
}

const char *
lem_activation_name(lem_activation activation)
{
	return (unsigned) activation < N_ACTIVATIONS ? activation_names[activation] : NULL;
}

int
lem_activation_find(const char *name)
{
	return find_name(activation_names, N_ACTIVATIONS, name);
}

/*
 * The defaults are those of models trained here: small enough to train in minutes on one core,
 * with the departures from the published form that section 8 of the model page measures.
 */
void
lem_config_default(lem_config *config)
{
	memset(config, 0, sizeof(*config));
	config->lookback = 48;
	config->n_ahead = 12;
	config->hidden_size = 32;
	config->hidden_rnn_layer = 1;
	config->num_heads = 4;
	config->num_embedding = 8;
	config->fused_mlp_hidden_dim = 32;
	config->max_scale_factor = 3;
	config->feature_set = LEM_FEATURES_DEFAULT;
	config->n_named = LEM_DEFAULT_FEATURES;
	for (int i = 0; i < LEM_DEFAULT_FEATURES; i++)
		config->named[i] = (lem_feature) i;
	config->extra_features = 0;
	config->norm_window = 0;
	config->bar_interval = 0;
	config->gaps = LEM_GAPS_CARRY;
	config->recurrent = LEM_RECURRENT_TKAN;
	config->variable_selection = true;
	config->attention = true;
	config->shared_heads = true;
	config->finish_gate = true;
	config->notional_price = true;
	config->price_sigma = true;
	config->context_rows = 4;
	config->tkan_linear = false;
	config->n_sub_layers = 1;
	config->sub_layer[0].kan = true;
	config->sub_layer[0].spline.order = 3;
	config->sub_layer[0].spline.intervals = 3;
	config->sub_layer[0].spline.low = -1;
	config->sub_layer[0].spline.high = 1;
}

void
lem_config_features_of(lem_config *config, bool ranges)
{
	config->feature_set = LEM_FEATURES_LIST;
	config->n_named = ranges ? LEM_FEATURE_RANGE + 1 : LEM_FEATURE_CLOSE_OFFSET + 1;
	for (int i = 0; i < config->n_named; i++)
		config->named[i] = (lem_feature) i;
}

bool
lem_config_has_feature(const lem_config *config, lem_feature feature)
{
	if (config->feature_set == LEM_FEATURES_DEFAULT)
		return feature < LEM_DEFAULT_FEATURES;
	for (int i = 0; config->feature_set == LEM_FEATURES_LIST && i < config->n_named; i++)
		if (config->named[i] == feature)
			return true;
	return false;
}

/* A value must lie within [low, high]; NaN does not. */
static lem_status
check_range(const char *name, double have, double low, double high, lem_fault *fault)
{
	if (have >= low && have <= high)
		return LEM_OK;
	return lem_fail(fault, LEM_CONFIG_RANGE, name, have, have > high ? high : low);
}

static lem_status
check_sizes(const lem_config *c, lem_fault *fault)
{
	const struct
	{
		const char *name;
		int			have;
		int			low;
		int			high;
	}			limits[] = {
		{"lookback", c->lookback, 2, LEM_MAX_LOOKBACK},
		{"n_ahead", c->n_ahead, 2, c->stop_base ? LEM_MAX_AHEAD : LEM_MAX_AHEAD_STEPS},
		{"hidden_size", c->hidden_size, 1, LEM_MAX_WIDTH},
		{"hidden_rnn_layer", c->hidden_rnn_layer, 1, LEM_MAX_LAYERS},
		{"num_heads", c->num_heads, 1, LEM_MAX_WIDTH},
		{"num_embedding", c->num_embedding, 1, LEM_MAX_EMBEDDING},
		{"fused_mlp_hidden_dim", c->fused_mlp_hidden_dim, 1, LEM_MAX_WIDTH},
		{"extra_features", c->extra_features, 0, LEM_MAX_FEATURES},
		{"gaps", (int) c->gaps, LEM_GAPS_CARRY, LEM_GAPS_ERROR},
		{"recurrent", (int) c->recurrent, LEM_RECURRENT_TKAN, LEM_RECURRENT_NONE},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
	{
		lem_status	status = check_range(limits[i].name, limits[i].have, limits[i].low,
										 limits[i].high, fault);

		if (status != LEM_OK)
			return status;
	}
	if (c->horizon != 0)
	{
		lem_status	status = check_range("horizon", c->horizon, 1, LEM_MAX_HORIZON, fault);

		if (status == LEM_OK)
			status = check_range("n_ahead", c->n_ahead, 2, 2, fault);
		if (status == LEM_OK && !c->shared_heads)
			status = lem_fail(fault, LEM_CONFIG_RANGE, "heads", c->shared_heads, true);
		if (status == LEM_OK && c->finish_gate)
			status = lem_fail(fault, LEM_CONFIG_RANGE, "finish_gate", c->finish_gate, false);
		if (status != LEM_OK)
			return status;
	}
	if (c->mixture != LEM_MIXTURE_NONE)
	{
		lem_status	status = check_range("mixture", (int) c->mixture, LEM_MIXTURE_NONE,
										 LEM_MIXTURE_SINGLE, fault);

		/* students learn from windows of completed bars, with what is known of a market in them */
		if (status == LEM_OK)
			status = check_range("horizon", c->horizon, 1, LEM_MAX_HORIZON, fault);
		if (status == LEM_OK)
			status = check_range("expert_dim", c->expert_dim, 1, LEM_MAX_EXPERT_DIM, fault);
		if (status == LEM_OK)
			status = check_range("extra_features", c->extra_features, 1, LEM_MAX_FEATURES, fault);
		if (status == LEM_OK)
			status = check_range("hidden_rnn_layer", c->hidden_rnn_layer, 1, 1, fault);
		if (status == LEM_OK && c->recurrent == LEM_RECURRENT_NONE)
			status = lem_fail(fault, LEM_CONFIG_RANGE, "recurrent", c->recurrent,
							  LEM_RECURRENT_GRU);
		if (status != LEM_OK)
			return status;
	}
	else if (c->expert_dim != 0)
		return check_range("expert_dim", c->expert_dim, 0, 0, fault);
	if (c->shared_steps != c->stop_base)
		return lem_fail(fault, LEM_CONFIG_RANGE, "steps", c->shared_steps, c->stop_base);
	if (c->stop_base)
	{
		lem_status	status = check_range("horizon", c->horizon, 0, 0, fault);

		if (status == LEM_OK && !c->shared_heads)
			status = lem_fail(fault, LEM_CONFIG_RANGE, "heads", c->shared_heads, true);
		if (status == LEM_OK && c->finish_gate)
			status = lem_fail(fault, LEM_CONFIG_RANGE, "finish_gate", c->finish_gate, false);
		if (status != LEM_OK)
			return status;
	}
	else if (c->impact)
		return lem_fail(fault, LEM_CONFIG_RANGE, "impact", c->impact, false);
	if (c->shared_trunk)
	{
		lem_status	status = check_range("context_rows", c->context_rows, 1, lem_rnn_layers(c) > 0
										 ? 1 + c->lookback / lem_rnn_layers(c) : 1 + c->lookback,
										 fault);

		if (status == LEM_OK && !c->stop_base)
			status = lem_fail(fault, LEM_CONFIG_RANGE, "trunk", c->shared_trunk, false);
		if (status == LEM_OK && lem_features(c) == 0)
			status = check_range("extra_features", c->extra_features, 1, LEM_MAX_FEATURES, fault);
		if (status != LEM_OK)
			return status;
	}
	if (c->attention && c->hidden_size % c->num_heads != 0)
		return lem_fail(fault, LEM_CONFIG_HEADS, "hidden_size", c->hidden_size, c->num_heads);
	return check_range("max_scale_factor", c->max_scale_factor, LEM_MIN_SCALE_FACTOR,
					   LEM_MAX_SCALE_FACTOR, fault);
}

static lem_status
check_features(const lem_config *c, lem_fault *fault)
{
	switch (c->feature_set)
	{
		case LEM_FEATURES_DEFAULT:
			if (c->n_named != LEM_DEFAULT_FEATURES)
				return lem_fail(fault, LEM_CONFIG_RANGE, "features", c->n_named,
								LEM_DEFAULT_FEATURES);
			break;
		case LEM_FEATURES_PAPER:
			if (c->n_named != LEM_PAPER_FEATURES)
				return lem_fail(fault, LEM_CONFIG_RANGE, "features", c->n_named,
								LEM_PAPER_FEATURES);
			/* this set has no standard deviation to measure prices by */
			if (c->price_sigma)
				return lem_fail(fault, LEM_CONFIG_RANGE, "price_unit", c->price_sigma, false);
			if (c->stop_base)
				return lem_fail(fault, LEM_CONFIG_RANGE, "base", c->stop_base, false);
			break;
		case LEM_FEATURES_LIST:
			{
				unsigned	seen = 0;
				lem_status	status = check_range("features", c->n_named, 0, LEM_FEATURE_NAMES,
												 fault);

				if (status != LEM_OK)
					return status;
				for (int i = 0; i < c->n_named; i++)
				{
					char		name[32];

					snprintf(name, sizeof(name), "features[%d]", i);
					status = check_range(name, (int) c->named[i], 0, LEM_FEATURE_NAMES - 1,
										 fault);
					if (status != LEM_OK)
						return status;
					/* a repeat: nearest to it is a list without it */
					if (seen & (1u << c->named[i]))
						return lem_fail(fault, LEM_CONFIG_RANGE, name, (int) c->named[i], -1);
					seen |= 1u << c->named[i];
				}
			}
			break;
		default:
			return lem_fail(fault, LEM_CONFIG_RANGE, "features", (int) c->feature_set,
							LEM_FEATURES_DEFAULT);
	}
	return check_range("extra_features", c->extra_features, 0, LEM_MAX_FEATURES - c->n_named,
					   fault);
}

static lem_status
check_times(const lem_config *c, lem_fault *fault)
{
	lem_status	status;

	if (c->bar_interval < 0 || c->bar_interval > LEM_MAX_BAR_INTERVAL)
		return lem_fail(fault, LEM_CONFIG_RANGE, "bar_interval", (double) c->bar_interval,
						c->bar_interval < 0 ? 0 : (double) LEM_MAX_BAR_INTERVAL);
	if (c->norm_window != 0)
		return check_range("norm_window", c->norm_window, c->lookback, LEM_MAX_NORM_WINDOW,
						   fault);
	status = LEM_OK;
	if (c->bar_interval > 0)
		status = check_range("norm_window", (double) (LEM_WEEK / c->bar_interval), 0,
							 LEM_MAX_NORM_WINDOW, fault);
	return status;
}

static lem_status
check_sub_layers(const lem_config *c, lem_fault *fault)
{
	lem_status	status = check_range("sub_kan", c->n_sub_layers, 1, LEM_MAX_SUB_LAYERS, fault);

	for (int i = 0; status == LEM_OK && i < c->n_sub_layers; i++)
	{
		const lem_sub_layer *sub = &c->sub_layer[i];
		const lem_spline *spline = &sub->spline;
		char		name[48];
		double		span;

		if (!sub->kan)
		{
			snprintf(name, sizeof(name), "sub_kan[%d].activation", i);
			status = check_range(name, (int) sub->activation, 0, N_ACTIVATIONS - 1, fault);
			continue;
		}
		snprintf(name, sizeof(name), "sub_kan[%d].spline_order", i);
		status = check_range(name, spline->order, 1, LEM_MAX_SPLINE_ORDER, fault);
		if (status != LEM_OK)
			break;
		snprintf(name, sizeof(name), "sub_kan[%d].grid_size", i);
		status = check_range(name, spline->intervals, 1, LEM_MAX_GRID, fault);
		if (status != LEM_OK)
			break;
		snprintf(name, sizeof(name), "sub_kan[%d].grid_range", i);
		status = check_range(name, spline->low, -LEM_MAX_GRID_RANGE, LEM_MAX_GRID_RANGE, fault);
		if (status != LEM_OK)
			break;
		status = check_range(name, spline->high, -LEM_MAX_GRID_RANGE, LEM_MAX_GRID_RANGE, fault);
		if (status != LEM_OK)
			break;
		/* knots must stay apart as 32-bit floats */
		span = LEM_MIN_GRID_STEP * spline->intervals;
		if (!(spline->high - spline->low >= span))
			status = lem_fail(fault, LEM_CONFIG_RANGE, name, spline->high, spline->low + span);
	}
	return status;
}

lem_status
lem_config_check(const lem_config *config, lem_fault *fault)
{
	lem_status	status;

	if ((status = check_sizes(config, fault)) != LEM_OK ||
		(status = check_features(config, fault)) != LEM_OK ||
		(status = check_times(config, fault)) != LEM_OK)
		return status;
	return check_sub_layers(config, fault);
}
