/*
 * strategy.h: where quotes stand: baselines without a network, and any forecast through the same
 * quotes (maker page, sections b and f).
 */
#ifndef LEM_MAKER_STRATEGY_H
#define LEM_MAKER_STRATEGY_H

#include "kernels/linear.h"
#include "market/outlook.h"
#include "making/quote.h"

typedef enum lem_maker_kind
{
	LEM_MAKER_NONE,				/* no quotes */
	LEM_MAKER_FIXED,			/* so many ticks from the mid */
	LEM_MAKER_STOIKOV,			/* Avellaneda and Stoikov (2008) */
	LEM_MAKER_GLFT,				/* Gueant, Lehalle and Fernandez-Tapia (2013), asymptotic */
	LEM_MAKER_MICROPRICE,		/* half a spread from the microprice */
	LEM_MAKER_LINEAR,			/* ridge forecasts through the quotes of section b */
	LEM_MAKER_KINDS,
	LEM_MAKER_FORECAST = LEM_MAKER_KINDS	/* the forecasts of a model, likewise */
} lem_maker_kind;

/* "none", "fixed", ..; -1: unknown; and the other way round. */
extern int	lem_maker_kind_find(const char *name);
extern const char *lem_maker_kind_name(lem_maker_kind kind);

/* Fills as a Poisson process whose intensity falls with the distance from the mid. */
typedef struct lem_intensity
{
	double		a;				/* fills a bar at distance 0 */
	double		kappa;			/* per unit of price */
} lem_intensity;

/* Distances at which the fit looks. */
#define LEM_INTENSITY_POINTS 32

/*
 * Fit log intensity = log a - kappa distance to how often bars of [first, end) reached how far from
 * the mid before them (weighted least squares; an intensity is -log(1 - frequency)).  False if bars
 * reach no two distances.
 */
extern bool lem_intensity_fit(const lem_book *book, const lem_outlook_bar *bars, size_t first,
							  size_t end, double tick, lem_intensity *intensity);

typedef struct lem_maker_strategy
{
	lem_maker_kind kind;
	double		ticks;			/* of fixed */
	double		risk_aversion;	/* gamma / kappa: of Stoikov and GLFT */
	lem_intensity intensity;	/* likewise */
	double		tau;			/* bars that Stoikov's formula looks ahead without a session's end */
	int			horizon;		/* H, bars of the forecasts */
	const lem_maker_forecast *forecast;	/* one a bar: of linear and of a model */
} lem_maker_strategy;

/*
 * The plan of quotes at the end of a bar: centre, distances, volumes.  bars_left: of the session,
 * 0: not known.  False: no quotes.
 */
extern bool lem_maker_plan(const lem_maker_strategy *strategy, const lem_quoting *quoting,
						   const lem_outlook_bar *bars, size_t i, double position,
						   double bars_left, lem_quote_plan *plan);

/*
 * Ridge forecasts: learnt from the bars of [first, end) whose horizon ends before end, then one
 * forecast for each of all n bars.  scratch: lem_linear_scratch(end - first) doubles and as many
 * bools as bars in use.  False if there is too little to learn from: then all are what the
 * outlook says.
 */
extern size_t lem_linear_scratch(size_t n);
extern bool lem_linear_forecasts(const lem_outlook_bar *bars, const lem_series *series, size_t n,
								 size_t first, size_t end, int horizon, double *scratch,
								 lem_maker_forecast *forecast);

#endif
