/*
 * train_task.h: what each process of a training computes.
 */
#ifndef LEM_PG_TRAIN_TASK_H
#define LEM_PG_TRAIN_TASK_H

#include "postgres.h"

#include "core/model/model.h"
#include "pg/training/train_block.h"

/* One process's part in a training: the block, and what is its own. */
typedef struct lem_train_member
{
	lem_train_view *view;
	int			index;			/* of this process: 0 for the leader, workers as they join */
	MemoryContext context;		/* of what follows */
	lem_dataset dataset;
	lem_clock	clock;
	lem_model	model;			/* trunk and shared heads, of the weights of version `decoded` */
	uint64		decoded;
	const lem_head *head;		/* shared heads, or the separate ones decoded last */
	int			head_set;		/* which those are, of the same version; -1: none yet */
	void	   *trunk_memory;
	void	   *head_memory;	/* of one set of heads */
	void	  **kept;			/* slots, of those that this process has taken; NULL: not yet */
	void	   *scratch;
} lem_train_member;

/* Join a training whose weights are there, in the current memory context. */
extern lem_train_member *lem_train_member_create(lem_train_view *view);

/*
 * Bytes of all processes' own memory: decoded models, known in advance, and what passes keep and
 * their scratch space, for which the trunk is decoded from any weights.
 */
extern Size lem_train_models_bytes(const lem_config *config, int processes);
extern Size lem_train_passes_bytes(const lem_train_head *head, const lem_dataset *dataset,
								   int processes);

/* Compute one piece of a task.  LEM_OK or LEM_STOPPED. */
extern lem_status lem_train_piece(lem_train_member *member, lem_train_task task, int64 piece,
								  const lem_stop *stop);

#endif
