/* shared_trunk.c: the trunk that is computed once for all orders and starts. */
#include <string.h>

#include "model/shared_trunk.h"
#include "parameters/params.h"

/* Rows that go through a layer together where nothing is kept. */
#define TOGETHER 256

static void
overlay_carve(lem_arena *arena, size_t n, size_t rows, lem_overlay *overlay)
{
	overlay->table_size = 64;
	while ((size_t) overlay->table_size < 2 * rows)
		overlay->table_size *= 2;
	overlay->counts = lem_arena_bytes(arena, 2 * sizeof(int));
	overlay->run = lem_arena_bytes(arena, (n + 1) * sizeof(int));
	overlay->base = lem_arena_bytes(arena, n * sizeof(int));
	overlay->source = lem_arena_bytes(arena, rows * sizeof(int));
	overlay->table = lem_arena_bytes(arena, overlay->table_size * sizeof(int));
}

void
lem_shared_acts_carve(lem_arena *arena, const lem_config *config, const lem_trunk *trunk, int n,
					  bool keep, lem_shared_acts *acts)
{
	const size_t rows = (size_t) n * lem_rows(config);
	const size_t width = config->hidden_size;
	const size_t steps = config->context_rows;
	const size_t together = keep || rows < TOGETHER ? rows : TOGETHER;

	acts->keep = keep;
	acts->most = (int) rows;
	acts->together = (int) together;
	acts->dropout = NULL;
	overlay_carve(arena, n, rows, &acts->overlay);
	acts->inputs = lem_arena_reals(arena, rows * lem_inputs(config));
	acts->vsn_out = lem_arena_reals(arena, rows * width);
	acts->weights = config->variable_selection ? lem_arena_reals(arena, rows * lem_inputs(config))
		: NULL;
	lem_vsn_acts_carve(arena, &trunk->vsn, together, keep, &acts->vsn);
	for (int r = 0; r < lem_rnn_layers(config); r++)
	{
		acts->rnn_out[r] = lem_arena_reals(arena, rows * width);
		if (keep || r == 0)
		{
			acts->windows[r] = lem_arena_reals(arena, together * steps * width);
			acts->states[r] = lem_arena_reals(arena, together * steps * width);
			lem_rnn_acts_carve(arena, &trunk->rnn[r], (int) together, (int) steps, keep,
							   &acts->rnn[r]);
		}
		else
		{
			acts->windows[r] = acts->windows[0];
			acts->states[r] = acts->states[0];
			acts->rnn[r] = acts->rnn[0];
		}
	}
	acts->encoded = lem_rnn_layers(config) > 0 ? acts->rnn_out[lem_rnn_layers(config) - 1]
		: acts->vsn_out;
	acts->dropped = lem_arena_reals(arena, keep ? rows * width : 0);
	acts->gate = lem_arena_reals(arena, together * 2 * width);
	acts->sum = lem_arena_reals(arena, together * width);
	acts->normed = lem_arena_reals(arena, together * width);
	lem_grn_acts_carve(arena, &trunk->grn, together, &acts->grn);
	acts->enriched = lem_arena_reals(arena, rows * width);
	lem_span_acts_carve(arena, &trunk->spans, rows, keep, &acts->attention);
	acts->context = lem_arena_reals(arena, rows * width);
}

/* A row's bits as one number, to look for rows that hold the same. */
static uint64_t
row_hash(int inputs, const lem_real *row)
{
	const unsigned char *bytes = (const unsigned char *) row;
	const size_t size = inputs * sizeof(lem_real);
	uint64_t	hash = 0;

	for (size_t at = 0; at + 4 <= size; at += 4)
	{
		uint32_t	word;

		memcpy(&word, bytes + at, 4);
		hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
		hash ^= hash >> 29;
	}
	return hash;
}

/* Where in the table a row that holds the same is, or where one is to be. */
static int *
find_row(const lem_shared_acts *acts, int inputs, const lem_real *row)
{
	const lem_overlay *overlay = &acts->overlay;
	const size_t size = inputs * sizeof(lem_real);
	uint64_t	slot = row_hash(inputs, row);

	for (;; slot++)
	{
		int		   *place = &overlay->table[slot & (uint64_t) (overlay->table_size - 1)];

		if (*place < 0 || memcmp(acts->inputs + (size_t) *place * inputs, row, size) == 0)
			return place;
	}
}

