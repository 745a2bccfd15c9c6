/*
 * optimal_stop.c: the exact optimum of an order that may finish early.
 *
 * D has a uniform grid a step, as wide as D gets by then; x has nodes 1 / SHARES apart in each piece
 * of what can be left then.  That is a set of intervals: with a least rate, one for each number of
 * bars to go, until they meet.  Where the number of bars to go that are possible changes within one,
 * at multiples of the rates, M jumps, and the interval is cut.
 */
#include <math.h>

#include "base/arena.h"
#include "optimum/optimal_stop.h"

#define SHARES 24				/* a whole order in steps of x */
#define LEAST_STEPS 4			/* of an interval of x, at least */
#define LEAST_PIECE_STEPS 2		/* of a piece of one */
#define MOST_CUTS 24			/* by a rate: smaller rates cut nothing */
#define POINTS 161				/* of the grid of D */
#define WIDTH 6.0				/* of it to either side, in standard deviations of D, ... */
#define WIDTH_MORE 1.0			/* ... and in sigma */
#define LEAST_AVERSION 1e-4		/* gamma = 0 is its limit */

/* Trapezoids of the normal density: spacing and range in standard deviations. */
#define QUADRATURE_STEP 0.25
#define QUADRATURE_RANGE 5.5

/* More of M than its grid on either side, for the integrals: see integrate(). */
#define MARGIN 304

#define MAX_INTERVALS 64
#define MAX_PIECES (MAX_INTERVALS + 2 * MOST_CUTS)
#define EPSILON 1e-10			/* shares nearer than this are the same */
#define MAX_NODES ((LEAST_PIECE_STEPS + 1) * MAX_PIECES + SHARES + LEAST_STEPS)
#define BESIDE (4 * EPSILON)	/* shares as near as this are next to each other */

/* A step's grid. */
typedef struct step_grid
{
	double		width;			/* of D: -width .. width */
	double		weight;			/* of bar k in the benchmark, as expected; k: the step's bar */
	double		volume;			/* expected of bar k, by the mean's */
	double		zero_slope;		/* M(D, 0) = zero_slope D + zero_offset, then K(y, 0) */
	double		zero_offset;
	int			zero;			/* can nothing be left? */
	int			n;				/* nodes, x rising */
	int			first;			/* number of the first one, of all steps' nodes */
} step_grid;

/* A node of x. */
typedef struct node
{
	double		x;
	double		apart;			/* 1 / its distance from the node before, if what lies between can be
								 * left, too, as evenly as in all of their piece; else 0 */
} node;

typedef struct interval
{
	double		low;
	double		high;
} interval;

lem_optimum_noise
lem_optimum_noise_of(lem_optimum_sight sight)
{
	/*
	 * A price that moves evenly has averages whose changes are a moving average of order 1, with
	 * variance 2/3 and covariance 1/6: innovations of variance 1 / (6 theta), of which theta stays
	 * to come, theta = 2 - sqrt(3).
	 */
	const double theta = 2 - sqrt(3);

	switch (sight)
	{
		case LEM_SEES_CLOSE:
			break;
		case LEM_SEES_AVERAGE:
			return (lem_optimum_noise) {1 / (6 * theta), 1.0 / 6, theta / 6};
		case LEM_SEES_LAST:
			return (lem_optimum_noise) {1, 0, 0};
	}
	return (lem_optimum_noise) {1.0 / 3, 1.0 / 6, 1.0 / 3};
}

/* ------------------------------------------------------------------------------------------
 * The grid
 * ------------------------------------------------------------------------------------------ */

/* What can be left before bar k, more than nothing: intervals, rising.  How many. */
static int
intervals_left(const lem_optimum_problem *problem, int k, interval *intervals)
{
	const double reach_low = fmax(1 - k * problem->max_rate, 0);
	const double reach_high = 1 - k * problem->min_rate;
	const int	rest = problem->bars - k;
	const int	forced = problem->min_bars - k;
	int			n = 0;

	for (int j = problem->min_rate > 0 && forced > 1 ? forced : 1; j <= rest; j++)
	{
		double		low = fmax(j * problem->min_rate, reach_low);
		double		high = fmin(j * problem->max_rate, reach_high);

		if (low > high + EPSILON || high <= EPSILON)
			continue;
		high = fmin(fmax(high, low), 1);
		if (n > 0 && (low <= intervals[n - 1].high + EPSILON || n == MAX_INTERVALS))
			intervals[n - 1].high = fmax(high, intervals[n - 1].high);
		else
			intervals[n++] = (interval) {low, high};
	}
	return n;
}

