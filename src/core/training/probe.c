/* probe.c: which layer of a teacher serves which task, and what of it a student is to learn. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "kernels/linear.h"
#include "training/probe.h"

#define TASKS 3
#define LAMBDA 1e-2
#define WHITE_EPSILON 1e-6

/* Rows that a readout is learnt from, and judged by, at least; numbers of a layer, the same. */
#define LEAST_ROWS 40

/* Targets and their shifts, side by side. */
#define COLUMNS (TASKS * (1 + LEM_PROBE_SHIFTS))

void
lem_probe_terciles(size_t n, const double *volatility, double *scratch, double *threshold)
{
	memcpy(scratch, volatility, n * sizeof(double));
	(void) lem_sort(scratch, n, NULL);
	threshold[0] = n > 0 ? scratch[n / 3] : 0;
	threshold[1] = n > 0 ? scratch[2 * n / 3] : 0;
}

static int
regime_of(const lem_probe_rows *rows, size_t i)
{
	return (rows->volatility[i] >= rows->threshold[0]) +
		(rows->volatility[i] >= rows->threshold[1]);
}

size_t
lem_probe_scratch(size_t n, int width)
{
	return n * (size_t) (width + COLUMNS) + lem_ridge_scratch(width, COLUMNS) +
		(size_t) (width + 1) * COLUMNS + 6 * (size_t) COLUMNS;
}

/* Targets, and circular shifts of them by at least a tenth of their length. */
static void
shift_targets(const lem_probe_rows *rows, double *shifted)
{
	const size_t n = rows->n;
	const uint64_t least = n / 10;

	for (int s = 0; s <= LEM_PROBE_SHIFTS; s++)
	{
		const size_t by = s == 0 ? 0 : (size_t)
			(least + lem_random_below(rows->seed, 1, (uint64_t) s, n - 2 * least));

		for (size_t i = 0; i < n; i++)
			memcpy(shifted + i * COLUMNS + s * TASKS, rows->target + (i + by) % n * TASKS,
				   TASKS * sizeof(double));
	}
}

/*
 * The squared error of the naive forecast that was best on the rows it was learnt from: 0 (what the
 * outlook says), the mean, and what the last bar says.
 */
static double
best_naive(const double *learnt, const double *judged)
{
	const int	best = learnt[1] < learnt[0] ? (learnt[2] < learnt[1] ? 2 : 1) :
		(learnt[2] < learnt[0] ? 2 : 0);

	return judged[best];
}

/* One regime of a layer: the figures of all tasks. */
static void
probe_regime(const lem_probe_rows *rows, int width, const double *x, const double *shifted,
			 const bool *use, double *scratch, int regime, lem_probe_figure *figure)
{
	double	   *weights = scratch;
	double	   *error = weights + (size_t) (width + 1) * COLUMNS;
	double	   *mean = error + COLUMNS;
	double	   *rest = mean + COLUMNS;
	size_t		learnt = 0;
	size_t		judged = 0;

	for (size_t i = 0; i < rows->n; i++)
	{
		learnt += use[i];
		judged += i >= rows->judge && regime_of(rows, i) == regime;
	}
	for (int t = 0; t < TASKS; t++)
		memset(&figure[t * LEM_REGIMES + regime], 0, sizeof(*figure));
	if (learnt < LEAST_ROWS + (size_t) width || judged < LEAST_ROWS ||
		!lem_ridge(rows->n, width, COLUMNS, x, shifted, use, LAMBDA, rest, weights))
		return;
	memset(error, 0, 2 * COLUMNS * sizeof(double));
	for (size_t i = 0; i < rows->n; i++)
		for (int c = 0; use[i] && c < COLUMNS; c++)
			mean[c] += shifted[i * COLUMNS + c] / (double) learnt;
	for (size_t i = rows->judge; i < rows->n; i++)
	{
		double	   *said = rest;

		if (regime_of(rows, i) != regime)
			continue;
		lem_ridge_apply(width, COLUMNS, weights, x + i * (size_t) width, said);
		for (int c = 0; c < COLUMNS; c++)
		{
			const double off = shifted[i * COLUMNS + c] - said[c];

			error[c] += off * off;
		}
	}
	for (int t = 0; t < TASKS; t++)
	{
		lem_probe_figure *f = &figure[t * LEM_REGIMES + regime];
		double		sum = 0;
		double		squares = 0;

		for (int s = 0; s <= LEM_PROBE_SHIFTS; s++)
		{
			const int	c = s * TASKS + t;
			double		before[3] = {0};
			double		after[3] = {0};
			double		skill;

			for (size_t i = 0; i < rows->n; i++)
			{
				const double y = shifted[i * COLUMNS + c];
				const double naive[3] = {0, mean[c], rows->last[i * TASKS + t]};
				double	   *to = use[i] ? before :
					i >= rows->judge && regime_of(rows, i) == regime ? after : NULL;

				for (int k = 0; to && k < 3; k++)
					to[k] += (y - naive[k]) * (y - naive[k]);
			}
			skill = best_naive(before, after);
			skill = skill > 0 ? 1 - error[c] / skill : 0;
			if (s == 0)
				f->response = skill;
			else
			{
				sum += skill;
				squares += skill * skill;
			}
		}
		f->null_mean = sum / LEM_PROBE_SHIFTS;
		f->null_sd = sqrt(fmax(squares / LEM_PROBE_SHIFTS - f->null_mean * f->null_mean, 0) *
						  LEM_PROBE_SHIFTS / (LEM_PROBE_SHIFTS - 1));
		f->z = f->null_sd > 0 ? (f->response - f->null_mean) / f->null_sd : 0;
		f->known = true;
	}
}

