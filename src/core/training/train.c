/* train.c: the arithmetic of training. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "training/policy_loss.h"
#include "training/train.h"

/* Where a soft mask is 1/2: with half of the order left, at most. */
#define SOFTEST_MASK_OFFSET 0.5

/* Numbers that are added up at a time. */
#define REDUCE_STRETCH 512

/* Streams of random numbers. */
enum
{
	STREAM_ORDER = 1,			/* + epoch, high: which starts, in which order */
	STREAM_RATES,				/* + epoch, high: which rates */
	STREAM_ENCODED,				/* + epoch, high: which numbers are left out */
	STREAM_CONTEXT,				/* the same of the context */
	STREAM_POLICY,				/* + epoch, high: which orders */
	STREAM_BEGIN = 8			/* + epoch, high: where neighbours begin; 7 is the menu's */
};

/* Numbers a sample that are drawn of that; and one in so many is in notional. */
#define POLICY_DRAWS 4
#define NOTIONAL 4

/* Samples in a row that have one problem: a trunk of its own has rows for the longest of a shard alone. */
#define POLICY_ROW 8

/* The average of weights moves faster in its first steps: it is (1 + n) / (WARM + n) of what it was. */
#define WARM 10

/* The mask that a model on top of the optimum begins with, and the epochs that it sharpens in. */
#define POLICY_MASK_SLOPE 50.0
#define POLICY_MASK_EPOCHS 2

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
	options->neighbours = 1;
}

void
lem_train_options_policy(lem_train_options *options)
{
	options->loss.objective = LEM_OBJECTIVE_ENTROPIC;
	options->mask_start = POLICY_MASK_SLOPE;
	options->mask_epochs = POLICY_MASK_EPOCHS;
	options->average = 0.999;
	options->mirror = true;
	options->shrink = true;
}

void
lem_train_options_shared(lem_train_options *options)
{
	options->neighbours = LEM_NEIGHBOURS;
}