/* Cut the last of n intervals at x: what lies beside it, above or below, is another. */
static int
cut(interval *intervals, int n, double x, bool above)
{
	interval   *last = &intervals[n - 1];

	if (n == MAX_PIECES || x < last->low + 2 * BESIDE || x > last->high - 2 * BESIDE)
		return n;
	intervals[n] = (interval) {above ? x + BESIDE : x, last->high};
	last->high = above ? x : x - BESIDE;
	return n + 1;
}

/* The intervals before bar k in pieces within which M is smooth.  How many. */
static int
pieces_left(const lem_optimum_problem *problem, int k, interval *pieces)
{
	const bool	cut_high = problem->max_rate < 1 && problem->max_rate * MOST_CUTS >= 1;
	const bool	cut_low = problem->min_rate * MOST_CUTS >= 1;
	interval	intervals[MAX_INTERVALS];
	const int	count = intervals_left(problem, k, intervals);
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		int			low = 1;
		int			high = 1;

		if (n == MAX_PIECES)
			break;
		pieces[n++] = intervals[i];
		while ((cut_low && low * problem->min_rate < intervals[i].high) ||
			   (cut_high && high * problem->max_rate < intervals[i].high))
		{
			if (!cut_high ||
				(cut_low && low * problem->min_rate < high * problem->max_rate))
				n = cut(pieces, n, low++ * problem->min_rate, false);
			else
				n = cut(pieces, n, high++ * problem->max_rate, true);
		}
	}
	return n;
}

/* The nodes of x before bar k; nodes may be NULL.  How many. */
static int
nodes_left(const lem_optimum_problem *problem, int k, node *nodes)
{
	interval	pieces[MAX_PIECES];
	const int	count = pieces_left(problem, k, pieces);
	const int	least = count > 1 ? LEAST_PIECE_STEPS : LEAST_STEPS;
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		const double length = pieces[i].high - pieces[i].low;
		int			steps = (int) ceil(length * SHARES - 1e-6);
		int			from;

		if (length <= 2 * BESIDE)
			steps = 0;
		else if (steps < least)
			steps = least;
		from = pieces[i].low <= EPSILON && steps > 0;	/* nothing is no node */
		for (int s = from; s <= steps; s++, n++)
		{
			if (nodes)
				nodes[n] = (node) {
					steps > 0 ? pieces[i].low + length * s / steps : pieces[i].low,
					s > from ? steps / length : 0
				};
		}
	}
	return n;
}

/* Offsets in the block; steps 0 .. N. */
static inline step_grid *
grids_of(const lem_optimum *table)
{
	return (step_grid *) ((char *) table + (sizeof(lem_optimum) + LEM_ALIGN - 1) / LEM_ALIGN *
						  LEM_ALIGN);
}

static inline node *
nodes_of(const lem_optimum *table, const step_grid *grid)
{
	return (node *) ((char *) table + table->nodes_at) + grid->first;
}

static inline float *
row_of(const lem_optimum *table, const step_grid *grid, int i)
{
	return (float *) ((char *) table + table->rows_at) + (size_t) (grid->first + i) * POINTS;
}

/* Where the parts of the block lie, for so many nodes; its bytes. */
static size_t
lay_out(const lem_optimum_problem *problem, size_t nodes, size_t *nodes_at, size_t *rows_at)
{
	lem_arena	arena = {NULL, 0};

	lem_arena_bytes(&arena, sizeof(lem_optimum));
	lem_arena_bytes(&arena, (problem->bars + 1) * sizeof(step_grid));
	*nodes_at = arena.used;
	lem_arena_bytes(&arena, nodes * sizeof(node));
	*rows_at = arena.used;
	lem_arena_bytes(&arena, nodes * POINTS * sizeof(float));
	return arena.used;
}

