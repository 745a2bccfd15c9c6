/* test_linear.c: ridge, eigenvectors, whitening and partial least squares against naive ones. */
#include <stdlib.h>

#include "base/random.h"
#include "check.h"
#include "kernels/linear.h"

#define N 300
#define P 8
#define M 2

static double inputs[N * P];
static double targets[N * M];

static void
make_data(uint64_t seed)
{
	for (int i = 0; i < N; i++)
	{
		const double common = lem_random_normal(seed, 1, i);

		for (int j = 0; j < P; j++)
			inputs[i * P + j] = (j + 1) * (lem_random_normal(seed, 2 + j, i) + 0.7 * common) + 10 * j;
		for (int c = 0; c < M; c++)
			targets[i * M + c] = inputs[i * P] - 0.3 * inputs[i * P + 3 + c] + 5 +
				lem_random_normal(seed, 20 + c, i);
	}
}

/* Gauss with pivots: an independent way to solve. */
static void
gauss(int n, double *a, double *b)
{
	for (int k = 0; k < n; k++)
	{
		int			pivot = k;

		for (int i = k + 1; i < n; i++)
			pivot = fabs(a[i * n + k]) > fabs(a[pivot * n + k]) ? i : pivot;
		for (int j = 0; j < n; j++)
		{
			const double x = a[k * n + j];

			a[k * n + j] = a[pivot * n + j];
			a[pivot * n + j] = x;
		}
		{
			const double x = b[k];

			b[k] = b[pivot];
			b[pivot] = x;
		}
		for (int i = 0; i < n; i++)
		{
			const double f = i == k ? 0 : a[i * n + k] / a[k * n + k];

			for (int j = k; j < n; j++)
				a[i * n + j] -= f * a[k * n + j];
			b[i] -= f * b[k];
		}
	}
	for (int k = 0; k < n; k++)
		b[k] /= a[k * n + k];
}

/* Ridge from its normal equations with the intercept as a column of ones, solved by Gauss. */
static void
test_ridge(void)
{
	const double lambda = 0.05;
	double		weights[(P + 1) * M];
	double	   *scratch = malloc(lem_ridge_scratch(P, M) * sizeof(double));
	double		variance[P];
	double		worst = 0;

	make_data(1);
	check(lem_ridge(N, P, M, inputs, targets, NULL, lambda, scratch, weights), "a ridge");
	for (int j = 0; j < P; j++)
	{
		double		mean = 0;

		variance[j] = 0;
		for (int i = 0; i < N; i++)
			mean += inputs[i * P + j] / N;
		for (int i = 0; i < N; i++)
			variance[j] += (inputs[i * P + j] - mean) * (inputs[i * P + j] - mean) / N;
	}
	for (int c = 0; c < M; c++)
	{
		double		a[(P + 1) * (P + 1)] = {0};
		double		b[P + 1] = {0};

		for (int i = 0; i < N; i++)
		{
			for (int j = 0; j <= P; j++)
			{
				const double x = j < P ? inputs[i * P + j] : 1;

				for (int k = 0; k <= P; k++)
					a[j * (P + 1) + k] += x * (k < P ? inputs[i * P + k] : 1);
				b[j] += x * targets[i * M + c];
			}
		}
		for (int j = 0; j < P; j++)
			a[j * (P + 1) + j] += lambda * N * variance[j];
		gauss(P + 1, a, b);
		for (int j = 0; j <= P; j++)
			worst = fmax(worst, fabs(b[j] - weights[j * M + c]) / fmax(1, fabs(b[j])));
	}
	check(worst < 1e-8, "ridge is that of the normal equations (%.2g)", worst);
	for (int i = 0; i < N; i++)
		inputs[i * P + 4] = 7;
	check(lem_ridge(N, P, M, inputs, targets, NULL, 0, scratch, weights), "an input that is constant");
	check(weights[4 * M] == 0, "has the weight 0");
	check(!lem_ridge(0, P, M, inputs, targets, NULL, 0, scratch, weights), "no rows");
	{
		bool		use[N];
		double		fewer[(P + 1) * M];

		for (int i = 0; i < N; i++)
			use[i] = i < 200;
		lem_ridge(N, P, M, inputs, targets, use, lambda, scratch, weights);
		lem_ridge(200, P, M, inputs, targets, NULL, lambda, scratch, fewer);
		check(memcmp(weights, fewer, sizeof(fewer)) == 0, "rows that are left out do not count");
	}
	free(scratch);
}

static void
test_eigen(void)
{
	double		a[P * P];
	double		kept[P * P];
	double		values[P];
	double		vectors[P * P];
	double		worst = 0;
	double		orthogonal = 0;

	for (int i = 0; i < P; i++)
		for (int j = 0; j <= i; j++)
			a[i * P + j] = a[j * P + i] = lem_random_normal(4, i, j);
	memcpy(kept, a, sizeof(a));
	lem_eigen(P, a, values, vectors);
	for (int c = 0; c < P; c++)
	{
		for (int i = 0; i < P; i++)
		{
			double		sum = -values[c] * vectors[i * P + c];

			for (int j = 0; j < P; j++)
				sum += kept[i * P + j] * vectors[j * P + c];
			worst = fmax(worst, fabs(sum));
		}
		for (int d = 0; d < P; d++)
		{
			double		dot = c == d ? -1 : 0;

			for (int i = 0; i < P; i++)
				dot += vectors[i * P + c] * vectors[i * P + d];
			orthogonal = fmax(orthogonal, fabs(dot));
		}
		check(c == 0 || values[c] <= values[c - 1], "eigenvalues fall");
	}
	check(worst < 1e-12, "A v = lambda v (%.2g)", worst);
	check(orthogonal < 1e-12, "vectors are orthonormal");
	memset(a, 0, sizeof(a));
	lem_eigen(P, a, values, vectors);
	check(values[0] == 0 && vectors[0] == 1, "a matrix of zeros");
}

