/* strategy.c: baselines of market making, and forecasts through the same quotes. */
#include <math.h>
#include <string.h>

#include "making/strategy.h"

/* Bars that a ridge is learnt from at least, and its penalty. */
#define LEAST_LINEAR 50
#define LINEAR_LAMBDA 1e-3

static const char *const names[LEM_MAKER_KINDS] = {
	"none", "fixed", "avellaneda_stoikov", "glft", "microprice", "linear"
};

int
lem_maker_kind_find(const char *name)
{
	for (int i = 0; i < LEM_MAKER_KINDS; i++)
	{
		if (strcmp(name, names[i]) == 0)
			return i;
	}
	return -1;
}

const char *
lem_maker_kind_name(lem_maker_kind kind)
{
	return names[kind];
}

bool
lem_intensity_fit(const lem_book *book, const lem_outlook_bar *bars, size_t first, size_t end,
				  double tick, lem_intensity *intensity)
{
	double		reached[LEM_INTENSITY_POINTS + 1] = {0};
	double		widest = 0;
	double		step;
	double		sides = 0;
	double		sw = 0;
	double		sx = 0;
	double		sy = 0;
	double		sxx = 0;
	double		sxy = 0;
	int			points = 0;

	/* a distance scale: twice the mean of how far bars reach, at least a tick a point */
	for (size_t i = first; i + 1 < end; i++)
	{
		const double mid = bars[i].now.mid;

		if (bars[i + 1].session != bars[i].session)
			continue;
		sides += 2;
		if (book->series.volume[i + 1] > 0)
			widest += fmax(mid - lem_book_get(book, LEM_BOOK_LOW, i + 1), 0) +
				fmax(lem_book_get(book, LEM_BOOK_HIGH, i + 1) - mid, 0);
	}
	if (sides == 0 || !(widest > 0))
		return false;
	step = 4 * widest / sides / LEM_INTENSITY_POINTS;
	step = fmax(ceil(step / tick), 1) * tick;
	for (size_t i = first; i + 1 < end; i++)
	{
		const double mid = bars[i].now.mid;

		if (bars[i + 1].session != bars[i].session || book->series.volume[i + 1] <= 0)
			continue;
		for (int side = 0; side < 2; side++)
		{
			const double reach = side == 0 ? mid - lem_book_get(book, LEM_BOOK_LOW, i + 1) :
				lem_book_get(book, LEM_BOOK_HIGH, i + 1) - mid;

			for (int k = 1; k <= LEM_INTENSITY_POINTS; k++)
				reached[k] += reach > k * step;
		}
	}
	for (int k = 1; k <= LEM_INTENSITY_POINTS; k++)
	{
		const double p = reached[k] / sides;
		double		x;
		double		y;
		double		w;

		if (reached[k] < 5 || p > 0.98)
			continue;
		x = k * step;
		y = log(-log1p(-p));
		/* 1 / variance of y by the delta method */
		w = sides * (1 - p) * log1p(-p) * log1p(-p) / p;
		sw += w;
		sx += w * x;
		sy += w * y;
		sxx += w * x * x;
		sxy += w * x * y;
		points++;
	}
	if (points < 2 || !(sw * sxx - sx * sx > 0))
		return false;
	intensity->kappa = -(sw * sxy - sx * sy) / (sw * sxx - sx * sx);
	intensity->a = exp((sy + intensity->kappa * sx) / sw);
	return intensity->kappa > 0 && isfinite(intensity->kappa) && isfinite(intensity->a);
}

/*
 * Half widths of the model with exponential intensities.  Position in units of one order: what the
 * formulas call q.
 */
static void
exponential_plan(const lem_maker_strategy *strategy, const lem_outlook_bar *bar, double q,
				 double bars_left, lem_quote_plan *plan)
{
	const double kappa = strategy->intensity.kappa;
	const double gamma = strategy->risk_aversion * kappa;
	const double ratio = gamma / kappa;
	const double sigma = bar->sigma * bar->now.mid;
	const double base = log1p(ratio) / gamma;

	plan->centre = bar->now.mid;
	if (strategy->kind == LEM_MAKER_STOIKOV)
	{
		const double tau = bars_left > 0 ? fmin(bars_left, strategy->tau) : strategy->tau;
		const double risk = gamma * sigma * sigma * tau;

		plan->centre -= q * risk;
		plan->bid_distance = plan->ask_distance = risk / 2 + base;
	}
	else
	{
		const double slope = sqrt(sigma * sigma * gamma / (2 * kappa * strategy->intensity.a) *
								  pow(1 + ratio, 1 + 1 / ratio));

		plan->bid_distance = base + (2 * q + 1) / 2 * slope;
		plan->ask_distance = base - (2 * q - 1) / 2 * slope;
	}
}

