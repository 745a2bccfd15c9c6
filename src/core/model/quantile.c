/* quantile.c: quantile heads, forward and back. */
#include <math.h>
#include <string.h>

#include "model/quantile.h"
#include "parameters/params.h"

lem_quantile_head *
lem_quantile_build(lem_arena *arena, const lem_config *config, const lem_real *part)
{
	const size_t h = config->hidden_size;
	const size_t m = config->fused_mlp_hidden_dim;
	lem_quantile_head *carved = lem_arena_bytes(arena, sizeof(lem_quantile_head));
	lem_quantile_head measured;
	lem_quantile_head *head = arena->base ? carved : &measured;
	lem_quantile_offsets at;

	lem_quantile_layout(config, &at);
	head->kernel_0 = lem_arena_copy(arena, part, at.kernel_0, h * m);
	head->bias_0 = lem_arena_copy(arena, part, at.bias_0, m);
	head->kernel_1 = lem_arena_copy(arena, part, at.kernel_1, m * LEM_QUANTILE_OUTPUTS);
	head->bias_1 = lem_arena_copy(arena, part, at.bias_1, LEM_QUANTILE_OUTPUTS);
	return carved;
}

/* y (out) = x (in) kernel + bias. */
static void
affine(int in, int out, const lem_real *x, const lem_real *kernel, const lem_real *bias,
	   lem_real *y)
{
	memcpy(y, bias, out * sizeof(lem_real));
	for (int i = 0; i < in; i++)
		for (int j = 0; j < out; j++)
			y[j] += x[i] * kernel[(size_t) i * out + j];
}

static lem_real
softplus(lem_real x)
{
	return (x > 0 ? x : 0) + (lem_real) log1p(exp(-fabs((double) x)));
}

static lem_real
sigmoid(lem_real x)
{
	return (lem_real) (1 / (1 + exp(-(double) x)));
}

void
lem_quantile_ordered(const lem_real *r, lem_real *q)
{
	q[1] = r[1];
	q[0] = r[1] - softplus(r[0]);
	q[2] = r[1] + softplus(r[2]);
}

void
lem_quantile_ordered_back(const lem_real *r, lem_real *d)
{
	d[1] += d[0] + d[2];
	d[0] *= -sigmoid(r[0]);
	d[2] *= sigmoid(r[2]);
}

void
lem_quantile_forward(const lem_config *config, const lem_quantile_head *head, int n,
					 const lem_real *context, lem_real *hidden, lem_real *raw, lem_real *out)
{
	const int	h = config->hidden_size;
	const int	m = config->fused_mlp_hidden_dim;

	for (int s = 0; s < n; s++)
	{
		lem_real   *of_sample = hidden + (size_t) s * m;
		lem_real   *r = raw + (size_t) s * LEM_QUANTILE_OUTPUTS;
		lem_real   *q = out + (size_t) s * LEM_QUANTILE_OUTPUTS;

		affine(h, m, context + (size_t) s * h, head->kernel_0, head->bias_0, of_sample);
		for (int j = 0; j < m; j++)
			of_sample[j] = (lem_real) tanh((double) of_sample[j]);
		affine(m, LEM_QUANTILE_OUTPUTS, of_sample, head->kernel_1, head->bias_1, r);
		for (int task = 0; task < LEM_QUANTILE_OUTPUTS; task += LEM_QUANTILES)
			lem_quantile_ordered(r + task, q + task);
	}
}

/* Gradients of affine(): dkernel and dbias are added to; dx, unless it is NULL, is set. */
static void
affine_backward(int in, int out, const lem_real *x, const lem_real *kernel, const lem_real *dy,
				lem_real *dkernel, lem_real *dbias, lem_real *dx)
{
	for (int j = 0; j < out; j++)
		dbias[j] += dy[j];
	for (int i = 0; i < in; i++)
	{
		lem_real	sum = 0;

		for (int j = 0; j < out; j++)
		{
			dkernel[(size_t) i * out + j] += x[i] * dy[j];
			sum += kernel[(size_t) i * out + j] * dy[j];
		}
		dx[i] = sum;
	}
}

void
lem_quantile_backward(const lem_config *config, const lem_quantile_head *head, int n,
					  const lem_real *context, const lem_real *hidden, const lem_real *raw,
					  lem_real *dout, bool add, lem_real *dpart, lem_real *dcontext)
{
	const int	h = config->hidden_size;
	const int	m = config->fused_mlp_hidden_dim;
	lem_real	dhidden[LEM_MAX_WIDTH];
	lem_quantile_offsets at;

	lem_quantile_layout(config, &at);
	if (!add)
		memset(dpart, 0, at.end * sizeof(lem_real));
	for (int s = 0; s < n; s++)
	{
		const lem_real *of_sample = hidden + (size_t) s * m;
		const lem_real *r = raw + (size_t) s * LEM_QUANTILE_OUTPUTS;
		lem_real   *d = dout + (size_t) s * LEM_QUANTILE_OUTPUTS;

		for (int task = 0; task < LEM_QUANTILE_OUTPUTS; task += LEM_QUANTILES)
			lem_quantile_ordered_back(r + task, d + task);
		affine_backward(m, LEM_QUANTILE_OUTPUTS, of_sample, head->kernel_1, d,
						dpart + at.kernel_1, dpart + at.bias_1, dhidden);
		for (int j = 0; j < m; j++)
			dhidden[j] *= 1 - of_sample[j] * of_sample[j];
		affine_backward(h, m, context + (size_t) s * h, head->kernel_0, dhidden,
						dpart + at.kernel_0, dpart + at.bias_0, dcontext + (size_t) s * h);
	}
}
