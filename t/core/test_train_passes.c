/*
 * test_train_passes.c: a step's gradient, and validation, computed in pieces: against the gradient
 * of all samples at once, and the same bits in any order of the pieces.
 */
#include <stdlib.h>

#include "check.h"
#include "parameters/initial.h"
#include "simulate.h"
#include "training/train.h"

#define STEP 3
#define EPOCH 1

static void *
aligned(size_t bytes)
{
	void	   *p = aligned_alloc(64, (bytes + 127) / 64 * 64);

	memset(p, 0, bytes);
	return p;
}

/* Everything of a training. */
typedef struct training
{
	lem_config	config;
	lem_series	series;
	lem_dataset dataset;
	lem_train_options options;
	int			parts;
	lem_real  **weights;
	lem_model	model;
	const lem_head **heads;
} training;

static lem_real **
zeros(const training *t)
{
	lem_real  **parts = calloc(t->parts, sizeof(lem_real *));

	for (int p = 0; p < t->parts; p++)
		parts[p] = aligned(lem_part_size(&t->config, p) * sizeof(lem_real));
	return parts;
}

static void
release(const training *t, lem_real **parts)
{
	for (int p = 0; p < t->parts; p++)
		free(parts[p]);
	free(parts);
}

/* A small model and series; pointers within *t. */
static void
begin(training *t, const simulate_bars *bars, bool shared, int batch, int shard, double dropout)
{
	lem_start  *starts;
	int			failed;
	lem_fault	fault;
	void	   *scratch;
	lem_real   *rows;

	memset(t, 0, sizeof(*t));
	lem_config_default(&t->config);
	t->config.lookback = 6;
	t->config.n_ahead = 3;
	t->config.hidden_size = 10;
	t->config.num_heads = 2;
	t->config.num_embedding = 3;
	t->config.fused_mlp_hidden_dim = 7;
	t->config.norm_window = 12;
	t->config.shared_heads = shared;
	t->series = simulate_series(bars, bars->n, false);
	t->dataset = (lem_dataset) {.config = &t->config, .n_series = 1,
		.series = &t->series};
	starts = aligned(lem_dataset_capacity(&t->config, 1, &t->series) * sizeof(lem_start));
	scratch = aligned(lem_dataset_scratch(&t->config, 1, &t->series) * sizeof(double));
	rows = aligned(lem_inputs_size(&t->config) * sizeof(lem_real));
	check(lem_dataset_fill(&t->dataset, 0.2, scratch, rows, starts, NULL, &failed, &fault)
		  == LEM_OK && t->dataset.n_train > 0 && t->dataset.n_valid > 0, "there are samples");
	free(scratch);
	free(rows);
	lem_train_options_default(&t->options, t->config.n_ahead);
	t->options.batch = batch;
	t->options.shard = shard;
	t->options.dropout = dropout;
	t->options.validation_samples = 3 * batch / 2 + 1;
	t->parts = lem_part_count(&t->config);
	t->weights = zeros(t);
	lem_initial_weights(&t->config, 5, t->weights);
	t->heads = calloc(t->parts, sizeof(lem_head *));
	t->model = (lem_model) {t->config, lem_kernels_select(), NULL, t->heads, {NULL, NULL}};
	t->model.trunk = lem_trunk_decode(&t->config, t->weights[0], LEM_FORM_GRADIENT,
									  aligned(lem_trunk_bytes(&t->config, LEM_FORM_GRADIENT)));
	for (int p = 1; p < t->parts; p++)
		t->heads[p - 1] = lem_head_decode(&t->config, t->weights[p],
										  aligned(lem_head_bytes(&t->config)));
}

static void
end(training *t)
{
	free((void *) t->model.trunk);
	for (int p = 1; p < t->parts; p++)
		free((void *) t->heads[p - 1]);
	free(t->heads);
	release(t, t->weights);
	free((void *) t->dataset.train);
}

/* What pieces are computed with. */
typedef struct pieces
{
	lem_train_buffers buffers;
	void	   *memory;			/* of the buffers */
	void	   *scratch;
	void	  **kept;
	int			slots;
	lem_real ***gradient;		/* slots x parts */
	lem_real   *last;			/* of the last set of separate heads, by its second piece */
	lem_train_job job;
} pieces;

static void
pieces_begin(const training *t, pieces *p)
{
	lem_arena	arena = {NULL, 0};

	lem_train_buffers_carve(&arena, &t->config, &t->options, &p->buffers);
	p->memory = aligned(arena.used);
	arena = (lem_arena) {p->memory, 0};
	lem_train_buffers_carve(&arena, &t->config, &t->options, &p->buffers);
	p->scratch = aligned(lem_train_scratch(&t->model, &t->dataset, &t->options));
	p->slots = lem_train_group_shards(&t->options);
	p->kept = calloc(p->slots, sizeof(void *));
	p->gradient = calloc(p->slots, sizeof(lem_real **));
	for (int s = 0; s < p->slots; s++)
	{
		p->kept[s] = aligned(lem_train_kept(&t->model, &t->options));
		p->gradient[s] = zeros(t);
		for (int part = 0; part < t->parts; part++)
			memset(p->gradient[s][part], 0x7f,
				   lem_part_size(&t->config, part) * sizeof(lem_real));
	}
	p->last = NULL;
	if (!t->config.shared_heads && p->slots > 1)
		p->last = aligned(lem_part_size(&t->config, t->parts - 1) * sizeof(lem_real));
	p->job = (lem_train_job) {.model = &t->model, .dataset = &t->dataset, .options = &t->options,
		.buffers = &p->buffers, .scratch = p->scratch, .epoch = EPOCH, .step = STEP};
}

