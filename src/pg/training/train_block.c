/* train_block.c: the memory that the processes of a training share. */
#include "postgres.h"

#include "utils/memutils.h"

#include "core/base/arena.h"
#include "pg/base/errors.h"
#include "pg/base/interrupt.h"
#include "pg/base/memory.h"
#include "pg/training/train_block.h"

/* Numbers of a range; a smaller model is not worth sharing. */
#define RANGE ((int64) 1 << 16)

/* Sizes of a series, which its place in the block follows from. */
typedef struct series_size
{
	uint64		n;
	bool		closes;
	bool		ranges;
	lem_optimum_sight sight;
} series_size;

void
lem_train_head_init(lem_train_head *head, const lem_config *config, const char *time_zone,
					const lem_train_options *options, const lem_train_data *data,
					const lem_dataset *dataset)
{
	memset(head, 0, sizeof(*head));
	head->config = *config;
	head->options = *options;
	strlcpy(head->time_zone, time_zone, sizeof(head->time_zone));
	head->n_series = data->n_series;
	head->n_features = data->n_features;
	head->bars = data->bars;
	head->cut = dataset->cut;
	head->n_train = dataset->n_train;
	head->n_valid = dataset->n_valid;
	head->slots = lem_train_group_shards(options);
	lem_policy_menu_fill(config, options->n_rates, options->rates, options->seed, &head->menu);
}

/* An array that every process has of its own; only measured without memory. */
static void *
own_array(const lem_arena *arena, Size n, Size element)
{
	return arena->base ? MemoryContextAllocHuge(CurrentMemoryContext, n * element) : NULL;
}

static void
carve_series(lem_arena *arena, int n_series, int n_features, const series_size *sizes,
			 lem_series *series)
{
	for (int s = 0; s < n_series; s++)
	{
		const Size	n = sizes[s].n;
		lem_series	columns = {.n = n, .n_features = n_features};

		columns.ts = lem_arena_bytes(arena, n * sizeof(int64));
		columns.price = lem_arena_bytes(arena, n * sizeof(double));
		columns.volume = lem_arena_bytes(arena, n * sizeof(double));
		if (sizes[s].closes)
			columns.close = lem_arena_bytes(arena, n * sizeof(double));
		if (sizes[s].ranges)
		{
			columns.high = lem_arena_bytes(arena, n * sizeof(double));
			columns.low = lem_arena_bytes(arena, n * sizeof(double));
		}
		if (n_features > 0)
			columns.features = lem_arena_bytes(arena, n * n_features * sizeof(double));
		if (series)
			series[s] = columns;
	}
}

/* Ranges of one part. */
static int64
ranges_of_part(const lem_config *config, int part)
{
	return (lem_part_size(config, part) + RANGE - 1) / RANGE;
}

int64
lem_train_ranges(const lem_config *config, int parts)
{
	int64		total = 0;

	for (int p = 0; p < parts; p++)
		total += ranges_of_part(config, p);
	return total;
}

int
lem_train_range(const lem_config *config, int64 range, int64 *begin, int64 *end)
{
	int			part = 0;

	while (range >= ranges_of_part(config, part))
		range -= ranges_of_part(config, part++);
	*begin = range * RANGE;
	*end = Min(*begin + RANGE, lem_part_size(config, part));
	return part;
}

int
lem_train_sharded_parts(const lem_config *config)
{
	return config->shared_heads ? lem_part_count(config) : 1;
}

int
lem_train_head_pieces(const lem_config *config, int slots)
{
	return lem_head_sets(config) + (slots > 1);
}

int
lem_train_tallies(const lem_train_head *head)
{
	return head->config.shared_heads ? head->slots
		: lem_train_head_pieces(&head->config, head->slots);
}

/* The first n parts of a model's numbers. */
static lem_real **
carve_parts(lem_arena *arena, const lem_config *config, int n)
{
	lem_real  **parts = own_array(arena, n, sizeof(lem_real *));

	for (int p = 0; p < n; p++)
	{
		lem_real   *part = lem_arena_reals(arena, lem_part_size(config, p));

		if (parts)
			parts[p] = part;
	}
	return parts;
}

