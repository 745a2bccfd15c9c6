/* distill_loss.c: what a student learns from. */
#include <math.h>
#include <string.h>

#include "model/quantile.h"
#include "training/distill_loss.h"

static const double quantile[LEM_QUANTILES] = {0.1, 0.5, 0.9};

/* A column that varies less than this has no correlation. */
#define LEAST_LENGTH 1e-9

double
lem_pinball(const lem_real *q, double y)
{
	double		sum = 0;

	for (int i = 0; i < LEM_QUANTILES; i++)
	{
		const double u = y - (double) q[i];

		sum += u > 0 ? quantile[i] * u : (quantile[i] - 1) * u;
	}
	return sum / LEM_QUANTILES;
}

/* One number's share of a pinball loss, and its slope added to *d. */
static double
pinball(int i, double q, double y, double weight, lem_real *d)
{
	const double u = y - q;

	*d += (lem_real) (weight * (u > 0 ? -quantile[i] : 1 - quantile[i]));
	return weight * (u > 0 ? quantile[i] * u : (quantile[i] - 1) * u);
}

size_t
lem_distill_scratch(int n, int k)
{
	return 2 * (size_t) n * k + 2 * (size_t) k;
}

/* Columns of a batch's states, centred (k x n), and their lengths. */
static void
centre(int n, int k, const lem_real *from, int stride, double *columns, double *length)
{
	for (int c = 0; c < k; c++)
	{
		double	   *to = columns + (size_t) c * n;
		double		mean = 0;
		double		squares = 0;

		for (int i = 0; i < n; i++)
			mean += (double) from[(size_t) i * stride + c] / n;
		for (int i = 0; i < n; i++)
		{
			to[i] = (double) from[(size_t) i * stride + c] - mean;
			squares += to[i] * to[i];
		}
		length[c] = sqrt(squares);
	}
}

/*
 * weight |corr(z, z_f)|_F^2 / k^2, and its gradient added to dz.  Of column a with b, both centred:
 * corr = a.b / (|a| |b|), d corr / d a = b / (|a| |b|) - corr a / |a|^2.
 */
static double
correlation(int n, int k, const double *mine, const double *my_length, const double *other,
			const double *other_length, double weight, lem_real *dz, int stride)
{
	double		sum = 0;

	for (int a = 0; a < k; a++)
		for (int b = 0; b < k; b++)
		{
			const double *x = mine + (size_t) a * n;
			const double *y = other + (size_t) b * n;
			const double both = my_length[a] * other_length[b];
			const double unit = weight / ((double) k * k);
			double		corr = 0;

			if (my_length[a] < LEAST_LENGTH || other_length[b] < LEAST_LENGTH)
				continue;
			for (int i = 0; i < n; i++)
				corr += x[i] * y[i];
			corr /= both;
			sum += unit * corr * corr;
			for (int i = 0; i < n; i++)
				dz[(size_t) i * stride + a] += (lem_real)
					(2 * unit * corr * (y[i] / both - corr * x[i] / (my_length[a] * my_length[a])));
		}
	return sum;
}

double
lem_distill_loss(const lem_distill_weights *weights, const lem_distill_batch *batch,
				 const lem_real *raw, double *scratch, lem_real *draw)
{
	const int	n = batch->n;
	const int	k = batch->k;
	const int	each = LEM_QUANTILES + k;
	const int	outputs = batch->n_tasks * each;
	double		loss = 0;

	memset(draw, 0, (size_t) n * outputs * sizeof(lem_real));
	for (int s = 0; s < n; s++)
		for (int t = 0; t < batch->n_tasks; t++)
		{
			const int	task = batch->task[t];
			const lem_real *r = raw + (size_t) s * outputs + t * each;
			lem_real   *d = draw + (size_t) s * outputs + t * each;
			const double share = (double) batch->share[s] / ((double) n * batch->n_tasks);
			const double own = share * weights->alpha / LEM_QUANTILES;
			lem_real	q[LEM_QUANTILES];

			lem_quantile_ordered(r, q);
			for (int i = 0; i < LEM_QUANTILES; i++)
			{
				loss += pinball(i, (double) q[i], (double) batch->target[s * 3 + task], own,
								&d[i]);
				if (batch->teacher && (!batch->median || i == 1))
					loss += pinball(i, (double) q[i],
									(double) batch->teacher[(size_t) s * LEM_QUANTILE_OUTPUTS +
															task * LEM_QUANTILES + i],
									share * weights->beta / (batch->median ? 1 : LEM_QUANTILES),
									&d[i]);
			}
			lem_quantile_ordered_back(r, d);
			for (int c = 0; batch->state && c < k; c++)
			{
				const double off = (double) r[LEM_QUANTILES + c] -
					(double) batch->state[((size_t) s * batch->n_tasks + t) * k + c];

				loss += share * weights->gamma / k * off * off;
				d[LEM_QUANTILES + c] += (lem_real) (2 * share * weights->gamma / k * off);
			}
		}
	if (batch->n_earlier > 0 && weights->delta > 0)
	{
		double	   *mine = scratch;
		double	   *other = mine + (size_t) n * k;
		double	   *my_length = other + (size_t) n * k;
		double	   *other_length = my_length + k;

		centre(n, k, raw + LEM_QUANTILES, outputs, mine, my_length);
		for (int f = 0; f < batch->n_earlier; f++)
		{
			centre(n, k, batch->earlier[f], k, other, other_length);
			loss += correlation(n, k, mine, my_length, other, other_length, weights->delta,
								draw + LEM_QUANTILES, outputs);
		}
	}
	return loss;
}
