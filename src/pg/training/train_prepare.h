/*
 * train_prepare.h: a training, and getting it ready to compute.
 */
#ifndef LEM_PG_TRAIN_PREPARE_H
#define LEM_PG_TRAIN_PREPARE_H

#include "postgres.h"

#include "portability/instr_time.h"

#include "pg/base/progress.h"
#include "pg/training/train_options.h"
#include "pg/training/train_run.h"
#include "pg/training/train_workers.h"

/* GUC lem.training_memory, kilobytes. */
extern int	lem_training_memory;

/* A training while it runs. */
typedef struct lem_training
{
	MemoryContext context;
	lem_run		run;
	lem_train_settings settings;
	lem_config	config;
	pg_tz	   *time_zone;
	lem_model_row from;			/* the model to start from, if run.from_model */

	lem_train_data data;		/* until the block holds a copy */
	lem_bar_lengths lengths;	/* of its bars */
	MemoryContext data_context;
	lem_dataset dataset;
	lem_clock	clock;

	bool		making;			/* of a model of market making, from book bars */
	bool		begun;			/* the run's row is committed */
	lem_train_team *team;
	int			processes;		/* that compute */
	lem_train_member *member;
	lem_run_numbers numbers;	/* weights, m and v in the block; best in own memory */
	lem_epoch	epoch;			/* being computed */
	char	   *diverged;		/* where it did; NULL: it did not */
	double		final_loss;		/* of it, in validation */
	char	   *own_metrics;	/* what it says of itself besides an epoch's; or NULL */
	int			version;		/* of the model in the end; 0: none */

	lem_progress progress;
	instr_time	last_message;
	instr_time	last_title;
} lem_training;

/* Make a change of the tables permanent, and begin another transaction. */
extern void lem_training_commit(void);

/*
 * Do work in a subtransaction: should it fail, the transaction around it is as before, and our
 * own connection to SPI is the current one.  What it allocates is gone afterwards.
 */
extern void lem_training_guarded(void (*work) (lem_training *), lem_training *t);

/*
 * Read and check everything: arguments, bars, where orders can start in them.  Commits once the
 * bars are read; raises errors without a trace in the tables.
 */
extern void lem_training_read(lem_training *t, Jsonb *config, Jsonb *options);

/*
 * Check the memory it takes (LM015), commit the run's row, and set up weights and processes.  From
 * the commit on errors are to be recorded: t->begun says so.
 */
extern void lem_training_begin(lem_training *t);

#endif