static void
pieces_end(const training *t, pieces *p)
{
	for (int s = 0; s < p->slots; s++)
	{
		free(p->kept[s]);
		release(t, p->gradient[s]);
	}
	free(p->kept);
	free(p->last);
	free(p->gradient);
	free(p->memory);
	free(p->scratch);
}

/* Piece number i of n, from the first or from the last on. */
static int
piece(int i, int n, bool backwards)
{
	return backwards ? n - 1 - i : i;
}

/* Pieces that the heads' passes of a group are: slots, or sets of which the last one is two. */
static int
head_pieces(const training *t, int slots)
{
	return t->config.shared_heads ? slots : lem_head_sets(&t->config) + (slots > 1);
}

/* Piece number n of them: the set, and which slots of the group. */
static int
head_piece(const training *t, int n, int slots, int *which)
{
	const int	last = lem_head_sets(&t->config) - 1;

	if (t->config.shared_heads)
		*which = n;
	else if (n < last || slots == 1)
		*which = LEM_ALL_SLOTS;
	else
		*which = n == last ? LEM_FIRST_SLOTS : LEM_LAST_SLOTS;
	return t->config.shared_heads ? 0 : n < last ? n : last;
}

/* All passes of one group. */
static double
run_group(const training *t, pieces *p, bool backwards, lem_real **sum)
{
	const bool	shared = t->config.shared_heads;
	const int	slots = lem_train_slots(&p->job);
	const int	n_heads = head_pieces(t, slots);
	double		losses[LEM_MAX_AHEAD + 1 + LEM_GROUP_SAMPLES];
	double		loss = 0;
	lem_trunk_offsets at;

	lem_trunk_layout(&t->config, &at);
	for (int i = 0; i < slots; i++)
	{
		const int	slot = piece(i, slots, backwards);

		lem_train_trunk(&p->job, slot, p->kept[slot], p->gradient[slot][0]);
	}
	for (int i = 0; i < n_heads; i++)
	{
		const int	n = piece(i, n_heads, backwards);
		int			which;
		const int	set = head_piece(t, n, slots, &which);
		const bool	second = which == LEM_LAST_SLOTS;
		lem_real  **of_slot = p->gradient[shared ? n : second ? 1 : 0];

		lem_train_heads(&p->job, t->heads[set], set, which,
						t->weights[1 + set], !shared && p->job.group > 0, &losses[n],
						shared ? of_slot[1] : second ? p->last : sum[1 + set],
						&(lem_curves_gradient) {of_slot[0] + at.scale,
							of_slot[0] + at.volume_curve, of_slot[0] + at.notional_curve});
	}
	for (int i = 0; i < slots; i++)
	{
		const int	slot = piece(i, slots, backwards);

		lem_train_trunk_back(&p->job, t->weights[0], slot, p->kept[slot], p->gradient[slot][0]);
	}
	for (int i = 0; i < n_heads; i++)
		loss += losses[i];
	for (int part = 0; part < (shared ? t->parts : 1); part++)
	{
		const lem_real *from[LEM_GROUP_SAMPLES];

		for (int s = 0; s < slots; s++)
			from[s] = p->gradient[s][part];
		lem_train_reduce(slots, from, 0, lem_part_size(&t->config, part), p->job.group > 0,
						 sum[part]);
	}
	return loss;
}

/* Gradient of a step in pieces; with it that of all its samples at once, where want is given. */
static double
run_step(const training *t, bool backwards, lem_real **sum, double *want_loss, lem_real **want)
{
	const size_t inputs = lem_inputs_size(&t->config);
	const size_t steps = t->config.n_ahead;
	const size_t batch = t->options.batch;
	lem_real   *rows = aligned(batch * inputs * sizeof(lem_real));
	lem_real   *rates = aligned(2 * batch * sizeof(lem_real));
	lem_real   *market = aligned(batch * steps * 2 * sizeof(lem_real));
	const lem_samples samples = {(int) batch, (int) batch, rows, rates, rates + batch, market,
		NULL, 0, NULL, NULL, false, 0};
	const lem_loss_options loss_options = lem_train_loss(&t->options, EPOCH, STEP,
														 lem_train_steps(&t->dataset, &t->options));
	double		loss = 0;
	size_t		first = 0;
	pieces		p;

	pieces_begin(t, &p);
	for (; p.job.group < lem_train_groups(&t->options); p.job.group++)
	{
		const size_t n = (size_t) lem_train_slots(&p.job) * t->options.shard;

		loss += run_group(t, &p, backwards, sum);
		memcpy(rows + first * inputs, p.buffers.rows, n * inputs * sizeof(lem_real));
		memcpy(rates + first, p.buffers.min_rate, n * sizeof(lem_real));
		memcpy(rates + batch + first, p.buffers.max_rate, n * sizeof(lem_real));
		memcpy(market + first * steps * 2, p.buffers.market, n * steps * 2 * sizeof(lem_real));
		first += n;
	}
	check_int((int) first, (int) batch, "the groups have all samples");
	if (p.last)
	{
		const lem_real *last = p.last;

		lem_train_reduce(1, &last, 0, lem_part_size(&t->config, t->parts - 1), true,
						 sum[t->parts - 1]);
	}
	pieces_end(t, &p);
	if (want)
	{
		void	   *workspace = aligned(lem_gradient_workspace(&t->model, (int) batch));

		lem_gradient(&t->model, (const lem_real *const *) t->weights, &samples, &loss_options,
					 workspace, NULL, want_loss, want);
		free(workspace);
	}
	free(rows);
	free(rates);
	free(market);
	return loss;
}