/*
 * Neighbours have rows in common more often than not, and only their bits count: a window whose rows
 * are those from some place on, as far as that run of rows goes, stands there.  Rows it has beyond
 * are put behind the last run, if that is the one; otherwise it begins a new run.
 */
void
lem_shared_overlay(const lem_config *config, int n, const lem_real *rows, lem_shared_acts *acts)
{
	const int	t = lem_rows(config);
	const int	inputs = lem_inputs(config);
	const size_t window = (size_t) t * inputs;
	lem_overlay *overlay = &acts->overlay;
	int			places = 0;
	int			runs = 0;

	overlay->run[0] = 0;
	memset(overlay->table, -1, overlay->table_size * sizeof(int));
	for (int i = 0; i < n; i++)
	{
		const lem_real *from = rows + i * window;
		const int	at = *find_row(acts, inputs, from);
		int			shared = 0;

		if (at >= 0)
		{
			const int	here = places - at < t ? places - at : t;

			shared = here;
			for (int run = runs - 1; run > 0 && overlay->run[run] > at; run--)
				if (overlay->run[run] < at + here)
					shared = 0;	/* it goes on beyond its run */
			if (shared > 0 && memcmp(acts->inputs + (size_t) at * inputs, from,
									 (size_t) shared * inputs * sizeof(lem_real)) != 0)
				shared = 0;
		}
		if (shared == 0)
			overlay->run[runs++] = places;
		overlay->base[i] = shared > 0 ? at : places;
		memcpy(acts->inputs + (size_t) places * inputs, from + (size_t) shared * inputs,
			   (size_t) (t - shared) * inputs * sizeof(lem_real));
		for (int r = shared; r < t; r++)
		{
			const int	place = places++;

			overlay->source[place] = i * t + r;
			/* of rows that hold the same the last one is found */
			*find_row(acts, inputs, from + (size_t) r * inputs) = place;
		}
	}
	overlay->run[runs] = places;
	overlay->counts[0] = places;
	overlay->counts[1] = runs;
}

/* All rows through the variable selection. */
static lem_status
select_variables(const lem_trunk *trunk, const lem_config *config, const lem_kernels *kern,
				 const lem_shared_acts *acts, const lem_stop *stop)
{
	const int	width = config->hidden_size;
	const int	inputs = lem_inputs(config);
	const int	rows = lem_overlay_rows(&acts->overlay);

	for (int first = 0; first < rows; first += acts->together)
	{
		const int	n = rows - first < acts->together ? rows - first : acts->together;
		const size_t at = (size_t) first * inputs;

		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		lem_vsn_forward(&trunk->vsn, kern, n, acts->inputs + at, &acts->vsn,
						acts->vsn_out + (size_t) first * width);
		if (acts->weights)
			memcpy(acts->weights + at, acts->vsn.weights, (size_t) n * inputs * sizeof(lem_real));
	}
	return LEM_OK;
}

/* Recurrent layer r: y of rows `first` and later from windows of x that end with each. */
static lem_status
run_states(const lem_trunk *trunk, const lem_config *config, const lem_kernels *kern, int r,
		   int first_row, const lem_real *x, const lem_shared_acts *acts, const lem_stop *stop)
{
	const size_t width = config->hidden_size;
	const int	steps = config->context_rows;
	const size_t size = steps * width;
	const int	rows = lem_overlay_rows(&acts->overlay);
	lem_real   *y = acts->rnn_out[r];

	memset(y, 0, (size_t) first_row * width * sizeof(lem_real));
	for (int first = first_row; first < rows; first += acts->together)
	{
		const int	n = rows - first < acts->together ? rows - first : acts->together;
		lem_status	status;

		for (int i = 0; i < n; i++)
			memcpy(acts->windows[r] + i * size, x + (size_t) (first + i - steps + 1) * width,
				   size * sizeof(lem_real));
		status = lem_rnn_forward(&trunk->rnn[r], kern, n, steps, acts->windows[r], &acts->rnn[r],
								 acts->states[r], stop);
		if (status != LEM_OK)
			return status;
		for (int i = 0; i < n; i++)
			memcpy(y + (size_t) (first + i) * width, acts->states[r] + (i + 1) * size - width,
				   width * sizeof(lem_real));
	}
	return LEM_OK;
}

/* What the gate behind the recurrent layers reads. */
static const lem_real *
gate_input(const lem_shared_acts *acts)
{
	return acts->dropout ? acts->dropped : acts->encoded;
}

