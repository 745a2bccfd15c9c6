/*
 * train.h: the arithmetic of training: batches, shards, steps and validation.
 *
 * A batch is cut into shards of a fixed size, and its gradient into pieces: each shard's gradient
 * of the trunk and of shared heads, and the gradient of each set of separate heads by all samples.
 * Each piece has a buffer of its own and shards are added in their order, so that the weights do
 * not depend on who computed which piece.  All that is random is a function of the seed and of
 * where in the run it is drawn (random.h): a resumed run continues as if it had not stopped.
 */
#ifndef LEM_TRAIN_H
#define LEM_TRAIN_H

#include "training/dataset.h"
#include "training/gradient.h"
#include "training/optimizer.h"
#include "training/policy_menu.h"
#include "training/validation.h"

#define LEM_MAX_RATE_PAIRS 32
#define LEM_MAX_DROPOUT 0.99

/* Epochs in which the mask is sharpened, unless said otherwise: no more than half of all. */
#define LEM_MASK_EPOCHS 8

typedef struct lem_train_options
{
	int			epochs;			/* at most */
	int			patience;		/* epochs without a better validation loss before stopping */
	int			batch;			/* samples a step */
	int			shard;			/* samples a shard; divides batch */
	int64_t		samples;		/* a training epoch; 0: as many as there are starts */
	int64_t		validation_samples;	/* at most, evenly spread */
	double		validation;		/* share of the starts kept for validation, by time */
	lem_adam	adam;
	int			warmup;			/* steps over which the rate rises from 0 */
	double		decay;			/* of the rate, after decay_patience epochs without progress */
	int			decay_patience;
	lem_loss_options loss;
	double		mask_start;		/* slope of the mask that the run begins with */
	int			mask_epochs;	/* epochs in which it rises to that of the loss; 0: none */
	int			n_rates;
	double		dropout;		/* share of numbers left out (dropout.h) */
	double		rates[LEM_MAX_RATE_PAIRS][2];	/* min and max rate, drawn for each sample */
	uint64_t	seed;
	double		average;		/* of the weights over steps: share of what it was; 0: none */
	bool		mirror;			/* half of the samples are turned around; on top of the optimum */
	bool		shrink;			/* outputs are shrunk in the end (shrink.h); likewise */
	int			neighbours;		/* samples in a row whose starts are near each other */
} lem_train_options;

extern void lem_train_options_default(lem_train_options *options, int n_ahead);

/*
 * The defaults of a model on top of the exact optimum: the objective is in its own units, weights are
 * averaged, samples turned around; the mask is sharp from early on, since there is a policy already.
 */
extern void lem_train_options_policy(lem_train_options *options);

/*
 * With a shared trunk samples in a row have starts near each other, a quarter of N bars apart: most of
 * their rows are the same, and computed once.
 */
#define LEM_NEIGHBOURS 8

extern void lem_train_options_shared(lem_train_options *options);

/* Are there options that a model of this config cannot be trained with?  LEM_CONFIG_RANGE. */
extern lem_status lem_train_options_fit(const lem_train_options *options,
										const lem_config *config, lem_fault *fault);

/* LEM_OK, or LEM_CONFIG_RANGE with the option's name. */
extern lem_status lem_train_options_check(const lem_train_options *options, lem_fault *fault);

/* Where a run is; with weights and moments it is all that a resumed run needs. */
typedef struct lem_train_state
{
	int32_t		epoch;			/* epochs completed */
	int32_t		best_epoch;		/* 1 = first; 0: none yet */
	int32_t		stale;			/* epochs since the best */
	int32_t		decay_stale;	/* epochs since the best or the last decay */
	int64_t		step;			/* steps taken */
	double		rate_scale;		/* of the learning rate, by decays so far */
	double		best_loss;		/* validation loss of the best epoch */
} lem_train_state;

extern void lem_train_state_init(lem_train_state *state);

/* Steps of an epoch. */
extern int64_t lem_train_steps(const lem_dataset *dataset, const lem_train_options *options);

/*
 * A step's shards, and those of validation, are taken a group at a time: what a group's samples
 * hand from pass to pass is kept until all of them are through.  A group has so many shards as make
 * LEM_GROUP_SAMPLES samples, and at least LEM_GROUP_SHARDS, if there are as many.
 */
#define LEM_GROUP_SAMPLES 64
#define LEM_GROUP_SHARDS 8

extern int	lem_train_group_shards(const lem_train_options *options);
extern int64_t lem_train_groups(const lem_train_options *options);
extern int64_t lem_validation_groups(const lem_dataset *dataset,
									 const lem_train_options *options);

/* What the passes over a group's samples hand on (gradient.h); arrays over all of them. */
typedef struct lem_train_buffers
{
	lem_real   *rows;			/* T x C */
	lem_real   *min_rate;
	lem_real   *max_rate;
	lem_real   *market;			/* N x 2 */
	lem_real   *inputs;			/* T x F */
	lem_real   *context;		/* (N - 1) x H */
	lem_real   *dcontext;		/* sets of heads x samples x (N - 1) x H */

	/* on top of the optimum */
	double	   *bars;			/* N x 2: price, volume */
	double	   *close;			/* N */
	double	   *volume;			/* N: expected */
	lem_policy_sample *policy;
} lem_train_buffers;

/* What a model on top of the exact optimum is trained with besides. */
typedef struct lem_train_policy
{
	lem_policy_menu menu;
	const lem_optimum **tables[LEM_SIGHTS]; /* of each entry; NULL: no series is seen so */
	const lem_optimum_sight *sight; /* of each series */
} lem_train_policy;

