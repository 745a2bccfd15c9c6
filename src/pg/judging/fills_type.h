/*
 * fills_type.h: the lem_fills type, an order with its executions.
 */
#ifndef LEM_PG_FILLS_TYPE_H
#define LEM_PG_FILLS_TYPE_H

#include "postgres.h"

#include "fmgr.h"

#include "core/judging/tca.h"
#include "pg/base/compat.h"

/*
 * An order and its executions on disk.  After the header: n times (int64), n prices, n quantities
 * (float8), in native byte order, in the order of time.  Values with fees, or an arrival price, have
 * format 2: the arrival price (float8, NaN: none) before these, and n fees after them.
 */
typedef struct lem_fills
{
	int32		vl_len_;
	uint16		format;			/* 1 or 2 */
	uint16		flags;			/* FILLS_... of fills_type.c */
	int64		n;
	double		size;
	int64		start_ts;
	int32		min_bars;
	int32		max_bars;
	double		min_rate;
	double		max_rate;
	double		lot;
} lem_fills;

/* A detoasted datum; the arrays point into it.  Raises XX001 if it is damaged. */
extern void lem_fills_view(const lem_fills *fills, lem_order *order, lem_executions *executions);
#define PG_GETARG_LEM_FILLS_P(n) ((lem_fills *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

typedef struct lem_fill
{
	int64		ts;
	double		price;
	double		quantity;
	double		fee;
} lem_fill;

/* A growing set of executions in any order. */
typedef struct lem_fill_set
{
	MemoryContext context;
	lem_order	order;
	Size		n;
	Size		capacity;
	lem_fill   *fills;
} lem_fill_set;

/* An empty set for an order.  Raises LM007 if the order has no start. */
extern lem_fill_set *lem_fill_set_create(MemoryContext context, const lem_order *order);

/*
 * Add an execution; one of quantity 0 is left out.  Raises LM001 for bad numbers, LM007 before the
 * order's start.
 */
extern void lem_fill_set_add(lem_fill_set *set, const lem_fill *fill);

/* The set as a datum, palloc'd; the set is not changed.  Raises 54000 beyond 1 GB. */
extern lem_fills *lem_fill_set_make(const lem_fill_set *set);

/* Execution i of a value. */
static inline lem_fill
lem_fill_of(const lem_executions *executions, Size i)
{
	return (lem_fill) {
		.ts = executions->ts[i],
		.price = executions->price[i],
		.quantity = executions->quantity[i],
		.fee = executions->fee ? executions->fee[i] : 0
	};
}

/* Is there more to say than format 1 has room for? */
extern bool lem_fill_set_extended(const lem_fill_set *set);

/*
 * Executions in network byte order: extended, the arrival price; int64 n; then time, price, quantity
 * and, extended, fee of each; and back.
 */
extern void lem_fill_set_write(const lem_fill_set *set, bool extended, StringInfo buffer);
extern void lem_fill_set_read(lem_fill_set *set, bool extended, StringInfo buffer);

#endif
