/*
 * test_optimal_stop.c: the exact optimum of an order that may finish early, against values known
 * from elsewhere, against what it earns in simulated markets, and against brute force.
 */
#include <stdlib.h>

#include "base/random.h"
#include "check.h"
#include "optimum/optimal_stop.h"
#include "simulate.h"

/* A solved problem, in memory of its own. */
static lem_optimum *
solve(const lem_optimum_problem *problem, const double *volume)
{
	lem_optimum *table = aligned_alloc(64, lem_optimum_bytes(problem));
	void	   *workspace = aligned_alloc(64, lem_optimum_workspace(problem));

	check(lem_optimum_solve(problem, volume, workspace, NULL, table) == LEM_OK &&
		  table->bytes == lem_optimum_bytes(problem), "a problem of %d bars is solved",
		  problem->bars);
	free(workspace);
	return table;
}

static double
value_of(lem_optimum_problem problem)
{
	lem_optimum *table = solve(&problem, NULL);
	const double value = table->value;

	free(table);
	return value;
}

/* What a table earns in driftless markets: mean, and certainty equivalent by its risk aversion. */
typedef struct earned
{
	double		mean;
	double		equivalent;
} earned;

static earned
simulate(const lem_optimum *table, const double *volume, int paths, uint64_t seed)
{
	const lem_optimum_problem *problem = &table->problem;
	const double gamma = problem->risk_aversion;
	const double s1 = sqrt(table->noise.v11);
	const double s21 = table->noise.v12 / s1;
	const double s2 = sqrt(fmax(table->noise.v22 - s21 * s21, 0));
	double		sum = 0;
	double		exponentials = 0;
	uint64_t	draw = 0;

	for (int path = 0; path < paths; path++)
	{
		double		last = 0;
		double		benchmark = 0;
		double		market = 0;
		double		paid = 0;
		double		left = 1;

		for (int k = 0; k < problem->bars && (left > 0 || k < problem->min_bars); k++)
		{
			const double v = volume ? volume[k] : 1;
			const double w = v / (market + v);
			const double after = lem_optimum_left(table, k, left, k > 0 ? benchmark - last : 0, w,
												  1, NULL);
			/* each path and its mirror image */
			const double sign = path % 2 ? -1 : 1;
			const double z1 = sign * lem_random_normal(seed, path / 2, draw++);
			const double z2 = sign * lem_random_normal(seed, path / 2, draw++);
			const double price = last + s1 * z1;

			last = price + s21 * z1 + s2 * z2;
			paid += (left - after) * price + problem->cost * pow(left - after, 1.5);
			benchmark += w * (price - benchmark);
			market += v;
			left = after;
		}
		draw = 0;
		sum += benchmark - paid;
		exponentials += exp(-gamma * (benchmark - paid));
	}
	return (earned) {
		sum / paths, gamma > 0 ? -log(exponentials / paths) / gamma : sum / paths
	};
}

static void
test_known_values(void)
{
	const struct
	{
		int			min_bars;
		double		value;
	}			closes[] = {{3, 0.299}, {6, 0.257}, {9, 0.146}, {12, 0}};
	lem_optimum *table;
	earned		e;

	for (int i = 0; i < 4; i++)
		check_near(value_of((lem_optimum_problem) {
			.bars = 12, .min_bars = closes[i].min_bars, .max_rate = 1, .sight = LEM_SEES_LAST
		}), closes[i].value, 1e-3, "closes alone, at least %d of 12 bars", closes[i].min_bars);

	table = solve(&(lem_optimum_problem) {
		.bars = 12, .min_bars = 1, .max_rate = 1, .risk_aversion = 1, .sight = LEM_SEES_CLOSE
	}, NULL);
	e = simulate(table, NULL, 100000, 1);
	check_near(e.mean, 0.366, 3e-3, "averages with closes earn 0.366 sigma at risk aversion 1");
	free(table);
}

/* The value is what is earned where prices are as they are taken to be. */
static void
test_earned(void)
{
	const double volumes[12] = {3, 1, 0.5, 0.5, 1, 1, 2, 1, 1, 2, 3, 4};
	const lem_optimum_problem problems[] = {
		{12, 1, 0, 1, 1, 0, LEM_SEES_CLOSE},
		{12, 6, 0, 1, 1, 0, LEM_SEES_CLOSE},
		{12, 9, 0, 1, 0, 0, LEM_SEES_CLOSE},
		{12, 3, 0, 1, 2, 0, LEM_SEES_AVERAGE},
		{12, 12, 0, 1, 1, 0, LEM_SEES_AVERAGE},
		{12, 1, 0, 0.2, 1, 0, LEM_SEES_CLOSE},
		{12, 1, 0.02, 0.25, 1, 0, LEM_SEES_CLOSE},
		{12, 3, 0.07, 0.11, 1, 0, LEM_SEES_CLOSE},
		{12, 1, 0, 1, 1, 0.5, LEM_SEES_CLOSE},
		{2, 1, 0, 1, 1, 0, LEM_SEES_CLOSE},
		{1, 1, 0, 1, 1, 0, LEM_SEES_CLOSE},
		{48, 10, 0, 1, 0.5, 0, LEM_SEES_CLOSE}
	};

	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
	{
		const lem_optimum_problem *p = &problems[i];
		const double *volume = p->bars == 12 && i % 2 ? volumes : NULL;
		lem_optimum *table = solve(p, volume);
		earned		e = simulate(table, volume, p->bars > 12 ? 60000 : 100000, 7 + i);

		check_near(table->value, e.equivalent, p->bars > 12 ? 5e-3 : 3e-3,
				   "earned is the value: %d of %d bars, rates %.2f to %.2f, risk aversion %.1f, "
				   "cost %.1f", p->min_bars, p->bars, p->min_rate, p->max_rate,
				   p->risk_aversion, p->cost);
		free(table);
	}
}

