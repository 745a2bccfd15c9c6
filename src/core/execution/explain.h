/*
 * explain.h: what a model looked at when it decided a slice.
 *
 * The slice is the next one: the first whose bar has not completed.  The row that decides it is the
 * last completed bar's, L + slice; it sees rows 0 .. L + slice.
 */
#ifndef LEM_EXPLAIN_H
#define LEM_EXPLAIN_H

#include "market/window.h"
#include "model/model.h"

typedef struct lem_explanation
{
	int			horizon;		/* slices of the schedule */
	const int64_t *slice_ts;	/* horizon: starts of the bars they trade in */
	const int64_t *units;		/* horizon: the schedule */

	/* of the branch and the order's case */
	const double *curve;		/* horizon: base curve; NULL on top of the optimum */
	int			factors;		/* slices that the network decides: all but the last of N */
	const double *factor;		/* factors: of the base curve */
	const double *finish;		/* factors: share of the rest that is added; NULL: no finish gate */

	/* of the next slice */
	int			next;			/* which it is, 0-based; -1: none that the network decides */
	int			rows;			/* that its decision reads */
	const int64_t *row_ts;		/* rows: starts of their bars */
	const lem_real *variable;	/* rows x F: variable weights; NULL: none */
	const lem_real *attention;	/* rows of head 0; NULL: none */
	size_t		head_stride;	/* from head to head */
	const int64_t *changed;		/* C: its units with a column's mean in all rows of the column */
} lem_explanation;

/* Bytes of workspace (64-byte aligned). */
extern size_t lem_explain_workspace(const lem_model *model);

/*
 * Explain the schedule of an order; out points into workspace.  The heads of the order's branch
 * must be loaded.  Errors as lem_schedule.
 */
extern lem_status lem_explain(const lem_model *model, const lem_order *order,
							  const lem_series *series, const lem_clock *clock, void *workspace,
							  const lem_stop *stop, lem_explanation *out, lem_fault *fault);

/*
 * Name of standard input i (F: features, min_rate, max_rate) or of window column i (C: features,
 * price, volume).
 */
#define LEM_INPUT_NAME 32

extern void lem_input_name(const lem_config *config, int i, char *name);
extern void lem_column_name(const lem_config *config, int i, char *name);

#endif
