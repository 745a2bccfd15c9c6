/*
 * calibrate.h: what joins the students of a mixture, from calibration time (maker page, section e).
 */
#ifndef LEM_CALIBRATE_H
#define LEM_CALIBRATE_H

#include "model/experts.h"

typedef struct lem_calibration
{
	const lem_config *config;
	size_t		n;				/* windows, none of which the students learnt from */
	const lem_real *const *raw; /* what each student says of all: n x outputs */
	const lem_real *target;		/* n x 3 */
	const double *share;		/* n x R */
	uint64_t	seed;			/* of the random features */
} lem_calibration;

/*
 * Fill part 1 of the mixture, whose regimes are set: the kernel's features with the median distance
 * of states for bandwidth, mu, losses, tau (the standard deviation of c) and the additive weights.
 * scratch: lem_calibrate_scratch() doubles.  LEM_OK or LEM_STOPPED.
 */
extern size_t lem_calibrate_scratch(size_t n);
extern lem_status lem_calibrate(const lem_calibration *calibration, double *scratch,
								const lem_stop *stop, lem_real *part);

#endif
