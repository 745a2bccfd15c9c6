/*
 * config.h: everything that says what a model is, apart from its weights.
 */
#ifndef LEM_CONFIG_H
#define LEM_CONFIG_H

#include <stdbool.h>

#include "base/real.h"
#include "base/status.h"
#include "kernels/kernels.h"

/* Limits of a config; they keep every size computation far from overflow. */
#define LEM_MAX_LOOKBACK 4096
#define LEM_MAX_AHEAD 1024
#define LEM_MAX_AHEAD_STEPS 256	/* with heads of their own for each step */
#define LEM_MAX_WIDTH 2048		/* H, M */
#define LEM_MAX_EMBEDDING 512	/* E */
#define LEM_MAX_LAYERS 8		/* R */
#define LEM_MAX_SUB_LAYERS 8	/* S */
#define LEM_MAX_FEATURES 64		/* named and extra features together */
#define LEM_MAX_GRID 64
#define LEM_MAX_GRID_RANGE 1000.0	/* largest |end| of a spline's grid */
#define LEM_MIN_GRID_STEP 1e-3	/* smallest distance of its knots */
#define LEM_MAX_NORM_WINDOW 1000000
#define LEM_MAX_SHARED_WEEK 10080	/* bars of a week that scales as of each row are taken from */
#define LEM_MAX_BAR_INTERVAL (INT64_C(366) * 86400 * 1000000)	/* microseconds */
#define LEM_CONFIG_CALENDAR 64	/* bytes of a calendar's name, with its end */
#define LEM_WEEK (INT64_C(7) * 86400 * 1000000)
#define LEM_MIN_SCALE_FACTOR 0.5
#define LEM_MAX_SCALE_FACTOR 32.0
/*
 * With price_unit "sigma": what one standard deviation of a bar's return moves the price column, and
 * how many of them are the unit in which heads read prices.  Their many prices would drown the
 * rest of what they read in a smaller one: branches part late, or never.
 */
#define LEM_PRICE_STEP 0.01
#define LEM_PRICE_UNIT 20
#define LEM_MAX_HORIZON 1000
#define LEM_MAX_PARAMETERS 250000000	/* a file of weights fits one bytea */

/* The features a bar can have, by name (model page, section 6). */
typedef enum lem_feature
{
	LEM_FEATURE_LOG_VOLUME,		/* "log_volume" */
	LEM_FEATURE_RETURN,			/* "return" */
	LEM_FEATURE_VOLATILITY,		/* "volatility" */
	LEM_FEATURE_DAY_SIN,		/* "day_sin" */
	LEM_FEATURE_DAY_COS,		/* "day_cos" */
	LEM_FEATURE_WEEK_SIN,		/* "week_sin" */
	LEM_FEATURE_WEEK_COS,		/* "week_cos" */
	LEM_FEATURE_LOG_INTERVAL,	/* "log_interval" */
	LEM_FEATURE_CLOSE_OFFSET,	/* "close_offset" */
	LEM_FEATURE_RANGE,			/* "range" */
	LEM_FEATURE_NAMES
} lem_feature;

/* Features of the set "default": those before the first that not all bars can have. */
#define LEM_DEFAULT_FEATURES LEM_FEATURE_CLOSE_OFFSET

typedef enum lem_feature_set
{
	LEM_FEATURES_DEFAULT,		/* "default": the first LEM_DEFAULT_FEATURES of the above */
	LEM_FEATURES_PAPER,			/* "paper" */
	LEM_FEATURES_LIST			/* a list of names */
} lem_feature_set;

/* Features of the set "paper": norm_volume, freq_min, month, day of week, return. */
#define LEM_PAPER_FEATURES 5

typedef enum lem_gaps
{
	LEM_GAPS_CARRY,				/* "carry" */
	LEM_GAPS_SKIP,				/* "skip" */
	LEM_GAPS_ERROR				/* "error" */
} lem_gaps;

/* What the recurrent layers are. */
typedef enum lem_recurrent
{
	LEM_RECURRENT_TKAN,			/* "tkan" */
	LEM_RECURRENT_LSTM,			/* "lstm" */
	LEM_RECURRENT_GRU,			/* "gru" */
	LEM_RECURRENT_NONE			/* "none": rows pass as they are */
} lem_recurrent;

/* A sub-layer of a recurrent layer: a KAN, or a dense layer with an activation. */
typedef struct lem_sub_layer
{
	bool		kan;
	lem_spline	spline;			/* kan */
	lem_activation activation;	/* not kan */
} lem_sub_layer;

