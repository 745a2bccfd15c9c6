/*
 * work_order.h: one order that is being worked, and what is decided of it.
 *
 * What is stored of an order does not change while it is being worked; what is decided stands apart,
 * so that a decision that fails half-way is undone by forgetting it.
 */
#ifndef LEM_PG_WORK_ORDER_H
#define LEM_PG_WORK_ORDER_H

#include "postgres.h"

#include "core/execution/schedule.h"
#include "pg/bars/bars_type.h"
#include "pg/catalog/catalog.h"
#include "pg/orders/work_model.h"

/* What becomes of an order. */
typedef enum lem_work_outcome
{
	LEM_OUTCOME_ACTIVE,
	LEM_OUTCOME_FINISHED,
	LEM_OUTCOME_FAILED
} lem_work_outcome;

/* What is decided of an order. */
typedef struct lem_decision
{
	int			n_slices;
	lem_slice  *slices;			/* n_slices: to be added */
	TimestampTz at;				/* when they were decided */
	bool		skips;			/* those of them that were missed are not to be traded */
	double		unallocated;	/* of a finished order, by its plan */
	int			n_completed;
	TimestampTz *bar_ts;		/* n_completed: the bars that the next slices traded in */
	double	   *executed;		/* n_completed: what counts as done of them, as quantities are stored;
								 * NaN: all of it, or what was filled */
	bool		started;		/* slices are decided, now or before; then: */
	TimestampTz start;			/* bars from here on are the order's */
	int			version;		/* of the model */
	const lem_bars *bars;		/* that its slices traded in; NULL: as stored */
	TimestampTz seen;			/* the last bar that it was looked at with; DT_NOBEGIN: none */
	TimestampTz look;			/* to be looked at again then, without a new bar; DT_NOEND: not */
	uint8		inputs[LEM_DIGEST_LENGTH];
	lem_work_outcome outcome;
	const char *reason;			/* why it ended, or is not decided; NULL: none */
} lem_decision;

/* What became of a slice, as stored. */
typedef struct lem_slice_done
{
	double		quantity;		/* as it was decided */
	double		adjusted;		/* shares of now for each share of then */
	double		executed;		/* what counts as done of it by the plan; NaN: all of it, once its bar
								 * has completed */
	bool		skipped;		/* not to be traded any more */
	double		filled;			/* in the shares of now */
	double		notional;
} lem_slice_done;

/* An order. */
typedef struct lem_work_order
{
	/* as stored */
	int64		id;
	int			series;			/* number of the series among those that were asked for */
	const char *model;			/* with the version, once that is fixed */
	const char *calendar;		/* NULL: none of its own */
	const char *owner;			/* as it is written */
	Oid			owner_id;		/* InvalidOid: nobody */
	Datum		stored_order;	/* lem_order, as stored */
	bool		started;
	TimestampTz start;			/* once that is fixed: started */
	int			version;
	TimestampTz seen;
	TimestampTz expires;		/* DT_NOEND: never */
	Datum		stored_bars;	/* lem_bars that its slices traded in, as stored; 0: none */
	int			n_slices;
	int64_t    *units;			/* n_slices */
	lem_slice_done *done;		/* n_slices */
	bool		fills;			/* it goes on from its fills */
	bool		catch_up;		/* slices that were missed are not told, and caught up */
	bool		skip;			/* or are not to be traded at all */
	bool		resized;		/* units are to be taken from the quantities, and what was done by the
								 * plan from what counted as done then */
	bool		spread;			/* what it is behind is spread, whatever its limits */
	int			n_completed;
	TimestampTz *bar_ts;		/* n_completed: the bars they traded in */

	/* as worked */
	lem_order	order;			/* stored_order, read, with its start once that is fixed, and what
								 * was decided and executed */
	int			n_executed;		/* of the slices, those of which executed says what was done */
	double	   *executed;		/* n_slices, in the order's unit */
	double	   *executed_price; /* n_slices; NaN: nothing was */
	double		skipped;		/* of the order, in slices that are not to be traded any more */
	TimestampTz since;			/* bars before are not needed; DT_NOBEGIN: all are */
	const lem_bars *bars;		/* stored_bars, read */
	lem_series	view;			/* the bars as the order sees them */
	lem_decision decision;
} lem_work_order;

/* Nothing decided: what holds unless something is. */
extern void lem_decision_begin(lem_work_order *order, TimestampTz seen);

/*
 * Read what is stored of the order in pages that may be damaged: the order itself and its bars.
 * Raises what is wrong with them.
 */
extern void lem_work_order_read(lem_work_order *order);

/*
 * Set the order's view of a series: history as it is now, the bars that its slices traded in as they
 * were, and those after them.  It must have been read.
 */
extern void lem_work_order_see(lem_work_order *order, const lem_series *series);

/*
 * Take over what a schedule decides: the next slice, and before it those that were missed.  Nothing
 * is decided of an order that has expired by now, or for a bar after that.
 */
extern void lem_work_order_decide(lem_work_order *order, const lem_work_model *model,
								  const lem_slice *slices, int count, TimestampTz now);

/*
 * The order cannot go on: nothing is decided but that.  mends: new bars may help, so that it is
 * tried again with the next; else it takes a hand.
 */
extern void lem_work_order_blame(lem_work_order *order, const ErrorData *error, bool mends);

#endif
