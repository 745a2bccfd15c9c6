/* recall.c: what windows have in common with the one before. */
#include <string.h>

#include "market/recall.h"

/* Bars of a scale strip: those of a shared trunk, or as many as scales can be taken from, up to row L. */
static size_t
wide_bars(const lem_config *config)
{
	int			count = config->norm_window > 0 ? config->norm_window : LEM_MAX_NORM_WINDOW;

	if (config->shared_trunk)
		return (size_t) lem_scale_strip_count(config) + lem_rows(config);
	if (count < config->lookback)
		count = config->lookback;
	return (size_t) count + config->lookback + 1;
}

lem_window_memory *
lem_window_memory_carve(lem_arena *arena, const lem_config *config)
{
	const size_t strip = lem_strip_size(config);
	const size_t wide = wide_bars(config);
	lem_window_memory *carved;
	lem_window_memory measured;
	lem_window_memory *memory;

	if (config->feature_set == LEM_FEATURES_PAPER || config->gaps == LEM_GAPS_ERROR)
		return NULL;
	carved = lem_arena_bytes(arena, sizeof(lem_window_memory));
	memory = arena->base ? carved : &measured;
	memory->valid = false;
	memory->strip.bars = lem_arena_bytes(arena, strip * sizeof(lem_bar));
	memory->strip.log_return = lem_arena_bytes(arena, strip * sizeof(double));
	memory->scale_strip.volume = lem_arena_bytes(arena, wide * sizeof(double));
	memory->scale_strip.log_return = lem_arena_bytes(arena, wide * sizeof(double));
	memory->before = lem_arena_bytes(arena, strip * sizeof(lem_bar));
	memory->rows = lem_arena_reals(arena, config->shared_trunk
								   ? (size_t) lem_rows(config) * lem_inputs(config) : 0);
	lem_returns_carve(arena, wide, &memory->returns);
	lem_day_bars_carve(arena, &memory->day_bars);
	memory->too_short.there = false;
	return carved;
}

static bool
same_bar(const lem_bar *a, const lem_bar *b)
{
	return a->ts == b->ts && a->price == b->price && a->volume == b->volume &&
		a->source == b->source;
}

/* Is the same series seen, in the same way? */
static bool
same_view(const lem_window_memory *memory, const lem_gap_view *view, int count)
{
	const lem_series *a = &memory->series;
	const lem_series *b = view->series;

	return memory->valid && a->n == b->n && a->ts == b->ts && a->price == b->price &&
		a->volume == b->volume && a->close == b->close && a->high == b->high && a->low == b->low &&
		a->features == b->features && memory->view.interval == view->interval && memory->view.carry == view->carry &&
		(memory->view.grid == NULL) == (view->grid == NULL) &&
		(memory->view.days == NULL) == (view->days == NULL) && memory->count == count;
}

bool
lem_recall_same(const lem_window_memory *memory, const lem_gap_view *view, int count,
				lem_place row_l)
{
	return same_view(memory, view, count) && lem_same_place(&memory->row_l, &row_l);
}

/* The scales of an order, from the same sums as without a memory: the last bar first. */
static void
order_scales(lem_window_memory *memory, int count, int wide_l)
{
	lem_sums	sums = {0, 0, 0};

	for (int i = wide_l; i > wide_l - count; i--)
	{
		const double r = memory->scale_strip.log_return[i];

		sums.volume += memory->scale_strip.volume[i];
		sums.log_return += r;
		sums.log_return_2 += r * r;
	}
	lem_scales_of(&sums, count, &memory->scales);
}

bool
lem_recall_history(lem_window_memory *memory, const lem_config *config, const lem_gap_view *view,
				   int count, lem_place row_l, int *shift)
{
	const int	strip_l = lem_strip_row(config, config->lookback);
	const int	all = strip_l + 1 + config->n_ahead;
	const int	wide_l = count + config->lookback;
	const int	most = config->n_ahead < wide_l ? config->n_ahead : wide_l;
	const lem_strip *strip = &memory->strip;
	const lem_scale_strip *wide = &memory->scale_strip;
	lem_place	place = row_l;
	int			by = 0;

	if (!same_view(memory, view, count))
		return false;
	while (!lem_same_place(&memory->row_l, &place))
		if (by++ == most || !lem_gap_back(view, &place))
			return false;
	memory->valid = false;
	*shift = by;
	memcpy(memory->before, strip->bars, all * sizeof(lem_bar));
	if (by == 0)
		return true;

	memmove(strip->bars, strip->bars + by, (size_t) (all - by) * sizeof(lem_bar));
	memmove(strip->log_return, strip->log_return + by, (size_t) (all - by) * sizeof(double));
	memmove(wide->volume, wide->volume + by, (size_t) (wide_l + 1 - by) * sizeof(double));
	memmove(wide->log_return, wide->log_return + by, (size_t) (wide_l + 1 - by) * sizeof(double));
	place = row_l;
	for (int i = strip_l; i > strip_l - by; i--)
	{
		strip->bars[i] = lem_gap_bar(view, place);
		(void) lem_gap_back(view, &place);
	}
	for (int i = strip_l - by + 1; i <= strip_l; i++)
	{
		strip->log_return[i] = lem_log_return(strip->bars[i - 1].price, strip->bars[i].price);
		wide->volume[wide_l - strip_l + i] = strip->bars[i].volume * 0x1p-20;
		wide->log_return[wide_l - strip_l + i] = strip->log_return[i];
	}
	order_scales(memory, count, wide_l);
	return true;
}

int
lem_recall_short(const lem_window_memory *memory, const lem_gap_view *view, int most,
				 lem_place row_l)
{
	const lem_short_history *known = &memory->too_short;
	lem_place	place = row_l;
	int			by = 0;

	/* which bars a calendar has may change with those that it is seen from */
	if (!known->there || view->grid || known->series.n != view->series->n ||
		known->series.ts != view->series->ts || known->interval != view->interval ||
		known->by_days != (view->days != NULL))
		return 0;
	while (!lem_same_place(&known->row_l, &place))
		if (by++ == most || !lem_gap_back(view, &place))
			return 0;
	return known->bars + by;
}

void
lem_recall_keep_short(lem_window_memory *memory, const lem_gap_view *view, lem_place row_l,
					  int bars)
{
	memory->too_short = (lem_short_history) {
		.there = view->grid == NULL, .series = *view->series, .interval = view->interval,
		.by_days = view->days != NULL, .row_l = row_l, .bars = bars
	};
}

int
lem_recall_rows(lem_window_memory *memory, const lem_config *config, int shift)
{
	const int	begin = lem_strip_row(config, 0);
	const int	t = lem_rows(config);
	const int	inputs = lem_inputs(config);
	int			kept = config->lookback + 1 - shift;	/* these had the same history */

	if (kept < 0)
		return 0;
	while (kept + shift < t &&
		   same_bar(&memory->strip.bars[begin + kept], &memory->before[begin + kept + shift]))
		kept++;
	memmove(memory->rows, memory->rows + (size_t) shift * inputs,
			(size_t) kept * inputs * sizeof(lem_real));
	return kept;
}

void
lem_recall_keep(lem_window_memory *memory, const lem_gap_view *view, int count, lem_place row_l,
				const lem_scales *scales)
{
	memory->series = *view->series;
	memory->view = *view;
	memory->count = count;
	memory->row_l = row_l;
	memory->scales = *scales;
	memory->valid = true;
}
