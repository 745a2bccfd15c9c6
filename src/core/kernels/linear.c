/* linear.c: small dense linear algebra in double precision. */
#include <math.h>
#include <string.h>

#include "kernels/linear.h"

#define JACOBI_SWEEPS 60

/* Steps of a sort between two looks at the stop callback. */
#define STOP_SIFTS 4096

bool
lem_cholesky_solve(int n, double *a, int m, double *b)
{
	for (int j = 0; j < n; j++)
	{
		double		d = a[(size_t) j * n + j];

		for (int k = 0; k < j; k++)
			d -= a[(size_t) j * n + k] * a[(size_t) j * n + k];
		if (!(d > 0) || !isfinite(d))
			return false;
		d = sqrt(d);
		a[(size_t) j * n + j] = d;
		for (int i = j + 1; i < n; i++)
		{
			double		x = a[(size_t) i * n + j];

			for (int k = 0; k < j; k++)
				x -= a[(size_t) i * n + k] * a[(size_t) j * n + k];
			a[(size_t) i * n + j] = x / d;
		}
	}
	for (int c = 0; c < m; c++)
	{
		for (int i = 0; i < n; i++)
		{
			double		x = b[(size_t) i * m + c];

			for (int k = 0; k < i; k++)
				x -= a[(size_t) i * n + k] * b[(size_t) k * m + c];
			b[(size_t) i * m + c] = x / a[(size_t) i * n + i];
		}
		for (int i = n - 1; i >= 0; i--)
		{
			double		x = b[(size_t) i * m + c];

			for (int k = i + 1; k < n; k++)
				x -= a[(size_t) k * n + i] * b[(size_t) k * m + c];
			b[(size_t) i * m + c] = x / a[(size_t) i * n + i];
		}
	}
	return true;
}

size_t
lem_ridge_scratch(int p, int m)
{
	return (size_t) p * p + (size_t) p * m + 3 * (size_t) p + m;
}

bool
lem_ridge(size_t n, int p, int m, const double *inputs, const double *targets, const bool *use,
		  double lambda, double *scratch, double *weights)
{
	double	   *gram = scratch;
	double	   *right = gram + (size_t) p * p;
	double	   *mean = right + (size_t) p * m;
	double	   *unit = mean + p;
	double	   *x = unit + p;
	double	   *target_mean = x + p;
	size_t		count = 0;

	memset(scratch, 0, lem_ridge_scratch(p, m) * sizeof(double));
	memset(weights, 0, (size_t) (p + 1) * m * sizeof(double));
	for (size_t i = 0; i < n; i++)
	{
		if (use && !use[i])
			continue;
		count++;
		for (int j = 0; j < p; j++)
			mean[j] += inputs[i * p + j];
		for (int c = 0; c < m; c++)
			target_mean[c] += targets[i * m + c];
	}
	if (count == 0)
		return false;
	for (int j = 0; j < p; j++)
		mean[j] /= (double) count;
	for (int c = 0; c < m; c++)
		target_mean[c] /= (double) count;
	for (size_t i = 0; i < n; i++)
	{
		if (use && !use[i])
			continue;
		for (int j = 0; j < p; j++)
			unit[j] += (inputs[i * p + j] - mean[j]) * (inputs[i * p + j] - mean[j]);
	}
	for (int j = 0; j < p; j++)
	{
		unit[j] = sqrt(unit[j] / (double) count);
		unit[j] = unit[j] > 1e-12 * fmax(1, fabs(mean[j])) ? 1 / unit[j] : 0;
	}
	for (size_t i = 0; i < n; i++)
	{
		if (use && !use[i])
			continue;
		for (int j = 0; j < p; j++)
			x[j] = (inputs[i * p + j] - mean[j]) * unit[j];
		for (int j = 0; j < p; j++)
		{
			for (int k = 0; k <= j; k++)
				gram[(size_t) j * p + k] += x[j] * x[k];
			for (int c = 0; c < m; c++)
				right[(size_t) j * m + c] += x[j] * (targets[i * m + c] - target_mean[c]);
		}
	}
	for (int j = 0; j < p; j++)
	{
		for (int k = j + 1; k < p; k++)
			gram[(size_t) j * p + k] = gram[(size_t) k * p + j];
		gram[(size_t) j * p + j] += lambda * (double) count + (unit[j] == 0);
	}
	if (p > 0 && !lem_cholesky_solve(p, gram, m, right))
		return false;
	for (int c = 0; c < m; c++)
	{
		double		intercept = target_mean[c];

		for (int j = 0; j < p; j++)
		{
			const double w = right[(size_t) j * m + c] * unit[j];

			weights[(size_t) j * m + c] = w;
			intercept -= w * mean[j];
		}
		weights[(size_t) p * m + c] = intercept;
	}
	return true;
}

