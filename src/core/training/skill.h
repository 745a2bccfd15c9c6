/*
 * skill.h: how much better forecasts are than a naive one, with an interval over blocks of time.
 *
 *   skill = 1 - SSE / SSE(naive), the naive forecast being the one of three that was best where the
 *   model learnt: 0 (what the outlook says), the mean, and what the last bar says.
 */
#ifndef LEM_SKILL_H
#define LEM_SKILL_H

#include <stdbool.h>
#include <stddef.h>

#define LEM_SKILL_TASKS 3
#define LEM_SKILL_BLOCKS 10

/* Mean square of a naive forecast's error below which there is nothing to be better at. */
#define LEM_SKILL_LEAST 1e-12

typedef enum lem_naive
{
	LEM_NAIVE_OUTLOOK,
	LEM_NAIVE_MEAN,
	LEM_NAIVE_LAST
} lem_naive;

/* The best naive forecast of each task, from n samples of which target and last are n x tasks. */
typedef struct lem_naives
{
	lem_naive	best[LEM_SKILL_TASKS];
	double		mean[LEM_SKILL_TASKS];
} lem_naives;

extern void lem_naives_choose(size_t n, const double *target, const double *last,
							  lem_naives *naives);

/* Squared errors, by task and block. */
typedef struct lem_skill
{
	size_t		n;
	double		error[LEM_SKILL_TASKS][LEM_SKILL_BLOCKS];
	double		naive[LEM_SKILL_TASKS][LEM_SKILL_BLOCKS];
} lem_skill;

/* Sample i of n in the order of time: what came, what was forecast, and what the last bar says. */
extern void lem_skill_add(lem_skill *skill, const lem_naives *naives, size_t i, size_t n,
						  const double *target, const double *said, const double *last);

/*
 * A task's skill, and its 95 % interval: of a ratio of means over the blocks, Student's.  False where
 * there is nothing to be better at.
 */
extern bool lem_skill_of(const lem_skill *skill, int task, double *value, double *low,
						 double *high);

#endif
