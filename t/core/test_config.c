/* test_config.c: defaults, limits and names of configs. */
#include <limits.h>

#include "check.h"
#include "golden.h"
#include "parameters/config.h"
#include "parameters/params.h"

/* The config is refused, with this key, value and nearest allowed value. */
static void
refused(const lem_config *config, const char *key, double have, double want)
{
	lem_fault	fault = {0};
	lem_status	status = lem_parameters_check(config, &fault);

	check(status == LEM_CONFIG_RANGE && fault.status == status && strcmp(fault.name, key) == 0
		  && (fault.have == have || (isnan(have) && isnan(fault.have))) && fault.want == want,
		  "%s %g is refused (%s %g, nearest %g)", key, have, fault.name, fault.have, fault.want);
	check_int(lem_parameters_check(config, NULL), status, "%s %g: the same without details", key, have);
}

static void
accepted(const lem_config *config, const char *what)
{
	lem_fault	fault = {0};
	lem_status	status = lem_parameters_check(config, &fault);

	if (status != LEM_OK)
		printf("# status %d, %s: %g, nearest %g\n", status, fault.name, fault.have, fault.want);
	check(status == LEM_OK, "%s is accepted", what);
}

static lem_config
defaults(void)
{
	lem_config	config;

	memset(&config, 0xff, sizeof(config));
	lem_config_default(&config);
	return config;
}

static void
test_defaults(void)
{
	lem_config	c = defaults();

	accepted(&c, "the default config");
	check(c.lookback == 48 && c.n_ahead == 12 && c.hidden_size == 32 && c.hidden_rnn_layer == 1
		  && c.num_heads == 4 && c.num_embedding == 8 && c.fused_mlp_hidden_dim == 32
		  && c.max_scale_factor == 3, "default sizes");
	check(c.feature_set == LEM_FEATURES_DEFAULT && c.n_named == LEM_DEFAULT_FEATURES
		  && c.extra_features == 0 && c.norm_window == 0 && c.bar_interval == 0
		  && c.gaps == LEM_GAPS_CARRY, "default features");
	check(c.recurrent == LEM_RECURRENT_TKAN && c.variable_selection && c.attention,
		  "all layers by default");
	check(c.shared_heads && c.finish_gate && c.notional_price && c.price_sigma && !c.tkan_linear,
		  "default forms");
	check(c.n_sub_layers == 1 && c.sub_layer[0].kan && c.sub_layer[0].spline.order == 3
		  && c.sub_layer[0].spline.intervals == 3 && c.sub_layer[0].spline.low == -1
		  && c.sub_layer[0].spline.high == 1, "default sub-layer");
	check_int(lem_features(&c), 8, "features of the default set");
	check_int(lem_inputs(&c), 10, "inputs of the default set");
	check_int(lem_rows(&c), 59, "rows of a window");
	check_int(lem_head_sets(&c), 1, "shared heads are one set");
	check_int(lem_head_inputs(&c, 2), 32 + 10 + 36 + 13, "inputs of a shared head");
	c.shared_heads = false;
	check_int(lem_head_sets(&c), 13, "separate heads are one set a branch");
	check_int(lem_head_inputs(&c, 2), 32 + 10 + 36, "inputs of a separate head");
	for (int i = 0; i < GOLDEN_SETS; i++)
	{
		c = golden_config(golden_sets[i]);
		accepted(&c, golden_sets[i]);
	}
}

