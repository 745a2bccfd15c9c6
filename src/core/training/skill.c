/* skill.c: how much better forecasts are than a naive one. */
#include <math.h>

#include "training/skill.h"

#define TASKS LEM_SKILL_TASKS
#define BLOCKS LEM_SKILL_BLOCKS

/* The quantile 0.975 of Student's t with BLOCKS - 1 degrees of freedom. */
#define STUDENT 2.2621571628540993

void
lem_naives_choose(size_t n, const double *target, const double *last, lem_naives *naives)
{
	for (int t = 0; t < TASKS; t++)
	{
		double		error[3] = {0};

		naives->mean[t] = 0;
		for (size_t i = 0; i < n; i++)
			naives->mean[t] += target[i * TASKS + t] / (double) n;
		for (size_t i = 0; i < n; i++)
		{
			const double y = target[i * TASKS + t];
			const double off[3] = {y, y - naives->mean[t], y - last[i * TASKS + t]};

			for (int k = 0; k < 3; k++)
				error[k] += off[k] * off[k];
		}
		naives->best[t] = LEM_NAIVE_OUTLOOK;
		for (int k = 1; k < 3; k++)
		{
			if (error[k] < error[naives->best[t]])
				naives->best[t] = (lem_naive) k;
		}
	}
}

void
lem_skill_add(lem_skill *skill, const lem_naives *naives, size_t i, size_t n,
			  const double *target, const double *said, const double *last)
{
	const size_t block = i * BLOCKS / n;

	skill->n++;
	for (int t = 0; t < TASKS; t++)
	{
		const double simple = naives->best[t] == LEM_NAIVE_MEAN ? naives->mean[t] :
			naives->best[t] == LEM_NAIVE_LAST ? last[t] : 0;

		skill->error[t][block] += (target[t] - said[t]) * (target[t] - said[t]);
		skill->naive[t][block] += (target[t] - simple) * (target[t] - simple);
	}
}

bool
lem_skill_of(const lem_skill *skill, int task, double *value, double *low, double *high)
{
	const double *naive = skill->naive[task];
	const double *error = skill->error[task];
	double		all = 0;
	double		gain = 0;
	double		squares = 0;
	double		half;

	for (int b = 0; b < BLOCKS; b++)
	{
		all += naive[b];
		gain += naive[b] - error[b];
	}
	if (!(all > LEM_SKILL_LEAST * (double) skill->n))
		return false;
	*value = gain / all;
	/* the residuals of a ratio of means sum to 0 */
	for (int b = 0; b < BLOCKS; b++)
	{
		const double rest = naive[b] - error[b] - *value * naive[b];

		squares += rest * rest;
	}
	half = STUDENT * sqrt(squares / (BLOCKS - 1) / BLOCKS) / (all / BLOCKS);
	*low = *value - half;
	*high = *value + half;
	return true;
}
