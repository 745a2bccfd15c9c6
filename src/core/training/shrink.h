/*
 * shrink.h: how much of what a network on top of the optimum says is kept.
 *
 * An output says how far the optimum's shares are moved, and with 0 nothing is: the schedule is the
 * optimum's.  After the last epoch each output (by benchmark, and whether the order tracks) is multiplied
 * by the factor from 0 to 1 that validation has the least loss with, so that a network moves only what it
 * does better.
 */
#ifndef LEM_SHRINK_H
#define LEM_SHRINK_H

#include "training/validation.h"

#define LEM_SHRINK_FACTORS 5	/* 0, 1/4, .. 1 */

/* A factor by its number. */
extern double lem_shrink_factor(int i);

/* The head part `from` with its outputs multiplied by factors into part; they may be the same. */
extern void lem_shrink_outputs(const lem_config *config, const double factor[LEM_POLICY_OUTPUTS],
							   const lem_real *from, lem_real *part);

/* What validation says of a factor: by output, the loss and, by problem, gains less costs in sigma. */
typedef struct lem_shrink_trial
{
	double		loss[LEM_POLICY_OUTPUTS];
	double		mean[LEM_MENU_VALID][LEM_POLICY_OUTPUTS];
	double		deviation[LEM_MENU_VALID][LEM_POLICY_OUTPUTS];
} lem_shrink_trial;

extern void lem_shrink_try(const lem_validation *sums, lem_shrink_trial *trial);

/*
 * The best factor of each output from trials with each: of those that may be, with the least loss; of
 * equals the smallest, and 0 where no loss is finite.  The sum of these losses.
 *
 * Of orders that may end early those may be whose gains are nowhere to be had from the optimum by another
 * risk aversion: over the problems, each in standard deviations of the optimum's gains, the mean of means
 * is not lower than the optimum's, and the geometric mean of standard deviations not higher.
 */
extern double lem_shrink_choose(const lem_shrink_trial trial[LEM_SHRINK_FACTORS],
								double factor[LEM_POLICY_OUTPUTS]);

#endif
