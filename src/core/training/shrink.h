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

#include "parameters/config.h"

#define LEM_SHRINK_FACTORS 5	/* 0, 1/4, .. 1 */

/* A factor by its number. */
extern double lem_shrink_factor(int i);

/* The head part `from` with its outputs multiplied by factors into part; they may be the same. */
extern void lem_shrink_outputs(const lem_config *config, const double factor[LEM_POLICY_OUTPUTS],
							   const lem_real *from, lem_real *part);

/*
 * The best factor of each output from its losses with each: of equals the smallest, and 0 where none is
 * finite.  The sum of these losses.
 */
extern double lem_shrink_choose(const double loss[LEM_SHRINK_FACTORS][LEM_POLICY_OUTPUTS],
								double factor[LEM_POLICY_OUTPUTS]);

#endif
