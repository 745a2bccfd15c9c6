/* quantile_loss.c: what training of market making minimises. */
#include "training/quantile_loss.h"

static const double quantile[LEM_QUANTILES] = {0.1, 0.5, 0.9};

double
lem_quantile_loss(int n, int total, const lem_real *out, const lem_real *target, size_t stride,
				  lem_real *dout)
{
	const double share = 1.0 / ((double) total * LEM_QUANTILE_OUTPUTS);
	double		sum = 0;

	for (int s = 0; s < n; s++)
		for (int i = 0; i < LEM_QUANTILE_OUTPUTS; i++)
		{
			const size_t at = (size_t) s * LEM_QUANTILE_OUTPUTS + i;
			const double tau = quantile[i % LEM_QUANTILES];
			const double u = (double) target[s * stride + i / LEM_QUANTILES] - (double) out[at];

			sum += u > 0 ? tau * u : (tau - 1) * u;
			dout[at] = (lem_real) (share * (u > 0 ? -tau : 1 - tau));
		}
	return sum * share;
}

void
lem_quantile_errors(int n, const lem_real *out, const lem_real *target, size_t stride,
					double *error, double *naive)
{
	for (int s = 0; s < n; s++)
		for (int task = 0; task < LEM_QUANTILE_OUTPUTS / LEM_QUANTILES; task++)
		{
			const double y = target[s * stride + task];
			const double q = out[(size_t) s * LEM_QUANTILE_OUTPUTS + task * LEM_QUANTILES + 1];

			error[task] += (y - q) * (y - q);
			naive[task] += y * y;
		}
}
