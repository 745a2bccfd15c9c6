/* validation.c: what validation sums up over samples. */
#include <math.h>

#include "training/validation.h"

void
lem_validation_add(lem_validation *to, const lem_validation *from)
{
	to->samples += from->samples;
	to->loss += from->loss;
	for (int o = 0; o < LEM_POLICY_OUTPUTS; o++)
	{
		to->output[o] += from->output[o];
		for (int e = 0; e < LEM_MENU_VALID; e++)
		{
			to->worth[e][o] += from->worth[e][o];
			to->worth_square[e][o] += from->worth_square[e][o];
		}
	}
	for (int b = 0; b <= LEM_MAX_AHEAD; b++)
	{
		to->gain[b] += from->gain[b];
		to->square[b] += from->square[b];
	}
}

void
lem_validation_gain(const lem_validation *sums, int branch, double *mean, double *deviation)
{
	const double n = (double) sums->samples * LEM_CASES;

	*mean = sums->gain[branch] / n;
	*deviation = sqrt(fmax(sums->square[branch] / n - *mean * *mean, 0));
}