/* Dropout of rows `first` and later: each has the mask of the window's row that it came from. */
static void
drop(const lem_config *config, const lem_shared_acts *acts, int first, const lem_real *x,
	 lem_real *y)
{
	const size_t width = config->hidden_size;

	for (int r = first; r < lem_overlay_rows(&acts->overlay); r++)
		lem_dropout_apply(width, acts->dropout->encoded_mask + acts->overlay.source[r] * width,
						  x + (size_t) r * width, y + (size_t) r * width);
}

lem_status
lem_shared_forward(const lem_trunk *trunk, const lem_config *config, const lem_kernels *kern,
				   const lem_shared_acts *acts, const lem_stop *stop)
{
	const int	width = config->hidden_size;
	const int	rows = lem_overlay_rows(&acts->overlay);
	const int	begin = lem_state_rows(config);	/* rows before have no state of their own */
	const lem_real *x = acts->vsn_out;
	lem_status	status = select_variables(trunk, config, kern, acts, stop);

	for (int r = 0; status == LEM_OK && r < lem_rnn_layers(config); r++)
	{
		status = run_states(trunk, config, kern, r, (r + 1) * (config->context_rows - 1), x, acts,
							stop);
		x = acts->rnn_out[r];
	}
	if (status != LEM_OK)
		return status;
	if (acts->dropout)
		drop(config, acts, begin, acts->encoded, acts->dropped);
	memset(acts->enriched, 0, (size_t) begin * width * sizeof(lem_real));
	for (int first = begin; first < rows; first += acts->together)
	{
		const int	n = rows - first < acts->together ? rows - first : acts->together;
		const size_t at = (size_t) first * width;

		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		lem_dense_forward(&trunk->gate, kern, n, gate_input(acts) + at, width, acts->gate,
						  2 * width);
		kern->glu(n, width, acts->gate, 2 * width, acts->vsn_out + at, width, acts->sum, width);
		kern->layer_norm(n, width, acts->sum, width, trunk->norm_gamma, trunk->norm_beta,
						 acts->normed, width);
		lem_grn_forward(&trunk->grn, kern, n, acts->normed, width, &acts->grn, acts->enriched + at,
						width);
	}
	for (int run = 0; run < lem_overlay_runs(&acts->overlay); run++)
	{
		const int	from = acts->overlay.run[run];

		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		lem_span_attention_forward(&trunk->spans, kern, from, acts->overlay.run[run + 1] - from,
								   config->lookback, acts->enriched + (size_t) from * width,
								   &acts->attention, acts->context + (size_t) from * width);
	}
	return LEM_OK;
}

/*
 * A recurrent layer back: dx (rows x H) is set from dy (rows x H, of rows first_row and later).  May
 * only measure.
 */
static lem_status
states_backward(const lem_trunk *trunk, const lem_config *config, const lem_kernels *kern, int r,
				int rows, int first_row, const lem_real *part, const lem_shared_acts *acts,
				const lem_real *dy, lem_scratch scratch, lem_real *gradient, lem_real *dx,
				const lem_stop *stop)
{
	const size_t width = config->hidden_size;
	const int	steps = config->context_rows;
	const size_t size = steps * width;
	const int	n = rows - first_row;
	lem_real   *dstates = lem_scratch_reals(&scratch, n * size);
	const bool	compute = scratch.base != NULL;
	lem_status	status;

	if (compute)
	{
		memset(dstates, 0, n * size * sizeof(lem_real));
		for (int i = 0; i < n; i++)
			memcpy(dstates + (i + 1) * size - width, dy + (size_t) (first_row + i) * width,
				   width * sizeof(lem_real));
	}
	status = lem_rnn_backward(&trunk->rnn[r], config, kern, n, steps, acts->windows[r], part,
							  &acts->rnn[r], dstates, scratch, gradient, dstates, stop);
	if (!compute || status != LEM_OK)
		return status;
	memset(dx, 0, (size_t) rows * width * sizeof(lem_real));
	for (int i = 0; i < n; i++)
	{
		lem_real   *to = dx + (size_t) (first_row + i - steps + 1) * width;

		for (size_t j = 0; j < size; j++)
			to[j] += dstates[i * size + j];
	}
	return LEM_OK;
}