static size_t
count_nodes(const lem_optimum_problem *problem)
{
	size_t		nodes = 0;

	for (int k = 0; k < problem->bars; k++)
		nodes += nodes_left(problem, k, NULL);
	return nodes;
}

size_t
lem_optimum_bytes(const lem_optimum_problem *problem)
{
	size_t		nodes_at;
	size_t		rows_at;

	return lay_out(problem, count_nodes(problem), &nodes_at, &rows_at);
}

/* Variance of u for a bar of weight w. */
static inline double
variance_u(const lem_optimum_noise *noise, double w)
{
	return (1 - w) * (1 - w) * noise->v11 + 2 * (1 - w) * noise->v12 + noise->v22;
}

/* Can an order have nothing left before bar k? */
static bool
can_be_done(const lem_optimum_problem *problem, int k)
{
	return k * problem->max_rate >= 1 - EPSILON &&
		(k >= problem->min_bars || problem->min_rate <= 0);
}

/* The grids of all steps. */
static void
make_grids(lem_optimum *table, const double *volume)
{
	const lem_optimum_problem *problem = &table->problem;
	step_grid  *grids = grids_of(table);
	double		variance = 0;
	double		most = 0;
	double		all = 0;
	double		so_far = 0;
	int			first = 0;

	for (int k = 0; volume && k < problem->bars; k++)
		most = fmax(most, volume[k]);
	for (int k = 0; volume && k < problem->bars; k++)
		all += volume[k] / most;
	for (int k = 0; k <= problem->bars; k++)
	{
		step_grid  *grid = &grids[k];
		const double here = k == problem->bars ? 0 : volume ? volume[k] / most : 1;

		so_far += here;
		grid->weight = so_far > 0 ? here / so_far : 1;
		grid->volume = volume ? here * problem->bars / all : 1;
		grid->width = WIDTH * sqrt(variance) + WIDTH_MORE;
		variance = (1 - grid->weight) * (1 - grid->weight) * variance +
			variance_u(&table->noise, grid->weight);
		grid->zero = can_be_done(problem, k);
		grid->first = first;
		grid->n = 0;
		if (k < problem->bars)
			grid->n = nodes_left(problem, k, nodes_of(table, grid));
		first += grid->n;
	}
}

/* ------------------------------------------------------------------------------------------
 * A decision
 * ------------------------------------------------------------------------------------------ */

/* What all choices of x' in a decision have in common. */
typedef struct choice
{
	const lem_optimum *table;
	const step_grid *next;
	const node *nodes;
	double		x;
	double		y;				/* (1 - w) D + gamma cov((1 - x) e1, u) */
	double		cov2;			/* cov(e2, u) */
	double		scale;			/* of y to points of the grid */
	double		cost;
	double		risk[3];		/* gamma var(l) / 2, by powers of what is done after the bar */
	int			first;			/* nodes whose worth is known */
	int			last;
	double		worth[MAX_NODES];	/* without cost */
} choice;

/* K of a row between points i and i + 1, inside its grid: cubic. */
static inline double
row_inside(const float *row, int i, double t)
{
	const double a = row[i - 1];
	const double b = row[i];
	const double c = row[i + 1];
	const double d = row[i + 2];

	return b + t * 0.5 * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d +
									   t * (3.0 * (b - c) + d - a)));
}

/* K of a row at a point of its grid, which may lie outside: cubic inside, linear at the ends. */
static inline double
row_at(const float *row, double point)
{
	if (!(point > 1))
		return row[0] + (point > -1e6 ? point : -1e6) * ((double) row[1] - row[0]);
	if (point >= POINTS - 2)
		return row[POINTS - 1] + ((point < 1e6 ? point : 1e6) - (POINTS - 1)) *
			((double) row[POINTS - 1] - row[POINTS - 2]);
	return row_inside(row, (int) point, point - (int) point);
}

