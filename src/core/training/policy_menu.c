/* policy_menu.c: the orders that a model on top of the exact optimum learns from. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "training/policy_menu.h"

/* Bars of all problems for training together, about; and the fewest problems. */
#define MENU_BARS 3000
#define LEAST_PROBLEMS 8

/* The stream of random numbers that the menu is drawn from; numbers a problem. */
#define STREAM 7
#define DRAWS 6

/* Steps of the golden ratio spread any number of points evenly. */
#define GOLDEN 0.6180339887498949

/* One problem in so many tracks its benchmark; and one in so many sizes is none. */
#define TRACKED 8
#define WITHOUT_SIZE 0.3

/* Standard deviations of a close by that of an average. */
#define AVERAGE_SIGMA sqrt(1.5)

static double
log_uniform(double low, double high, double u)
{
	return exp(log(low) + u * (log(high) - log(low)));
}

/* Problem number i, its horizon at `even` of the way from 2 to N by logarithms. */
static lem_menu_entry
draw(const lem_config *config, int n_rates, const double (*rates)[2], uint64_t seed, uint64_t i,
	 double even)
{
	const int	n = config->n_ahead;
	double		u[DRAWS];
	lem_menu_entry entry = {.early = true};
	lem_optimum_problem *p = &entry.problem;
	int			pair;

	for (int j = 0; j < DRAWS; j++)
		u[j] = lem_random_uniform(seed, STREAM, 1 + i * DRAWS + j);
	p->bars = (int) log_uniform(2, n + 1, even);
	p->bars = p->bars > n ? n : p->bars;
	p->min_bars = u[0] < 0.25 ? 1 : 1 + (int) (u[1] * p->bars);
	p->min_bars = p->min_bars > p->bars ? p->bars : p->min_bars;
	if (i % TRACKED == TRACKED - 1)
	{
		entry.early = false;
		p->min_bars = p->bars;
	}
	pair = (int) (u[2] * n_rates);
	p->min_rate = rates[pair][0];
	p->max_rate = rates[pair][1];
	if (p->max_rate * p->bars < 1)
		p->max_rate = 1;
	if (p->min_rate > p->max_rate ||
		p->min_rate * fmax(p->min_bars, ceil(1 / p->max_rate)) > 1)
		p->min_rate = 0;
	p->risk_aversion = log_uniform(0.25, 4, u[3]);
	if (config->impact && u[4] >= WITHOUT_SIZE)
		p->cost = sqrt(log_uniform(0.01, 10, u[5]));
	return entry;
}

/* Problems of validation over n bars: so many minima, from 1 on a quarter apart, and one that tracks. */
static void
add_valid(lem_policy_menu *menu, int n, int minima, bool tracks)
{
	int			last = 0;

	for (int i = 0; i < minima + tracks; i++)
	{
		const bool	early = i < minima;
		const int	part = i * n / LEM_MENU_PARTS;
		const int	min_bars = !early ? n : part > 1 ? part : 1;

		/* few bars have the same minimum more than once */
		if (early && min_bars == last)
			continue;
		last = min_bars;
		menu->entry[menu->n_train + menu->n_valid++] = (lem_menu_entry) {early,
			{n, min_bars, 0, 1, 1, 0, LEM_SEES_CLOSE}};
	}
}

void
lem_policy_menu_fill(const lem_config *config, int n_rates, const double (*rates)[2], uint64_t seed,
					 lem_policy_menu *menu)
{
	const int	n = config->n_ahead;
	double		even = lem_random_uniform(seed, STREAM, 0);
	int			bars = 0;

	memset(menu, 0, sizeof(*menu));
	if (!config->stop_base)
		return;
	while (menu->n_train < LEM_MENU_TRAIN &&
		   (menu->n_train < LEAST_PROBLEMS || bars < MENU_BARS))
	{
		menu->entry[menu->n_train] = draw(config, n_rates, rates, seed, (uint64_t) menu->n_train,
										  even);
		bars += menu->entry[menu->n_train++].problem.bars;
		even = fmod(even + GOLDEN, 1);
	}
	add_valid(menu, n, LEM_MENU_PARTS + 1, true);
	for (int octave = 1; octave < LEM_MENU_OCTAVES && n >> octave >= 2; octave++)
		add_valid(menu, n >> octave, LEM_MENU_PARTS, false);
}

lem_optimum_problem
lem_menu_problem(const lem_menu_entry *entry, lem_optimum_sight sight)
{
	lem_optimum_problem problem = entry->problem;

	problem.sight = sight;
	return problem;
}

lem_optimum_sight
lem_policy_sight(const lem_series *series)
{
	if (!series->close)
		return LEM_SEES_AVERAGE;
	for (size_t i = 0; i < series->n; i++)
		if (series->close[i] != series->price[i])
			return LEM_SEES_CLOSE;
	return LEM_SEES_LAST;
}

void
lem_policy_sample_of(const lem_start_view *view, lem_optimum_sight sight,
					 lem_policy_sample *sample)
{
	const lem_last *last = &view->last;

	*sample = (lem_policy_sample) {
		.mean_volume = view->outlook.mean_volume,
		.sigma = last->closes ? last->rms : last->rms * AVERAGE_SIGMA,
		.last = last->closes ? last->price : last->estimate,
		.sight = sight
	};
}

void
lem_policy_mirror(const lem_config *config, lem_real *rows, lem_real *loss_market, double *market,
				  double *close, lem_policy_sample *sample)
{
	const lem_real square = loss_market[1] * loss_market[1];
	const double base = sample->last * sample->last;
	const int	columns = lem_inputs(config);

	for (int f = 0; f < config->n_named; f++)
	{
		const lem_feature feature = config->feature_set == LEM_FEATURES_LIST ? config->named[f]
			: (lem_feature) f;

		if (feature != LEM_FEATURE_RETURN && feature != LEM_FEATURE_CLOSE_OFFSET)
			continue;
		for (int r = 0; r < lem_rows(config); r++)
			rows[(size_t) r * columns + f] = -rows[(size_t) r * columns + f];
	}
	for (int k = 0; k < config->n_ahead; k++)
	{
		loss_market[2 * k + 1] = square / loss_market[2 * k + 1];
		market[2 * k] = base / market[2 * k];
		close[k] = base / close[k];
	}
}

void
lem_policy_orders(const lem_policy_sample *sample, const lem_menu_entry *entry,
				  const lem_optimum *table, const double *market, const double *close,
				  const double *volume, lem_policy_order *orders)
{
	for (int i = 0; i < LEM_POLICY_ORDERS; i++)
	{
		const lem_order order = {.sell = i >= LEM_POLICY_ORDERS / 2, .twap = i % 2};
		lem_policy_order *o = &orders[i];

		*o = (lem_policy_order) {
			.sell = order.sell,
			.twap = order.twap,
			.notional = sample->notional,
			.horizon = entry->problem.bars,
			.min_bars = entry->problem.min_bars,
			.min_rate = entry->problem.min_rate,
			.max_rate = entry->problem.max_rate,
			.market = market,
			.volume = volume
		};
		o->optimal.early = entry->early;
		o->optimal.problem = lem_menu_problem(entry, sample->sight);
		o->optimal.table = table;
		o->optimal.mean_volume = sample->mean_volume;
		o->optimal.close = close;
		lem_optimum_begin(&o->optimal.state, &order, sample->sight, sample->last, sample->sigma);
	}
}
