/*
 * work_bars.h: the bars that orders are worked by, from a query that the user passes.  It runs as
 * the user.
 */
#ifndef LEM_PG_WORK_BARS_H
#define LEM_PG_WORK_BARS_H

#include "postgres.h"

#include "core/parameters/config.h"
#include "pg/bars/bar_rows.h"
#include "pg/bars/bars_type.h"

/* The query. */
typedef struct lem_work_bars
{
	const char *query;
	TimestampTz end;			/* bars from here on are not there yet; DT_NOEND: all are */
	lem_bar_columns columns;
} lem_work_bars;

/* One series of it. */
typedef struct lem_work_series
{
	const char *name;
	lem_builder *builder;
	lem_series	bars;			/* in time order; none if there is an error */
	ErrorData  *error;			/* LM: what is wrong with them */
} lem_work_series;

/* Check the query and its columns; its text is kept in the current memory context.  Within SPI. */
extern void lem_work_bars_open(lem_work_bars *bars, const char *query, TimestampTz end);

/* Times of the last bars of n series; DT_NOBEGIN: there is none. */
extern void lem_work_bars_last(lem_work_bars *bars, int n, Datum *names, TimestampTz *last);

/*
 * From when on a model needs the bars of a series, for an order that starts at start (DT_NOEND:
 * after the last one); DT_NOBEGIN: all of them.
 */
extern TimestampTz lem_work_bars_since(lem_work_bars *bars, const lem_config *config,
									   const char *name, TimestampTz start);

/* Read the bars of n series from a time on, into the current memory context. */
extern void lem_work_bars_load(lem_work_bars *bars, int n, lem_work_series *series,
							   TimestampTz since);

/* Whether an error is about bars, orders or models, and so does not concern other orders. */
extern bool lem_work_error_is_own(const ErrorData *error);

#endif
