/*
 * progress.h: how far long jobs are, for other sessions to see (lem_progress) and for clients that
 * ask to be told (lem.progress_notices).
 *
 * It is kept where the server keeps that of its own commands: in the backend's entry of the status of
 * all backends, which the end of a transaction by an error clears.  A backend shows one job at a
 * time, the outermost; where it is the server's own (COPY), none of ours.
 */
#ifndef LEM_PG_PROGRESS_H
#define LEM_PG_PROGRESS_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef enum lem_progress_kind
{
	LEM_PROGRESS_TRAINING,		/* object: the run */
	LEM_PROGRESS_BACKTEST,		/* object: the model's id, 0 for a baseline */
	LEM_PROGRESS_EVALUATION,	/* of market making */
	LEM_PROGRESS_IMPORT,
	LEM_PROGRESS_WORK
} lem_progress_kind;

typedef enum lem_progress_phase
{
	LEM_PHASE_READING,			/* bars */
	LEM_PHASE_LEARNING,			/* batches; the phase's number is that of the epoch, from 1 */
	LEM_PHASE_VALIDATING,		/* groups of samples; likewise */
	LEM_PHASE_SAVING,			/* likewise */
	LEM_PHASE_STARTS,			/* bars */
	LEM_PHASE_QUOTING,			/* passes over a book */
	LEM_PHASE_CHECKING,			/* parts */
	LEM_PHASE_STORING,			/* parts */
	LEM_PHASE_DECIDING			/* orders */
} lem_progress_phase;

typedef struct lem_progress
{
	bool		shown;			/* it is this job that the backend shows */
	lem_progress_kind kind;
	int64		object;
	lem_progress_phase phase;
	int			number;			/* of the phase; 0: it has none */
	int64		done;
	int64		total;			/* 0: not known */
	TimestampTz since;			/* when the phase began */
	TimestampTz told;			/* when the client was told last */
} lem_progress;

/* Whether clients are told, once a second. */
extern bool lem_progress_notices;

extern void lem_progress_begin(lem_progress *progress, lem_progress_kind kind, int64 object);
extern void lem_progress_enter(lem_progress *progress, lem_progress_phase phase, int number,
							   int64 total);
extern void lem_progress_done(lem_progress *progress, int64 done);
extern void lem_progress_end(lem_progress *progress);

#endif