lem_status
lem_shared_backward(const lem_trunk *trunk, const lem_config *config, const lem_kernels *kern,
					int n, const lem_real *part, const lem_shared_acts *acts,
					const lem_real *dcontext, lem_scratch scratch, lem_real *gradient,
					const lem_stop *stop)
{
	const bool	compute = scratch.base != NULL;
	const int	width = config->hidden_size;
	const int	rows = compute ? lem_overlay_rows(&acts->overlay) : acts->most;
	const int	begin = lem_state_rows(config);
	const int	asked = config->n_ahead - 1;
	const size_t size = (size_t) rows * width;
	const size_t square = (size_t) width * width;
	const size_t begin_at = (size_t) begin * width;
	lem_real   *dout = lem_scratch_reals(&scratch, size);
	lem_real   *denriched = lem_scratch_reals(&scratch, size);
	lem_real   *dnormed = lem_scratch_reals(&scratch, size);
	lem_real   *dsum = lem_scratch_reals(&scratch, size);
	lem_real   *dgate = lem_scratch_reals(&scratch, 2 * size);
	lem_real   *dstate = lem_scratch_reals(&scratch, size);
	lem_trunk_offsets at;

	lem_trunk_layout(config, &at);
	if (compute)
	{
		memset(dout, 0, size * sizeof(lem_real));
		memset(denriched, 0, size * sizeof(lem_real));
		memset(dnormed, 0, size * sizeof(lem_real));
		for (int i = 0; i < n; i++)
		{
			lem_real   *to = dout + (size_t) (acts->overlay.base[i] + config->lookback) * width;

			for (size_t j = 0; j < (size_t) asked * width; j++)
				to[j] += dcontext[(size_t) i * asked * width + j];
		}
	}
	for (int run = 0; run < (compute ? lem_overlay_runs(&acts->overlay) : 1); run++)
	{
		const int	from = compute ? acts->overlay.run[run] : 0;

		lem_span_attention_backward(&trunk->spans, kern, from,
									compute ? acts->overlay.run[run + 1] - from : rows,
									config->lookback,
									compute ? acts->enriched + (size_t) from * width : NULL,
									&acts->attention, compute ? dout + (size_t) from * width : NULL,
									scratch, compute ? gradient + at.attention : NULL,
									compute ? gradient + at.age : NULL,
									compute ? denriched + (size_t) from * width : NULL);
	}
	/* buffers between the recurrence and the attention begin with row `begin` */
	lem_grn_backward(&trunk->grn, kern, rows - begin, acts->normed, width, &acts->grn,
					 compute ? denriched + begin_at : NULL, width, scratch,
					 compute ? gradient + at.grn : NULL, compute ? dnormed + begin_at : NULL,
					 width);
	if (compute)
	{
		lem_real   *dkernel = gradient + at.gate;

		memset(dsum, 0, begin_at * sizeof(lem_real));
		memset(dstate, 0, begin_at * sizeof(lem_real));
		kern->layer_norm_backward(rows - begin, width, acts->sum, width, trunk->norm_gamma,
								  dnormed + begin_at, width, gradient + at.norm,
								  gradient + at.norm + width, dsum + begin_at, width);
		kern->glu_backward(rows - begin, width, acts->gate, 2 * width, dsum + begin_at, width,
						   dgate, 2 * width);
		for (int half = 0; half < 2; half++, dkernel += square + width)
			lem_dense_gradient(width, width, rows - begin, gate_input(acts) + begin_at, width,
							   dgate + half * width, 2 * width, dkernel, dkernel + square);
		lem_dense_backward(&trunk->gate, kern, rows - begin, dgate, 2 * width, false,
						   dstate + begin_at, width);
		if (acts->dropout)
			drop(config, acts, begin, dstate, dstate);
	}
	for (int r = lem_rnn_layers(config) - 1; r >= 0; r--)
	{
		const int64_t layer_at = at.rnn + r * lem_rnn_size(config);
		const lem_status status = states_backward(trunk, config, kern, r, rows,
												  (r + 1) * (config->context_rows - 1),
												  compute ? part + layer_at : NULL, acts, dstate,
												  scratch, compute ? gradient + layer_at : NULL,
												  dstate, stop);

		if (status != LEM_OK)
			return status;
	}
	/* the residual around the recurrent layers */
	for (size_t i = 0; compute && i < size; i++)
		dstate[i] += dsum[i];
	lem_vsn_backward(&trunk->vsn, kern, rows, acts->inputs, &acts->vsn, dstate,
					 compute ? part + at.embedding : NULL, compute ? part + at.vsn_inputs : NULL,
					 scratch, compute ? gradient + at.embedding : NULL,
					 compute ? gradient + at.vsn_weights : NULL,
					 compute ? gradient + at.vsn_inputs : NULL);
	return LEM_OK;
}
