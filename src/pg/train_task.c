/* train_task.c: what each process of a training computes. */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/errors.h"
#include "pg/train_task.h"

/* Numbers of a range; a smaller model is not worth sharing. */
#define RANGE ((int64) 1 << 16)

lem_clock
lem_zone_clock(pg_tz *time_zone)
{
	lem_model_row row;

	row.time_zone = time_zone;
	return lem_model_clock(&row);
}

/* Aligned memory of whatever size, palloc'd for good. */
static void *
aligned(Size bytes)
{
	return (void *) TYPEALIGN(LEM_ALIGN, MemoryContextAllocHuge(CurrentMemoryContext,
															   bytes + LEM_ALIGN));
}

Size
lem_train_model_bytes(const lem_config *config)
{
	return lem_trunk_bytes(config) + lem_head_sets(config) * lem_head_bytes(config);
}

/* The model that parts hold, decoded anew. */
static void
decode(lem_train_member *member, lem_real *const *parts)
{
	const lem_config *config = &member->model.config;

	member->model.trunk = lem_trunk_decode(config, parts[0], member->trunk_memory);
	for (int set = 0; set < lem_head_sets(config); set++)
		member->heads[set] = lem_head_decode(config, parts[1 + set], member->head_memory[set]);
}

void
lem_train_model_create(lem_train_member *member, const lem_config *config,
					   lem_real *const *parts)
{
	const int	sets = lem_head_sets(config);

	member->model.config = *config;
	member->model.kernels = lem_kernels_select();
	member->heads = palloc0(sets * sizeof(lem_head *));
	member->model.heads = member->heads;
	member->trunk_memory = aligned(lem_trunk_bytes(config));
	member->head_memory = palloc(sets * sizeof(void *));
	for (int set = 0; set < sets; set++)
		member->head_memory[set] = aligned(lem_head_bytes(config));
	decode(member, parts);
}

lem_train_member *
lem_train_member_create(lem_train_view *view)
{
	const lem_train_head *head = view->head;
	lem_train_member *member = palloc0(sizeof(lem_train_member));
	pg_tz	   *time_zone = pg_tzset(head->time_zone);

	LEM_ENSURE(time_zone != NULL);
	member->view = view;
	member->clock = lem_zone_clock(time_zone);
	lem_train_model_create(member, &head->config, view->weights);
	member->decoded = head->weights_version;
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
	member->workspace = aligned(lem_train_workspace(&member->model, &member->dataset,
													&head->options));
	return member;
}

/* Ranges of one part. */
static int64
ranges_of_part(const lem_config *config, int part)
{
	return (lem_part_size(config, part) + RANGE - 1) / RANGE;
}

int64
lem_train_ranges(const lem_config *config)
{
	int64		total = 0;

	for (int p = 0; p < lem_part_count(config); p++)
		total += ranges_of_part(config, p);
	return total;
}

/* Which numbers of which part a range is. */
static int
find_range(const lem_config *config, int64 range, int64 *begin, int64 *end)
{
	int			part = 0;

	while (range >= ranges_of_part(config, part))
		range -= ranges_of_part(config, part++);
	*begin = range * RANGE;
	*end = Min(*begin + RANGE, lem_part_size(config, part));
	return part;
}

static void
reduce(const lem_train_view *view, int64 range)
{
	const int	shards = view->head->shards;
	const lem_real **from = palloc(shards * sizeof(lem_real *));
	int64		begin;
	int64		end;
	const int	part = find_range(&view->head->config, range, &begin, &end);

	for (int s = 0; s < shards; s++)
		from[s] = view->gradient[s][part];
	lem_train_reduce(shards, from, begin, end, view->gradient[0][part]);
	pfree(from);
}

static void
adam(const lem_train_view *view, int64 range)
{
	const lem_train_head *head = view->head;
	lem_adam	step = head->options.adam;
	int64		begin;
	int64		end;
	const int	part = find_range(&head->config, range, &begin, &end);

	step.rate = head->rate;
	lem_adam_step(&step, head->step, head->scale, begin, end, view->gradient[0][part],
				  view->m[part], view->v[part], view->weights[part]);
}

lem_status
lem_train_piece(lem_train_member *member, lem_train_task task, int64 piece, const lem_stop *stop)
{
	const lem_train_view *view = member->view;
	const lem_train_head *head = view->head;

	if (task == LEM_TASK_REDUCE)
		reduce(view, piece);
	else if (task == LEM_TASK_ADAM)
		adam(view, piece);
	else
	{
		if (member->decoded != head->weights_version)
		{
			decode(member, view->weights);
			member->decoded = head->weights_version;
		}
		if (task == LEM_TASK_GRADIENT)
			return lem_train_shard(&member->model, (const lem_real *const *) view->weights,
								   &member->dataset, &head->options, head->epoch,
								   head->epoch_step, (int) piece, member->workspace, stop,
								   &view->losses[piece], view->gradient[piece]);
		memset(&view->validation[piece], 0, sizeof(lem_validation));
		return lem_validation_shard(&member->model, &member->dataset, &head->options, piece,
									member->workspace, stop, &view->validation[piece]);
	}
	return LEM_OK;
}
