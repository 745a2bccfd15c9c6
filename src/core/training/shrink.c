/* shrink.c: how much of what a network on top of the optimum says is kept. */
#include <math.h>
#include <string.h>

#include "parameters/params.h"
#include "training/shrink.h"

double
lem_shrink_factor(int i)
{
	return (double) i / (LEM_SHRINK_FACTORS - 1);
}

void
lem_shrink_outputs(const lem_config *config, const double factor[LEM_POLICY_OUTPUTS],
				   const lem_real *from, lem_real *part)
{
	const int	m = config->fused_mlp_hidden_dim;
	lem_policy_offsets at;

	lem_policy_layout(config, &at);
	if (part != from)
		memcpy(part, from, at.end * sizeof(lem_real));
	for (int o = 0; o < LEM_POLICY_OUTPUTS; o++)
	{
		const lem_real by = (lem_real) factor[o];

		for (int i = 0; i < m; i++)
			part[at.kernel_2 + (int64_t) i * LEM_POLICY_OUTPUTS + o] *= by;
		part[at.bias_2 + o] *= by;
	}
}

double
lem_shrink_choose(const double loss[LEM_SHRINK_FACTORS][LEM_POLICY_OUTPUTS],
				  double factor[LEM_POLICY_OUTPUTS])
{
	double		sum = 0;

	for (int o = 0; o < LEM_POLICY_OUTPUTS; o++)
	{
		int			best = 0;

		for (int i = 1; i < LEM_SHRINK_FACTORS; i++)
			if (isfinite(loss[i][o]) && !(loss[best][o] <= loss[i][o]))
				best = i;
		factor[o] = lem_shrink_factor(best);
		sum += loss[best][o];
	}
	return sum;
}
