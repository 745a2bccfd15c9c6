/* tkan.c: the temporal KAN layer. */
#include <string.h>

#include "kernels/blas.h"
#include "layers/tkan.h"
#include "parameters/params.h"

void
lem_tkan_acts_carve(lem_arena *arena, const lem_tkan *tkan, int n, int rows, bool keep,
					lem_tkan_acts *acts)
{
	const size_t width = tkan->width;
	const size_t subs = tkan->subs;
	const size_t kept = (keep ? (size_t) rows : 1) * n;
	const size_t copied = keep ? kept : 0;	/* of what otherwise stays where it was computed */

	acts->keep = keep;
	acts->input = lem_arena_reals(arena, (size_t) n * rows * (3 + subs) * width);
	acts->gates = lem_arena_reals(arena, copied * 3 * width);
	acts->c = lem_arena_reals(arena, kept * width);
	acts->a = lem_arena_reals(arena, copied * subs * width);
	for (size_t j = 0; j < subs; j++)
	{
		acts->z[j] = lem_arena_reals(arena, kept * width);
		acts->expanded[j] = lem_arena_reals(arena, kept * tkan->kan[j].expanded);
	}
	acts->y = lem_arena_reals(arena, kept * subs * width);
	acts->s = lem_arena_reals(arena, kept * subs * width);
	acts->o = lem_arena_reals(arena, kept * width);
	acts->h = lem_arena_reals(arena, copied * width);
}

void
lem_tkan_decode(lem_arena *arena, const lem_config *config, const lem_real *tensors,
				lem_form form, lem_tkan *tkan)
{
	const int	width = config->hidden_size;
	const int	subs = config->n_sub_layers;
	const size_t square = (size_t) width * width;
	lem_real   *recurrent;
	lem_real   *state;
	lem_real   *mix;
	lem_real   *output;
	lem_real   *output_bias;
	const lem_real *kernel_inputs;

	tkan->width = width;
	tkan->subs = subs;
	tkan->linear = config->tkan_linear;
	lem_dense_carve(arena, width, (3 + subs) * width, form, &tkan->input);
	recurrent = lem_arena_reals(arena, lem_packed_size(width, 3 * width));
	mix = lem_arena_reals(arena, (size_t) subs * 2 * width);
	tkan->mix = mix;

	if (arena->base)
	{
		const lem_real *k = tensors;
		const lem_real *r = k + 3 * square;
		const lem_real *bias = r + 3 * square;

		lem_dense_place(&tkan->input, 0, k, bias, 3 * width);
		lem_pack(&tkan->recurrent, recurrent, width, 3 * width);
		lem_pack_rows(recurrent, width, 3 * width, 0, r, 3 * width, width);
		tensors = bias + 3 * width;
		for (int i = 0; i < subs * 2 * width; i++)
			mix[i] = tensors[i];
		tensors += (size_t) subs * 2 * width;
	}
	kernel_inputs = tensors;
	for (int j = 0; j < subs; j++)
	{
		state = lem_arena_reals(arena, lem_packed_size(width, width));
		if (arena->base)
		{
			lem_dense_place(&tkan->input, (3 + j) * width, kernel_inputs + j * square, NULL, width);
			lem_pack(&tkan->state[j], state, width, width);
			lem_pack_rows(state, width, width, 0, kernel_inputs + (subs + j) * square, width,
						  width);
		}
	}
	output = lem_arena_reals(arena, lem_packed_size(subs * width, width));
	output_bias = lem_arena_reals(arena, width);
	tkan->output_bias = output_bias;
	if (arena->base)
	{
		tensors = kernel_inputs + 2 * subs * square;
		lem_pack(&tkan->output, output, subs * width, width);
		lem_pack_rows(output, subs * width, width, 0, tensors, width, subs * width);
		tensors += subs * square;
		for (int i = 0; i < width; i++)
			output_bias[i] = tensors[i];
		tensors += width;
	}
	for (int j = 0; j < subs; j++)
	{
		lem_kan_decode(arena, &config->sub_layer[j], width, tensors, &tkan->kan[j]);
		if (arena->base)
			tensors += lem_sub_layer_size(&config->sub_layer[j], width);
	}
}