/* The risk with so much done after the bar, done before it being known. */
static inline double
risk(const choice *c, double after)
{
	return c->risk[0] + after * (c->risk[1] + after * c->risk[2]);
}

/* The point of the next grid to look at with so much done after the bar: the more, the higher. */
static inline double
point_at(const choice *c, double after)
{
	return (c->y + c->table->gamma * c->cov2 * after + c->next->width) * c->scale;
}

/* The value without cost of leaving `left`, with the K of node i. */
static inline double
worth(const choice *c, int i, double left)
{
	return row_at(row_of(c->table, c->next, i), point_at(c, 1 - left)) - risk(c, 1 - left);
}

/* The same for nodes first .. last. */
static void
set_worths(choice *c)
{
	const node *nodes = c->nodes;
	const float *row = row_of(c->table, c->next, c->first);
	double		low;
	double		high;
	int			at[MAX_NODES];
	double		part[MAX_NODES];

	if (c->first > c->last)
		return;
	low = point_at(c, 1 - nodes[c->last].x);
	high = point_at(c, 1 - nodes[c->first].x);
	if (!(low > 1 && high > 1 && low < POINTS - 2 && high < POINTS - 2))
	{
		for (int i = c->first; i <= c->last; i++)
			c->worth[i] = worth(c, i, nodes[i].x);
		return;
	}
	/* apart from the rows, compilers make vectors of it */
	for (int i = c->first; i <= c->last; i++)
	{
		const double after = 1 - nodes[i].x;
		const double point = point_at(c, after);

		at[i - c->first] = (int) point;
		part[i - c->first] = point - (int) point;
		c->worth[i] = -risk(c, after);
	}
	for (int i = c->first; i <= c->last; i++, row += POINTS)
		c->worth[i] += row_inside(row, at[i - c->first], part[i - c->first]);
}

/* The value of leaving nothing. */
static double
worth_of_nothing(const choice *c)
{
	const double y = c->y + c->table->gamma * c->cov2;

	return c->next->zero_slope * y + c->next->zero_offset - risk(c, 1);
}

static inline double
cost_of(const choice *c, double traded)
{
	return c->cost > 0 && traded > 0 ? c->cost * traded * sqrt(traded) : 0;
}

/* Curvature through three nodes of a piece: the second divided difference. */
static inline double
curvature(const choice *c, int i)
{
	const double *w = c->worth + i;

	return (w[1] - 2 * w[0] + w[-1]) * (0.5 * c->nodes[i].apart * c->nodes[i].apart);
}

static inline double
least(double a, double b)
{
	return a < b ? a : b;
}

static inline double
most(double a, double b)
{
	return a > b ? a : b;
}

/*
 * Where the value with cost is best from low to high, of what lies on a parabola without it: that has
 * slope + curve (2 x' - sum) as its derivative.
 */
static double
best_with_cost(const choice *c, double slope, double curve, double sum, double low, double high)
{
	/* with x' = x - z^2 the derivative is A z^2 + B z + C, and B > 0 */
	const double a = -2 * curve;
	const double b = 1.5 * c->cost;
	const double d = slope + curve * (2 * c->x - sum);
	const double z_low = sqrt(most(c->x - low, 0));
	const double z_high = sqrt(most(c->x - high, 0));
	double		z;

	if (d + z_low * (b + z_low * a) <= 0)
		return low;
	if (d + z_high * (b + z_high * a) >= 0)
		return high;

	/* it falls below 0 in between, where it rises with z */
	z = -2 * d / (b + sqrt(most(b * b - 4 * a * d, 0)));
	return most(least(c->x - z * z, high), low);
}

/*
 * The best of what is between nodes i and i + 1 and from low to high: without cost, on a parabola
 * with the lesser of the curvatures at either node, so that a kink beside it raises nothing.
 * Replaces *left and *best where it is better.
 */
