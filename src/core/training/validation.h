/* validation.h: what validation sums up over samples. */
#ifndef LEM_VALIDATION_H
#define LEM_VALIDATION_H

#include "training/policy_menu.h"

/* Mean gains of validation, in basis points of the benchmark; positive is good on both sides. */
typedef struct lem_validation
{
	int64_t		samples;
	double		loss;			/* sum over samples */
	double		gain[LEM_MAX_AHEAD + 1];	/* sum, by branch, over cases and samples */
	double		square[LEM_MAX_AHEAD + 1];	/* of squares of the same */
	/* on top of the optimum, by output: the loss; gains less costs in sigma, by problem, and squares */
	double		output[LEM_POLICY_OUTPUTS];
	double		worth[LEM_MENU_VALID][LEM_POLICY_OUTPUTS];
	double		worth_square[LEM_MENU_VALID][LEM_POLICY_OUTPUTS];
} lem_validation;

extern void lem_validation_add(lem_validation *to, const lem_validation *from);

/* Mean and standard deviation of a branch's gains, over samples and cases. */
extern void lem_validation_gain(const lem_validation *sums, int branch, double *mean,
								double *deviation);

#endif
