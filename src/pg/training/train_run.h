/*
 * train_run.h: the record of trainings: runs, their epochs, and the state that a run resumes from.
 *
 * Functions that read or write it are called within SPI, and those that write in a subtransaction.
 */
#ifndef LEM_PG_TRAIN_RUN_H
#define LEM_PG_TRAIN_RUN_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "core/training/train.h"
#include "pg/catalog/catalog.h"
#include "pg/training/train_data.h"

/* A training, as its row in lem_training_run has it. */
typedef struct lem_run
{
	const char *schema;
	Oid			table;			/* of runs */
	const char *model;			/* name */
	bool		unused;			/* the name has no versions yet */
	int64		id;				/* 0: has no row yet */
	const char *query;
	uint8		data_digest[LEM_DIGEST_LENGTH];
	bool		from_model;		/* starts from another model, which has the digest */
	uint8		init_digest[LEM_DIGEST_LENGTH];
	Jsonb	   *config;
	Jsonb	   *options;
	char	   *kernels;
	lem_train_state state;
	bool		best_stored;	/* the state has the best epoch's weights apart */
} lem_run;

/* What there is to tell about an epoch. */
typedef struct lem_epoch
{
	double		train_loss;
	double		rate;
	int64		samples;
	double		train_seconds;
	double		seconds;		/* with validation */
	lem_validation validation;
} lem_epoch;

/* The numbers that a run resumes from: parts of the model. */
typedef struct lem_run_numbers
{
	const lem_config *config;
	lem_real  **weights;
	lem_real  **m;
	lem_real  **v;
	lem_real  **best;
	lem_real  **average;		/* NULL: there is none */
} lem_run_numbers;

/* Find the tables; raises 42501 unless the user may train the model. */
extern void lem_run_open(lem_run *run, const char *schema, const char *model);

/*
 * Hold the model's name, and the run if it has a row, until a transaction fails or lem_run_unlock;
 * where another session trains that name, this raises 55006, or is false.
 */
extern void lem_run_lock(const lem_run *run);
extern bool lem_run_try_lock(const lem_run *run);
extern void lem_run_unlock(const lem_run *run);

/* The last unfinished run of the model into run; raises 42704 if there is none. */
extern void lem_run_find(lem_run *run);

/* A new row, or the row of a run that goes on. */
extern void lem_run_insert(lem_run *run, const lem_train_data *data, const lem_dataset *dataset,
						   int64 seed);
extern void lem_run_restart(const lem_run *run);

/* Processes that compute it. */
extern void lem_run_workers(const lem_run *run, int workers);

/* The numbers after the last epoch that was saved; raises XX001 if they are damaged. */
extern void lem_run_load(const lem_run *run, const lem_run_numbers *numbers);

/* Save an epoch: its row, the state, and the run's row. */
extern void lem_run_save(lem_run *run, const lem_run_numbers *numbers, const lem_epoch *epoch);

/*
 * What the model that a run ends with is to say about itself; NULL: there was no epoch.  own: an object of
 * what it says besides or instead, or NULL.
 */
extern Jsonb *lem_run_metrics(const lem_run *run, lem_bar_lengths lengths, const char *own);

/* The end: status, what went wrong (NULL: nothing), the version (0: none).  State is dropped. */
extern void lem_run_finish(const lem_run *run, const char *status, const char *error,
						   int version);

/* An end that can be resumed from. */
extern void lem_run_fail(const lem_run *run, const char *status, const char *error);

#endif