lem_status
lem_probe_layer(const lem_probe_rows *rows, int width, const double *features, size_t stride,
				double *scratch, bool *use, const lem_stop *stop, lem_probe_figure *figure)
{
	double	   *x = scratch;
	double	   *shifted = x + rows->n * (size_t) width;
	double	   *rest = shifted + rows->n * COLUMNS;

	for (size_t i = 0; i < rows->n; i++)
		memcpy(x + i * (size_t) width, features + i * stride, width * sizeof(double));
	shift_targets(rows, shifted);
	for (int r = 0; r < LEM_REGIMES; r++)
	{
		if (lem_stop_asked(stop))
			return LEM_STOPPED;
		for (size_t i = 0; i < rows->n; i++)
			use[i] = i < rows->learn && regime_of(rows, i) == r;
		probe_regime(rows, width, x, shifted, use, rest, r, figure);
	}
	return LEM_OK;
}

size_t
lem_decompose_scratch(size_t n, int layers, int width, int k)
{
	const size_t p = (size_t) layers * width;
	const size_t w = width;

	/* the layers; copies of one; whitening, a ridge and PLS with their directions */
	return n * p + n * w + 2 * n + 3 * w * w + 4 * w + (p + 2) * w + lem_ridge_scratch((int) p, width)
		+ 7 * w * k;
}

/* Whitened, over the first learn rows: to (n x width, stride). */
static void
whiten(const lem_probe_rows *rows, int width, const double *from, size_t from_stride,
	   double *scratch, double *to, size_t to_stride)
{
	double	   *packed = scratch;
	double	   *mean = packed + rows->n * (size_t) width;
	double	   *transform = mean + width;
	double	   *rest = transform + (size_t) width * width;

	for (size_t i = 0; i < rows->n; i++)
		memcpy(packed + i * (size_t) width, from + i * from_stride, width * sizeof(double));
	lem_whiten(rows->learn, width, packed, WHITE_EPSILON, rest, mean, transform);
	for (size_t i = 0; i < rows->n; i++)
		for (int j = 0; j < width; j++)
		{
			double		sum = 0;

			for (int a = 0; a < width; a++)
				sum += (packed[i * (size_t) width + a] - mean[a]) *
					transform[(size_t) a * width + j];
			to[i * to_stride + j] = sum;
		}
}

void
lem_decompose(const lem_probe_rows *rows, int layers, int width, int layer,
			  const double *features, int k, double *scratch, double *state)
{
	const size_t n = rows->n;
	const size_t before = (size_t) layer * width;
	double	   *mine = scratch;			/* n x width: H_l, then what it adds */
	double	   *earlier = mine + n * (size_t) width;	/* n x before */
	double	   *rest = earlier + n * before;
	double	   *directions;
	double	   *taken;
	double	   *target;
	int			n_taken = 0;
	int			most;

	for (int l = 0; l < layer; l++)
		whiten(rows, width, features + (size_t) l * width, (size_t) layers * width, rest,
			   earlier + (size_t) l * width, before);
	whiten(rows, width, features + (size_t) layer * width, (size_t) layers * width, rest, mine,
		   width);
	if (layer > 0)
	{
		double	   *weights = rest;
		double	   *said = weights + (before + 1) * width;

		if (lem_ridge(rows->learn, (int) before, width, earlier, mine, NULL, LAMBDA, said + width,
					  weights))
			for (size_t i = 0; i < n; i++)
			{
				lem_ridge_apply((int) before, width, weights, earlier + i * before, said);
				for (int j = 0; j < width; j++)
					mine[i * (size_t) width + j] -= said[j];
			}
	}
	/* no task takes more than a third of a layer from the others; the earlier ones are done with */
	most = k < width / TASKS ? k : width < TASKS ? 1 : width / TASKS;
	directions = earlier;
	taken = directions + (size_t) width * k;
	target = taken + (size_t) width * k * TASKS;
	rest = target + n;
	memset(state, 0, n * (size_t) TASKS * k * sizeof(double));
	for (int t = 0; t < TASKS; t++)
	{
		double		mean = 0;
		int			found;

		for (size_t i = 0; i < rows->learn; i++)
			mean += rows->target[i * TASKS + t] / (double) rows->learn;
		for (size_t i = 0; i < rows->learn; i++)
			target[i] = rows->target[i * TASKS + t] - mean;
		{
			/* the columns of before, side by side */
			double	   *packed = rest;

			for (int j = 0; j < width; j++)
				memcpy(packed + (size_t) j * n_taken, taken + (size_t) j * k * TASKS,
					   n_taken * sizeof(double));
			found = lem_pls(rows->learn, width, mine, target, most, n_taken, packed,
							packed + (size_t) width * k * TASKS, directions);
		}
		for (int c = 0; c < found; c++)
		{
			double		sum = 0;
			double		squares = 0;

			for (size_t i = 0; i < n; i++)
			{
				double		u = 0;

				for (int j = 0; j < width; j++)
					u += mine[i * (size_t) width + j] * directions[(size_t) j * most + c];
				state[(i * TASKS + t) * k + c] = u;
				if (i < rows->learn)
				{
					sum += u;
					squares += u * u;
				}
			}
			sum /= (double) rows->learn;
			squares = sqrt(fmax(squares / (double) rows->learn - sum * sum, 0));
			for (size_t i = 0; i < n; i++)
			{
				double	   *u = &state[(i * TASKS + t) * k + c];

				*u = squares > 1e-9 ? (*u - sum) / squares : 0;
			}
			for (int j = 0; j < width; j++)
				taken[(size_t) j * k * TASKS + n_taken] = directions[(size_t) j * most + c];
			n_taken++;
		}
	}
}