/* s' = u * y + v * s, for one sub-layer of one sample. */
static void
mix_state(int width, const lem_real *u, const lem_real *y, const lem_real *s, lem_real *out)
{
	const lem_real *v = u + width;

	for (int i = 0; i < width; i++)
		out[i] = u[i] * y[i] + v[i] * s[i];
}

lem_status
lem_tkan_forward(const lem_tkan *tkan, const lem_kernels *kern, int n, int rows,
				 const lem_real *x, const lem_tkan_acts *acts, lem_real *y, const lem_stop *stop)
{
	const int	width = tkan->width;
	const int	subs = tkan->subs;
	const int	wide = (3 + subs) * width;
	const size_t all = (size_t) subs * width;

	/*
	 * All that does not depend on the states is one product per sample, into the place where the
	 * states' part is added to it.  The rows' outputs are the states h themselves.
	 */
	const int	ld = acts->keep ? 3 * width : wide;	/* of gates */
	const int	ld_a = acts->keep ? (int) all : wide;
	const int	ld_h = acts->keep ? width : rows * width;

	for (int i = 0; i < n; i++)
		lem_dense_forward(&tkan->input, kern, rows, x + (size_t) i * rows * width, width,
						  acts->input + (size_t) i * wide, n * wide);

	for (int t = 0; t < rows; t++)
	{
		const size_t at = acts->keep ? (size_t) t * n : 0;
		const size_t before = acts->keep && t > 0 ? at - n : at;
		lem_real   *input = acts->input + (size_t) t * n * wide;
		lem_real   *gates = acts->keep ? acts->gates + at * 3 * width : input;
		lem_real   *a = acts->keep ? acts->a + at * all : input + 3 * width;
		lem_real   *c = acts->c + at * width;
		lem_real   *sub_y = acts->y + at * all;
		lem_real   *s = acts->s + at * all;
		lem_real   *o = acts->o + at * width;
		lem_real   *h = acts->keep ? acts->h + at * width : y + (size_t) t * width;
		const lem_real *h_before = acts->keep ? acts->h + before * width
			: t > 0 ? h - width : NULL;
		const lem_real *s_before = acts->s + before * all;

		/*
		 * A row reads all the weights, about as much as the second-level cache holds, so every other
		 * row goes over them the other way: it begins with what the row before ended with.
		 */
		const bool	turned = t % 2 == 1;

		if (lem_stop_asked(stop))
			return LEM_STOPPED;

		for (int i = 0; acts->keep && i < n; i++)
		{
			const lem_real *in = input + (size_t) i * wide;

			memcpy(gates + (size_t) i * ld, in, 3 * width * sizeof(lem_real));
			memcpy(a + (size_t) i * ld_a, in + 3 * width, all * sizeof(lem_real));
		}
		if (t == 0)
		{
			memset(c, 0, (size_t) n * width * sizeof(lem_real));
			memset(s, 0, n * all * sizeof(lem_real));
		}
		else
		{
			if (acts->keep)
				memcpy(c, acts->c + before * width, (size_t) n * width * sizeof(lem_real));
			if (turned)
				kern->matmul(n, h_before, ld_h, &tkan->recurrent, NULL, true, gates, ld);
			for (int j = 0; j < subs; j++)
				kern->matmul(n, s_before + (size_t) j * width, (int) all, &tkan->state[j], NULL,
							 true, a + (size_t) j * width, ld_a);
		}
		for (int j = 0; j < subs; j++)
		{
			const lem_kan *kan = &tkan->kan[j];

			lem_kan_forward(kan, kern, n, a + (size_t) j * width, ld_a, turned,
							acts->z[j] + at * width, acts->expanded[j] + at * kan->expanded,
							sub_y + (size_t) j * width, (int) all);
		}
		kern->matmul(n, sub_y, (int) all, &tkan->output, tkan->output_bias, false, o, width);
		if (t > 0 && !turned)
			kern->matmul(n, h_before, ld_h, &tkan->recurrent, NULL, true, gates, ld);

		for (int i = 0; i < n; i++)
		{
			for (int j = 0; j < subs; j++)
			{
				const size_t sub_layer_at = i * all + (size_t) j * width;

				if (t == 0)
					for (int l = 0; l < width; l++)
						s[sub_layer_at + l] = tkan->mix[(size_t) j * 2 * width + l] * sub_y[sub_layer_at + l];
				else
					mix_state(width, tkan->mix + (size_t) j * 2 * width, sub_y + sub_layer_at,
							  s_before + sub_layer_at, s + sub_layer_at);
			}
			kern->cell(width, gates + (size_t) i * ld, tkan->linear, c + (size_t) i * width);
			kern->cell_output(width, o + (size_t) i * width, c + (size_t) i * width,
							  h + (size_t) i * ld_h);
			if (acts->keep)
				memcpy(y + ((size_t) i * rows + t) * width, h + (size_t) i * width,
					   width * sizeof(lem_real));
		}
	}
	return LEM_OK;
}

