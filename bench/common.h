/*
 * common.h: what the benchmarks share: a clock, memory, random numbers, configs, rows of the table.
 *
 * LEM_BENCH_ROUNDS is how many rounds are measured; with LEM_BENCH_SMALL sizes are small: enough to
 * see that all works.
 */
#ifndef COMMON_H
#define COMMON_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "parameters/config.h"

/* Seconds. */
static inline double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* Seconds that something takes: the fastest of the runs that a time has room for. */
static inline double
fastest(void (*run) (const void *arg), const void *arg, double room)
{
	double		best = INFINITY;

	for (double spent = 0; spent < room;)
	{
		const double start = now();
		double		t;

		run(arg);
		t = now() - start;
		spent += t;
		best = fmin(best, t);
	}
	return best;
}

/* Cleared memory, 64-byte aligned; in huge pages, as the server keeps models and workspaces. */
static inline void *
aligned(size_t bytes)
{
	const size_t huge = (size_t) 2 << 20;
	const size_t align = bytes >= huge ? huge : 64;
	const size_t size = (bytes + align) / align * align;
	void	   *p = aligned_alloc(align, size);

	if (!p)
	{
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
#ifdef MADV_HUGEPAGE
	if (align == huge)
		(void) madvise(p, size, MADV_HUGEPAGE);
#endif
	memset(p, 0, size);
	return p;
}

/* Uniform in [-0.5, 0.5). */
static inline float
random_number(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (float) ((double) (state >> 11) * 0x1p-53 - 0.5);
}

/* For qsort. */
static inline int
by_value(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Most rounds that are measured. */
#define MAX_ROUNDS 99

/* Rounds to measure, unless the environment says otherwise. */
static inline int
bench_rounds(int usual)
{
	const char *wanted = getenv("LEM_BENCH_ROUNDS");
	const int	n = wanted && *wanted ? atoi(wanted) : usual;

	return n < 1 ? 1 : n > MAX_ROUNDS ? MAX_ROUNDS : n;
}

static inline bool
bench_small(void)
{
	const char *wanted = getenv("LEM_BENCH_SMALL");

	return wanted && *wanted;
}

/*
 * A row of the table: what, its unit, the median of n rounds, the smallest and the largest, and what
 * is aimed at ("<= 12", ">= 60", other words, or nothing), between tabs.  values are sorted.
 */
static inline void
bench_row(const char *what, const char *unit, int n, double *values, const char *target)
{
	qsort(values, n, sizeof(double), by_value);
	printf("%s\t%s\t%.10g\t%.10g\t%.10g\t%s\n", what, unit,
		   (values[(n - 1) / 2] + values[n / 2]) / 2, values[0], values[n - 1], target);
	fflush(stdout);
}

/* The title of the rows that follow. */
static inline void
bench_section(const char *title)
{
	printf("# %s\n", title);
	fflush(stdout);
}

/*
 * The config called small (the form and sizes of the bundled models of 1.0), medium or full (the paper's), or of
 * a model of 12 bars on top of the exact optimum in the sizes of the bundled ones: optimum, and shared with a
 * trunk for all orders.  False for another name.
 */
static inline bool
bench_config(lem_config *c, const char *name)
{
	const bool	full = strcmp(name, "full") == 0;
	const bool	shared = strcmp(name, "shared") == 0;

	if (shared || strcmp(name, "optimum") == 0)
	{
		lem_config_default(c);
		c->lookback = 32;
		c->norm_window = 168;
		c->stop_base = c->shared_steps = true;
		c->finish_gate = false;
		c->shared_trunk = shared;
		return true;
	}
	if (strcmp(name, "small") == 0)
	{
		lem_config_default(c);
		c->lookback = 32;
		return true;
	}
	if (!full && strcmp(name, "medium") != 0)
		return false;
	lem_config_default(c);
	c->lookback = full ? 120 : 24;
	c->n_ahead = full ? 12 : 6;
	c->hidden_size = full ? 200 : 32;
	c->hidden_rnn_layer = 2;
	c->num_heads = full ? 8 : 4;
	c->num_embedding = full ? 20 : 8;
	c->fused_mlp_hidden_dim = full ? 100 : 16;
	c->feature_set = LEM_FEATURES_PAPER;
	c->price_sigma = false;
	c->n_named = LEM_PAPER_FEATURES;
	c->shared_heads = false;
	c->finish_gate = false;
	c->notional_price = false;
	return true;
}

/*
 * Windows of hourly bars (n x T x C) that begin at random hours of a month: where real inputs keep
 * their value over rows, these do.
 */
static inline void
bench_windows(const lem_config *c, int n, lem_real *rows)
{
	const int	t = lem_rows(c);
	const int	inputs = lem_inputs(c);

	for (int i = 0; i < n; i++)
	{
		const int	first = (int) ((random_number() + 0.5f) * 600);

		for (int r = 0; r < t; r++)
		{
			lem_real   *row = rows + ((size_t) i * t + r) * inputs;
			const double day = 6.283185307 * ((first + r) % 24) / 24;
			const double week = 6.283185307 * ((first + r) % 168) / 168;
			const lem_real paper[] = {random_number(), 60, 6,
				(lem_real) ((first + r) / 24 % 7), random_number()};
			const lem_real standard[] = {random_number(), random_number(), random_number(),
				(lem_real) sin(day), (lem_real) cos(day), (lem_real) sin(week),
				(lem_real) cos(week), (lem_real) 4.0943446};

			memcpy(row, c->feature_set == LEM_FEATURES_PAPER ? paper : standard,
				   c->n_named * sizeof(lem_real));
			row[inputs - 2] = 1 + 0.02f * random_number();
			row[inputs - 1] = 1 + random_number();
		}
	}
}

#endif
