/*
 * teacher.h: what a model of market making knows layer by layer (maker page, sections c and d).
 *
 * Layers of a model with R recurrent layers: 0 is the variable selection, 1 .. R the recurrent
 * ones, R + 1 the enriched row, all at the last completed bar, and R + 2 what attention made of it.
 */
#ifndef LEM_TEACHER_H
#define LEM_TEACHER_H

#include "model/model.h"

/* Numbers of a layer at most: a wider one is projected by random signs. */
#define LEM_TEACHER_WIDTH 64
#define LEM_TEACHER_LAYERS (LEM_MAX_LAYERS + 3)

static inline int
lem_teacher_layers(const lem_config *config)
{
	return lem_rnn_layers(config) + 3;
}

/* "selection", "recurrent 1", .., "enriched", "attention"; at least 16 bytes. */
extern void lem_teacher_layer_name(const lem_config *config, int layer, char *name);

static inline int
lem_teacher_width(const lem_config *config)
{
	return config->hidden_size < LEM_TEACHER_WIDTH ? config->hidden_size : LEM_TEACHER_WIDTH;
}

/*
 * to (LEM_TEACHER_WIDTH numbers) = from (n) times random signs by a seed: lengths are kept to within
 * a share of sqrt(2 / LEM_TEACHER_WIDTH), and with them most of what a readout by ridge can see.
 */
extern void lem_teacher_sketch(uint64_t seed, int n, const double *from, double *to);

/* What a look at n windows finds; what is NULL is not asked for. */
typedef struct lem_teacher_view
{
	double	   *features;		/* n x layers x width */
	lem_real   *quantiles;		/* n x 9 */
	double	   *sums;			/* layers x H, added to: of each number, */
	double	   *squares;		/* and of its square; both or none */

	/*
	 * layers x 3, added to: over the windows the sum of the length of d yhat_t / d h_l, of medians,
	 * each number of h_l in units of deviation (layers x H).
	 */
	double	   *response;
	const double *deviation;
} lem_teacher_view;

/*
 * Look at n windows (n x T x C).  The model is decoded for gradients, part its numbers of part 0.
 * Workspace in bytes (64-byte aligned).  LEM_OK or LEM_STOPPED.
 */
extern size_t lem_teacher_workspace(const lem_model *model, int n, bool gradients);
extern lem_status lem_teacher_look(const lem_model *model, const lem_real *part, int n,
								   const lem_real *rows, void *workspace, const lem_stop *stop,
								   const lem_teacher_view *view);

#endif
