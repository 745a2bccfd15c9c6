/*
 * train.h: the arithmetic of training: batches, shards, steps and validation.
 *
 * A batch is cut into shards of a fixed size.  Each shard's gradient is computed into a buffer of
 * its own and the buffers are added in the order of the shards, so that the weights do not depend
 * on who computed which shard.  All that is random is a function of the seed and of where in the
 * run it is drawn (random.h): a resumed run continues as if it had not stopped.
 */
#ifndef LEM_TRAIN_H
#define LEM_TRAIN_H

#include "dataset.h"
#include "gradient.h"
#include "optimizer.h"

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
} lem_train_options;

extern void lem_train_options_default(lem_train_options *options, int n_ahead);

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

/* Steps of an epoch, and shards of a step. */
extern int64_t lem_train_steps(const lem_dataset *dataset, const lem_train_options *options);
extern int	lem_train_shards(const lem_train_options *options);

/* Bytes of workspace (64-byte aligned) for a shard, in training and in validation. */
extern size_t lem_train_workspace(const lem_model *model, const lem_dataset *dataset,
								  const lem_train_options *options);

/*
 * Gradient of one shard of step `step` (0-based within the epoch) of epoch `epoch` (0-based), set
 * into gradient (cleared first), and its share of the batch's loss.  The model's trunk and all
 * heads were decoded from parts.
 */
extern lem_status lem_train_shard(const lem_model *model, const lem_real *const *parts,
								  const lem_dataset *dataset, const lem_train_options *options,
								  int epoch, int64_t step, int shard, void *workspace,
								  const lem_stop *stop, double *loss, lem_real *const *gradient);

/* Add shards' gradients [begin, end) of one part in order: sum = shard 0 + shard 1 + ... */
extern void lem_train_reduce(int n, const lem_real *const *shards, int64_t begin, int64_t end,
							 lem_real *sum);

/* The learning rate of step `step` (from 1) of the run. */
extern double lem_train_rate(const lem_train_options *options, const lem_train_state *state,
							 int64_t step);

/*
 * The loss that step `step` (0-based within the epoch, of `steps`) of epoch `epoch` (0-based) learns
 * from: its mask is soft at first and sharpens, by the same factor with every step, until
 * mask_epochs are over.  With a sharp mask only an order that is all done counts as finished, and no
 * small change towards finishing gains anything.
 */
extern lem_loss_options lem_train_loss(const lem_train_options *options, int epoch, int64_t step,
									   int64_t steps);

/* Mean gains of validation, in basis points of the benchmark; positive is good on both sides. */
typedef struct lem_validation
{
	int64_t		samples;
	double		loss;			/* sum over samples */
	double		gain[LEM_MAX_AHEAD + 1];	/* sum, by branch, over cases and samples */
	double		square[LEM_MAX_AHEAD + 1];	/* of squares of the same */
} lem_validation;

/* Shards of validation, and one of them, added to sums. */
extern int64_t lem_validation_shards(const lem_dataset *dataset,
									 const lem_train_options *options);
extern lem_status lem_validation_shard(const lem_model *model, const lem_dataset *dataset,
									   const lem_train_options *options, int64_t shard,
									   void *workspace, const lem_stop *stop,
									   lem_validation *sums);
extern void lem_validation_add(lem_validation *to, const lem_validation *from);

/* Mean and standard deviation of a branch's gains, over samples and cases. */
extern void lem_validation_gain(const lem_validation *sums, int branch, double *mean,
								double *deviation);

/*
 * Take note of an epoch's validation loss; true if it is the best so far.  While the mask is still
 * being sharpened no epoch is one without progress.
 */
extern bool lem_train_epoch_end(const lem_train_options *options, lem_train_state *state,
								double validation_loss);

/* Whether the run is over: all epochs done, or out of patience. */
extern bool lem_train_done(const lem_train_options *options, const lem_train_state *state);

#endif
