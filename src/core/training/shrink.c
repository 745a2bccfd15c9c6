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

/* Outputs of orders that may end early come first (lem_policy_output). */
#define EARLY_OUTPUTS 2

void
lem_shrink_try(const lem_validation *sums, lem_shrink_trial *trial)
{
	/* a buy and a sell of each sample */
	const double n = 2 * (double) sums->samples;

	for (int o = 0; o < LEM_POLICY_OUTPUTS; o++)
	{
		trial->loss[o] = sums->output[o] / (double) sums->samples;
		for (int e = 0; e < LEM_MENU_VALID; e++)
		{
			const double mean = sums->worth[e][o] / n;

			trial->mean[e][o] = mean;
			trial->deviation[e][o] = sqrt(fmax(sums->worth_square[e][o] / n - mean * mean, 0));
		}
	}
}

/* Does a trial give up neither mean nor dispersion against the optimum's? */
static bool
gives_up_nothing(const lem_shrink_trial *trial, const lem_shrink_trial *optimum, int output)
{
	double		more = 0;
	double		wider = 0;

	for (int e = 0; e < LEM_MENU_VALID; e++)
	{
		const double deviation = optimum->deviation[e][output];

		/* not this output's problem, or one without any choice */
		if (!(deviation > 0))
			continue;
		more += (trial->mean[e][output] - optimum->mean[e][output]) / deviation;
		wider += log(trial->deviation[e][output] / deviation);
	}
	return more >= 0 && wider <= 0;
}

double
lem_shrink_choose(const lem_shrink_trial trial[LEM_SHRINK_FACTORS],
				  double factor[LEM_POLICY_OUTPUTS])
{
	double		sum = 0;

	for (int o = 0; o < LEM_POLICY_OUTPUTS; o++)
	{
		int			best = 0;

		for (int i = 1; i < LEM_SHRINK_FACTORS; i++)
			if (isfinite(trial[i].loss[o]) && !(trial[best].loss[o] <= trial[i].loss[o]) &&
				(o >= EARLY_OUTPUTS || gives_up_nothing(&trial[i], &trial[0], o)))
				best = i;
		factor[o] = lem_shrink_factor(best);
		sum += trial[best].loss[o];
	}
	return sum;
}
