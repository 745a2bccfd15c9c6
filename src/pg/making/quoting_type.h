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

/* Fields of the type, which are the constructor's arguments too. */
enum
{
	LEM_QUOTING_LEVELS,
	LEM_QUOTING_TICK,
	LEM_QUOTING_LOT,
	LEM_QUOTING_PARTICIPATION,
	LEM_QUOTING_MAX_POSITION,
	LEM_QUOTING_THETA,
	LEM_QUOTING_ETA,
	LEM_QUOTING_KAPPA,
	LEM_QUOTING_SIZE_STEP,
	LEM_QUOTING_MAKER_FEE,
	LEM_QUOTING_TAKER_FEE,
	LEM_QUOTING_FIELDS
};

/* A quoting out of a value; what is NULL takes its default.  Raises 22004 and LM014. */
extern void lem_quoting_read(HeapTupleHeader tuple, lem_quoting *quoting,
							 lem_quoting_given *given);

#endif
