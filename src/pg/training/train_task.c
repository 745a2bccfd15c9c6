/* train_task.c: what each process of a training computes. */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/base/errors.h"
#include "pg/catalog/calendars.h"
#include "pg/training/train_task.h"

/* Aligned memory of whatever size, palloc'd for good. */
static void *
aligned(Size bytes)
{
	return (void *) TYPEALIGN(LEM_ALIGN, MemoryContextAllocHuge(CurrentMemoryContext,
															   bytes + LEM_ALIGN));
}

Size
lem_train_models_bytes(const lem_config *config, int processes)
{
	return processes * (lem_trunk_bytes(config, LEM_FORM_GRADIENT) + lem_head_bytes(config));
}

Size
lem_train_passes_bytes(const lem_train_head *head, const lem_dataset *dataset, int processes)
{
	const lem_config *config = &head->config;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem training probe",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	const Size	numbers = lem_part_size(config, 0) * sizeof(lem_real);
	lem_real   *part = MemoryContextAllocHuge(context, numbers);
	lem_model	model = {.config = *config, .kernels = lem_kernels_select()};
	Size		bytes;

	memset(part, 0, numbers);
	model.trunk = lem_trunk_decode(config, part, LEM_FORM_GRADIENT,
								   aligned(lem_trunk_bytes(config, LEM_FORM_GRADIENT)));
	bytes = processes * lem_train_scratch(&model, dataset, &head->options)
		+ (config->shared_heads ? processes : head->slots)
		* lem_train_kept(&model, &head->options);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return bytes;
}

/* Is it the average of the weights that is computed with? */
static bool
averaged(const lem_train_view *view)
{
	return view->average && view->head->validating;
}

/* Which weights are computed with. */
static uint64
weights_wanted(const lem_train_view *view)
{
	return 2 * view->head->weights_version + averaged(view);
}

/* The model that the weights are now: its trunk, and shared heads. */
static void
decode(lem_train_member *member)
{
	const lem_train_view *view = member->view;
	const lem_config *config = &member->model.config;
	lem_real  **weights = averaged(view) ? view->average : view->weights;

	member->model.trunk = lem_trunk_decode(config, weights[0], LEM_FORM_GRADIENT,
										   member->trunk_memory);
	if (config->shared_heads)
		member->head = lem_head_decode(config, weights[1], member->head_memory);
	member->head_set = -1;
	member->decoded = weights_wanted(view);
}

lem_train_member *
lem_train_member_create(lem_train_view *view)
{
	const lem_train_head *head = view->head;
	lem_train_member *member = palloc0(sizeof(lem_train_member));
	pg_tz	   *time_zone = pg_tzset(head->time_zone);

	LEM_ENSURE(time_zone != NULL);
	member->view = view;
	member->context = CurrentMemoryContext;
	member->clock = lem_config_clock(head->schema, &head->config, time_zone);
	member->model.config = head->config;
	member->model.kernels = lem_kernels_select();
	member->trunk_memory = aligned(lem_trunk_bytes(&head->config, LEM_FORM_GRADIENT));
	member->head_memory = aligned(lem_head_bytes(&head->config));
	decode(member);
	member->dataset = (lem_dataset) {
		.config = &member->model.config,
		.clock = &member->clock,
		.n_series = head->n_series,
		.series = view->series,
		.cut = head->cut,
		.n_train = head->n_train,
		.train = view->starts,
		.n_valid = head->n_valid,
		.valid = view->starts + head->n_train
	};
	member->kept = palloc0(head->slots * sizeof(void *));
	member->scratch = aligned(lem_train_scratch(&member->model, &member->dataset,
												&head->options));
	return member;
}

/* What slot number i of this process keeps. */
static void *
kept(lem_train_member *member, int i)
{
	if (member->kept[i] == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(member->context);

		member->kept[i] = aligned(lem_train_kept(&member->model, &member->view->head->options));
		MemoryContextSwitchTo(old);
	}
	return member->kept[i];
}

/* Add up the gradients of a range: of shards that have one, of the last set's two pieces. */
static void
reduce(const lem_train_view *view, int slots, int64 range)
{
	const lem_train_head *head = view->head;
	int64		begin;
	int64		end;
	const int	part = lem_train_range(&head->config, range, &begin, &end);
	const lem_real **from;

	if (part >= lem_train_sharded_parts(&head->config))
	{
		const lem_real *last = view->last_sum;

		if (last && part == lem_part_count(&head->config) - 1)
			lem_train_reduce(1, &last, begin, end, true, view->sum[part]);
		return;
	}
	from = palloc(slots * sizeof(lem_real *));
	for (int s = 0; s < slots; s++)
		from[s] = view->gradient[s][part];
	lem_train_reduce(slots, from, begin, end, head->group > 0, view->sum[part]);
	pfree(from);
}