void
lem_ridge_apply(int p, int m, const double *weights, const double *input, double *target)
{
	for (int c = 0; c < m; c++)
	{
		double		sum = weights[(size_t) p * m + c];

		for (int j = 0; j < p; j++)
			sum += weights[(size_t) j * m + c] * input[j];
		target[c] = sum;
	}
}

/* Rotate rows and columns i and j so that a[i][j] becomes 0. */
static void
rotate(int n, double *a, double *vectors, int i, int j)
{
	const double off = a[(size_t) i * n + j];
	const double half = 0.5 * (a[(size_t) j * n + j] - a[(size_t) i * n + i]);
	const double t = (half < 0 ? -1 : 1) / (fabs(half / off) + sqrt(half / off * (half / off) + 1)) *
		(off < 0 ? -1 : 1);
	const double c = 1 / sqrt(t * t + 1);
	const double s = t * c;

	for (int k = 0; k < n; k++)
	{
		const double x = a[(size_t) k * n + i];
		const double y = a[(size_t) k * n + j];

		a[(size_t) k * n + i] = c * x - s * y;
		a[(size_t) k * n + j] = s * x + c * y;
	}
	for (int k = 0; k < n; k++)
	{
		const double x = a[(size_t) i * n + k];
		const double y = a[(size_t) j * n + k];

		a[(size_t) i * n + k] = c * x - s * y;
		a[(size_t) j * n + k] = s * x + c * y;
	}
	for (int k = 0; k < n; k++)
	{
		const double x = vectors[(size_t) k * n + i];
		const double y = vectors[(size_t) k * n + j];

		vectors[(size_t) k * n + i] = c * x - s * y;
		vectors[(size_t) k * n + j] = s * x + c * y;
	}
}

void
lem_eigen(int n, double *a, double *values, double *vectors)
{
	double		all = 0;

	memset(vectors, 0, (size_t) n * n * sizeof(double));
	for (int i = 0; i < n; i++)
		vectors[(size_t) i * n + i] = 1;
	for (size_t i = 0; i < (size_t) n * n; i++)
		all += a[i] * a[i];
	for (int sweep = 0; sweep < JACOBI_SWEEPS; sweep++)
	{
		double		off = 0;

		for (int i = 0; i < n; i++)
			for (int j = i + 1; j < n; j++)
				off += a[(size_t) i * n + j] * a[(size_t) i * n + j];
		if (off <= 1e-32 * all)
			break;
		for (int i = 0; i < n; i++)
			for (int j = i + 1; j < n; j++)
				if (a[(size_t) i * n + j] != 0)
					rotate(n, a, vectors, i, j);
	}
	for (int i = 0; i < n; i++)
		values[i] = a[(size_t) i * n + i];
	for (int i = 0; i < n; i++)
	{
		int			most = i;
		double		x;

		for (int j = i + 1; j < n; j++)
			most = values[j] > values[most] ? j : most;
		x = values[i];
		values[i] = values[most];
		values[most] = x;
		for (int k = 0; most != i && k < n; k++)
		{
			x = vectors[(size_t) k * n + i];
			vectors[(size_t) k * n + i] = vectors[(size_t) k * n + most];
			vectors[(size_t) k * n + most] = x;
		}
	}
}