extern void lem_train_buffers_carve(lem_arena *arena, const lem_config *config,
									const lem_train_options *options,
									lem_train_buffers *buffers);

/* A group of a step, or of validation, as one process computes pieces of it. */
typedef struct lem_train_job
{
	const lem_model *model;		/* its trunk decoded from part 0 */
	const lem_dataset *dataset;
	const lem_train_options *options;
	const lem_train_buffers *buffers;
	const lem_train_policy *policy; /* NULL but on top of the optimum */
	void	   *scratch;		/* lem_train_scratch() bytes */
	const lem_stop *stop;
	bool		validating;
	int			epoch;			/* from 0; these two not for validation */
	int64_t		step;			/* from 0 within the epoch */
	int64_t		group;			/* of the step, or of all validation */
} lem_train_job;

/*
 * Bytes, 64-byte aligned: what a shard keeps from its trunk's forward pass to its backward pass,
 * and scratch space that is free between passes.
 */
extern size_t lem_train_kept(const lem_model *model, const lem_train_options *options);
extern size_t lem_train_scratch(const lem_model *model, const lem_dataset *dataset,
								const lem_train_options *options);

/* Shards of the job's group: slots 0, 1, ... */
extern int	lem_train_slots(const lem_train_job *job);

/*
 * The trunk forward over the samples of a slot, which are drawn first.  In gradient (part 0; not
 * for validation) the scale factors and base curves are cleared.  LEM_OK or LEM_STOPPED.
 */
extern lem_status lem_train_trunk(const lem_train_job *job, int slot, void *kept,
								  lem_real *gradient);

/*
 * Samples that lem_train_heads() takes: those of one slot, of all, or of one half of several slots
 * (the first half is the larger one).
 */
enum
{
	LEM_ALL_SLOTS = -1,
	LEM_FIRST_SLOTS = -2,
	LEM_LAST_SLOTS = -3
};

/*
 * One set of heads, forward and back, over the samples of a slot or several: *loss is their share
 * of the batch's loss; part, dpart, add and dcurves are as for lem_gradient_heads().
 */
extern void lem_train_heads(const lem_train_job *job, const lem_head *head, int set, int slot,
							const lem_real *part, bool add, double *loss, lem_real *dpart,
							const lem_curves_gradient *dcurves);

/*
 * The trunk back over the samples of a slot: gradient (part 0) is set, but for the scale factors
 * and base curves, whose gradient is the heads'.  LEM_OK or LEM_STOPPED.
 */
extern lem_status lem_train_trunk_back(const lem_train_job *job, const lem_real *part, int slot,
									   void *kept, lem_real *gradient);

/*
 * Numbers [begin, end) of one part: sum = shard 0 + shard 1 + ..., in this order, or with add
 * sum += all that.
 */
extern void lem_train_reduce(int n, const lem_real *const *shards, int64_t begin, int64_t end,
							 bool add, lem_real *sum);

/* The learning rate of step `step` (from 1) of the run. */
extern double lem_train_rate(const lem_train_options *options, const lem_train_state *state,
							 int64_t step);

/* A step of the optimiser: what was learnt from the whole batch, and how far to go. */
typedef struct lem_train_step
{
	double		loss;			/* of the batch */
	double		norm;			/* length of the gradient of the whole model */
	int64_t		number;			/* of the run, from 1 */
	double		rate;
	double		scale;			/* of the gradient: less than 1 where it is clipped */
} lem_train_step;

/*
 * Take a step, which the state counts, from the losses of a batch's pieces and the squares of a
 * gradient's (lem_gradient_squares()): both are added up in their order, whoever computed them.
 * False, with the state as it was, if the loss or the norm, which are set, are not finite.
 */
extern bool lem_train_step_begin(const lem_train_options *options, lem_train_state *state,
								 int n_losses, const double *losses, int64_t n_squares,
								 const double *squares, lem_train_step *step);

/* Its part for numbers [begin, end) of one part of the model (lem_adam_step()). */
extern void lem_train_step_update(const lem_train_options *options, const lem_train_step *step,
								  int64_t begin, int64_t end, const lem_real *gradient,
								  lem_real *m, lem_real *v, lem_real *weights);

/* Its average over steps: numbers [begin, end) of one part, which begin as the weights are. */
extern void lem_train_average(const lem_train_options *options, const lem_train_step *step,
							  int64_t begin, int64_t end, const lem_real *weights,
							  lem_real *average);

/* And when all numbers are updated: base curves that sum to 1 over the steps (lem_constrain()). */
extern void lem_train_step_end(const lem_config *config, lem_real *trunk_part);

/*
 * The loss that step `step` (0-based within the epoch, of `steps`) of epoch `epoch` (0-based)
 * learns from: its mask is soft at first and sharpens, by the same factor with every step, until
 * mask_epochs are over.  With a sharp mask only an order that is all done counts as finished, and
 * no small change towards finishing gains anything.
 */
extern lem_loss_options lem_train_loss(const lem_train_options *options, int epoch, int64_t step,
									   int64_t steps);

/* What a set of heads makes of the samples of a slot or of several, added to sums. */
extern void lem_validation_heads(const lem_train_job *job, const lem_head *head, int set,
								 int slot, lem_validation *sums);

/*
 * Take note of an epoch's validation loss; true if it is the best so far.  While the mask is still
 * being sharpened no epoch is one without progress.
 */
extern bool lem_train_epoch_end(const lem_train_options *options, lem_train_state *state,
								double validation_loss);

/* Whether the run is over: all epochs done, or out of patience. */
extern bool lem_train_done(const lem_train_options *options, const lem_train_state *state);

#endif