/* Places of a layer's tensors within it, as stored; the sub-layers come last. */
typedef struct tkan_places
{
	size_t		recurrent;
	size_t		bias;
	size_t		mix;
	size_t		inputs;			/* Kx of each sub-layer */
	size_t		states;			/* Ks of each sub-layer */
	size_t		output;
	size_t		output_bias;
	size_t		sub_layers;
} tkan_places;

static tkan_places
places_of(const lem_tkan *tkan)
{
	const size_t width = tkan->width;
	const size_t square = width * width;
	tkan_places at;

	at.recurrent = 3 * square;
	at.bias = 6 * square;
	at.mix = at.bias + 3 * width;
	at.inputs = at.mix + tkan->subs * 2 * width;
	at.states = at.inputs + tkan->subs * square;
	at.output = at.states + tkan->subs * square;
	at.output_bias = at.output + tkan->subs * square;
	at.sub_layers = at.output_bias + width;
	return at;
}

/* What a backward pass computes on its way, all rows. */
typedef struct tkan_gradients
{
	lem_real   *dgates;			/* T x n x 3H: before the sigmoid */
	lem_real   *da;				/* T x n x S*H */
	lem_real   *dpre;			/* T x n x S*H: of the sub-layers' outputs */
	lem_real   *dout;			/* T x n x H: of o, before the sigmoid */
} tkan_gradients;

/* The weights' gradients, each one product over all rows and samples. */
static void
weight_gradients(const lem_tkan *tkan, const lem_config *config, int n, int rows,
				 const lem_real *x, const lem_tkan_acts *acts, const tkan_gradients *d,
				 lem_real *dinput, lem_real *gradient)
{
	const int	width = tkan->width;
	const int	subs = tkan->subs;
	const int	all = subs * width;
	const int	wide = (3 + subs) * width;
	const size_t square = (size_t) width * width;
	const tkan_places at = places_of(tkan);
	const int	later = (rows - 1) * n;	/* rows that have one before them */
	lem_real   *dsub = gradient + at.sub_layers;

	/* the input's product ran sample after sample: bring its gradient into that order */
	for (int i = 0; i < n; i++)
		for (int t = 0; t < rows; t++)
		{
			lem_real   *to = dinput + ((size_t) i * rows + t) * wide;

			memcpy(to, d->dgates + ((size_t) t * n + i) * 3 * width, 3 * width * sizeof(lem_real));
			memcpy(to + 3 * width, d->da + ((size_t) t * n + i) * all, all * sizeof(lem_real));
		}
	lem_dense_gradient(width, 3 * width, n * rows, x, width, dinput, wide, gradient,
					   gradient + at.bias);
	lem_dense_gradient(width, 3 * width, later, acts->h, width, d->dgates + (size_t) n * 3 * width,
					   3 * width, gradient + at.recurrent, NULL);
	lem_dense_gradient(all, width, n * rows, acts->y, all, d->dout, width, gradient + at.output,
					   gradient + at.output_bias);
	for (int j = 0; j < subs; j++)
	{
		lem_dense_gradient(width, width, n * rows, x, width, dinput + (3 + j) * width, wide,
						   gradient + at.inputs + j * square, NULL);
		lem_dense_gradient(width, width, later, acts->s + j * width, all,
						   d->da + (size_t) n * all + j * width, all,
						   gradient + at.states + j * square, NULL);
		lem_kan_gradient(&tkan->kan[j], n * rows, acts->a + j * width, all, acts->expanded[j],
						 d->dpre + j * width, all, dsub);
		dsub += lem_sub_layer_size(&config->sub_layer[j], width);
	}
}

