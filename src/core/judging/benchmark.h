/*
 * benchmark.h: the prices that executions are measured against, as running averages that rows
 * enter and leave in any number, and slippage.
 */
#ifndef LEM_BENCHMARK_H
#define LEM_BENCHMARK_H

#include <stddef.h>

#include "base/status.h"
#include "base/wide.h"

/* Longest slippage that counts as none, relative: prices as doubles say no more. */
#define LEM_PRICE_RESOLUTION 0x1p-50

/* Basis points of one. */
#define LEM_BPS 1e4

/*
 * Sum of weighted prices over sum of weights; all zero: empty.  Rows that are not finite are
 * counted, so that they can leave again.
 */
typedef struct lem_average
{
	int64_t		n;				/* rows with weight */
	lem_sum_wide weight;
	lem_sum_wide product;
	int64_t		nan;			/* rows that make the average NaN */
	int64_t		above;			/* price infinity */
	int64_t		below;			/* price -infinity */
} lem_average;

/*
 * Add a row.  NaN in either number, an infinite weight, and an infinite price without weight make
 * the average NaN.  Errors: LEM_BAD_VOLUME (have: weight < 0), LEM_OVERFLOW.
 */
extern lem_status lem_average_add(lem_average *average, double price, double weight,
								  lem_fault *fault);

/* Take out a row that was added; false if the average must be taken anew from the rows left. */
extern bool lem_average_remove(lem_average *average, double price, double weight);

/* Add all rows of another.  Errors: LEM_OVERFLOW. */
extern lem_status lem_average_merge(lem_average *to, const lem_average *from, lem_fault *fault);

/* The average; false without any weight. */
extern bool lem_average_value(const lem_average *average, double *value);

/* A price that holds from ts to the next row's ts, but not beyond until (LEM_STEP_OPEN: none). */
typedef struct lem_step
{
	int64_t		ts;
	int64_t		until;
	double		price;
} lem_step;

#define LEM_STEP_OPEN INT64_MAX

/*
 * A step function: rows first .. end - 1, which the caller holds.  While rows come in time order
 * the sum over all steps but the first and the last is kept, and rows can leave at the front.
 * Rows of one time are one step, of their mean price, until their latest until.  All zero: empty,
 * but for rising, which must be true.
 */
typedef struct lem_steps
{
	lem_step   *rows;
	size_t		first;
	size_t		end;
	size_t		first_end;		/* end of the rows of the first time */
	size_t		last;			/* first row of the last time */
	bool		rising;			/* rows came in time order */
	lem_average inner;			/* steps between first_end and last */
	int64_t		nan;			/* rows that are not finite: not among the rows */
	int64_t		above;
	int64_t		below;
} lem_steps;

/* Add a row; if its price is finite, rows must have room at end.  Errors: LEM_OVERFLOW. */
extern lem_status lem_steps_push(lem_steps *steps, const lem_step *row, lem_fault *fault);

/* Take out the row that came first; false if the steps must be taken anew from the rows left. */
extern bool lem_steps_pop(lem_steps *steps, const lem_step *row);

/*
 * Time-weighted average of rising steps; *known is false if no time passes.  Errors:
 * LEM_OVERFLOW.
 */
extern lem_status lem_steps_value(const lem_steps *steps, double *value, bool *known,
								  lem_fault *fault);

/*
 * By how much `achieved` is worse than the benchmark, per unit of the benchmark (> 0): positive is
 * a cost, for buys and for sells.  Less than LEM_PRICE_RESOLUTION of it is 0.
 */
extern double lem_slippage(bool sell, double achieved, double benchmark);

#endif
