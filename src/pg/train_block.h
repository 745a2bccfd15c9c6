/*
 * train_block.h: the memory that the processes of a training share.
 *
 * One block holds what all of them read and write: bars, weights, moments, gradients.  It may lie
 * in shared memory, at another address in each process: its head has no pointers, and each process
 * finds its way with a view of its own.
 */
#ifndef LEM_PG_TRAIN_BLOCK_H
#define LEM_PG_TRAIN_BLOCK_H

#include "postgres.h"

#include "pgtime.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/spin.h"

#include "core/train.h"
#include "pg/catalog.h"
#include "pg/train_data.h"

/* What the processes compute together, a piece at a time. */
typedef enum lem_train_task
{
	LEM_TASK_GRADIENT,			/* pieces are the shards of a step */
	LEM_TASK_REDUCE,			/* pieces are ranges of the numbers of the model */
	LEM_TASK_ADAM,				/* likewise */
	LEM_TASK_VALIDATE			/* pieces are the shards of validation */
} lem_train_task;

/* How the processes keep in step; see train_workers.c. */
typedef struct lem_train_rounds
{
	slock_t		mutex;			/* protects the rest, but for next */
	ConditionVariable changed;
	uint64		round;			/* number of the last round that was begun */
	lem_train_task task;
	int64		pieces;
	int			joined;			/* workers that are there */
	int			working;		/* of them, in this round */
	bool		quit;			/* the workers are to leave */
	bool		lost;			/* a worker left before that */
	int			sqlstate;		/* and why, if it could say so */
	char		error[512];
	pg_atomic_uint64 next;		/* the first piece that nobody has taken */
} lem_train_rounds;

/* Head of a block. */
typedef struct lem_train_head
{
	/* what the block holds: never changes */
	lem_config	config;
	lem_train_options options;
	char		time_zone[TZ_STRLEN_MAX + 1];
	int			n_series;
	int			n_features;
	int64		bars;
	int64		cut;
	uint64		n_train;
	uint64		n_valid;
	int			shards;
	int64		validation_shards;

	/* what is to be computed: changes between rounds only */
	int			epoch;			/* from 0 */
	int64		epoch_step;		/* from 0 */
	int64		step;			/* of the run, from 1 */
	double		rate;
	double		scale;			/* of the gradient */
	uint64		weights_version;

	lem_train_rounds rounds;
} lem_train_head;

/* A block as one process sees it. */
typedef struct lem_train_view
{
	lem_train_head *head;
	lem_series *series;			/* of this process */
	lem_start  *starts;			/* n_train, then n_valid */
	lem_real  **weights;		/* parts */
	lem_real  **m;				/* parts */
	lem_real  **v;				/* parts */
	lem_real ***gradient;		/* shards x parts; that of shard 0 becomes the sum */
	double	   *losses;			/* shards */
	lem_validation *validation;	/* validation_shards */
} lem_train_view;

/* Fill in what the head of a block says about data, but for the rounds. */
extern void lem_train_head_init(lem_train_head *head, const lem_config *config,
								const char *time_zone, const lem_train_options *options,
								const lem_train_data *data, const lem_dataset *dataset);

/* Bytes of the block that a head describes. */
extern Size lem_train_block_bytes(const lem_train_head *head, const lem_series *series);

/* Set a block up in memory (64-byte aligned): data copied, numbers zero. */
extern void lem_train_block_fill(void *memory, const lem_train_head *head,
								 const lem_train_data *data, const lem_dataset *dataset);

/* A block that was filled, as this process sees it; what it allocates is palloc'd. */
extern lem_train_view *lem_train_block_view(void *memory);

/* The numbers of the model in parts, n of them, zero; palloc'd. */
extern lem_real **lem_train_parts(const lem_config *config);
extern void lem_train_parts_copy(const lem_config *config, lem_real *const *to,
								 lem_real *const *from);

#endif