static void
try_between(const choice *c, int i, double low, double high, double *left, double *best)
{
	const double x0 = c->nodes[i].x;
	const double x1 = c->nodes[i + 1].x;
	const double slope = (c->worth[i + 1] - c->worth[i]) * c->nodes[i + 1].apart;
	const bool	below = i > c->first && c->nodes[i].apart > 0;
	const bool	above = i + 2 <= c->last && c->nodes[i + 2].apart > 0;
	double		curve = 0;
	double		at[3];

	if (below)
		curve = curvature(c, i);
	if (above)
	{
		const double other = curvature(c, i + 1);

		if (!below || (curve * other > 0 && fabs(other) < fabs(curve)))
			curve = other;
		else if (curve * other <= 0)
			curve = 0;
	}
	low = most(low, x0);
	high = least(high, x1);
	if (!(low <= high))
		return;
	at[0] = low;
	at[1] = high;
	if (c->cost > 0)
		at[2] = best_with_cost(c, slope, curve, x0 + x1, low, high);
	else
		at[2] = curve < 0 ? least(most(0.5 * (x0 + x1 - slope / curve), low), high) : low;
	for (int j = 0; j < 3; j++)
	{
		const double value = c->worth[i] + slope * (at[j] - x0) +
			curve * (at[j] - x0) * (at[j] - x1) - cost_of(c, c->x - at[j]);

		if (value > *best)
		{
			*best = value;
			*left = at[j];
		}
	}
}

/* The best of leaving something, from low to high; false if nothing can be left between them. */
static bool
try_something(choice *c, double low, double high, double *left, double *best)
{
	const node *nodes = c->nodes;
	const int	n = c->next->n;
	int			from = 0;
	int			to;
	int			which = -1;

	*best = -HUGE_VAL;
	while (from < n && nodes[from].x < low - EPSILON)
		from++;
	to = from;
	while (to < n && nodes[to].x <= high + EPSILON)
		to++;

	/* allowed are nodes from .. to - 1; two more on either side tell the curvatures */
	c->first = from > 2 ? from - 2 : 0;
	c->last = to + 1 < n ? to + 1 : n - 1;
	set_worths(c);
	for (int i = from; i < to; i++)
	{
		const double value = c->worth[i] - cost_of(c, c->x - nodes[i].x);

		if (value > *best)
		{
			*best = value;
			which = i;
		}
	}
	if (which >= 0)
		*left = least(nodes[which].x, high);
	if (which > 0 && nodes[which].apart > 0)
		try_between(c, which - 1, low, high, left, best);
	if (which >= 0 && which + 1 < n && nodes[which + 1].apart > 0)
		try_between(c, which, low, high, left, best);
	if (from > 0 && from < n && from != which && nodes[from].apart > 0)
		try_between(c, from - 1, low, high, left, best);
	if (to > from && to < n && to != which + 1 && nodes[to].apart > 0)
		try_between(c, to - 1, low, high, left, best);

	/* with no least rate less can be left than the first node has */
	if (n > 0 && to == 0 && high > 0 && c->table->problem.min_rate <= 0 && low <= high &&
		nodes[0].x <= 1.5 / SHARES)
	{
		*left = high;
		*best = worth(c, 0, high) - cost_of(c, c->x - high);
	}
	return *best > -HUGE_VAL;
}

double
lem_optimum_left(const lem_optimum *table, int k, double x, double d, double w, double volume,
				 double *value)
{
	const lem_optimum_problem *problem = &table->problem;
	const lem_optimum_noise *noise = &table->noise;
	const step_grid *next = grids_of(table) + k + 1;
	const bool	last = k + 1 >= problem->bars;
	double		best_left = 0;
	double		best = -HUGE_VAL;
	choice		c;

	c.table = table;
	c.next = next;
	c.nodes = nodes_of(table, next);
	c.x = x;
	c.cov2 = (1 - w) * noise->v12 + noise->v22;
	c.y = (1 - w) * d + table->gamma * (1 - x) * ((1 - w) * noise->v11 + noise->v12);
	c.scale = (POINTS - 1) / (2 * next->width);
	c.risk[0] = 0.5 * table->gamma * (1 - x) * (1 - x) * noise->v11;
	c.risk[1] = table->gamma * (1 - x) * noise->v12;
	c.risk[2] = 0.5 * table->gamma * noise->v22;
	c.cost = problem->cost > 0 && volume > 0 ? problem->cost / sqrt(volume) : problem->cost;

	if (!last && x > 0)
	{
		if (!try_something(&c, fmax(x - problem->max_rate, 0), x - problem->min_rate, &best_left,
						   &best))
			best_left = x * (problem->bars - k - 1) / (problem->bars - k);
	}
	if (last || x <= 0 ||
		(next->zero && x <= problem->max_rate + EPSILON && x >= problem->min_rate - EPSILON))
	{
		const double nothing = worth_of_nothing(&c) - cost_of(&c, x);

		if (last || x <= 0 || nothing > best)
		{
			best = nothing;
			best_left = 0;
		}
	}
	if (value)
		*value = best;
	return best_left;
}

