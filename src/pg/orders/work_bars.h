/*
 * work_bars.h: the bars that orders are worked by, from a query that the user passes.  It runs as
 * the user.
 *
 * What the query raises for one series is that series' own error, and no other's.
 */
#ifndef LEM_PG_WORK_BARS_H
#define LEM_PG_WORK_BARS_H

#include "postgres.h"

#include "executor/spi.h"

#include "core/parameters/config.h"
#include "pg/bars/bar_rows.h"
#include "pg/bars/bars_type.h"

/* Queries around the user's that are planned once a transaction. */
#define LEM_WORK_PLANS 4

/* The query. */
typedef struct lem_work_bars
{
	const char *schema;			/* of the extension */
	const char *query;
	TimestampTz now;			/* bars that begin from here on are not there yet */
	lem_bar_columns columns;
	int			n_plans;
	struct
	{
		const char *text;		/* which it is, as it is written around the user's query */
		SPIPlanPtr	plan;
	}			plans[LEM_WORK_PLANS];
} lem_work_bars;

/* One series of it. */
typedef struct lem_work_series
{
	const char *name;
	TimestampTz last;			/* its last bar that has ended; DT_NOBEGIN: it has none */
	TimestampTz since;			/* bars from here on are needed; DT_NOEND: none is yet */
	bool		read;			/* they have been read, into: */
	lem_series	bars;			/* in time order; none if there is an error */
	ErrorData  *error;			/* why it has none */
} lem_work_series;

/* From when on a model needs the bars of a series. */
typedef struct lem_work_since
{
	const lem_config *config;
	const char *name;
	TimestampTz last;			/* as above */
	TimestampTz start;			/* of the order; DT_NOEND: after the last bar */
	TimestampTz since;			/* the answer; DT_NOBEGIN: all bars */
	ErrorData  *error;			/* or why there is none */
} lem_work_since;

/* Check the query and its columns; its text is kept in the current memory context.  Within SPI. */
extern void lem_work_bars_open(lem_work_bars *bars, const char *schema, const char *query,
							   TimestampTz now);

/* The transaction ends: others may change then what plans rest on. */
extern void lem_work_bars_forget(lem_work_bars *bars);

/*
 * Times of the last bars before a time of n series; DT_NOBEGIN also where the query raises an error.
 * known: times of bars that they had, DT_NOBEGIN where none is known, or NULL: the last ones are looked
 * for from there on first, which spares reading older ones.
 */
extern void lem_work_bars_last(lem_work_bars *bars, int n, const char *const *names,
							   const TimestampTz *known, TimestampTz before, TimestampTz *last);

/* Times of a series' last bars that had begun by now, LEM_TIMES of them at most. */
#define LEM_TIMES 65

typedef struct lem_work_times
{
	int			n;
	int64_t		ts[LEM_TIMES];
} lem_work_times;

/* Those of n series, at most so many of each; none where the query raises an error. */
extern void lem_work_bars_times(lem_work_bars *bars, int n, const char *const *names, int most,
								lem_work_times *times);

/* A bar. */
typedef struct lem_work_bar
{
	TimestampTz ts;				/* DT_NOBEGIN: there is none */
	double		price;
	double		volume;
} lem_work_bar;

/*
 * The first bar with volume of a series at or after each of n times, up to its last one; none where
 * the query raises an error.
 */
extern void lem_work_bars_from(lem_work_bars *bars, const char *name, TimestampTz last, int n,
							   const TimestampTz *from, lem_work_bar *found);

/* Answer n questions for when bars are needed from. */
extern void lem_work_bars_since(lem_work_bars *bars, int n, lem_work_since *questions);

/* Read the bars of those of n series that need any and are not read; into the current context. */
extern void lem_work_bars_read(lem_work_bars *bars, int n, lem_work_series *series);

#endif