static void
test_step(const simulate_bars *bars, bool shared, int batch, int shard, double dropout)
{
	training	t;
	lem_real  **sum;
	lem_real  **again;
	lem_real  **want;
	double		loss;
	double		want_loss = 0;
	double		worst = 0;
	bool		same = true;

	begin(&t, bars, shared, batch, shard, dropout);
	sum = zeros(&t);
	again = zeros(&t);
	want = zeros(&t);
	loss = run_step(&t, false, sum, &want_loss, dropout > 0 ? NULL : want);
	same = run_step(&t, true, again, NULL, NULL) == loss;
	for (int p = 0; p < t.parts; p++)
	{
		double		difference = 0;
		double		length = 0;

		for (int64_t i = 0; i < lem_part_size(&t.config, p); i++)
		{
			difference += pow(sum[p][i] - want[p][i], 2);
			length += pow(want[p][i], 2);
			same = same && memcmp(&sum[p][i], &again[p][i], sizeof(lem_real)) == 0;
		}
		worst = check_worse(worst, sqrt(difference / length));
	}
	check(same, "%s heads, batch %d, shard %d, dropout %g: the same bits in any order",
		  shared ? "shared" : "separate", batch, shard, dropout);
	if (dropout == 0)
	{
		check_near(loss, want_loss, 1e-6, "%s heads, batch %d, shard %d: loss",
				   shared ? "shared" : "separate", batch, shard);
		check_near(worst, 0, 1e-5, "%s heads, batch %d, shard %d: gradient",
				   shared ? "shared" : "separate", batch, shard);
	}
	release(&t, sum);
	release(&t, again);
	release(&t, want);
	end(&t);
}

/* Validation in pieces counts each sample once; the groups it comes in change nothing. */
static void
test_validation(const simulate_bars *bars, bool shared)
{
	lem_validation sums[2];

	for (int i = 0; i < 2; i++)
	{
		training	t;
		pieces		p;

		begin(&t, bars, shared, i == 0 ? 16 : 256, i == 0 ? 2 : 32, 0);
		t.options.validation_samples = 101;
		pieces_begin(&t, &p);
		p.job.validating = true;
		memset(&sums[i], 0, sizeof(lem_validation));
		for (; p.job.group < lem_validation_groups(&t.dataset, &t.options); p.job.group++)
		{
			const int	slots = lem_train_slots(&p.job);

			for (int s = 0; s < slots; s++)
				lem_train_trunk(&p.job, s, p.kept[s], NULL);
			for (int n = 0; n < head_pieces(&t, slots); n++)
			{
				int			which;
				const int	set = head_piece(&t, n, slots, &which);

				lem_validation_heads(&p.job, t.heads[set], set, which, &sums[i]);
			}
		}
		pieces_end(&t, &p);
		end(&t);
	}
	check_int((int) sums[0].samples, 101, "validation has all its samples");
	check_int((int) sums[1].samples, 101, "and in larger groups too");
	check_near(sums[0].loss / sums[1].loss, 1, 1e-6, "%s heads: the loss of validation",
			   shared ? "shared" : "separate");
	for (int b = 0; b <= 3; b++)
		check_near(sums[0].gain[b], sums[1].gain[b], 1e-3 * sqrt(sums[1].square[b] * 101 * 8),
				   "gains of branch %d", b);
}

int
main(void)
{
	static simulate_bars bars;

	simulate_start(&bars, 11, SIMULATE_ALWAYS, 0, 600);
	for (int shared = 0; shared < 2; shared++)
	{
		test_step(&bars, shared, 64, 16, 0);
		test_step(&bars, shared, 6, 3, 0);
		test_step(&bars, shared, 160, 16, 0);	/* two groups: 8 shards and 2 */
		test_step(&bars, shared, 66, 1, 0);		/* 64 and 2 */
		test_step(&bars, shared, 160, 16, 0.3);
		test_validation(&bars, shared);
	}
	return check_done();
}