/* Tables of the menu, for each way that a series is seen. */
static void
carve_tables(lem_arena *arena, const lem_train_head *head, const series_size *sizes,
			 lem_train_policy *policy)
{
	const lem_policy_menu *menu = &head->menu;
	const int	entries = menu->n_train + menu->n_valid;
	lem_optimum_sight *sights = own_array(arena, head->n_series, sizeof(lem_optimum_sight));

	memset(policy, 0, sizeof(*policy));
	policy->menu = *menu;
	policy->sight = sights;
	for (int sight = 0; sight < LEM_SIGHTS; sight++)
	{
		bool		seen = false;

		for (int s = 0; s < head->n_series; s++)
		{
			if (sights)
				sights[s] = sizes[s].sight;
			seen = seen || (int) sizes[s].sight == sight;
		}
		if (!seen || entries == 0)
			continue;
		policy->tables[sight] = own_array(arena, entries, sizeof(lem_optimum *));
		for (int e = 0; e < entries; e++)
		{
			const lem_optimum_problem problem = lem_menu_problem(&menu->entry[e],
																 (lem_optimum_sight) sight);
			const lem_optimum *table = NULL;

			if (menu->entry[e].early)
				table = lem_arena_bytes(arena, lem_optimum_bytes(&problem));
			if (policy->tables[sight])
				policy->tables[sight][e] = table;
		}
	}
}

/*
 * Where everything lies.  sizes NULL: they are in the block already.  Without memory the arena is
 * only measured; view may be NULL then.
 */
static void
carve(lem_arena *arena, const lem_train_head *head, const series_size *sizes,
	  lem_train_view *view)
{
	const lem_config *config = &head->config;
	const int	parts = lem_part_count(config);
	lem_train_view ignored;
	series_size *stored;

	if (view == NULL)
		view = &ignored;
	view->head = lem_arena_bytes(arena, sizeof(lem_train_head));
	stored = lem_arena_bytes(arena, head->n_series * sizeof(series_size));
	if (arena->base && sizes)
		memcpy(stored, sizes, head->n_series * sizeof(series_size));
	view->series = own_array(arena, head->n_series, sizeof(lem_series));
	carve_series(arena, head->n_series, head->n_features, sizes ? sizes : stored, view->series);
	view->starts = lem_arena_bytes(arena, (head->n_train + head->n_valid) * sizeof(lem_start));
	view->weights = carve_parts(arena, config, parts);
	view->m = carve_parts(arena, config, parts);
	view->v = carve_parts(arena, config, parts);
	view->sum = carve_parts(arena, config, parts);
	view->last_sum = NULL;
	if (!config->shared_heads && head->slots > 1)
		view->last_sum = lem_arena_reals(arena, lem_part_size(config, parts - 1));
	view->gradient = own_array(arena, head->slots, sizeof(lem_real **));
	for (int s = 0; s < head->slots; s++)
	{
		lem_real  **of_slot = carve_parts(arena, config, lem_train_sharded_parts(config));

		if (view->gradient)
			view->gradient[s] = of_slot;
	}
	view->average = head->options.average > 0 ? carve_parts(arena, config, parts) : NULL;
	if (config->stop_base)
		carve_tables(arena, head, sizes ? sizes : stored, &view->policy);
	lem_train_buffers_carve(arena, config, &head->options, &view->buffers);
	view->losses = lem_arena_bytes(arena, lem_train_tallies(head) * sizeof(double));
	view->validation = lem_arena_bytes(arena, lem_train_tallies(head) * sizeof(lem_validation));
	view->squares = lem_arena_bytes(arena, lem_train_ranges(config, parts) * sizeof(double));
}

