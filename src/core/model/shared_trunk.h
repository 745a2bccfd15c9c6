/*
 * shared_trunk.h: the trunk that is computed once for all orders and starts (config "trunk":
 * "shared").
 *
 * It reads features alone, each scaled as of its own row, and gives each row a context that is a
 * function of that row and the L before it, bit for bit, and of nothing else.  Windows that have rows
 * in common, as those of neighbouring starts and of orders over one series do, are laid over each
 * other: each row goes through the layers once.
 *
 *   variable selection, row by row;
 *   R recurrent layers, each from zeros K = context_rows - 1 rows before the row that asks, so that a
 *     row has K + 1 steps of its own, of all rows together;
 *   gate, norm and GRN, row by row, as in trunk.h;
 *   attention (span_attention.h) over the L + 1 - R K rows that this leaves of the L + 1.
 *
 * Why so: of a trunk's time (bundled sizes) variable selection and what else goes row by row are the
 * greater part, and one pass over them serves every row.  A recurrent layer that runs on from row to
 * row cannot be shared: its state depends on where it began.  Begun at fixed places of a series it
 * would depend on the row's distance from them; begun anew K rows before each row it costs K + 1 steps
 * a row, as one product of many rows, and tells what came after what; the attention behind it reaches
 * the rest of the L rows at the price of a product.
 */
#ifndef LEM_SHARED_TRUNK_H
#define LEM_SHARED_TRUNK_H

#include "layers/span_attention.h"
#include "model/trunk.h"

/* Windows laid over each other: their rows, each in one place, in runs that follow each other. */
typedef struct lem_overlay
{
	int		   *counts;			/* rows and runs, with what is kept */
	int		   *run;			/* n + 1: where each begins; the end of the last */
	int		   *base;			/* n: where each window's row 0 is */
	int		   *source;			/* n x T: of each row, the window's row (i * T + r) it came from */
	int		   *table;			/* scratch space: places by what rows hold */
	int			table_size;		/* a power of two */
} lem_overlay;

typedef struct lem_shared_acts
{
	bool		keep;
	int			most;			/* n x T */
	lem_overlay overlay;
	lem_real   *inputs;			/* rows x F */
	lem_real   *vsn_out;		/* rows x H */
	lem_real   *weights;		/* rows x F: variable weights; NULL: none */
	lem_vsn_acts vsn;
	int			together;		/* rows or windows of a layer at a time, all where they are kept */
	lem_real   *windows[LEM_MAX_LAYERS];	/* together x (K + 1) x H: what a layer reads */
	lem_real   *states[LEM_MAX_LAYERS];	/* the same: what it gives */
	lem_rnn_acts rnn[LEM_MAX_LAYERS];
	lem_real   *rnn_out[LEM_MAX_LAYERS];	/* rows x H */
	const lem_real *encoded;	/* the last layer's, or without any vsn_out */
	const lem_dropout *dropout; /* of encoded, by the rows of windows; NULL: none */
	lem_real   *dropped;		/* rows x H: what dropout leaves of encoded */
	lem_real   *gate;			/* together x 2H */
	lem_real   *sum;			/* together x H */
	lem_real   *normed;			/* together x H */
	lem_grn_acts grn;
	lem_real   *enriched;		/* rows x H */
	lem_span_acts attention;
	lem_real   *context;		/* rows x H */
} lem_shared_acts;

static inline int
lem_overlay_rows(const lem_overlay *overlay)
{
	return overlay->counts[0];
}

static inline int
lem_overlay_runs(const lem_overlay *overlay)
{
	return overlay->counts[1];
}

/* Buffers of a pass over n windows. */
extern void lem_shared_acts_carve(lem_arena *arena, const lem_config *config,
								  const lem_trunk *trunk, int n, bool keep, lem_shared_acts *acts);

/* Lay windows over each other (n x T x F): fills the overlay and inputs. */
extern void lem_shared_overlay(const lem_config *config, int n, const lem_real *rows,
							   lem_shared_acts *acts);

/* Fill acts->context from the overlay.  LEM_STOPPED if stop asks for it. */
extern lem_status lem_shared_forward(const lem_trunk *trunk, const lem_config *config,
									 const lem_kernels *kern, const lem_shared_acts *acts,
									 const lem_stop *stop);

/* The context (N - 1 x H) of window i. */
static inline const lem_real *
lem_shared_context(const lem_config *config, const lem_shared_acts *acts, int i)
{
	return acts->context + (size_t) (acts->overlay.base[i] + config->lookback)
		* config->hidden_size;
}

/*
 * gradient (part 0, as stored) is added to, from dcontext (n x (N - 1) x H), windows that share a
 * row being added up in their order; acts were kept, part is the numbers that the trunk was decoded
 * from.
 */
extern lem_status lem_shared_backward(const lem_trunk *trunk, const lem_config *config,
									  const lem_kernels *kern, int n, const lem_real *part,
									  const lem_shared_acts *acts, const lem_real *dcontext,
									  lem_scratch scratch, lem_real *gradient,
									  const lem_stop *stop);

#endif
