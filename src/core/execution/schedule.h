/*
 * schedule.h: from orders and bars to schedules, many at a time: the one path that live
 * scheduling, batch jobs and backtests share.
 */
#ifndef LEM_SCHEDULE_H
#define LEM_SCHEDULE_H

#include "execution/bounds.h"
#include "execution/optimal.h"
#include "market/window.h"
#include "model/model.h"
#include "model/policy.h"

typedef enum lem_slice_state
{
	LEM_SLICE_DONE,				/* its bar has completed */
	LEM_SLICE_NEXT,				/* firm: trade it now */
	LEM_SLICE_PROJECTED			/* indicative */
} lem_slice_state;

typedef struct lem_slice
{
	int			step;			/* 1 = first */
	lem_slice_state state;
	int64_t		ts;				/* start of the bar it trades in */
	int64_t		end_ts;			/* its end, if it is next; else LEM_TIME_END - 1 */
	double		allocation;		/* share of the order */
	double		cumulative;
	double		quantity;		/* in the order's unit */
	lem_bound	by;				/* the limit that bound it */
} lem_slice;

/* Bytes of workspace (64-byte aligned) for scheduling n orders at once over their series. */
extern size_t lem_schedule_workspace(const lem_model *model, int n, const lem_series *series);

/* How far an order is scheduled. */
typedef enum lem_extent
{
	LEM_WHOLE,					/* to its horizon */
	LEM_TO_NEXT					/* to the first slice that is not done: what comes after is not computed */
} lem_extent;

/*
 * Schedule n orders, each over its own series.  slices is n x N; counts[i] receives the length of
 * schedule i: its horizon, or as far as that goes.  Slices are the same bits either way.  On failure fault says why
 * and *failed which order it was.  Head sets that the orders' branches need must be loaded.
 */
extern lem_status lem_schedule(const lem_model *model, lem_extent extent, int n,
							   const lem_order *orders, const lem_series *series,
							   const lem_clock *clock, void *workspace, const lem_stop *stop,
							   lem_slice *slices, int *counts, int *failed, lem_fault *fault);

/*
 * A batch of orders on its way to slices, in memory carved from an arena: what live scheduling and
 * backtests share.  Set each order (its window, its limits), then run the model over them.
 */
typedef struct lem_plan
{
	/*
	 * What the last window was made from, and the order that has it: many orders of one series begin at the
	 * same bar, and the next one takes it over.  Bits are the same.
	 */
	struct
	{
		bool		there;
		int			order;
		int			n_ahead;
		bool		has_start;
		int64_t		start_ts;
		lem_series	series;
		const lem_clock *clock;
		int			looked;		/* bars that the order's volumes are expected of; 0: nothing below is there */
		lem_outlook outlook;
		lem_last	price;
	}			last;
	lem_extent	extent;			/* LEM_WHOLE, unless set otherwise */
	int		   *steps;			/* n: steps of each order that are computed */
	lem_limits *limits;			/* n */
	lem_window *windows;		/* n */
	int		   *branch;			/* n */
	int64_t    *slice_ts;		/* n x N */
	int64_t    *units;			/* n x N: the answer */
	double	   *market;			/* n x N x 2: price, volume of the bars that the slices trade in */
	lem_real   *rows;			/* n x T x C */
	lem_real   *min_rate;		/* n */
	lem_real   *max_rate;		/* n */
	lem_bounds *bounds;			/* n */
	lem_bounds_arrays arrays;	/* n x N */
	lem_policy_order *policy;	/* n, with base "optimal_stop": for that, and of what */
	double	   *expected;		/* n x N: volumes */
	double	   *close;			/* n x N */
	double	   *scratch;		/* of the window builder */
	lem_window_memory *memory;	/* of windows; NULL: none */
	void	   *forward;		/* workspace of the model */
} lem_plan;

/* Carve a plan for n orders; model NULL: none is run, config alone says what windows look like. */
extern void lem_plan_carve(lem_arena *arena, const lem_config *config, const lem_model *model,
						   int n, lem_plan *plan);

/* Order i of the plan.  Errors: those of lem_status headed "bars" and "orders". */
extern lem_status lem_plan_set(lem_plan *plan, const lem_config *config, int i,
							   const lem_order *order, const lem_series *series,
							   const lem_clock *clock, lem_fault *fault);

/* The units of the plan's first n orders, all of which are set: LEM_OK or LEM_STOPPED. */
extern lem_status lem_plan_run(lem_plan *plan, const lem_model *model, int n,
							   const lem_stop *stop);

/* An order's first n slices from their units; quantity has room for as many numbers. */
extern void lem_plan_slices(const lem_order *order, const lem_limits *limits, int n,
							const lem_window *window, const int64_t *slice_ts,
							const int64_t *units, double *quantity, lem_slice *slices);

/* The branch whose heads an order needs; the order must pass lem_order_check. */
extern lem_status lem_schedule_branch(const lem_config *config, const lem_order *order,
									  int *branch, lem_fault *fault);

#endif
