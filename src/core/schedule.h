/*
 * schedule.h: from orders and bars to schedules, many at a time: the one path that live
 * scheduling, batch jobs and backtests share.
 */
#ifndef LEM_SCHEDULE_H
#define LEM_SCHEDULE_H

#include "model.h"
#include "window.h"

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
	double		allocation;		/* share of the order */
	double		cumulative;
	double		quantity;		/* in the order's unit */
} lem_slice;

/* Bytes of workspace (64-byte aligned) for scheduling n orders at once over their series. */
extern size_t lem_schedule_workspace(const lem_model *model, int n, const lem_series *series);

/*
 * Schedule n orders, each over its own series.  slices is n x N; counts[i] receives the length of
 * schedule i (its horizon).  On failure fault says why and *failed which order it was.
 * Head sets that the orders' branches need must be loaded.
 */
extern lem_status lem_schedule(const lem_model *model, int n, const lem_order *orders,
							   const lem_series *series, const lem_clock *clock,
							   void *workspace, const lem_stop *stop,
							   lem_slice *slices, int *counts, int *failed, lem_fault *fault);

/* The branch whose heads an order needs; the order must pass lem_order_check. */
extern lem_status lem_schedule_branch(const lem_config *config, const lem_order *order,
									  int *branch, lem_fault *fault);

#endif
