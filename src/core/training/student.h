/*
 * student.h: gradients of one student of a mixture (model/experts.h).
 */
#ifndef LEM_STUDENT_H
#define LEM_STUDENT_H

#include "model/experts.h"
#include "training/distill_loss.h"

/* Numbers of a student, all of which are trained but for knots. */
extern int64_t lem_student_size(const lem_config *config, int expert);

/* Bytes (64-byte aligned) for n windows, with gradients or without. */
extern size_t lem_student_workspace(const lem_config *config, int expert, int n, bool gradients);

/* out (n x outputs) of n windows (n x T x C).  LEM_OK or LEM_STOPPED. */
extern lem_status lem_student_forward(const lem_config *config, const lem_kernels *kern,
									  int expert, const lem_real *numbers, int n,
									  const lem_real *rows, void *workspace,
									  const lem_stop *stop, lem_real *out);

/*
 * The loss of a batch and its gradient (lem_student_size() numbers, set).  LEM_OK or LEM_STOPPED.
 */
extern lem_status lem_student_gradient(const lem_config *config, const lem_kernels *kern,
									   int expert, const lem_real *numbers,
									   const lem_distill_weights *weights,
									   const lem_distill_batch *batch, const lem_real *rows,
									   void *workspace, const lem_stop *stop, double *loss,
									   lem_real *gradient);

#endif