/* ------------------------------------------------------------------------------------------
 * Solving
 * ------------------------------------------------------------------------------------------ */

/* What solving works in. */
typedef struct solver
{
	double	   *m;				/* MARGIN + POINTS + MARGIN: M of a node, and straight on */
	double	   *sum;			/* POINTS */
	double	   *term;			/* POINTS: of a point of the quadrature */
} solver;

static void
solver_carve(lem_arena *arena, solver *s)
{
	s->m = lem_arena_bytes(arena, (POINTS + 2 * MARGIN) * sizeof(double));
	s->sum = lem_arena_bytes(arena, POINTS * sizeof(double));
	s->term = lem_arena_bytes(arena, POINTS * sizeof(double));
}

size_t
lem_optimum_workspace(const lem_optimum_problem *problem)
{
	lem_arena	arena = {NULL, 0};
	solver		s;

	(void) problem;
	solver_carve(&arena, &s);
	return arena.used;
}

/* Arguments beyond are held at it: exp() of them is 0, or more than any other is. */
#define MOST_EXPONENT 708.0

/*
 * exp() of the POINTS numbers of x, to a part in 10^13: in loops without branches, which compilers make
 * vectors of.
 */
static void
exponentials(double *x)
{
	const double magic = 0x1.8p52;
	int64_t		beyond = 0;

	for (int i = 0; i < POINTS; i++)
		beyond |= fabs(x[i]) > MOST_EXPONENT;
	for (int i = 0; beyond && i < POINTS; i++)
		x[i] = fmin(fmax(x[i], -MOST_EXPONENT), MOST_EXPONENT);
	for (int i = 0; i < POINTS; i++)
	{
		double		n = x[i] * 1.4426950408889634 + magic;
		double		r;
		double		p;
		int64_t		bits;
		int64_t		scaled;

		memcpy(&bits, &n, sizeof(bits));
		n -= magic;
		r = x[i] - n * 0x1.62e42feep-1 - n * 0x1.a39ef35793c76p-33;
		p = 1.0 / 479001600;
		p = p * r + 1.0 / 39916800;
		p = p * r + 1.0 / 3628800;
		p = p * r + 1.0 / 362880;
		p = p * r + 1.0 / 40320;
		p = p * r + 1.0 / 5040;
		p = p * r + 1.0 / 720;
		p = p * r + 1.0 / 120;
		p = p * r + 1.0 / 24;
		p = p * r + 1.0 / 6;
		p = p * r + 0.5;
		p = p * r + 1;
		p = p * r + 1;
		memcpy(&scaled, &p, sizeof(scaled));
		scaled += (int64_t) ((uint64_t) bits << 52);
		memcpy(&x[i], &scaled, sizeof(scaled));
	}
}

/*
 * A row of K from M at the same points: K(y) = -(1 / gamma) ln E exp(-gamma M(y - u)), u normal with
 * the given standard deviation.  The density is tilted towards falling M, by gamma deviation at most.
 */
