/*
 * train.h: training models in the database.
 */
#ifndef LEM_PG_TRAIN_H
#define LEM_PG_TRAIN_H

/* GUC lem.training_memory, kilobytes. */
extern int	lem_training_memory;

#endif
