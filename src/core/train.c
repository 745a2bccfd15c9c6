/* train.c: the arithmetic of training. */
#include <math.h>
#include <string.h>

#include "random.h"
#include "train.h"

/* Where a soft mask is 1/2: with half of the order left, at most. */
#define SOFTEST_MASK_OFFSET 0.5

/* Streams of random numbers. */
enum
{
	STREAM_ORDER = 1,			/* + epoch, high: which starts, in which order */
	STREAM_RATES,				/* + epoch, high: which rates */
	STREAM_ENCODED,				/* + epoch, high: which numbers are left out */
	STREAM_CONTEXT				/* the same of the context */
};

static uint64_t
stream(int kind, int epoch)
{
	return ((uint64_t) (epoch + 1) << 8) | (uint64_t) kind;
}

void
lem_train_options_default(lem_train_options *options, int n_ahead)
{
	memset(options, 0, sizeof(*options));
	options->epochs = 20;
	options->patience = 4;
	options->batch = 64;
	options->shard = 16;
	options->samples = 0;
	options->validation_samples = 4096;
	options->validation = 0.15;
	lem_adam_default(&options->adam);
	options->adam.clip_norm = 1;
	options->warmup = 100;
	options->decay = 0.5;
	options->decay_patience = 2;
	options->loss = (lem_loss_options) {LEM_OBJECTIVE_SOFTPLUS, 0, LEM_SHARP_MASK_SLOPE,
		LEM_SHARP_MASK_OFFSET};
	options->mask_start = LEM_SOFT_MASK_SLOPE;
	options->mask_epochs = LEM_MASK_EPOCHS;
	/* no limits, and the limits that orders over n_ahead bars tend to have */
	options->n_rates = 4;
	options->rates[0][1] = 1;
	options->rates[1][1] = fmin(1, 6.0 / n_ahead);
	options->rates[2][1] = fmin(1, 3.0 / n_ahead);
	options->rates[3][0] = 0.25 / n_ahead;
	options->rates[3][1] = 1;
	options->seed = 1;
}

