/*
 * initial.h: weights to start training from.
 */
#ifndef LEM_INITIAL_H
#define LEM_INITIAL_H

#include "parameters/params.h"

/*
 * Fill parts (lem_part_count() of them) with initial weights.  They differ between branches, cases
 * and steps; norms start as identities, base curves as equal shares, scale factors at 1, the
 * finish gate's bias near -4.  The same config and seed give the same bits everywhere.
 */
extern void lem_initial_weights(const lem_config *config, uint64_t seed, lem_real *const *parts);

#endif