/* Transposes of what carries one row to the next: packed once, used by every row. */
typedef struct transposed
{
	lem_packed	recurrent;		/* 3H x H */
	lem_packed	output;			/* H x S*H */
	lem_packed	states[LEM_MAX_SUB_LAYERS];	/* H x H */
	lem_packed	kan[LEM_MAX_SUB_LAYERS];
} transposed;

static void
transpose_one(lem_scratch *scratch, const lem_real *w, int k, int n, lem_packed *to)
{
	lem_real   *data = lem_scratch_reals(scratch, lem_packed_size(k, n));

	if (!data)
		return;
	lem_pack(to, data, k, n);
	lem_pack_transposed(data, k, n, 0, w, k, n);
}

static void
transpose(const lem_tkan *tkan, const lem_config *config, const lem_real *tensors,
		  lem_scratch *scratch, transposed *to)
{
	const int	width = tkan->width;
	const tkan_places at = places_of(tkan);
	const bool	compute = scratch->base != NULL;
	int64_t		sub = at.sub_layers;

	transpose_one(scratch, compute ? tensors + at.recurrent : NULL, 3 * width, width,
				  &to->recurrent);
	transpose_one(scratch, compute ? tensors + at.output : NULL, width, tkan->subs * width,
				  &to->output);
	for (int j = 0; j < tkan->subs; j++)
	{
		transpose_one(scratch,
					  compute ? tensors + at.states + (size_t) j * width * width : NULL, width,
					  width, &to->states[j]);
		lem_kan_transpose(&tkan->kan[j], compute ? tensors + sub : NULL, scratch, &to->kan[j]);
		sub += lem_sub_layer_size(&config->sub_layer[j], width);
	}
}