/* The orders of two problems, one of which allows what the other does. */
static void
test_order_of_values(void)
{
	double		before = HUGE_VAL;

	for (int m = 1; m <= 12; m++)
	{
		const double close = value_of((lem_optimum_problem) {
			12, m, 0, 1, 1, 0, LEM_SEES_CLOSE
		});
		const double average = value_of((lem_optimum_problem) {
			12, m, 0, 1, 1, 0, LEM_SEES_AVERAGE
		});

		check(close <= before + 1e-6, "%d bars at least are worth no more than fewer", m);
		check(average <= close + 1e-4, "closes are worth something, at least %d bars", m);
		before = close;
	}
}

/* Brute force: shares in whole twentieths, D in steps, the integral over both numbers. */
#define SHARES 20
#define POINTS 121
#define SPACING 0.1
#define NORMALS 25
#define NORMAL_STEP 0.4

static double
at_point(const double *m, double d)
{
	const double point = fmin(fmax(d / SPACING + POINTS / 2, 0), POINTS - 1.001);
	const int	i = (int) point;

	return m[i] + (point - i) * (m[i + 1] - m[i]);
}

static double
brute_force(int bars, int min_bars, int min_rate, int max_rate, double gamma)
{
	static double m[SHARES + 1][POINTS];
	static double now[SHARES + 1][POINTS];
	const double s1 = sqrt(1.0 / 3);
	const double s21 = 1.0 / 6 / s1;
	const double s2 = sqrt(1.0 / 3 - s21 * s21);

	for (int k = bars; k >= 0; k--)
	{
		const double w = 1.0 / (k + 1);

		for (int x = 0; x <= SHARES; x++)
		{
			for (int p = 0; p < POINTS; p++)
			{
				const double d = (p - POINTS / 2) * SPACING;
				double		best = -HUGE_VAL;

				if (k == 0 && (x < SHARES || p != POINTS / 2))
					continue;
				if (x == 0 && k >= min_bars)
					best = d;
				for (int a = x == 0 ? 0 : min_rate;
					 (x > 0 || k < min_bars) && k < bars && a <= max_rate && a <= x; a++)
				{
					const int	after = x - a;
					double		sum = 0;
					double		total = 0;

					if (now[after][0] == -HUGE_VAL || (x == 0 && min_rate > 0))
						continue;
					for (int i = 0; i < NORMALS; i++)
					{
						for (int j = 0; j < NORMALS; j++)
						{
							const double z1 = (i - NORMALS / 2) * NORMAL_STEP;
							const double z2 = (j - NORMALS / 2) * NORMAL_STEP;
							const double weight = exp(-0.5 * (z1 * z1 + z2 * z2));
							const double e1 = s1 * z1;
							const double e2 = s21 * z1 + s2 * z2;
							const double gain = (SHARES - after) * (e1 + e2) / SHARES -
								a * e1 / SHARES +
								at_point(now[after], (1 - w) * d + w * e1 - e1 - e2);

							total += weight;
							sum += weight * exp(-gamma * gain);
						}
					}
					m[x][p] = -log(sum / total) / gamma;
					best = fmax(best, m[x][p]);
					if (x == 0)
						break;
				}
				m[x][p] = best;
			}
		}
		memcpy(now, m, sizeof(m));
	}
	return now[SHARES][POINTS / 2];
}

static void
test_brute_force(void)
{
	const struct
	{
		int			bars;
		int			min_bars;
		int			min_rate;
		int			max_rate;
		double		gamma;
	}			cases[] = {
		{3, 1, 0, 20, 1}, {4, 2, 0, 8, 1}, {4, 1, 2, 8, 1}, {4, 1, 5, 8, 0.5}, {3, 1, 6, 10, 2}
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const double brute = brute_force(cases[i].bars, cases[i].min_bars, cases[i].min_rate,
										 cases[i].max_rate, cases[i].gamma);
		const double value = value_of((lem_optimum_problem) {
			cases[i].bars, cases[i].min_bars, cases[i].min_rate / (double) SHARES,
			cases[i].max_rate / (double) SHARES, cases[i].gamma, 0, LEM_SEES_CLOSE
		});

		check_near(value, brute, 4e-3, "as brute force: at least %d of %d bars, rates %d to %d",
				   cases[i].min_bars, cases[i].bars, cases[i].min_rate, cases[i].max_rate);
	}
}