/* Each whole-number key just inside and just outside its limits. */
static void
test_sizes(void)
{
	const struct
	{
		const char *key;
		size_t		offset;
		int			low;
		int			high;
	}			keys[] = {
		{"lookback", offsetof(lem_config, lookback), 2, LEM_MAX_LOOKBACK},
		{"n_ahead", offsetof(lem_config, n_ahead), 2, LEM_MAX_AHEAD_STEPS},
		{"hidden_size", offsetof(lem_config, hidden_size), 1, LEM_MAX_WIDTH},
		{"hidden_rnn_layer", offsetof(lem_config, hidden_rnn_layer), 1, LEM_MAX_LAYERS},
		{"num_heads", offsetof(lem_config, num_heads), 1, LEM_MAX_WIDTH},
		{"num_embedding", offsetof(lem_config, num_embedding), 1, LEM_MAX_EMBEDDING},
		{"fused_mlp_hidden_dim", offsetof(lem_config, fused_mlp_hidden_dim), 1, LEM_MAX_WIDTH},
		{"extra_features", offsetof(lem_config, extra_features), 0,
		LEM_MAX_FEATURES - LEM_DEFAULT_FEATURES},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
	{
		lem_config	c = defaults();
		int		   *value = (int *) ((char *) &c + keys[i].offset);
		const int	outside[] = {keys[i].low - 1, INT_MIN, keys[i].high + 1, INT_MAX};

		c.num_heads = 1;
		c.hidden_size = 2048;
		c.n_ahead = 3;
		c.fused_mlp_hidden_dim = 4;
		c.num_embedding = 1;
		for (int j = 0; j < 4; j++)
		{
			double		want = j < 2 ? keys[i].low : keys[i].high;

			/* beyond any number of features, whatever the named ones */
			if (outside[j] > LEM_MAX_FEATURES && strcmp(keys[i].key, "extra_features") == 0)
				want = LEM_MAX_FEATURES;
			*value = outside[j];
			refused(&c, keys[i].key, outside[j], want);
		}
		*value = keys[i].low;
		accepted(&c, keys[i].key);
		c = defaults();
		c.num_heads = 1;
		c.hidden_size = strcmp(keys[i].key, "num_heads") == 0 ? LEM_MAX_WIDTH : 16;
		c.fused_mlp_hidden_dim = 4;
		c.n_ahead = 3;
		c.num_embedding = 1;
		*value = keys[i].high;
		accepted(&c, keys[i].key);
	}
}

static void
test_other_numbers(void)
{
	const double bad[] = {0.49, -1, 32.5, INFINITY, -INFINITY, NAN};
	const double nearest[] = {0.5, 0.5, 32, 32, 0.5, 0.5};
	lem_config	c;
	lem_fault	fault;

	for (int i = 0; i < 6; i++)
	{
		c = defaults();
		c.max_scale_factor = bad[i];
		refused(&c, "max_scale_factor", bad[i], nearest[i]);
	}

	c = defaults();
	c.num_heads = 5;
	check(lem_parameters_check(&c, &fault) == LEM_CONFIG_HEADS && fault.have == 32 && fault.want == 5,
		  "a width that heads do not divide is refused");
	c.num_heads = 64;
	check(lem_parameters_check(&c, &fault) == LEM_CONFIG_HEADS, "more heads than width are refused");

	c = defaults();
	c.norm_window = c.lookback - 1;
	refused(&c, "norm_window", 47, 48);
	c.norm_window = -1;
	refused(&c, "norm_window", -1, 48);
	c.norm_window = LEM_MAX_NORM_WINDOW + 1;
	refused(&c, "norm_window", LEM_MAX_NORM_WINDOW + 1, LEM_MAX_NORM_WINDOW);
	c.norm_window = c.lookback;
	accepted(&c, "a norm window of one lookback");

	c = defaults();
	c.bar_interval = -1;
	refused(&c, "bar_interval", -1, 0);
	c.bar_interval = INT64_MAX;
	refused(&c, "bar_interval", (double) INT64_MAX, (double) LEM_MAX_BAR_INTERVAL);
	c.bar_interval = 1;
	refused(&c, "norm_window", (double) LEM_WEEK, LEM_MAX_NORM_WINDOW);
	c.norm_window = 1000;
	accepted(&c, "a microsecond's bars with a norm window of their own");
	c.bar_interval = LEM_MAX_BAR_INTERVAL;
	accepted(&c, "bars of a year");

	c = defaults();
	c.gaps = (lem_gaps) 3;
	refused(&c, "gaps", 3, 2);
}

static void
test_features(void)
{
	lem_config	c = defaults();

	c.n_named = 7;
	refused(&c, "features", 7, 8);
	c.feature_set = LEM_FEATURES_PAPER;
	c.price_sigma = false;
	refused(&c, "features", 7, 5);
	c.n_named = 5;
	accepted(&c, "the paper's features");
	c.feature_set = (lem_feature_set) 3;
	refused(&c, "features", 3, 0);

	c.feature_set = LEM_FEATURES_LIST;
	for (c.n_named = 0; c.n_named <= LEM_FEATURE_NAMES; c.n_named++)
	{
		for (int i = LEM_DEFAULT_FEATURES; i < c.n_named; i++)
			c.named[i] = (lem_feature) i;
		accepted(&c, "a list of features");
	}
	refused(&c, "features", LEM_FEATURE_NAMES + 1, LEM_FEATURE_NAMES);
	c.n_named = -1;
	refused(&c, "features", -1, 0);
	c.n_named = 3;
	c.named[2] = (lem_feature) LEM_FEATURE_NAMES;
	refused(&c, "features[2]", LEM_FEATURE_NAMES, LEM_FEATURE_NAMES - 1);
	c.named[2] = (lem_feature) -1;
	refused(&c, "features[2]", -1, 0);
	c.named[2] = c.named[0];
	refused(&c, "features[2]", (int) c.named[0], -1);

	c = defaults();
	c.feature_set = LEM_FEATURES_LIST;
	c.n_named = 1;
	c.extra_features = LEM_MAX_FEATURES - 1;
	accepted(&c, "as many extra features as fit");
	c.extra_features++;
	refused(&c, "extra_features", LEM_MAX_FEATURES, LEM_MAX_FEATURES - 1);
}

static void
test_sub_layers(void)
{
	lem_config	c = defaults();
	lem_spline *spline = &c.sub_layer[1].spline;

	c.n_sub_layers = 0;
	refused(&c, "sub_kan", 0, 1);
	c.n_sub_layers = LEM_MAX_SUB_LAYERS + 1;
	refused(&c, "sub_kan", LEM_MAX_SUB_LAYERS + 1, LEM_MAX_SUB_LAYERS);
	c.n_sub_layers = 2;
	c.sub_layer[1].activation = (lem_activation) 6;
	refused(&c, "sub_kan[1].activation", 6, 5);
	c.sub_layer[1].activation = LEM_ACTIVATION_SOFTPLUS;
	accepted(&c, "a dense sub-layer");

	c.sub_layer[1] = c.sub_layer[0];
	spline->order = 0;
	refused(&c, "sub_kan[1].spline_order", 0, 1);
	spline->order = LEM_MAX_SPLINE_ORDER + 1;
	refused(&c, "sub_kan[1].spline_order", 6, 5);
	spline->order = LEM_MAX_SPLINE_ORDER;
	accepted(&c, "the highest spline order");
	spline->intervals = 0;
	refused(&c, "sub_kan[1].grid_size", 0, 1);
	spline->intervals = LEM_MAX_GRID + 1;
	refused(&c, "sub_kan[1].grid_size", LEM_MAX_GRID + 1, LEM_MAX_GRID);
	spline->intervals = 1;
	accepted(&c, "one interval");
	spline->low = NAN;
	refused(&c, "sub_kan[1].grid_range", NAN, -1000);
	spline->low = -INFINITY;
	refused(&c, "sub_kan[1].grid_range", -INFINITY, -1000);
	spline->low = 1;
	refused(&c, "sub_kan[1].grid_range", 1, 1.001);
	spline->high = INFINITY;
	refused(&c, "sub_kan[1].grid_range", INFINITY, 1000);
	spline->high = -3;
	refused(&c, "sub_kan[1].grid_range", -3, 1.001);
	spline->high = 1 + 1e-9;
	refused(&c, "sub_kan[1].grid_range", 1 + 1e-9, 1.001);
	spline->low = -1000;
	spline->high = 1000;
	accepted(&c, "the widest grid");
}

/* Each size within its limits, all of them together far too many. */
static void
test_too_large(void)
{
	lem_config	c = defaults();
	lem_fault	fault;
	double		largest;

	c.lookback = LEM_MAX_LOOKBACK;
	c.n_ahead = LEM_MAX_AHEAD_STEPS;
	c.hidden_size = LEM_MAX_WIDTH;
	c.fused_mlp_hidden_dim = LEM_MAX_WIDTH;
	c.num_embedding = LEM_MAX_EMBEDDING;
	c.hidden_rnn_layer = LEM_MAX_LAYERS;
	c.extra_features = LEM_MAX_FEATURES - c.n_named;
	c.n_sub_layers = LEM_MAX_SUB_LAYERS;
	for (int i = 0; i < c.n_sub_layers; i++)
	{
		c.sub_layer[i] = c.sub_layer[0];
		c.sub_layer[i].spline.order = LEM_MAX_SPLINE_ORDER;
		c.sub_layer[i].spline.intervals = LEM_MAX_GRID;
	}
	c.shared_heads = false;
	check(lem_parameters_check(&c, &fault) == LEM_CONFIG_TOO_LARGE
		  && fault.want == LEM_MAX_PARAMETERS, "the largest of everything is too large");
	largest = fault.have;
	check(largest > 1e12 && largest < 0x1p46, "its parameters are counted without overflow: %.0f",
		  largest);

	c = defaults();
	c.lookback = 120;
	c.hidden_size = 200;
	c.num_heads = 8;
	c.num_embedding = 20;
	c.fused_mlp_hidden_dim = 100;
	c.hidden_rnn_layer = 2;
	c.feature_set = LEM_FEATURES_PAPER;
	c.price_sigma = false;
	c.n_named = LEM_PAPER_FEATURES;
	c.shared_heads = false;
	c.finish_gate = false;
	accepted(&c, "the paper's setting");
	check_near((double) lem_parameter_count(&c, false), 48.5e6, 0.1e6, "its parameters");
	c.fused_mlp_hidden_dim = 300;
	accepted(&c, "a model of more than 200 million parameters");
	c.fused_mlp_hidden_dim = 400;
	check_int(lem_parameters_check(&c, &fault), LEM_CONFIG_TOO_LARGE, "more than fit a file");
}

static void
test_names(void)
{
	int			same = 0;

	for (int i = 0; i < LEM_FEATURE_NAMES; i++)
		same += lem_feature_find(lem_feature_name((lem_feature) i)) == i;
	check_int(same, LEM_FEATURE_NAMES, "features by name and back");
	check_str(lem_feature_name(LEM_FEATURE_WEEK_COS), "week_cos", "name of a feature");
	check_int(lem_feature_find("nonsense"), -1, "an unknown feature");
	check(lem_feature_name((lem_feature) LEM_FEATURE_NAMES) == NULL
		  && lem_feature_name((lem_feature) -1) == NULL, "no name beyond the last feature");
	same = 0;
	for (int i = 0; i <= LEM_ACTIVATION_SOFTPLUS; i++)
		same += lem_activation_find(lem_activation_name((lem_activation) i)) == i;
	check_int(same, 6, "activations by name and back");
	check_str(lem_activation_name(LEM_ACTIVATION_ELU), "elu", "name of an activation");
	check_int(lem_activation_find(""), -1, "an unknown activation");
	check(lem_activation_name((lem_activation) 6) == NULL, "no name beyond the last activation");
}

int
main(void)
{
	test_defaults();
	test_sizes();
	test_other_numbers();
	test_features();
	test_sub_layers();
	test_too_large();
	test_names();
	return check_done();
}