lem_status
lem_train_options_check(const lem_train_options *o, lem_fault *fault)
{
	const struct
	{
		const char *name;
		double		value;
		double		low;
		double		high;
	}			ranges[] = {
		{"epochs", o->epochs, 1, 100000},
		{"patience", o->patience, 1, 100000},
		{"batch", o->batch, 1, 65536},
		{"shard", o->shard, 1, 4096},
		{"samples", (double) o->samples, 0, 1e12},
		{"validation_samples", (double) o->validation_samples, 1, 1e9},
		{"validation", o->validation, 0.01, 0.9},
		{"rate", o->adam.rate, 1e-9, 1},
		{"clip_norm", o->adam.clip_norm, 0, 1e9},
		{"warmup", o->warmup, 0, 1e9},
		{"decay", o->decay, 0.01, 1},
		{"decay_patience", o->decay_patience, 1, 100000},
		{"risk_aversion", o->loss.risk_aversion, 0, 1000},
		{"dropout", o->dropout, 0, LEM_MAX_DROPOUT},
		{"mask_slope", o->loss.mask_slope, 1, 10000},
		{"mask_offset", o->loss.mask_offset, 0, 0.5},
		{"mask_start", o->mask_start, 1, 10000},
		{"mask_epochs", o->mask_epochs, 0, 100000},
		{"rates", o->n_rates, 1, LEM_MAX_RATE_PAIRS},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (!(ranges[i].value >= ranges[i].low && ranges[i].value <= ranges[i].high))
			return lem_fail(fault, LEM_CONFIG_RANGE, ranges[i].name, ranges[i].value,
							ranges[i].value < ranges[i].low ? ranges[i].low : ranges[i].high);
	if (o->batch % o->shard != 0)
		return lem_fail(fault, LEM_CONFIG_RANGE, "shard", o->shard, o->batch);
	for (int i = 0; i < o->n_rates; i++)
		if (!(o->rates[i][0] >= 0 && o->rates[i][0] <= o->rates[i][1] && o->rates[i][1] <= 1
			  && o->rates[i][1] > 0))
			return lem_fail(fault, LEM_CONFIG_RANGE, "rates", o->rates[i][0], o->rates[i][1]);
	return LEM_OK;
}

void
lem_train_state_init(lem_train_state *state)
{
	memset(state, 0, sizeof(*state));
	state->rate_scale = 1;
	state->best_loss = INFINITY;
}

int64_t
lem_train_steps(const lem_dataset *dataset, const lem_train_options *options)
{
	int64_t		samples = options->samples > 0 ? options->samples : (int64_t) dataset->n_train;

	return samples < options->batch ? 1 : samples / options->batch;
}

int
lem_train_shards(const lem_train_options *options)
{
	return options->batch / options->shard;
}

/* Buffers of a shard. */
typedef struct shard_acts
{
	lem_real   *rows;			/* shard x T x C */
	lem_real   *rates;			/* 2 x shard: min, then max */
	lem_real   *market;			/* shard x N x 2 */
	double	   *scratch;
	lem_real   *encoded_mask;	/* with dropout: shard x T x H */
	lem_real   *context_mask;	/* shard x (N - 1) x H */
	lem_real   *encoded;		/* shard x T x H */
	void	   *gradient;
} shard_acts;

/* Numbers of one sample that dropout leaves out some of. */
static size_t
encoded_size(const lem_config *config)
{
	return (size_t) lem_rows(config) * config->hidden_size;
}

static size_t
context_size(const lem_config *config)
{
	return (size_t) (config->n_ahead - 1) * config->hidden_size;
}

static void
shard_carve(lem_arena *arena, const lem_model *model, const lem_dataset *dataset,
			const lem_train_options *options, shard_acts *acts)
{
	const lem_config *config = &model->config;
	const size_t n = options->shard;

	acts->rows = lem_arena_reals(arena, n * lem_rows(config) * lem_inputs(config));
	acts->rates = lem_arena_reals(arena, 2 * n);
	acts->market = lem_arena_reals(arena, n * config->n_ahead * 2);
	acts->scratch = lem_arena_bytes(arena, sizeof(double)
									* lem_dataset_scratch(config, dataset->n_series,
														  dataset->series));
	if (options->dropout > 0)
	{
		acts->encoded_mask = lem_arena_reals(arena, n * encoded_size(config));
		acts->context_mask = lem_arena_reals(arena, n * context_size(config));
		acts->encoded = lem_arena_reals(arena, n * encoded_size(config));
	}
	acts->gradient = lem_arena_bytes(arena, lem_gradient_workspace(model, (int) n));
}

size_t
lem_train_workspace(const lem_model *model, const lem_dataset *dataset,
					const lem_train_options *options)
{
	lem_arena	arena = {NULL, 0};
	shard_acts	acts;

	shard_carve(&arena, model, dataset, options, &acts);
	return arena.used;
}

/*
 * The start at place i of an epoch.  Starts are taken in an order that visits each once before any
 * comes again: a permutation by a four-round Feistel network over the next power of four, walked
 * until it falls within n.
 */
static size_t
shuffled(uint64_t seed, int epoch, uint64_t i, uint64_t n)
{
	const uint64_t round = i / n;
	const uint64_t key = stream(STREAM_ORDER, epoch) ^ (round << 40);
	int			half = 1;
	uint64_t	mask;
	uint64_t	x = i % n;

	while (half < 31 && (UINT64_C(1) << (2 * half)) < n)
		half++;
	mask = (UINT64_C(1) << half) - 1;
	do
	{
		uint64_t	left = x >> half;
		uint64_t	right = x & mask;

		for (int r = 0; r < 4; r++)
		{
			uint64_t	mixed = left ^ (lem_random_bits(seed, key + (uint64_t) r * 16, right) & mask);

			left = right;
			right = mixed;
		}
		x = left << half | right;
	} while (x >= n);
	return x;
}

lem_loss_options
lem_train_loss(const lem_train_options *options, int epoch, int64_t step, int64_t steps)
{
	lem_loss_options loss = options->loss;
	const double at = options->mask_epochs > 0
		? (epoch + (double) step / (double) steps) / options->mask_epochs : 1;

	/* a mask that is not soft to begin with stays as it is */
	if (at < 1 && options->mask_start < loss.mask_slope)
	{
		const double slope = options->mask_start
			* pow(loss.mask_slope / options->mask_start, at);

		/* what is left of a finished order weighs the same throughout */
		loss.mask_offset = fmin(SOFTEST_MASK_OFFSET, loss.mask_offset * loss.mask_slope / slope);
		loss.mask_slope = slope;
	}
	return loss;
}

lem_status
lem_train_shard(const lem_model *model, const lem_real *const *parts, const lem_dataset *dataset,
				const lem_train_options *options, int epoch, int64_t step, int shard,
				void *workspace, const lem_stop *stop, double *loss, lem_real *const *gradient)
{
	const lem_config *config = &model->config;
	const int	n = options->shard;
	const size_t sample_size = (size_t) lem_rows(config) * lem_inputs(config);
	lem_arena	arena = {workspace, 0};
	shard_acts	acts;
	lem_samples samples;
	lem_dropout dropout;
	lem_loss_options loss_options;

	shard_carve(&arena, model, dataset, options, &acts);
	for (int i = 0; i < n; i++)
	{
		const uint64_t place = (uint64_t) step * options->batch + (uint64_t) shard * n + i;
		const size_t start = shuffled(options->seed, epoch, place, dataset->n_train);
		const uint64_t pair = lem_random_below(options->seed, stream(STREAM_RATES, epoch), place,
											   options->n_rates);

		lem_dataset_sample(dataset, &dataset->train[start], acts.scratch,
						   acts.rows + i * sample_size,
						   acts.market + (size_t) i * config->n_ahead * 2);
		acts.rates[i] = (lem_real) options->rates[pair][0];
		acts.rates[n + i] = (lem_real) options->rates[pair][1];
		if (options->dropout > 0)
		{
			lem_dropout_draw(options->dropout, options->seed, stream(STREAM_ENCODED, epoch), place,
							 encoded_size(config), acts.encoded_mask + i * encoded_size(config));
			lem_dropout_draw(options->dropout, options->seed, stream(STREAM_CONTEXT, epoch), place,
							 context_size(config), acts.context_mask + i * context_size(config));
		}
	}
	for (int p = 0; p < lem_part_count(config); p++)
		memset(gradient[p], 0, lem_part_size(config, p) * sizeof(lem_real));
	samples = (lem_samples) {n, options->batch, acts.rows, acts.rates, acts.rates + n,
		acts.market, NULL};
	if (options->dropout > 0)
	{
		dropout = (lem_dropout) {acts.encoded_mask, acts.context_mask, acts.encoded};
		samples.dropout = &dropout;
	}
	loss_options = lem_train_loss(options, epoch, step, lem_train_steps(dataset, options));
	return lem_gradient(model, parts, &samples, &loss_options, acts.gradient, stop, loss,
						gradient);
}

void
lem_train_reduce(int n, const lem_real *const *shards, int64_t begin, int64_t end, lem_real *sum)
{
	for (int64_t i = begin; i < end; i++)
		sum[i] = shards[0][i];
	for (int s = 1; s < n; s++)
		for (int64_t i = begin; i < end; i++)
			sum[i] += shards[s][i];
}

double
lem_train_rate(const lem_train_options *options, const lem_train_state *state, int64_t step)
{
	double		rate = options->adam.rate * state->rate_scale;

	return step < options->warmup ? rate * (double) step / options->warmup : rate;
}

/* Samples of validation: all, or as many as asked for, evenly spread. */
static int64_t
validation_samples(const lem_dataset *dataset, const lem_train_options *options)
{
	return (int64_t) dataset->n_valid < options->validation_samples
		? (int64_t) dataset->n_valid : options->validation_samples;
}

int64_t
lem_validation_shards(const lem_dataset *dataset, const lem_train_options *options)
{
	return (validation_samples(dataset, options) + options->shard - 1) / options->shard;
}

lem_status
lem_validation_shard(const lem_model *model, const lem_dataset *dataset,
					 const lem_train_options *options, int64_t shard, void *workspace,
					 const lem_stop *stop, lem_validation *sums)
{
	const lem_config *config = &model->config;
	const int64_t total = validation_samples(dataset, options);
	const int64_t first = shard * options->shard;
	const int	n = (int) (total - first < options->shard ? total - first : options->shard);
	const size_t sample_size = (size_t) lem_rows(config) * lem_inputs(config);
	lem_arena	arena = {workspace, 0};
	shard_acts	acts;
	lem_samples samples;
	lem_status	status;
	double		loss;

	shard_carve(&arena, model, dataset, options, &acts);
	for (int i = 0; i < n; i++)
	{
		const size_t start = (size_t) ((first + i) * (int64_t) dataset->n_valid / total);

		lem_dataset_sample(dataset, &dataset->valid[start], acts.scratch,
						   acts.rows + i * sample_size,
						   acts.market + (size_t) i * config->n_ahead * 2);
		acts.rates[i] = 0;
		acts.rates[n + i] = 1;
	}
	samples = (lem_samples) {n, n, acts.rows, acts.rates, acts.rates + n, acts.market, NULL};
	status = lem_gradient_validate(model, &samples, &options->loss, acts.gradient, stop, &loss,
								   sums->gain, sums->square);
	if (status != LEM_OK)
		return status;
	sums->samples += n;
	sums->loss += loss * n;
	return LEM_OK;
}

void
lem_validation_add(lem_validation *to, const lem_validation *from)
{
	to->samples += from->samples;
	to->loss += from->loss;
	for (int b = 0; b <= LEM_MAX_AHEAD; b++)
	{
		to->gain[b] += from->gain[b];
		to->square[b] += from->square[b];
	}
}

void
lem_validation_gain(const lem_validation *sums, int branch, double *mean, double *deviation)
{
	const double n = (double) sums->samples * LEM_CASES;

	*mean = sums->gain[branch] / n;
	*deviation = sqrt(fmax(sums->square[branch] / n - *mean * *mean, 0));
}

bool
lem_train_epoch_end(const lem_train_options *options, lem_train_state *state,
					double validation_loss)
{
	state->epoch++;
	if (validation_loss < state->best_loss)
	{
		state->best_loss = validation_loss;
		state->best_epoch = state->epoch;
		state->stale = 0;
		state->decay_stale = 0;
		return true;
	}
	if (state->epoch <= options->mask_epochs)
		return false;
	state->stale++;
	state->decay_stale++;
	if (state->decay_stale >= options->decay_patience)
	{
		state->rate_scale *= options->decay;
		state->decay_stale = 0;
	}
	return false;
}

bool
lem_train_done(const lem_train_options *options, const lem_train_state *state)
{
	return state->epoch >= options->epochs || state->stale >= options->patience;
}