bool
lem_maker_plan(const lem_maker_strategy *strategy, const lem_quoting *quoting,
			   const lem_outlook_bar *bars, size_t i, double position, double bars_left,
			   lem_quote_plan *plan)
{
	const lem_outlook_bar *bar = &bars[i];
	double		volume = bar->volume;

	memset(plan, 0, sizeof(*plan));
	plan->best_bid = bar->now.bid;
	plan->best_ask = bar->now.ask;
	plan->position = plan->most = plan->least = position;
	plan->spacing = fmax(quoting->tick, quoting->kappa * bar->mean_spread);
	switch (strategy->kind)
	{
		case LEM_MAKER_NONE:
			return false;
		case LEM_MAKER_FIXED:
			plan->centre = bar->now.mid;
			plan->bid_distance = plan->ask_distance = strategy->ticks * quoting->tick;
			break;
		case LEM_MAKER_STOIKOV:
		case LEM_MAKER_GLFT:
			{
				/* the formulas' unit of the position is one order */
				const double order = fmax(quoting->participation * volume, quoting->lot);

				exponential_plan(strategy, bar, position / order, bars_left, plan);
				break;
			}
		case LEM_MAKER_MICROPRICE:
			plan->centre = bar->now.microprice;
			plan->bid_distance = plan->ask_distance = fmax(quoting->tick, bar->now.spread / 2);
			break;
		default:
			{
				const lem_maker_forecast *f = &strategy->forecast[i];
				const double lean = quoting->max_position > 0 ?
					position / quoting->max_position : 0;

				plan->centre = f->mid - quoting->theta * f->sigma * lean;
				plan->bid_distance = plan->ask_distance =
					fmax(quoting->tick, f->spread / 2 + quoting->maker_fee * f->mid +
						 quoting->eta * f->sigma);
				plan->spacing = fmax(quoting->tick, quoting->kappa * f->spread);
				volume = f->volume / strategy->horizon;
			}
	}
	plan->bid_volume = plan->ask_volume = quoting->participation * volume;
	return true;
}

size_t
lem_linear_scratch(size_t n)
{
	return n * (LEM_MAKER_INPUTS + LEM_MAKER_TASKS) +
		lem_ridge_scratch(LEM_MAKER_INPUTS, LEM_MAKER_TASKS);
}

bool
lem_linear_forecasts(const lem_outlook_bar *bars, const lem_series *series, size_t n,
					 size_t first, size_t end, int horizon, double *scratch,
					 lem_maker_forecast *forecast)
{
	double	   *inputs = scratch;
	double	   *targets = inputs + (end - first) * LEM_MAKER_INPUTS;
	double	   *rest = targets + (end - first) * LEM_MAKER_TASKS;
	double		weights[(LEM_MAKER_INPUTS + 1) * LEM_MAKER_TASKS] = {0};
	double		squares = 0;
	double		width = 1;
	size_t		rows = 0;
	bool		learnt = false;

	for (size_t i = first; i < end; i++)
	{
		if (!lem_outlook_target(bars, series, end, i, horizon, targets + rows * LEM_MAKER_TASKS))
			continue;
		memcpy(inputs + rows * LEM_MAKER_INPUTS, bars[i].input, sizeof(bars[i].input));
		rows++;
	}
	if (rows >= LEAST_LINEAR)
		learnt = lem_ridge(rows, LEM_MAKER_INPUTS, LEM_MAKER_TASKS, inputs, targets, NULL,
						   LINEAR_LAMBDA, rest, weights);
	for (size_t r = 0; learnt && r < rows; r++)
	{
		double		target[LEM_MAKER_TASKS];

		lem_ridge_apply(LEM_MAKER_INPUTS, LEM_MAKER_TASKS, weights,
						inputs + r * LEM_MAKER_INPUTS, target);
		squares += (target[LEM_TASK_MID] - targets[r * LEM_MAKER_TASKS]) *
			(target[LEM_TASK_MID] - targets[r * LEM_MAKER_TASKS]);
	}
	/* the quantiles 0.1 and 0.9 of a normal residual */
	if (learnt)
		width = 1.2815515655446004 * sqrt(squares / (double) rows);
	for (size_t i = 0; i < n; i++)
	{
		double		target[LEM_MAKER_TASKS] = {0};

		if (learnt)
			lem_ridge_apply(LEM_MAKER_INPUTS, LEM_MAKER_TASKS, weights, bars[i].input, target);
		lem_maker_forecast_of(&bars[i], horizon, target, target[LEM_TASK_MID] - width,
							  target[LEM_TASK_MID] + width, &forecast[i]);
	}
	return learnt;
}