/* Numbers that weights are stored as; they are computed with as floats. */
typedef enum lem_storage
{
	LEM_STORAGE_FLOAT32,		/* "float32" */
	LEM_STORAGE_FLOAT16,		/* "float16" */
	LEM_STORAGE_BFLOAT16		/* "bfloat16" */
} lem_storage;

/* How the students of a mixture of market making are joined (maker page, section e). */
typedef enum lem_mixture
{
	LEM_MIXTURE_NONE,			/* "none": not a mixture */
	LEM_MIXTURE_HAJEK,			/* "hajek" */
	LEM_MIXTURE_AGREEMENT,		/* "agreement" */
	LEM_MIXTURE_ADDITIVE,		/* "additive" */
	LEM_MIXTURE_UNIFORM,		/* "uniform" */
	LEM_MIXTURE_SINGLE			/* "single": the undivided student alone */
} lem_mixture;

typedef struct lem_config
{
	int			lookback;		/* L */
	int			n_ahead;		/* N */
	int			whole_ahead;	/* of a part of a model (lem_config_near), the N of the whole; else 0 */
	int			hidden_size;	/* H */
	int			hidden_rnn_layer;	/* R */
	int			num_heads;		/* A */
	int			num_embedding;	/* E */
	int			fused_mlp_hidden_dim;	/* M */
	double		max_scale_factor;

	lem_feature_set feature_set;
	int			n_named;		/* named features: of the set, or in the list */
	lem_feature named[LEM_FEATURE_NAMES];	/* for a list */
	int			extra_features;
	int			norm_window;	/* bars; 0 = one week of bars, at least L */
	int64_t		bar_interval;	/* microseconds; 0 = as found */
	lem_gaps	gaps;

	lem_recurrent recurrent;
	bool		variable_selection; /* else one dense layer over all embeddings */
	bool		attention;		/* else the heads read the enriched rows themselves */
	bool		shared_heads;
	bool		finish_gate;
	bool		notional_price; /* notional_state: "price" (else "allocated") */
	bool		price_sigma;	/* price_unit: "sigma" (else "ratio") */
	bool		tkan_linear;	/* tkan_candidate: "linear" (else "tanh") */
	int			n_sub_layers;	/* S */
	lem_sub_layer sub_layer[LEM_MAX_SUB_LAYERS];

	lem_storage storage;

	/*
	 * base: "optimal_stop" (else "curve"), and with it steps: "shared" (else "separate"): one network
	 * moves the shares of the exact optimum, whatever the step (policy.h), instead of heads a step.
	 */
	bool		stop_base;
	bool		shared_steps;
	bool		impact;			/* impact: "sqrt" (else "none"): of the order's own size */

	/*
	 * trunk: "shared" (else "separate"), with base "optimal_stop": a row's context is that of the
	 * lookback rows before it and of itself, whatever the order, so that it is computed once for all
	 * orders and starts (shared_trunk.h).  Scales are as of each row, and the heads alone read rates.
	 */
	bool		shared_trunk;
	int			context_rows;	/* rows that recurrent states run over */

	/*
	 * A model of market making: quantile heads behind the trunk instead of allocation networks.
	 * Its n_ahead is 2, so that a window has completed bars only, and it has one set of heads.
	 */
	int			horizon;		/* H, bars that forecasts look ahead; 0: a model of execution */
	bool		quoted;			/* spread: "quotes", else "estimated" */

	/*
	 * Students instead of a trunk with heads: the recurrent layer is each student's, hidden_size its
	 * width.
	 */
	lem_mixture mixture;
	int			expert_dim;		/* k, numbers of a student's state that teach and agree */
	char		calendar[LEM_CONFIG_CALENDAR];	/* its name; "": none */
} lem_config;

/* A config with the documented defaults for every key. */
extern void lem_config_default(lem_config *config);

/*
 * Is each key's value one that it can have?  LEM_OK, or what is wrong with it (key and value).
 * lem_parameters_check() (params.h) is for whoever goes on to make a model of it.
 */
extern lem_status lem_config_check(const lem_config *config, lem_fault *fault);

/*
 * The default set of bars that have closes, and with ranges highs and lows: a list of the default
 * features and of what these tell.
 */
extern void lem_config_features_of(lem_config *config, bool ranges);

/* Does a row have this feature, other than with the set "paper"? */
extern bool lem_config_has_feature(const lem_config *config, lem_feature feature);

/* Name of a feature as configs spell it, and the other way round (-1: unknown). */
extern const char *lem_feature_name(lem_feature feature);
extern int	lem_feature_find(const char *name);

