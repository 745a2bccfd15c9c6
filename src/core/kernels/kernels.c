/* kernels.c: packing of weights, and the choice of kernels at run time. */
#include <string.h>

#include "kernels/kernels.h"

extern const lem_kernels lem_kernels_portable;
#if defined(__x86_64__) && !defined(LEM_REAL_DOUBLE)
extern const lem_kernels lem_kernels_avx2;
extern const lem_kernels lem_kernels_avx512;
#endif

const lem_kernels *
lem_kernels_get(int i)
{
#if defined(__x86_64__) && !defined(LEM_REAL_DOUBLE)
	if (i == 1)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
			? &lem_kernels_avx2 : NULL;
	if (i == 2)
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
			&& __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
			? &lem_kernels_avx512 : NULL;
#endif
	return i == 0 ? &lem_kernels_portable : NULL;
}

const lem_kernels *
lem_kernels_select(void)
{
	for (int i = 2; i > 0; i--)
	{
		const lem_kernels *kern = lem_kernels_get(i);

		if (kern)
			return kern;
	}
	return lem_kernels_get(0);
}

size_t
lem_packed_size(int k, int n)
{
	return (size_t) k * ((n + LEM_VECTOR - 1) / LEM_VECTOR * LEM_VECTOR);
}

int
lem_packed_width(int n, int column)
{
	const int	first = column / LEM_PANEL * LEM_PANEL;
	const int	columns = n - first < LEM_PANEL ? n - first : LEM_PANEL;

	return (columns + LEM_VECTOR - 1) / LEM_VECTOR * LEM_VECTOR;
}

size_t
lem_packed_offset(int k, int n, int row, int column)
{
	const int	first = column / LEM_PANEL * LEM_PANEL;

	return (size_t) k * first + (size_t) row * lem_packed_width(n, first) + (column - first);
}

int
lem_packed_run(int column, int n)
{
	const int	left = LEM_PANEL - column % LEM_PANEL;

	return n < left ? n : left;
}

void
lem_pack(lem_packed *p, lem_real *data, int k, int n)
{
	size_t		size = lem_packed_size(k, n);

	p->k = k;
	p->n = n;
	p->data = data;
	p->from_last = false;
	p->ld = 0;
	for (size_t i = 0; i < size; i++)
		data[i] = 0;
}

void
lem_pack_transposed(lem_real *data, int k, int n_total, int column,
					const lem_real *w, int ldw, int n)
{
	for (int j = 0; j < n; j++)
	{
		lem_real   *to = data + lem_packed_offset(k, n_total, 0, column + j);
		const int	width = lem_packed_width(n_total, column + j);

		for (int i = 0; i < k; i++)
			to[(size_t) i * width] = w[(size_t) j * ldw + i];
	}
}

/*
 * Copy part of a row of a panel, by lengths that the compiler knows: of others, at most so long, it
 * makes string instructions, which take longer to start than such a row to copy.
 */
static void
copy_run(lem_real *restrict to, const lem_real *restrict from, int n)
{
	int			i = 0;

	for (; i + LEM_VECTOR <= n; i += LEM_VECTOR)
		memcpy(to + i, from + i, LEM_VECTOR * sizeof(lem_real));
	for (; i + 4 <= n; i += 4)
		memcpy(to + i, from + i, 4 * sizeof(lem_real));
	for (; i < n; i++)
		memcpy(to + i, from + i, sizeof(lem_real));
}

void
lem_pack_columns(lem_real *data, int k, int n_total, int column,
				 const lem_real *w, int ldw, int n)
{
	int			run;

	for (int j = 0; j < n; j += run)
	{
		lem_real   *to = data + lem_packed_offset(k, n_total, 0, column + j);
		const int	width = lem_packed_width(n_total, column + j);

		run = lem_packed_run(column + j, n - j);
		for (int i = 0; i < k; i++)
			copy_run(to + (size_t) i * width, w + (size_t) i * ldw + j, run);
	}
}

void
lem_pack_rows(lem_real *data, int k_total, int n, int row, const lem_real *w, int ldw, int rows)
{
	for (int column = 0; column < n; column += LEM_PANEL)
	{
		lem_real   *to = data + lem_packed_offset(k_total, n, row, column);
		const int	width = lem_packed_width(n, column);
		const int	columns = lem_packed_run(column, n - column);

		for (int i = 0; i < rows; i++)
			copy_run(to + (size_t) i * width, w + (size_t) i * ldw + column, columns);
	}
}

void
lem_pack_rows_transposed(lem_real *data, int k_total, int n, int row, const lem_real *w, int ldw,
						 int rows)
{
	enum {TOGETHER = 4};			/* columns that are written at a time: never of two panels */

	for (int j = 0; j < n; j += TOGETHER)
	{
		lem_real   *restrict to = data + lem_packed_offset(k_total, n, row, j);
		const lem_real *restrict from = w + (size_t) j * ldw;
		const int	width = lem_packed_width(n, j);

		if (j + TOGETHER <= n)
			for (int i = 0; i < rows; i++)
				for (int c = 0; c < TOGETHER; c++)
					to[(size_t) i * width + c] = from[(size_t) c * ldw + i];
		else
			for (int i = 0; i < rows; i++)
				for (int c = 0; c < n - j; c++)
					to[(size_t) i * width + c] = from[(size_t) c * ldw + i];
	}
}

void
lem_activate(const lem_kernels *kern, lem_activation f, size_t n, const lem_real *x, lem_real *y)
{
	switch (f)
	{
		case LEM_ACTIVATION_LINEAR:
			for (size_t i = 0; i < n; i++)
				y[i] = x[i];
			break;
		case LEM_ACTIVATION_RELU:
			kern->relu(n, x, y);
			break;
		case LEM_ACTIVATION_TANH:
			kern->tanh(n, x, y);
			break;
		case LEM_ACTIVATION_SIGMOID:
			kern->sigmoid(n, x, y);
			break;
		case LEM_ACTIVATION_ELU:
			kern->elu(n, x, y);
			break;
		case LEM_ACTIVATION_SOFTPLUS:
			kern->softplus(n, x, y);
			break;
	}
}