void
lem_whiten(size_t n, int p, const double *rows, double epsilon, double *scratch, double *mean,
		   double *transform)
{
	double	   *covariance = scratch;
	double	   *vectors = covariance + (size_t) p * p;
	double	   *values = vectors + (size_t) p * p;

	memset(mean, 0, p * sizeof(double));
	memset(covariance, 0, (size_t) p * p * sizeof(double));
	for (size_t i = 0; i < n; i++)
		for (int j = 0; j < p; j++)
			mean[j] += rows[i * p + j] / (double) n;
	for (size_t i = 0; i < n; i++)
		for (int j = 0; j < p; j++)
			for (int k = 0; k < p; k++)
				covariance[(size_t) j * p + k] += (rows[i * p + j] - mean[j]) *
					(rows[i * p + k] - mean[k]) / (double) n;
	lem_eigen(p, covariance, values, vectors);
	for (int j = 0; j < p; j++)
	{
		const double scale = values[j] > epsilon * values[0] && values[j] > 0 ?
			1 / sqrt(values[j]) : 0;

		for (int k = 0; k < p; k++)
			transform[(size_t) k * p + j] = vectors[(size_t) k * p + j] * scale;
	}
}

/* Take out of x (p) what lies along the orthonormal columns of q (p x k, stride). */
static void
orthogonalise(int p, int k, int stride, const double *q, double *x)
{
	for (int c = 0; c < k; c++)
	{
		double		along = 0;

		for (int j = 0; j < p; j++)
			along += q[(size_t) j * stride + c] * x[j];
		for (int j = 0; j < p; j++)
			x[j] -= along * q[(size_t) j * stride + c];
	}
}

int
lem_pls(size_t n, int p, const double *inputs, const double *target, int k, int b,
		const double *before, double *scratch, double *directions)
{
	double	   *x = scratch;
	double	   *w = x + n * p;
	double	   *load = w + p;
	double	   *score = load + p;
	double		first = 0;
	int			found = 0;

	memcpy(x, inputs, n * p * sizeof(double));
	memset(directions, 0, (size_t) p * k * sizeof(double));
	for (; found < k; found++)
	{
		double		length = 0;
		double		squares = 0;

		memset(w, 0, p * sizeof(double));
		for (size_t i = 0; i < n; i++)
			for (int j = 0; j < p; j++)
				w[j] += x[i * p + j] * target[i];
		for (int j = 0; j < p; j++)
			length += w[j] * w[j];
		length = sqrt(length);
		if (found == 0)
			first = length;
		if (!(length > 1e-10 * first) || length == 0)
			break;
		/* twice, so that rounding leaves nothing along the others */
		for (int twice = 0; twice < 2; twice++)
		{
			orthogonalise(p, b, b, before, w);
			orthogonalise(p, found, k, directions, w);
		}
		length = 0;
		for (int j = 0; j < p; j++)
			length += w[j] * w[j];
		length = sqrt(length);
		if (!(length > 1e-10 * first))
			break;
		for (int j = 0; j < p; j++)
		{
			w[j] /= length;
			directions[(size_t) j * k + found] = w[j];
		}
		memset(load, 0, p * sizeof(double));
		for (size_t i = 0; i < n; i++)
		{
			score[i] = 0;
			for (int j = 0; j < p; j++)
				score[i] += x[i * p + j] * w[j];
			squares += score[i] * score[i];
			for (int j = 0; j < p; j++)
				load[j] += score[i] * x[i * p + j];
		}
		if (!(squares > 0))
		{
			found++;
			break;
		}
		for (size_t i = 0; i < n; i++)
			for (int j = 0; j < p; j++)
				x[i * p + j] -= score[i] * load[j] / squares;
	}
	return found;
}

static void
sift(double *x, size_t root, size_t n)
{
	const double value = x[root];

	for (;;)
	{
		size_t		child = 2 * root + 1;

		if (child >= n)
			break;
		if (child + 1 < n && x[child + 1] > x[child])
			child++;
		if (!(x[child] > value))
			break;
		x[root] = x[child];
		root = child;
	}
	x[root] = value;
}

lem_status
lem_sort(double *x, size_t n, const lem_stop *stop)
{
	for (size_t i = n / 2; i > 0; i--)
	{
		if (i % STOP_SIFTS == 0 && lem_stop_asked(stop))
			return LEM_STOPPED;
		sift(x, i - 1, n);
	}
	for (size_t i = n; i > 1; i--)
	{
		const double last = x[i - 1];

		if (i % STOP_SIFTS == 0 && lem_stop_asked(stop))
			return LEM_STOPPED;
		x[i - 1] = x[0];
		x[0] = last;
		sift(x, 0, i - 1);
	}
	return LEM_OK;
}