static void
squares(const lem_train_view *view, int64 range)
{
	int64		begin;
	int64		end;
	const int	part = lem_train_range(&view->head->config, range, &begin, &end);

	view->squares[range] = lem_gradient_squares(begin, end, view->sum[part]);
}

static void
adam(const lem_train_view *view, int64 range)
{
	const lem_train_head *head = view->head;
	int64		begin;
	int64		end;
	const int	part = lem_train_range(&head->config, range, &begin, &end);

	lem_train_step_update(&head->options, &head->step, begin, end, view->sum[part], view->m[part],
						  view->v[part], view->weights[part]);
	if (view->average)
		lem_train_average(&head->options, &head->step, begin, end, view->weights[part],
						  view->average[part]);
}

/* The heads' pass of a set over a slot or several of them; tally is where its loss belongs. */
static void
heads(const lem_train_member *member, const lem_train_job *job, int set, int slot, int tally)
{
	const lem_train_view *view = member->view;
	const bool	first = job->group == 0;
	const bool	shared = job->model->config.shared_heads;
	const bool	again = slot == LEM_LAST_SLOTS;
	lem_real  **gradient = view->gradient[shared ? slot : again ? 1 : 0];
	lem_trunk_offsets at;
	double		loss;

	if (job->validating)
	{
		if (first)
			memset(&view->validation[tally], 0, sizeof(lem_validation));
		lem_validation_heads(job, member->head, set, slot, &view->validation[tally]);
		return;
	}

	/*
	 * A branch's scale factor and curves are its own: no two sets of heads meet in slot 0, and a
	 * set's second piece has slot 1.
	 */
	lem_trunk_layout(&job->model->config, &at);
	lem_train_heads(job, member->head, set, slot, view->weights[1 + set], !shared && !first, &loss,
					shared ? gradient[1] : again ? view->last_sum : view->sum[1 + set],
					&(lem_curves_gradient) {gradient[0] + at.scale,
						gradient[0] + at.volume_curve, gradient[0] + at.notional_curve});
	view->losses[tally] = first ? loss : view->losses[tally] + loss;
}

/* A piece of LEM_TASK_HEADS: a set by all samples, or the last one by half of them. */
static void
head_piece(lem_train_member *member, const lem_train_job *job, int piece)
{
	const lem_config *config = &member->model.config;
	const int	last = lem_head_sets(config) - 1;
	const int	set = Min(piece, last);
	const bool	halves = lem_train_head_pieces(config, lem_train_slots(job)) > last + 1;

	if (member->head_set != set)
		member->head = lem_head_decode(config, (averaged(member->view) ? member->view->average
												: member->view->weights)[1 + set],
									   member->head_memory);
	member->head_set = set;
	heads(member, job, set, set < last || !halves ? LEM_ALL_SLOTS
		  : piece == last ? LEM_FIRST_SLOTS : LEM_LAST_SLOTS, piece);
}

lem_status
lem_train_piece(lem_train_member *member, lem_train_task task, int64 piece, const lem_stop *stop)
{
	const lem_train_view *view = member->view;
	const lem_train_head *head = view->head;
	const lem_train_job job = {
		.model = &member->model,
		.dataset = &member->dataset,
		.options = &head->options,
		.buffers = &view->buffers,
		.policy = &view->policy,
		.scratch = member->scratch,
		.stop = stop,
		.validating = head->validating,
		.epoch = head->epoch,
		.step = head->epoch_step,
		.group = head->group
	};
	const int	i = (int) piece;
	void	   *memory;
	lem_status	status = LEM_OK;

	if (member->decoded != weights_wanted(view))
		decode(member);
	switch (task)
	{
		case LEM_TASK_WHOLE:
			memory = kept(member, 0);
			status = lem_train_trunk(&job, i, memory, view->gradient[i][0]);
			if (status != LEM_OK)
				break;
			heads(member, &job, 0, i, i);
			if (!job.validating)
				status = lem_train_trunk_back(&job, view->weights[0], i, memory,
											  view->gradient[i][0]);
			break;
		case LEM_TASK_TRUNK:
			status = lem_train_trunk(&job, i, kept(member, i), view->gradient[i][0]);
			break;
		case LEM_TASK_HEADS:
			if (lem_stop_asked(stop))
				return LEM_STOPPED;
			head_piece(member, &job, i);
			break;
		case LEM_TASK_TRUNK_BACK:
			status = lem_train_trunk_back(&job, view->weights[0], i, kept(member, i),
										  view->gradient[i][0]);
			break;
		case LEM_TASK_REDUCE:
			reduce(view, lem_train_slots(&job), piece);
			break;
		case LEM_TASK_SQUARES:
			reduce(view, lem_train_slots(&job), piece);
			squares(view, piece);
			break;
		case LEM_TASK_ADAM:
			adam(view, piece);
			break;
	}
	return status;
}
