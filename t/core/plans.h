/* plans.h: schedules as the tests of the core look at them. */
#ifndef PLANS_H
#define PLANS_H

#include "execution/schedule.h"
#include "simulate.h"

/* Under sanitizers the same is tried fewer times. */
#if defined(__SANITIZE_ADDRESS__)
#define TRIALS(n) ((n) / 10)
#else
#define TRIALS(n) (n)
#endif

/* The most steps and orders there are room for. */
#define PLAN_STEPS 16
#define PLAN_BATCH 64

/* A schedule, or why there is none. */
typedef struct plan
{
	lem_status	status;
	lem_fault	fault;
	int			n;
	lem_slice	slices[PLAN_STEPS];
} plan;

/* Memory as the core wants it. */
extern void *plan_memory(size_t bytes);

/*
 * Schedule n orders (at most PLAN_BATCH), in a workspace just as large as asked for and full of
 * NaN; failed receives the order that could not be, or -1.
 */
extern lem_status plan_orders(const lem_model *model, int n, const lem_order *orders,
							  const lem_series *series, plan *plans, int *failed);
extern plan plan_order(const lem_model *model, const lem_order *order, lem_series series);

/* A config whose network is quick to compute. */
extern lem_config plan_small_config(void);

/* An order at random that can be kept within n_ahead bars. */
extern lem_order plan_feasible_order(simulate_random *random, int n_ahead);

#endif