lem_status
lem_train_options_fit(const lem_train_options *options, const lem_config *config,
					  lem_fault *fault)
{
	if (config->stop_base)
		return LEM_OK;
	if (options->loss.objective == LEM_OBJECTIVE_ENTROPIC)
		return lem_fail(fault, LEM_CONFIG_RANGE, "objective", LEM_OBJECTIVE_ENTROPIC,
						LEM_OBJECTIVE_SOFTPLUS);
	if (options->mirror)
		return lem_fail(fault, LEM_CONFIG_RANGE, "mirror", options->mirror, false);
	if (options->shrink)
		return lem_fail(fault, LEM_CONFIG_RANGE, "shrink", options->shrink, false);
	return LEM_OK;
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
		{"average", o->average, 0, 0.99999},
		{"neighbours", o->neighbours, 1, 4096},
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

/* Shards that n samples make. */
static int64_t
shards_of(const lem_train_options *options, int64_t n)
{
	return (n + options->shard - 1) / options->shard;
}

int
lem_train_group_shards(const lem_train_options *options)
{
	const int	all = options->batch / options->shard;
	const int	wanted = (int) shards_of(options, LEM_GROUP_SAMPLES);
	const int	most = wanted > LEM_GROUP_SHARDS ? wanted : LEM_GROUP_SHARDS;

	return all < most ? all : most;
}

/* Groups that n samples make. */
static int64_t
groups_of(const lem_train_options *options, int64_t n)
{
	const int64_t group = lem_train_group_shards(options);

	return (shards_of(options, n) + group - 1) / group;
}

int64_t
lem_train_groups(const lem_train_options *options)
{
	return groups_of(options, options->batch);
}

void
lem_train_buffers_carve(lem_arena *arena, const lem_config *config,
						const lem_train_options *options, lem_train_buffers *buffers)
{
	const size_t n = (size_t) lem_train_group_shards(options) * options->shard;

	buffers->rows = lem_arena_reals(arena, n * lem_inputs_size(config));
	buffers->min_rate = lem_arena_reals(arena, n);
	buffers->max_rate = lem_arena_reals(arena, n);
	buffers->market = lem_arena_reals(arena, n * config->n_ahead * 2);
	buffers->inputs = lem_arena_reals(arena, n * lem_inputs_size(config));
	buffers->context = lem_arena_reals(arena, n * lem_context_size(config));
	buffers->dcontext = lem_arena_reals(arena, (size_t) lem_head_sets(config) * n
										* lem_context_size(config));
	if (config->stop_base)
	{
		const size_t steps = n * config->n_ahead * sizeof(double);

		buffers->bars = lem_arena_bytes(arena, 2 * steps);
		buffers->close = lem_arena_bytes(arena, steps);
		buffers->volume = lem_arena_bytes(arena, steps);
		buffers->policy = lem_arena_bytes(arena, n * sizeof(lem_policy_sample));
	}
}

/* Numbers of one sample that dropout leaves out some of, besides the context. */
static size_t
encoded_size(const lem_config *config)
{
	return (size_t) lem_rows(config) * config->hidden_size;
}

/* What a shard keeps. */
typedef struct kept_acts
{
	lem_real   *encoded_mask;	/* with dropout: shard x T x H */
	lem_real   *context_mask;	/* shard x (N - 1) x H */
	lem_real   *encoded;		/* shard x T x H */
	void	   *trunk;
} kept_acts;

static void
kept_carve(lem_arena *arena, const lem_model *model, const lem_train_options *options,
		   kept_acts *kept)
{
	const size_t n = options->dropout > 0 ? options->shard : 0;

	kept->encoded_mask = lem_arena_reals(arena, n * encoded_size(&model->config));
	kept->context_mask = lem_arena_reals(arena, n * lem_context_size(&model->config));
	kept->encoded = lem_arena_reals(arena, n * encoded_size(&model->config));
	kept->trunk = lem_arena_bytes(arena, lem_gradient_kept(model, options->shard));
}

size_t
lem_train_kept(const lem_model *model, const lem_train_options *options)
{
	lem_arena	arena = {NULL, 0};
	kept_acts	kept;

	kept_carve(&arena, model, options, &kept);
	return arena.used;
}

/* Orders of a shard, in front of the heads' scratch space. */
static lem_policy_order *
carve_orders(lem_arena *arena, const lem_train_options *options)
{
	return lem_arena_bytes(arena, (size_t) options->shard * LEM_POLICY_ORDERS
						   * sizeof(lem_policy_order));
}

static size_t
heads_scratch(const lem_model *model, const lem_train_options *options)
{
	const int	heads = model->config.shared_heads ? 1 : lem_train_group_shards(options);
	lem_arena	arena = {NULL, 0};

	if (model->config.stop_base)
		carve_orders(&arena, options);
	return arena.used + lem_gradient_heads_scratch(model, heads * options->shard);
}

size_t
lem_train_scratch(const lem_model *model, const lem_dataset *dataset,
				  const lem_train_options *options)
{
	const lem_config *config = &model->config;
	const size_t sizes[] = {
		sizeof(double) * lem_dataset_scratch(config, dataset->n_series, dataset->series),
		lem_gradient_trunk_scratch(model, options->shard),
		heads_scratch(model, options)
	};
	size_t		most = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		most = sizes[i] > most ? sizes[i] : most;
	return most;
}

/*
 * The start number i of an epoch.  Starts are taken in an order that visits each once before any
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

/* Starts from one neighbour to the next. */
static int
spacing(const lem_config *config)
{
	return config->n_ahead < 4 ? 1 : config->n_ahead / 4;
}

/*
 * The start of sample number `number` of an epoch: of each so many starts in a row, which neighbours
 * of one another would fill, the offsets are drawn like starts themselves.  What is left over lies at
 * the beginning or the end, by epochs.
 */
static size_t
drawn_start(const lem_train_job *job, uint64_t number)
{
	const lem_train_options *options = job->options;
	const uint64_t n = job->dataset->n_train;
	const uint64_t apart = spacing(&job->model->config);
	const uint64_t wide = options->neighbours * apart;
	uint64_t	place;
	uint64_t	begin;

	if (options->neighbours == 1 || n < wide)
		return shuffled(options->seed, job->epoch, number, n);
	place = shuffled(options->seed, job->epoch, number / options->neighbours, n / wide * apart);
	begin = lem_random_below(options->seed, stream(STREAM_BEGIN, job->epoch), 0, n % wide + 1);
	return begin + place / apart * wide + place % apart + number % options->neighbours * apart;
}

/* The same of validation: evenly spread, but for neighbours. */
static size_t
spread_start(const lem_train_job *job, int64_t number, int64_t all)
{
	const int64_t n = (int64_t) job->dataset->n_valid;
	const int64_t neighbour = number % job->options->neighbours;
	const int64_t apart = spacing(&job->model->config);
	const int64_t step = n / all < apart ? n / all : apart;
	const int64_t start = (number - neighbour) * n / all + neighbour * step;

	return start < n ? start : n - 1;
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

/* Samples of validation: all, or as many as asked for, evenly spread. */
static int64_t
validation_samples(const lem_dataset *dataset, const lem_train_options *options)
{
	return (int64_t) dataset->n_valid < options->validation_samples
		? (int64_t) dataset->n_valid : options->validation_samples;
}

int64_t
lem_validation_groups(const lem_dataset *dataset, const lem_train_options *options)
{
	return groups_of(options, validation_samples(dataset, options));
}

/* Samples of the job's step, or of all validation; and where those of its group begin. */
static int64_t
all_samples(const lem_train_job *job)
{
	return job->validating ? validation_samples(job->dataset, job->options) : job->options->batch;
}

static int64_t
group_begin(const lem_train_job *job)
{
	return job->group * lem_train_group_shards(job->options) * job->options->shard;
}

/* How many of its group there are from one on, most at most. */
static int
samples_from(const lem_train_job *job, int first, int most)
{
	const int64_t n = all_samples(job) - group_begin(job) - first;

	return n < most ? (int) n : most;
}

int
lem_train_slots(const lem_train_job *job)
{
	const int	most = lem_train_group_shards(job->options);

	return (int) shards_of(job->options, samples_from(job, 0, most * job->options->shard));
}

/* The samples of a slot, or of several, and where they begin in the buffers. */
static lem_samples
samples_of(const lem_train_job *job, int slot, const lem_dropout *dropout, int *first)
{
	const lem_config *config = &job->model->config;
	const lem_train_buffers *buffers = job->buffers;
	const int	shard = job->options->shard;
	const int	slots = lem_train_slots(job);
	const int	half = (slots + 1) / 2;
	const int	from = slot == LEM_LAST_SLOTS ? half : slot < 0 ? 0 : slot;
	const int	to = slot == LEM_FIRST_SLOTS ? half : slot < 0 ? slots : slot + 1;

	*first = from * shard;
	return (lem_samples) {
		.n = samples_from(job, *first, (to - from) * shard),
		.total = job->validating ? 1 : job->options->batch,
		.rows = buffers->rows + *first * lem_inputs_size(config),
		.min_rate = buffers->min_rate + *first,
		.max_rate = buffers->max_rate + *first,
		.market = buffers->market + (size_t) *first * config->n_ahead * 2,
		.dropout = dropout
	};
}

/* A start's sample into place i of the buffers. */
static void
fill_sample(const lem_train_job *job, const lem_start *start, lem_window_memory *memory, int i)
{
	const lem_config *config = &job->model->config;
	const lem_train_buffers *buffers = job->buffers;
	lem_real   *rows = buffers->rows + i * lem_inputs_size(config);
	lem_real   *market = buffers->market + (size_t) i * config->n_ahead * 2;
	const size_t step = (size_t) i * config->n_ahead;
	lem_start_view view;

	if (!config->stop_base)
	{
		lem_dataset_sample(job->dataset, start, job->scratch, rows, market);
		return;
	}
	view.market = buffers->bars + 2 * step;
	view.close = buffers->close + step;
	view.volume = buffers->volume + step;
	lem_dataset_look(job->dataset, start, memory, job->scratch, rows, market, &view);
	lem_policy_sample_of(&view, job->policy->sight[start->series], &buffers->policy[i]);
}

/* What a sample's orders are, and whether it is turned around. */
static void
draw_policy(const lem_train_job *job, uint64_t number, int i)
{
	const lem_config *config = &job->model->config;
	const lem_train_options *options = job->options;
	const lem_train_buffers *buffers = job->buffers;
	const lem_policy_menu *menu = &job->policy->menu;
	const uint64_t from = stream(STREAM_POLICY, job->epoch);
	const size_t step = (size_t) i * config->n_ahead;
	lem_policy_sample *sample = &buffers->policy[i];

	sample->entry = (int) lem_random_below(options->seed, from, number / POLICY_ROW * POLICY_ROW
										   * POLICY_DRAWS, menu->n_train);
	sample->notional = lem_random_below(options->seed, from, number * POLICY_DRAWS + 1,
										NOTIONAL) == 0;
	if (options->mirror &&
		lem_random_below(options->seed, from, (number - number % options->neighbours) * POLICY_DRAWS
						 + 2, 2) == 0)
		lem_policy_mirror(config, buffers->rows + i * lem_inputs_size(config),
						  buffers->market + 2 * step, buffers->bars + 2 * step,
						  buffers->close + step, sample);
	buffers->min_rate[i] = (lem_real) menu->entry[sample->entry].problem.min_rate;
	buffers->max_rate[i] = (lem_real) menu->entry[sample->entry].problem.max_rate;
}

/* Sample i of the buffers: the epoch's sample of that number, and its masks. */
static void
draw_training(const lem_train_job *job, uint64_t number, lem_window_memory *memory, int i,
			  const kept_acts *kept, int in_kept)
{
	const lem_config *config = &job->model->config;
	const lem_dataset *dataset = job->dataset;
	const lem_train_options *options = job->options;
	const lem_train_buffers *buffers = job->buffers;
	const size_t start = drawn_start(job, number);
	const uint64_t pair = lem_random_below(options->seed, stream(STREAM_RATES, job->epoch), number,
										   options->n_rates);
	const size_t encoded = encoded_size(config);
	const size_t context = lem_context_size(config);

	fill_sample(job, &dataset->train[start], memory, i);
	buffers->min_rate[i] = (lem_real) options->rates[pair][0];
	buffers->max_rate[i] = (lem_real) options->rates[pair][1];
	if (config->stop_base)
		draw_policy(job, number, i);
	if (options->dropout > 0)
	{
		lem_dropout_draw(options->dropout, options->seed, stream(STREAM_ENCODED, job->epoch), number,
						 encoded, kept->encoded_mask + in_kept * encoded);
		lem_dropout_draw(options->dropout, options->seed, stream(STREAM_CONTEXT, job->epoch), number,
						 context, kept->context_mask + in_kept * context);
	}
}

/* The same of validation: evenly spread, without limits. */
static void
draw_validation(const lem_train_job *job, int64_t number, lem_window_memory *memory, int i)
{
	const lem_dataset *dataset = job->dataset;
	const lem_train_buffers *buffers = job->buffers;
	const size_t start = spread_start(job, number, all_samples(job));

	fill_sample(job, &dataset->valid[start], memory, i);
	buffers->min_rate[i] = 0;
	buffers->max_rate[i] = 1;
}

/* What a slot keeps, and its masks: NULL without dropout. */
static const lem_dropout *
open_kept(const lem_train_job *job, void *memory, kept_acts *kept, lem_dropout *dropout)
{
	lem_arena	arena = {memory, 0};

	kept_carve(&arena, job->model, job->options, kept);
	*dropout = (lem_dropout) {kept->encoded_mask, kept->context_mask, kept->encoded};
	return job->options->dropout > 0 && !job->validating ? dropout : NULL;
}

/* The longest order of n samples from `first` on; 0: not drawn, of any length. */
static int
longest(const lem_train_job *job, int first, int n)
{
	int			most = 0;

	if (!job->model->config.stop_base || job->validating)
		return 0;
	for (int i = first; i < first + n; i++)
	{
		const int	bars = job->policy->menu.entry[job->buffers->policy[i].entry].problem.bars;

		most = bars > most ? bars : most;
	}
	return most;
}

lem_status
lem_train_trunk(const lem_train_job *job, int slot, void *memory, lem_real *gradient)
{
	const lem_config *config = &job->model->config;
	kept_acts	kept;
	lem_dropout dropout;
	int			first;
	lem_samples samples = samples_of(job, slot, open_kept(job, memory, &kept, &dropout), &first);
	const int64_t begin = group_begin(job) + first;
	lem_window_memory *windows = lem_dataset_memory(job->dataset, job->scratch);
	lem_trunk_offsets at;

	lem_trunk_layout(config, &at);
	if (!job->validating)
		memset(gradient + at.scale, 0, (at.end - at.scale) * sizeof(lem_real));
	for (int i = 0; i < samples.n; i++)
		if (job->validating)
			draw_validation(job, begin + i, windows, first + i);
		else
			draw_training(job, (uint64_t) (job->step * job->options->batch + begin + i), windows,
						  first + i, &kept, i);
	samples.horizon = longest(job, first, samples.n);
	return lem_gradient_trunk(job->model, &samples, kept.trunk, job->stop,
							  job->buffers->inputs + first * lem_inputs_size(config),
							  job->buffers->context + first * lem_context_size(config));
}

/* Numbers from one set's gradients of the context to the next set's. */
static size_t
set_stride(const lem_train_job *job)
{
	return (size_t) lem_train_group_shards(job->options) * job->options->shard
		* lem_context_size(&job->model->config);
}

/*
 * Orders of the n samples from `first` on: of each sample's own problem, or of entry `entry` of the
 * menu.
 */
static void
open_orders(const lem_train_job *job, int first, int n, int entry, lem_policy_order *orders)
{
	const size_t steps = job->model->config.n_ahead;
	const lem_train_buffers *buffers = job->buffers;
	const lem_train_policy *policy = job->policy;

	for (int i = first; i < first + n; i++)
	{
		const lem_policy_sample *sample = &buffers->policy[i];
		const int	of = entry < 0 ? sample->entry : entry;
		const lem_menu_entry *problem = &policy->menu.entry[of];

		lem_policy_orders(sample, problem, problem->early ? policy->tables[sample->sight][of] : NULL,
						  buffers->bars + 2 * i * steps, buffers->close + i * steps,
						  buffers->volume + i * steps, orders + (i - first) * LEM_POLICY_ORDERS);
	}
}

void
lem_train_heads(const lem_train_job *job, const lem_head *head, int set, int slot,
				const lem_real *part, bool add, double *loss, lem_real *dpart,
				const lem_curves_gradient *dcurves)
{
	const lem_config *config = &job->model->config;
	const lem_loss_options options = lem_train_loss(job->options, job->epoch, job->step,
													lem_train_steps(job->dataset, job->options));
	int			first;
	lem_samples samples = samples_of(job, slot, NULL, &first);
	lem_arena	arena = {job->scratch, 0};

	if (config->stop_base)
	{
		lem_policy_order *orders = carve_orders(&arena, job->options);

		open_orders(job, first, samples.n, -1, orders);
		samples.n_orders = LEM_POLICY_ORDERS;
		samples.orders = orders;
	}
	lem_gradient_heads(job->model, head, set, part, &samples, &options,
					   job->buffers->inputs + first * lem_inputs_size(config),
					   job->buffers->context + first * lem_context_size(config),
					   arena.base + arena.used, add, loss, dpart, dcurves,
					   job->buffers->dcontext + set * set_stride(job)
					   + first * lem_context_size(config));
}

lem_status
lem_train_trunk_back(const lem_train_job *job, const lem_real *part, int slot, void *memory,
					 lem_real *gradient)
{
	const lem_config *config = &job->model->config;
	kept_acts	kept;
	lem_dropout dropout;
	int			first;
	lem_samples samples = samples_of(job, slot, open_kept(job, memory, &kept, &dropout), &first);
	lem_trunk_offsets at;

	lem_trunk_layout(config, &at);
	memset(gradient, 0, at.scale * sizeof(lem_real));
	samples.horizon = longest(job, first, samples.n);
	return lem_gradient_trunk_back(job->model, part, &samples, kept.trunk,
								   job->buffers->dcontext + first * lem_context_size(config),
								   set_stride(job), job->scratch, job->stop, gradient);
}

void
lem_train_reduce(int n, const lem_real *const *shards, int64_t begin, int64_t end, bool add,
				 lem_real *sum)
{
	/* a stretch at a time, which stays in the cache */
	for (int64_t at = begin; at < end; at += REDUCE_STRETCH)
	{
		const int64_t to = at + REDUCE_STRETCH < end ? at + REDUCE_STRETCH : end;
		lem_real	x[REDUCE_STRETCH];

		memcpy(x, shards[0] + at, (to - at) * sizeof(lem_real));
		for (int s = 1; s < n; s++)
			for (int64_t i = at; i < to; i++)
				x[i - at] += shards[s][i];
		for (int64_t i = at; add && i < to; i++)
			x[i - at] = sum[i] + x[i - at];
		memcpy(sum + at, x, (to - at) * sizeof(lem_real));
	}
}

/*
 * Validation of a model on top of the optimum: the mean loss of the menu's problems, and gains by
 * branch, each of 4 orders in the place of 8 cases.
 */
static void
validate_policy(const lem_train_job *job, const lem_head *head, int slot, lem_validation *sums)
{
	const lem_config *config = &job->model->config;
	const lem_policy_menu *menu = &job->policy->menu;
	lem_arena	arena = {job->scratch, 0};
	lem_policy_order *orders = carve_orders(&arena, job->options);
	const double scale = (double) LEM_CASES / LEM_POLICY_ORDERS;
	int			first;
	lem_samples samples = samples_of(job, slot, NULL, &first);

	samples.n_orders = LEM_POLICY_ORDERS;
	samples.orders = orders;
	for (int e = menu->n_train; e < menu->n_train + menu->n_valid; e++)
	{
		const lem_menu_entry *entry = &menu->entry[e];
		const int	branch = entry->early ? entry->problem.min_bars - 1 : config->n_ahead;
		const bool	whole = entry->problem.bars == config->n_ahead;
		const lem_real *share;

		open_orders(job, first, samples.n, e, orders);
		share = lem_gradient_policy_shares(job->model, head, &samples,
										   job->buffers->context + first * lem_context_size(config),
										   arena.base + arena.used);
		for (int i = 0; i < samples.n * LEM_POLICY_ORDERS; i++)
		{
			const int	output = lem_policy_output(&orders[i]);
			double		bps;
			double		u;
			const double loss = lem_policy_judge(config, &job->options->loss, &orders[i],
												 share + (size_t) i * config->n_ahead,
												 samples.market + (size_t) (i / LEM_POLICY_ORDERS)
												 * config->n_ahead * 2, &bps, &u)
				/ (LEM_POLICY_ORDERS * menu->n_valid);

			sums->loss += loss;
			sums->output[output] += loss;
			sums->worth[e - menu->n_train][output] += u;
			sums->worth_square[e - menu->n_train][output] += u * u;
			/* gains by branch are those of the whole horizon */
			if (!whole)
				continue;
			sums->gain[branch] += scale * bps;
			sums->square[branch] += scale * bps * bps;
		}
	}
	sums->samples += samples.n;
}

void
lem_validation_heads(const lem_train_job *job, const lem_head *head, int set, int slot,
					 lem_validation *sums)
{
	const lem_config *config = &job->model->config;
	int			first;
	const lem_samples samples = samples_of(job, slot, NULL, &first);
	double		loss;

	if (config->stop_base)
	{
		validate_policy(job, head, slot, sums);
		return;
	}
	lem_gradient_heads_forward(job->model, head, set, &samples, &job->options->loss,
							   job->buffers->inputs + first * lem_inputs_size(config),
							   job->buffers->context + first * lem_context_size(config),
							   job->scratch, &loss, sums->gain, sums->square);
	sums->loss += loss;
	if (set == 0)
		sums->samples += samples.n;
}

double
lem_train_rate(const lem_train_options *options, const lem_train_state *state, int64_t step)
{
	double		rate = options->adam.rate * state->rate_scale;

	return step < options->warmup ? rate * (double) step / options->warmup : rate;
}

bool
lem_train_step_begin(const lem_train_options *options, lem_train_state *state, int n_losses,
					 const double *losses, int64_t n_squares, const double *squares,
					 lem_train_step *step)
{
	const double most = options->adam.clip_norm;
	double		sum = 0;

	step->loss = 0;
	for (int i = 0; i < n_losses; i++)
		step->loss += losses[i];
	for (int64_t i = 0; i < n_squares; i++)
		sum += squares[i];
	step->norm = sqrt(sum);
	if (!isfinite(step->loss) || !isfinite(step->norm))
		return false;
	step->number = ++state->step;
	step->rate = lem_train_rate(options, state, step->number);
	step->scale = most > 0 && step->norm > most ? most / step->norm : 1;
	return true;
}

void
lem_train_step_update(const lem_train_options *options, const lem_train_step *step,
					  int64_t begin, int64_t end, const lem_real *gradient, lem_real *m,
					  lem_real *v, lem_real *weights)
{
	lem_adam	adam = options->adam;

	adam.rate = step->rate;
	lem_adam_step(&adam, step->number, step->scale, begin, end, gradient, m, v, weights);
}

void
lem_train_average(const lem_train_options *options, const lem_train_step *step, int64_t begin,
				  int64_t end, const lem_real *weights, lem_real *average)
{
	const double n = (double) step->number;
	const lem_real keep = step->number == 1 ? 0
		: (lem_real) fmin(options->average, (1 + n) / (WARM + n));

	for (int64_t i = begin; i < end; i++)
		average[i] = keep * average[i] + (1 - keep) * weights[i];
}

void
lem_train_step_end(const lem_config *config, lem_real *trunk_part)
{
	lem_constrain(config, LEM_CURVES_OVER_STEPS, trunk_part);
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