static series_size *
sizes_of(int n_series, const lem_series *series)
{
	series_size *sizes = palloc0(n_series * sizeof(series_size));

	for (int s = 0; s < n_series; s++)
		sizes[s] = (series_size) {series[s].n, series[s].close, series[s].high,
			lem_policy_sight(&series[s])};
	return sizes;
}

Size
lem_train_block_bytes(const lem_train_head *head, const lem_series *series)
{
	lem_arena	arena = {NULL, 0};
	series_size *sizes = sizes_of(head->n_series, series);

	carve(&arena, head, sizes, NULL);
	pfree(sizes);
	return arena.used;
}

static void
copy(const void *to, const void *from, Size bytes)
{
	if (bytes > 0)
		memcpy(unconstify(void *, to), from, bytes);
}

void
lem_train_block_fill(void *memory, const lem_train_head *head, const lem_train_data *data,
					 const lem_dataset *dataset)
{
	lem_arena	arena = {memory, 0};
	series_size *sizes = sizes_of(data->n_series, data->series);
	lem_train_view view;

	memset(memory, 0, lem_train_block_bytes(head, data->series));
	carve(&arena, head, sizes, &view);
	*view.head = *head;
	for (int s = 0; s < data->n_series; s++)
	{
		const lem_series *from = &data->series[s];
		const lem_series *to = &view.series[s];

		copy(to->ts, from->ts, from->n * sizeof(int64));
		copy(to->price, from->price, from->n * sizeof(double));
		copy(to->volume, from->volume, from->n * sizeof(double));
		if (to->close)
			copy(to->close, from->close, from->n * sizeof(double));
		if (to->high)
		{
			copy(to->high, from->high, from->n * sizeof(double));
			copy(to->low, from->low, from->n * sizeof(double));
		}
		copy(to->features, from->features, from->n * from->n_features * sizeof(double));
	}
	copy(view.starts, dataset->train, dataset->n_train * sizeof(lem_start));
	copy(view.starts + dataset->n_train, dataset->valid, dataset->n_valid * sizeof(lem_start));
	pfree(sizes);
}

void
lem_train_block_solve(void *memory)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem training tables",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	const lem_train_view *view = lem_train_block_view(memory);
	const lem_policy_menu *menu = &view->head->menu;

	for (int sight = 0; view->head->config.stop_base && sight < LEM_SIGHTS; sight++)
		for (int e = 0; view->policy.tables[sight] && e < menu->n_train + menu->n_valid; e++)
		{
			lem_optimum *table = unconstify(lem_optimum *, view->policy.tables[sight][e]);
			const lem_optimum_problem problem = lem_menu_problem(&menu->entry[e],
																 (lem_optimum_sight) sight);
			void	   *workspace;

			if (table == NULL)
				continue;
			workspace = lem_alloc_aligned(context, lem_optimum_workspace(&problem));
			while (lem_optimum_solve(&problem, NULL, workspace, &lem_interrupt_stop,
									 table) != LEM_OK)
				CHECK_FOR_INTERRUPTS();
		}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

lem_train_view *
lem_train_block_view(void *memory)
{
	lem_arena	arena = {memory, 0};
	lem_train_view *view = palloc(sizeof(lem_train_view));

	carve(&arena, (const lem_train_head *) memory, NULL, view);
	return view;
}

lem_real **
lem_train_parts(const lem_config *config)
{
	const int	n = lem_part_count(config);
	lem_real  **parts = palloc(n * sizeof(lem_real *));

	for (int p = 0; p < n; p++)
	{
		const Size	bytes = lem_part_size(config, p) * sizeof(lem_real);

		parts[p] = MemoryContextAllocHuge(CurrentMemoryContext, bytes);
		memset(parts[p], 0, bytes);
	}
	return parts;
}

void
lem_train_parts_copy(const lem_config *config, lem_real *const *to, lem_real *const *from)
{
	for (int p = 0; p < lem_part_count(config); p++)
		memcpy(to[p], from[p], lem_part_size(config, p) * sizeof(lem_real));
}