static void
test_whiten(void)
{
	double		scratch[2 * P * P + P];
	double		mean[P];
	double		transform[P * P];
	double		covariance[P * P] = {0};
	double		worst = 0;
	int			kept = 0;

	make_data(2);
	/* one column is the sum of two others: one direction has no variance */
	for (int i = 0; i < N; i++)
		inputs[i * P + 7] = inputs[i * P] + inputs[i * P + 1];
	lem_whiten(N, P, inputs, 1e-10, scratch, mean, transform);
	for (int i = 0; i < N; i++)
	{
		double		z[P] = {0};

		for (int j = 0; j < P; j++)
			for (int k = 0; k < P; k++)
				z[k] += (inputs[i * P + j] - mean[j]) * transform[j * P + k];
		for (int j = 0; j < P; j++)
			for (int k = 0; k < P; k++)
				covariance[j * P + k] += z[j] * z[k] / N;
	}
	for (int j = 0; j < P; j++)
	{
		kept += covariance[j * P + j] > 0.5;
		for (int k = 0; k < P; k++)
			worst = fmax(worst, fabs(covariance[j * P + k] - (j == k && j < P - 1)));
	}
	check_int(kept, P - 1, "directions that vary");
	check(worst < 1e-8, "whitened rows have covariance I (%.2g)", worst);
}

/* PLS1 by the Krylov basis: directions span w, C w, C^2 w, ..: Gram-Schmidt on those is the same. */
static void
test_pls(void)
{
	enum
	{
		K = 3
	};
	static double scratch[N * P + 2 * P + N];
	double		y[N];
	double		c[P * P] = {0};
	double		w[P] = {0};
	double		krylov[K][P];
	double		directions[P * K];
	double		more[P * K];
	double		worst = 0;

	make_data(3);
	for (int j = 0; j < P; j++)
	{
		double		mean = 0;

		for (int i = 0; i < N; i++)
			mean += inputs[i * P + j] / N;
		for (int i = 0; i < N; i++)
			inputs[i * P + j] -= mean;
	}
	for (int i = 0; i < N; i++)
		y[i] = targets[i * M] - 5;
	check_int(lem_pls(N, P, inputs, y, K, 0, NULL, scratch, directions), K, "three directions");
	for (int i = 0; i < N; i++)
		for (int j = 0; j < P; j++)
		{
			w[j] += inputs[i * P + j] * y[i];
			for (int k = 0; k < P; k++)
				c[j * P + k] += inputs[i * P + j] * inputs[i * P + k];
		}
	for (int d = 0; d < K; d++)
	{
		double		length = 0;
		double		next[P] = {0};
		double		dot = 0;

		memcpy(krylov[d], w, sizeof(w));
		for (int twice = 0; twice < 2; twice++)
			for (int e = 0; e < d; e++)
			{
				double		along = 0;

				for (int j = 0; j < P; j++)
					along += krylov[e][j] * krylov[d][j];
				for (int j = 0; j < P; j++)
					krylov[d][j] -= along * krylov[e][j];
			}
		for (int j = 0; j < P; j++)
			length += krylov[d][j] * krylov[d][j];
		for (int j = 0; j < P; j++)
			krylov[d][j] /= sqrt(length);
		for (int j = 0; j < P; j++)
			dot += krylov[d][j] * directions[j * K + d];
		worst = fmax(worst, fabs(fabs(dot) - 1));
		for (int j = 0; j < P; j++)
			for (int k = 0; k < P; k++)
				next[j] += c[j * P + k] * krylov[d][k];
		memcpy(w, next, sizeof(w));
	}
	check(worst < 1e-8, "PLS is Gram and Schmidt's on the Krylov basis (%.2g)", worst);
	for (int i = 0; i < N; i++)
		y[i] = targets[i * M + 1] - 5;
	check_int(lem_pls(N, P, inputs, y, K, K, directions, scratch, more), K, "of another target");
	worst = 0;
	for (int a = 0; a < K; a++)
		for (int b = 0; b < K; b++)
		{
			double		dot = 0;
			double		own = a == b ? -1 : 0;

			for (int j = 0; j < P; j++)
			{
				dot += directions[j * K + a] * more[j * K + b];
				own += more[j * K + a] * more[j * K + b];
			}
			worst = fmax(worst, fmax(fabs(dot), fabs(own)));
		}
	check(worst < 1e-8, "orthonormal, and orthogonal to those of the other target (%.2g)", worst);
	memset(y, 0, sizeof(y));
	check_int(lem_pls(N, P, inputs, y, K, 0, NULL, scratch, more), 0, "no target, no direction");
}

int
main(void)
{
	test_ridge();
	test_eigen();
	test_whiten();
	test_pls();
	return check_done();
}
