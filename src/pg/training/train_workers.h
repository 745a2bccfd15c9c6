/*
 * train_workers.h: the processes that compute a training together.
 *
 * The leader is the backend that was asked to train; workers are dynamic background workers.
 * Work comes in rounds: the leader says what is to be computed, all take pieces of it until none
 * is left, and the leader goes on when all are done.  Who computes which piece does not matter.
 */
#ifndef LEM_PG_TRAIN_WORKERS_H
#define LEM_PG_TRAIN_WORKERS_H

#include "postgres.h"

#include "pg/training/train_task.h"

typedef struct lem_train_team lem_train_team;

/*
 * A team of this process, with memory for a block: shared if there are to be others.  It is
 * dissolved when the current memory context is reset or deleted.
 */
extern lem_train_team *lem_train_team_create(Size bytes, int processes);
extern void *lem_train_team_memory(lem_train_team *team);

/*
 * Start the others, once the block is filled and the weights are there; says so if there
 * are fewer than were asked for.  Returns the number of processes, this one included.
 */
extern int	lem_train_team_start(lem_train_team *team, lem_train_member *leader,
								 const char *name);

/*
 * Compute all pieces of a task.  Raises an error if a worker has gone, and that of a pending
 * interrupt.
 */
extern void lem_train_team_run(lem_train_team *team, lem_train_task task, int64 pieces);

/* Let the workers go; with wait, until they have gone. */
extern void lem_train_team_stop(lem_train_team *team, bool wait);

#endif
