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

#include "core/training/train.h"
#include "pg/catalog/catalog.h"
#include "pg/training/train_data.h"

/*
 * What the processes compute together, a piece at a time.  A group of samples (train.h) goes
 * through the first task where all branches share their heads, and else through the next three; in
 * validation without the last one.  Who has taken a slot in LEM_TASK_TRUNK, in memory of its own,
 * takes the same one in LEM_TASK_TRUNK_BACK.
 */
typedef enum lem_train_task
{
	LEM_TASK_WHOLE,				/* all passes; pieces are the slots of a group */
	LEM_TASK_TRUNK,				/* the trunk forward; the slots */
	LEM_TASK_HEADS,				/* heads forward and back; the sets of heads, the last in two */
	LEM_TASK_TRUNK_BACK,		/* the trunk back; the slots */
	LEM_TASK_REDUCE,			/* pieces are ranges of the numbers that have shards' gradients */
	LEM_TASK_SQUARES,			/* ranges of all numbers: reduced, and the sum of their squares */
	LEM_TASK_ADAM				/* ranges of all numbers */
} lem_train_task;

/* How the processes keep in step; see train_workers.c. */
typedef struct lem_train_rounds
{
	slock_t		mutex;			/* protects the rest, but for next */
	ConditionVariable changed;
	uint64		round;			/* number of the last round that was begun */
	lem_train_task task;
	int64		pieces;
	int			members;		/* processes, the leader included; known before the first round */
	bool		crowded;		/* more of them than processors; known then too */
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
	lem_policy_menu menu;		/* on top of the exact optimum */
	char		schema[NAMEDATALEN];	/* of the extension */
	char		time_zone[TZ_STRLEN_MAX + 1];
	int			n_series;
	int			n_features;
	int64		bars;
	int64		cut;
	uint64		n_train;
	uint64		n_valid;
	int			slots;			/* of a whole group */

	/* what is to be computed: changes between rounds only */
	bool		validating;
	int			epoch;			/* from 0 */
	int64		epoch_step;		/* from 0 */
	int64		group;			/* from 0, of the step or of validation */
	lem_train_step step;		/* LEM_TASK_ADAM */
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
	lem_real  **sum;			/* parts: the gradient of the step */
	lem_real   *last_sum;		/* of the last set of separate heads, its second piece; or NULL */
	lem_real ***gradient;		/* slots x parts that shards have gradients of */
	lem_real  **average;		/* parts: of the weights over steps; NULL: none */
	lem_train_policy policy;	/* on top of the exact optimum */
	lem_train_buffers buffers;	/* of a group */
	double	   *losses;			/* of each tally, over the groups of a step */
	lem_validation *validation; /* of each tally, over all groups */
	double	   *squares;		/* of each range */
} lem_train_view;

/*
 * Pieces that the numbers of a model are cut into: so many of parts [0, parts), and which numbers
 * of which part the number `range` of them is.
 */
extern int64 lem_train_ranges(const lem_config *config, int parts);
extern int	lem_train_range(const lem_config *config, int64 range, int64 *begin, int64 *end);

/* Parts that every shard has a gradient of: without separate heads, which have one for all. */
extern int	lem_train_sharded_parts(const lem_config *config);

/*
 * Pieces of LEM_TASK_HEADS for a group of so many slots.  The last set of heads is two pieces, each
 * with one half of the samples: two processes have the same to do, and never one a set too many.
 */
extern int	lem_train_head_pieces(const lem_config *config, int slots);

/*
 * Tallies of losses, and of validation, that are added up in the end: one a slot with shared heads,
 * else one a piece of the heads.
 */
extern int	lem_train_tallies(const lem_train_head *head);

/* Fill in what the head of a block says about data, but for the rounds. */
extern void lem_train_head_init(lem_train_head *head, const lem_config *config,
								const char *time_zone, const lem_train_options *options,
								const lem_train_data *data, const lem_dataset *dataset);

/* Bytes of the block that a head describes. */
extern Size lem_train_block_bytes(const lem_train_head *head, const lem_series *series);

/* Set a block up in memory (64-byte aligned): data copied, numbers zero. */
extern void lem_train_block_fill(void *memory, const lem_train_head *head,
								 const lem_train_data *data, const lem_dataset *dataset);

/* Solve the tables of a block that was filled. */
extern void lem_train_block_solve(void *memory);

/* A block that was filled, as this process sees it; what it allocates is palloc'd. */
extern lem_train_view *lem_train_block_view(void *memory);

/* The numbers of the model in parts, n of them, zero; palloc'd. */
extern lem_real **lem_train_parts(const lem_config *config);
extern void lem_train_parts_copy(const lem_config *config, lem_real *const *to,
								 lem_real *const *from);

#endif
