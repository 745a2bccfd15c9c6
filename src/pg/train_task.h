/*
 * train_task.h: what each process of a training computes.
 */
#ifndef LEM_PG_TRAIN_TASK_H
#define LEM_PG_TRAIN_TASK_H

#include "postgres.h"

#include "core/model.h"
#include "pg/train_block.h"

/* One process's part in a training: the block, and what is its own. */
typedef struct lem_train_member
{
	lem_train_view *view;
	lem_dataset dataset;
	lem_clock	clock;
	lem_model	model;			/* decoded from the weights of version `decoded` */
	uint64		decoded;
	const lem_head **heads;		/* model.heads */
	void	   *trunk_memory;
	void	  **head_memory;	/* head sets */
	void	   *workspace;
} lem_train_member;

/* A clock in a time zone. */
extern lem_clock lem_zone_clock(pg_tz *time_zone);

/*
 * Join a training whose weights are there, in the current memory context; and the bytes that
 * this takes, which need a model decoded from any weights.
 */
extern lem_train_member *lem_train_member_create(lem_train_view *view);

/* Bytes of a decoded model; and of the workspace, for a model that is decoded. */
extern Size lem_train_model_bytes(const lem_config *config);

/* A model decoded from parts into memory of its own, palloc'd. */
extern void lem_train_model_create(lem_train_member *member, const lem_config *config,
								   lem_real *const *parts);

/* Pieces that the numbers of a model are cut into for LEM_TASK_REDUCE and LEM_TASK_ADAM. */
extern int64 lem_train_ranges(const lem_config *config);

/* Compute one piece of a task.  LEM_OK or LEM_STOPPED. */
extern lem_status lem_train_piece(lem_train_member *member, lem_train_task task, int64 piece,
								  const lem_stop *stop);

#endif
