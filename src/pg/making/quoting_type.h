/*
 * quoting_type.h: values of the composite type lem_quoting.
 */
#ifndef LEM_PG_QUOTING_TYPE_H
#define LEM_PG_QUOTING_TYPE_H

#include "postgres.h"

#include "access/htup.h"

#include "core/making/quote.h"

/* Fields that a model can have chosen, where a quoting leaves them NULL. */
typedef struct lem_quoting_given
{
	bool		theta;
	bool		eta;
	bool		kappa;
	bool		size_step;
	bool		participation;
} lem_quoting_given;

#define LEM_QUOTING_FIELDS 11

/* A quoting out of a value; what is NULL takes its default.  Raises 22004 and LM014. */
extern void lem_quoting_read(HeapTupleHeader tuple, lem_quoting *quoting,
							 lem_quoting_given *given);

#endif
