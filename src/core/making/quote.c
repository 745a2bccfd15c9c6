/* quote.c: quotes around a centre, in whole ticks and lots. */
#include <math.h>
#include <string.h>

#include "making/quote.h"

/* Counts of units beyond this are not exact. */
#define MOST_UNITS 0x1p52

void
lem_quoting_default(lem_quoting *quoting)
{
	memset(quoting, 0, sizeof(*quoting));
	quoting->levels = 1;
	quoting->lot = 1;
	quoting->participation = 0.1;
	quoting->theta = 1;
	quoting->eta = 0.5;
	quoting->kappa = 0.5;
}

lem_status
lem_quoting_check(const lem_quoting *quoting, lem_fault *fault)
{
	const struct
	{
		const char *name;
		double		have;
		double		low;
		double		high;
	}			ranges[] = {
		{"levels", quoting->levels, 1, LEM_MAX_LEVELS},
		{"tick", quoting->tick, 1e-15, 1e15},
		{"lot", quoting->lot, 1e-15, 1e15},
		{"max_position", quoting->max_position, 0, 1e15},
		{"participation", quoting->participation, 0, 1},
		{"theta", quoting->theta, 0, 1000},
		{"eta", quoting->eta, 0, 1000},
		{"kappa", quoting->kappa, 0, 1000},
		{"size_step", quoting->size_step, -1e15, 1e15},
		{"maker_fee_bps", quoting->maker_fee * 1e4, -1000, 1000},
		{"taker_fee_bps", quoting->taker_fee * 1e4, -1000, 1000},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
	{
		const double have = ranges[i].have;

		if (!(have >= ranges[i].low))
			return lem_fail(fault, LEM_CONFIG_RANGE, ranges[i].name, have, ranges[i].low);
		if (!(have <= ranges[i].high))
			return lem_fail(fault, LEM_CONFIG_RANGE, ranges[i].name, have, ranges[i].high);
	}
	return LEM_OK;
}

double
lem_multiple(double count, double unit)
{
	const double inverse = rint(1 / unit);

	/* units like 0.01: a division of whole numbers is rounded once */
	if (unit < 1 && inverse < 1e9 && fabs(1 / inverse - unit) <= 1e-15 * unit)
		return count / inverse;
	return count * unit;
}

double
lem_units_down(double x, double unit)
{
	const double units = x / unit;
	const double near = rint(units);

	return fabs(units - near) <= 1e-9 * fmax(1, fabs(near)) ? near : floor(units);
}

double
lem_units_up(double x, double unit)
{
	return -lem_units_down(-x, unit);
}

/*
 * Levels of one side.  Prices are counted in ticks, upwards for asks and downwards for bids; room is
 * the lots that the position may still change by.
 */
static int
make_side(const lem_quoting *quoting, const lem_quote_plan *plan, bool ask, double volume,
		  double room, lem_quote *quotes)
{
	const int	levels = quoting->levels;
	const double base = volume / levels - quoting->size_step * (levels - 1) / 2;
	const double first = ask ? plan->centre + plan->ask_distance :
		plan->centre - plan->bid_distance;
	double		left = fmax(room, 0);
	double		before = ask ? -INFINITY : INFINITY;
	int			n = 0;

	for (int j = 0; j < levels; j++)
	{
		const double at = ask ? first + j * plan->spacing : first - j * plan->spacing;
		double		lots = lem_units_down(fmax(base + j * quoting->size_step, 0), quoting->lot);
		double		ticks;

		if (!isfinite(at))
			break;
		if (ask)
		{
			/* post-only: above the best bid */
			const double least = lem_units_down(plan->best_bid, quoting->tick) + 1;

			ticks = fmax(fmax(lem_units_up(at, quoting->tick), least), fmax(before + 1, 1));
		}
		else
		{
			const double most = lem_units_up(plan->best_ask, quoting->tick) - 1;

			ticks = fmin(fmin(lem_units_down(at, quoting->tick), most), before - 1);
		}
		if (ticks < 1 || ticks > MOST_UNITS)
			break;
		before = ticks;
		lots = fmin(fmin(lots, left), MOST_UNITS);
		if (!(lots >= 1))
			continue;
		left -= lots;
		quotes[n].ask = ask;
		quotes[n].level = j;
		quotes[n].price = lem_multiple(ticks, quoting->tick);
		quotes[n].quantity = lem_multiple(lots, quoting->lot);
		n++;
	}
	return n;
}

int
lem_quote_make(const lem_quoting *quoting, const lem_quote_plan *plan, lem_quote *quotes)
{
	const double limit = quoting->max_position;
	const double lots = lem_units_down(limit, quoting->lot);
	const double lean = limit > 0 ? plan->position / limit : 0;
	const double bids = plan->bid_volume * fmin(fmax(1 - lean, 0), 1);
	const double asks = plan->ask_volume * fmin(fmax(1 + lean, 0), 1);
	int			n;

	if (!isfinite(plan->centre) || !isfinite(plan->position) || limit <= 0)
		return 0;
	n = make_side(quoting, plan, false, bids, lots - lem_units_up(plan->most, quoting->lot),
				  quotes);
	return n + make_side(quoting, plan, true, asks,
						 lots + lem_units_down(plan->least, quoting->lot), quotes + n);
}
