/*
 * maker_open.h: a strategy, ready to be run.
 */
#ifndef LEM_PG_MAKER_OPEN_H
#define LEM_PG_MAKER_OPEN_H

#include "pg/making/maker_setup.h"

/*
 * Get a strategy ready: name, book, options and quoting are there.  What it allocates is in the
 * current memory context.  Raises 22023 for an unknown baseline, LM003 for a book without bars, and
 * what is wrong with a model.
 */
extern void lem_maker_setup_open(const char *schema, lem_maker_setup *setup);

#endif