/* Names of activations as in sub_kan: "linear", "relu", "tanh", "sigmoid", "elu", "softplus". */
extern const char *lem_activation_name(lem_activation activation);
extern int	lem_activation_find(const char *name);

/* Derived sizes. */
static inline int
lem_rnn_layers(const lem_config *c)
{
	return c->recurrent == LEM_RECURRENT_NONE ? 0 : c->hidden_rnn_layer;
}

static inline int
lem_features(const lem_config *c)	/* features of a row, without the rates */
{
	return c->n_named + c->extra_features;
}

/* F: standard inputs, which is C too; a shared trunk reads features only. */
static inline int
lem_inputs(const lem_config *c)
{
	return lem_features(c) + (c->shared_trunk ? 0 : 2);
}

/*
 * Of a shared trunk: rows before a row that its recurrent state depends on, and rows that its
 * attention sees.
 */
static inline int
lem_state_rows(const lem_config *c)
{
	return lem_rnn_layers(c) * (c->context_rows - 1);
}

static inline int
lem_attention_span(const lem_config *c)
{
	return c->lookback + 1 - lem_state_rows(c);
}

static inline int
lem_rows(const lem_config *c)	/* T */
{
	return c->lookback + c->n_ahead - 1;
}

/* Bars that a row's volatility is of: the N of the model, also where fewer rows of it are computed. */
static inline int
lem_volatility_bars(const lem_config *c)
{
	return c->whole_ahead > 0 ? c->whole_ahead : c->n_ahead;
}

/*
 * The config by which a trunk of its own computes no more rows than orders of so many bars need: rows and
 * context of the first `horizon` steps are those of the whole, bit for bit, since no row depends on one
 * after it, and weights are the same.
 */
static inline lem_config
lem_config_near(const lem_config *c, int horizon)
{
	lem_config	near = *c;

	if (c->stop_base && !c->shared_trunk && horizon < c->n_ahead)
	{
		near.whole_ahead = lem_volatility_bars(c);
		near.n_ahead = horizon < 2 ? 2 : horizon;
	}
	return near;
}

static inline int
lem_branches(const lem_config *c)	/* N + 1 */
{
	return c->n_ahead + 1;
}

/* Branches that have heads of their own: N + 1, or 1 where they are shared. */
static inline int
lem_head_sets(const lem_config *c)
{
	return c->shared_heads ? 1 : lem_branches(c);
}

/* Inputs of an allocation MLP at step k: H + F + 18k, + N + 1 where heads are shared. */
static inline int
lem_head_inputs(const lem_config *c, int k)
{
	return c->hidden_size + lem_inputs(c) + 18 * k + (c->shared_heads ? lem_branches(c) : 0);
}

/*
 * Inputs of the network of shared steps beside the context, which say where the order stands, and its
 * outputs, of which an order has one: by benchmark, and whether it tracks that.
 */
#define LEM_POLICY_INPUTS 22
#define LEM_POLICY_OUTPUTS 4

/* Numbers that quantile heads give: quantiles 0.1, 0.5 and 0.9 of mid, spread and volume. */
#define LEM_QUANTILES 3
#define LEM_QUANTILE_OUTPUTS 9

/*
 * Students of a mixture: 0 is undivided, 1 + t R + r serves task t in regime r (terciles of
 * volatility).  A task has LEM_MEMBERS of them: the undivided one, and one a regime.
 */
#define LEM_REGIMES 3
#define LEM_MEMBERS (1 + LEM_REGIMES)
#define LEM_EXPERTS (1 + 3 * LEM_REGIMES)
#define LEM_MAX_EXPERT_DIM 16

/* Random features of the kernel by which students agree: D. */
#define LEM_RANDOM_FEATURES 128

static inline int
lem_experts_count(const lem_config *c)
{
	return c->mixture == LEM_MIXTURE_NONE ? 0 : c->mixture == LEM_MIXTURE_SINGLE ? 1 : LEM_EXPERTS;
}

/* Tasks of a student, and its numbers of output: three of quantiles and k of state for each. */
static inline int
lem_expert_tasks(int expert)
{
	return expert == 0 ? 3 : 1;
}

static inline int
lem_expert_outputs(const lem_config *c, int expert)
{
	return lem_expert_tasks(expert) * (LEM_QUANTILES + c->expert_dim);
}

/* Bars from its start on that a sample needs: those that its slices trade in, or its horizon. */
static inline int
lem_reach(const lem_config *c)
{
	return c->horizon > c->n_ahead ? c->horizon : c->n_ahead;
}

/* Bases of a KAN sub-layer's spline. */
static inline int
lem_bases(const lem_spline *s)
{
	return s->intervals + s->order;
}

#endif