static void
integrate(solver *s, double gamma, double deviation, double spacing, float *row)
{
	double	   *m = s->m + MARGIN;
	const double below = m[1] - m[0];
	const double above = m[POINTS - 1] - m[POINTS - 2];
	const int	from = (int) -(QUADRATURE_RANGE / QUADRATURE_STEP);
	const int	to = (int) ceil((QUADRATURE_RANGE + gamma * deviation) / QUADRATURE_STEP);
	double		total = 0;

	for (int i = 1; i <= MARGIN; i++)
	{
		m[-i] = m[0] - i * below;
		m[POINTS - 1 + i] = m[POINTS - 1] + i * above;
	}
	memset(s->sum, 0, POINTS * sizeof(double));
	for (int q = from; q <= to; q++)
	{
		const double z = q * QUADRATURE_STEP;
		const double weight = exp(-0.5 * z * z);
		const double move = -z * deviation / spacing;
		const int	whole = (int) floor(move);
		const double t = move - whole;
		const double a = t * (-0.5 + t * (1 - 0.5 * t));
		const double b = 1 + t * t * (-2.5 + 1.5 * t);
		const double c = t * (0.5 + t * (2 - 1.5 * t));
		const double d = t * t * (-0.5 + 0.5 * t);
		const double *at = m + whole;

		total += weight;
		for (int i = 0; i < POINTS; i++)
		{
			const double moved = a * at[i - 1] + b * at[i] + c * at[i + 1] + d * at[i + 2];

			s->term[i] = -gamma * (moved - m[i]);
		}
		exponentials(s->term);
		for (int i = 0; i < POINTS; i++)
			s->sum[i] += weight * s->term[i];
	}
	for (int i = 0; i < POINTS; i++)
		row[i] = (float) (m[i] - log(s->sum[i] / total) / gamma);
}

/* Turn M(D, 0) of step k into K(y, 0); next is step k + 1, already so. */
static void
integrate_zero(const lem_optimum *table, int k)
{
	const lem_optimum_problem *problem = &table->problem;
	const lem_optimum_noise *noise = &table->noise;
	step_grid  *grid = grids_of(table) + k;
	double		slope = 1;
	double		offset = 0;
	double		w;

	if (k < problem->min_bars)
	{
		/* done, but the benchmark goes on */
		const step_grid *next = grid + 1;

		w = grid->weight;
		slope = next->zero_slope * (1 - w);
		offset = next->zero_offset +
			next->zero_slope * table->gamma *
			((1 - w) * noise->v11 + noise->v12 + (1 - w) * noise->v12 + noise->v22) -
			0.5 * table->gamma * (noise->v11 + 2 * noise->v12 + noise->v22);
	}
	grid->zero_slope = slope;
	grid->zero_offset = offset;
	if (k > 0)
	{
		w = grid[-1].weight;
		grid->zero_offset -= 0.5 * table->gamma * slope * slope * variance_u(noise, w);
	}
}

lem_status
lem_optimum_solve(const lem_optimum_problem *problem, const double *volume, void *workspace,
				  const lem_stop *stop, lem_optimum *table)
{
	lem_arena	arena = {workspace, 0};
	solver		s;
	step_grid  *grids;

	solver_carve(&arena, &s);
	memset(table, 0, sizeof(lem_optimum));
	table->problem = *problem;
	table->noise = lem_optimum_noise_of(problem->sight);
	table->gamma = fmax(problem->risk_aversion, LEAST_AVERSION);
	table->bytes = lay_out(problem, count_nodes(problem), &table->nodes_at, &table->rows_at);
	make_grids(table, volume);
	grids = grids_of(table);
	for (int k = problem->bars; k > 0; k--)
	{
		step_grid  *grid = &grids[k];
		const node *nodes = nodes_of(table, grid);
		const double spacing = 2 * grid->width / (POINTS - 1);
		const double deviation = sqrt(variance_u(&table->noise, grids[k - 1].weight));

		integrate_zero(table, k);
		for (int i = 0; i < grid->n; i++)
		{
			if (lem_stop_asked(stop))
				return LEM_STOPPED;
			for (int p = 0; p < POINTS; p++)
				lem_optimum_left(table, k, nodes[i].x, p * spacing - grid->width, grid->weight,
								 grid->volume, s.m + MARGIN + p);
			integrate(&s, table->gamma, deviation, spacing, row_of(table, grid, i));
		}
	}
	lem_optimum_left(table, 0, 1, 0, grids[0].weight, grids[0].volume, &table->value);
	return LEM_OK;
}
