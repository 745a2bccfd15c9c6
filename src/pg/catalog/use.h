/*
 * use.h: a model in use: looked up, allowed, decoded, and counted.
 *
 * Whoever computes with a model enters the catalog here, once, and says so again when it is done.
 */
#ifndef LEM_PG_USE_H
#define LEM_PG_USE_H

#include "postgres.h"

#include "portability/instr_time.h"

#include "core/model/model.h"
#include "pg/base/clock.h"
#include "pg/catalog/catalog.h"
#include "pg/catalog/rights.h"

/* A call that uses a model. */
typedef struct lem_use
{
	lem_model_row row;
	lem_clock	clock;			/* of the config's time zone */
	const lem_model *model;		/* pinned until the memory context of the call is reset */
	instr_time	start;
} lem_use;

/*
 * Marks the sets of heads that a call needs, of lem_head_sets() that are not marked, and raises what
 * the model is not for.
 */
typedef void (*lem_use_heads) (void *arg, const lem_config *config, bool *need);

/*
 * Begin to use "name" or "name@version" by a right of the current user, with the heads that it needs
 * (NULL: all).  Raises LM010, 42501, and XX001 for a damaged model.
 */
extern void lem_use_begin(lem_use *use, const char *schema, lem_right right, const char *model,
						  lem_use_heads heads, void *arg);

/* Count the call: orders scheduled, or samples; passes of the network. */
extern void lem_use_end(const lem_use *use, int64 orders, int64 batches);

#endif