lem_status
lem_tkan_backward(const lem_tkan *tkan, const lem_config *config, const lem_kernels *kern, int n,
				  int rows, const lem_real *x, const lem_real *tensors,
				  const lem_tkan_acts *acts, const lem_real *dy, lem_scratch scratch,
				  lem_real *gradient, lem_real *dx, const lem_stop *stop)
{
	const int	width = tkan->width;
	const int	subs = tkan->subs;
	const int	all = subs * width;
	const size_t kept = (size_t) rows * n;
	const tkan_places at = places_of(tkan);
	tkan_gradients d;
	transposed	back;
	lem_real   *dinput = lem_scratch_reals(&scratch, kept * (3 + subs) * width);
	lem_real   *dh = lem_scratch_reals(&scratch, (size_t) n * width);
	lem_real   *dc = lem_scratch_reals(&scratch, (size_t) n * width);
	lem_real   *ds = lem_scratch_reals(&scratch, (size_t) n * all);
	lem_real   *dsub_y = lem_scratch_reals(&scratch, (size_t) n * all);

	d.dgates = lem_scratch_reals(&scratch, kept * 3 * width);
	d.da = lem_scratch_reals(&scratch, kept * all);
	d.dpre = lem_scratch_reals(&scratch, kept * all);
	d.dout = lem_scratch_reals(&scratch, kept * width);
	if (scratch.base)
	{
		memset(dh, 0, (size_t) n * width * sizeof(lem_real));
		memset(dc, 0, (size_t) n * width * sizeof(lem_real));
		memset(ds, 0, (size_t) n * all * sizeof(lem_real));
	}

	transpose(tkan, config, tensors, &scratch, &back);
	for (int t = rows - 1; t >= 0; t--)
	{
		const size_t here = (size_t) t * n;
		lem_real   *dsub = scratch.base ? gradient + at.sub_layers : NULL;

		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		if (scratch.base)
		{
			for (int i = 0; i < n; i++)
			{
				const lem_real *in = dy + ((size_t) i * rows + t) * width;
				lem_real   *to = dh + (size_t) i * width;

				for (int j = 0; j < width; j++)
					to[j] += in[j];
				kern->cell_backward(width, tkan->linear, acts->gates + (here + i) * 3 * width,
									acts->o + (here + i) * width, acts->c + (here + i) * width,
									t > 0 ? acts->c + (here - n + i) * width : NULL, to,
									dc + (size_t) i * width, d.dout + (here + i) * width,
									d.dgates + (here + i) * 3 * width);
			}
			kern->matmul(n, d.dout + here * width, width, &back.output, NULL, false, dsub_y, all);
			/* s' = u y + v s */
			for (int i = 0; i < n; i++)
				for (int j = 0; j < subs; j++)
				{
					const lem_real *u = tkan->mix + (size_t) j * 2 * width;
					const size_t sub_layer_at = (size_t) j * width;
					const lem_real *y = acts->y + (here + i) * all + sub_layer_at;
					const lem_real *before = t > 0 ? acts->s + (here - n + i) * all + sub_layer_at : NULL;
					lem_real   *dmix = gradient + at.mix + (size_t) j * 2 * width;
					lem_real   *state = ds + (size_t) i * all + sub_layer_at;
					lem_real   *out = dsub_y + (size_t) i * all + sub_layer_at;

					for (int l = 0; l < width; l++)
					{
						dmix[l] += state[l] * y[l];
						dmix[width + l] += before ? state[l] * before[l] : 0;
						out[l] += u[l] * state[l];
						state[l] *= u[width + l];
					}
				}
		}
		for (int j = 0; j < subs; j++)
		{
			back.kan[j].from_last = t % 2 == 1; /* as forward: what is cached comes first */
			if (scratch.base)
				lem_kan_backward(&tkan->kan[j], kern, n, &back.kan[j],
								 acts->a + here * all + j * width, all, acts->z[j] + here * width,
								 acts->y + here * all + j * width, all, dsub_y + j * width, all,
								 scratch, dsub, d.dpre + here * all + j * width, all,
								 d.da + here * all + j * width, all);
			else
				lem_kan_backward(&tkan->kan[j], kern, n, NULL, NULL, all, NULL, NULL, all, NULL,
								 all, scratch, NULL, NULL, all, NULL, all);
			if (scratch.base)
			{
				dsub += lem_sub_layer_size(&config->sub_layer[j], width);
				kern->matmul(n, d.da + here * all + j * width, all, &back.states[j], NULL, true,
							 ds + j * width, all);
			}
		}
		if (!scratch.base)
			return LEM_OK;		/* every row takes the same space */
		kern->matmul(n, d.dgates + here * 3 * width, 3 * width, &back.recurrent, NULL, false, dh,
					 width);
	}

	weight_gradients(tkan, config, n, rows, x, acts, &d, dinput, gradient);
	lem_dense_backward(&tkan->input, kern, n * rows, dinput, (3 + subs) * width, false, dx, width);
	return LEM_OK;
}