/* Whatever the limits and the market, an order is completed within them. */
static void
test_completes(void)
{
	simulate_random random = {11};
	int			orders = 0;
	bool		kept = true;
	bool		same = true;

	for (int i = 0; i < 400; i++)
	{
		const int	n_ahead = 1 + simulate_int(&random, 14);
		lem_order	order;
		lem_limits	limits;
		lem_optimum *table;
		lem_optimum *copy;
		lem_optimum_problem problem;
		double		left = 1;
		int			k;

		(void) simulate_order(&random, n_ahead, &order);
		if (lem_order_check(&order, n_ahead, &limits, NULL) != LEM_OK)
			continue;
		problem = (lem_optimum_problem) {
			limits.horizon, limits.min_bars, lem_units_share(limits.min_units),
			lem_units_share(limits.max_units), 2 * simulate_real(&random),
			simulate_int(&random, 2) * simulate_real(&random),
			(lem_optimum_sight) simulate_int(&random, 3)
		};
		orders++;
		table = aligned_alloc(64, lem_optimum_bytes(&problem));
		copy = aligned_alloc(64, lem_optimum_bytes(&problem));
		{
			void	   *workspace = aligned_alloc(64, lem_optimum_workspace(&problem));

			lem_optimum_solve(&problem, NULL, workspace, NULL, table);
			free(workspace);
		}
		memcpy(copy, table, table->bytes);
		kept = kept && isfinite(table->value);
		for (k = 0; k < limits.horizon && left > 1e-9; k++)
		{
			const double d = 4 * simulate_normal(&random);
			double		value;
			const double after = lem_optimum_left(table, k, left, d, 1.0 / (k + 1), 1, &value);

			same = same && after == lem_optimum_left(copy, k, left, d, 1.0 / (k + 1), 1, NULL);
			kept = kept && after >= 0 && left - after >= problem.min_rate - 1e-8 &&
				left - after <= problem.max_rate + 1e-8 && isfinite(value);
			left = after;
		}
		kept = kept && left <= 1e-9 && k <= limits.horizon &&
			(problem.min_rate <= 0 || k >= limits.min_bars);
		free(table);
		free(copy);
	}
	check(orders > 100, "some orders can be completed");
	check(kept, "orders are completed within their limits");
	check(same, "a table works wherever it is copied to");
}

/* Far off the grid, and with nonsense for a state, an answer is a share. */
static void
test_odd_states(void)
{
	const double odd[] = {-1e300, -1e9, -100, 0, 100, 1e9, 1e300, NAN, HUGE_VAL, -HUGE_VAL};
	lem_optimum *table = solve(&(lem_optimum_problem) {
		12, 2, 0, 1, 1, 0.1, LEM_SEES_CLOSE
	}, NULL);
	bool		good = true;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
	{
		for (int k = 0; k < 12; k++)
		{
			const double left = lem_optimum_left(table, k, 0.7, odd[i], 1.0 / (k + 1), 0, NULL);

			good = good && left >= 0 && left <= 0.7;
		}
	}
	check(good, "an answer for any state");
	check(lem_optimum_left(table, 5, 0.5, 3, 1.0 / 6, 1, NULL) == 0, "far ahead is finished");
	check(lem_optimum_left(table, 5, 0.5, -3, 1.0 / 6, 1, NULL) > 0, "far behind is not");
	check(lem_optimum_left(table, 5, 0, 0, 1.0 / 6, 1, NULL) == 0, "nothing left stays so");
	check(lem_optimum_left(table, 11, 0.4, -9, 1.0 / 12, 1, NULL) == 0, "the last bar takes all");
	free(table);
}

static int
stop_later(void *arg)
{
	return --*(int *) arg < 0;
}

static void
test_stop(void)
{
	const lem_optimum_problem problem = {60, 2, 0, 1, 1, 0, LEM_SEES_CLOSE};
	lem_optimum *table = aligned_alloc(64, lem_optimum_bytes(&problem));
	void	   *workspace = aligned_alloc(64, lem_optimum_workspace(&problem));
	int			polls = 5;
	const lem_stop stop = {stop_later, &polls};

	check(lem_optimum_solve(&problem, NULL, workspace, &stop, table) == LEM_STOPPED,
		  "solving can be stopped");
	free(table);
	free(workspace);
}

int
main(void)
{
	test_known_values();
	test_earned();
	test_order_of_values();
	test_brute_force();
	test_completes();
	test_odd_states();
	test_stop();
	return check_done();
}
