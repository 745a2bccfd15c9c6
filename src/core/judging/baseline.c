/* baseline.c: schedules without a model. */
#include <math.h>
#include <string.h>

#include "judging/baseline.h"

static const char *const names[LEM_BASELINES] = {
	"twap", "vwap_curve", "almgren_chriss", "stop_rule", "optimal_stop"
};

/* kappa beyond which all is traded in the first bar, to double precision. */
#define MAX_KAPPA 40.0

const char *
lem_baseline_name(lem_baseline kind)
{
	return names[kind];
}

int
lem_baseline_find(const char *name)
{
	for (int i = 0; i < LEM_BASELINES; i++)
	{
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

void
lem_baseline_options_default(lem_baseline_options *options)
{
	options->c = 0.1;
	options->risk_aversion = 1e-6;
	lem_optimal_options_default(&options->optimal);
}

/* Almgren and Chriss' kappa, by bar. */
static double
almgren_kappa(const lem_baseline_options *options, const lem_outlook *outlook)
{
	const double sigma = outlook->rms * outlook->price;
	const double square = options->risk_aversion * sigma * outlook->mean_volume;

	/* arcosh(1 + x) without loss for small x */
	if (!(square < 1e16))
		return MAX_KAPPA;
	return fmin(log1p(square / 2 + sqrt(square + square * square / 4)), MAX_KAPPA);
}

/* Share of what is left that is kept beyond a bar when n bars are to go, this one included. */
static double
almgren_kept(double kappa, int n)
{
	if (kappa < 1e-9)
		return (double) (n - 1) / n;
	/* sinh(kappa (n - 1)) / sinh(kappa n) */
	return exp(-kappa) * expm1(-2 * kappa * (n - 1)) / expm1(-2 * kappa * n);
}

/* The stopping rule's sums over the bars before the one that is decided. */
typedef struct stop_sums
{
	double		traded;			/* of a p, or a / p; p by the first price */
	double		volume;
	double		volume_price;
} stop_sums;

static void
stop_extend(const lem_order *order, const double *market, int k, double share, double ratio,
			stop_sums *sums)
{
	const double price = market[2 * k] / market[0];
	const double volume = order->twap ? 1 : market[2 * k + 1] * 0x1p-20;

	sums->traded += order->notional ? share / (price * ratio) : share * price * ratio;
	sums->volume += volume;
	sums->volume_price += volume * price;
}

/* Is the order ahead far enough before slice k, with so much left? */
static bool
is_ahead(const lem_order *order, const double *market, int k, double left, double ahead,
		 const stop_sums *sums)
{
	double		benchmark;
	double		last;
	double		price;

	if (sums->volume <= 0)
		return false;
	benchmark = sums->volume_price / sums->volume;
	last = market[2 * (k - 1)] / market[0];
	if (order->notional)
		price = 1 / (sums->traded + left / last);
	else
		price = sums->traded + left * last;
	return (order->sell ? price - benchmark : benchmark - price) > ahead * benchmark;
}

void
lem_baseline_units(lem_baseline kind, const lem_baseline_options *options, const lem_order *order,
				   const lem_limits *limits, const lem_outlook *outlook, const double *volume,
				   const double *market, const lem_optimal *optimal, int64_t *units)
{
	const double kappa = kind == LEM_BASELINE_ALMGREN_CHRISS ? almgren_kappa(options, outlook) : 0;
	stop_sums	sums = {0, 0, 0};
	lem_optimum_state state = optimal ? optimal->state : (lem_optimum_state) {0};
	lem_pace	pace = lem_pace_start();

	for (int k = 0; k < limits->horizon; k++)
	{
		const int	horizon = lem_limits_horizon(limits, k);
		const double left = lem_units_share(pace.planned);
		double		share = left / (horizon - k);
		lem_bound	by;

		switch (kind)
		{
			case LEM_BASELINE_TWAP:
				break;
			case LEM_BASELINE_VWAP_CURVE:
				share = left * lem_curve_share(volume, k, horizon);
				break;
			case LEM_BASELINE_ALMGREN_CHRISS:
				share = left * (1 - almgren_kept(kappa, horizon - k));
				break;
			case LEM_BASELINE_STOP_RULE:
				if (k > 0 && k >= limits->min_bars &&
					is_ahead(order, market, k, lem_units_share(pace.left),
							 options->c * outlook->rms, &sums))
					share = 1;
				break;
			case LEM_BASELINE_OPTIMAL_STOP:
				share = lem_optimal_share(optimal, &state, k, horizon, left, volume);
				break;
		}
		units[k] = lem_limits_decide(limits, k, share, &pace, &by);
		if (limits->by)
			limits->by[k] = (uint8_t) by;
		if (kind == LEM_BASELINE_STOP_RULE)
			stop_extend(order, market, k, lem_units_share(units[k]),
						lem_limits_price_ratio(limits, k), &sums);
		if (kind == LEM_BASELINE_OPTIMAL_STOP)
			lem_optimum_see(&state, market[2 * k], market[2 * k + 1], optimal->close[k]);
	}
}

void
lem_baseline_config(lem_config *config, int n_ahead, int extra_features)
{
	lem_config_default(config);
	config->lookback = 2;
	config->n_ahead = n_ahead;
	config->feature_set = LEM_FEATURES_LIST;
	config->n_named = 0;
	config->extra_features = extra_features;
}

/* Everything that one schedule works in. */
static void
baseline_carve(lem_arena *arena, const lem_config *config, lem_plan *plan, double **volume,
			   double **quantity, double **close)
{
	lem_plan_carve(arena, config, NULL, 1, plan);
	*close = lem_arena_bytes(arena, config->n_ahead * sizeof(double));
	*volume = lem_arena_bytes(arena, config->n_ahead * sizeof(double));
	*quantity = lem_arena_bytes(arena, config->n_ahead * sizeof(double));
}

size_t
lem_baseline_workspace(const lem_config *config)
{
	lem_arena	arena = {NULL, 0};
	lem_plan	plan;
	double	   *volume;
	double	   *quantity;
	double	   *close;

	baseline_carve(&arena, config, &plan, &volume, &quantity, &close);
	return arena.used;
}

lem_status
lem_baseline_schedule(lem_baseline kind, const lem_baseline_options *options,
					  const lem_config *config, const lem_order *order, const lem_series *series,
					  const lem_clock *clock, void *workspace, lem_slice *slices, int *count,
					  lem_fault *fault)
{
	lem_arena	arena = {workspace, 0};
	lem_plan	plan;
	lem_outlook outlook;
	double	   *volume;
	double	   *quantity;
	double	   *close;
	lem_optimal optimal;
	lem_status	status;

	baseline_carve(&arena, config, &plan, &volume, &quantity, &close);
	status = lem_plan_set(&plan, config, 0, order, series, clock, fault);
	if (status == LEM_OK)
		status = lem_window_outlook(config, series, order, clock, plan.scratch, false, &outlook,
									volume, fault);
	if (status == LEM_OK && kind == LEM_BASELINE_OPTIMAL_STOP)
	{
		const lem_last last = lem_optimal_last(&options->optimal, order, series, plan.windows);

		status = lem_optimal_begin(&options->optimal, order, plan.limits, &outlook, &last,
								   &optimal, fault);
		if (status == LEM_OK && lem_optimal_find(&options->optimal.source, &optimal) != LEM_OK)
			status = lem_fail(fault, LEM_STOPPED, NULL, 0, 0);
		lem_last_closes(series, plan.slice_ts, config->n_ahead, plan.windows->known, close);
		optimal.close = close;
	}
	if (status != LEM_OK)
		return status;
	lem_baseline_units(kind, options, order, plan.limits, &outlook, volume, plan.market,
					   kind == LEM_BASELINE_OPTIMAL_STOP ? &optimal : NULL, plan.units);
	*count = plan.limits->horizon;
	lem_plan_slices(order, plan.limits, *count, plan.windows, plan.slice_ts, plan.units, quantity,
					slices);
	return LEM_OK;
}

lem_status
lem_early_finish_of(const lem_optimal_options *options, const lem_config *config,
					const lem_order *order, const lem_series *series, const lem_clock *clock,
					void *workspace, double *volume, lem_early_finish *value, lem_fault *fault)
{
	lem_arena	arena = {workspace, 0};
	lem_plan	plan;
	lem_outlook outlook;
	lem_last	last;
	lem_optimum_state state;
	double	   *scratch;
	double	   *quantity;
	double	   *close;
	size_t		before;
	lem_status	status;

	baseline_carve(&arena, config, &plan, &scratch, &quantity, &close);
	status = lem_plan_set(&plan, config, 0, order, series, clock, fault);
	if (status == LEM_OK)
		status = lem_window_outlook(config, series, order, clock, plan.scratch, false, &outlook,
									volume, fault);
	if (status != LEM_OK)
		return status;
	before = order->has_start ? lem_series_before(series, order->start_ts) : series->n;
	last = lem_last_price(series, before, plan.windows->norm_window,
						  options->close != LEM_CLOSE_UNUSED, NULL);
	status = lem_optimal_problem(options, order, plan.limits, &outlook, &last, &value->problem,
								 &state, fault);
	value->longest = plan.limits->horizon;
	if (value->problem.min_rate * value->longest > 1)
		value->longest = (int) floor(1 / value->problem.min_rate);
	value->weighted = false;
	for (int k = 0; k < plan.limits->horizon && !order->twap; k++)
		value->weighted = value->weighted || volume[k] > 0;
	value->bps = 1e4 * state.sigma;
	value->money = state.sigma * order->size * (order->notional ? 1 : outlook.price);
	return status;
}
