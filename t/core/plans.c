/* plans.c: schedules as the tests of the core look at them. */
#include <stdlib.h>
#include <string.h>

#include "plans.h"

void *
plan_memory(size_t bytes)
{
	return aligned_alloc(64, (bytes + 64) / 64 * 64);
}

lem_status
plan_orders(const lem_model *model, int n, const lem_order *orders, const lem_series *series,
			plan *plans, int *failed)
{
	const int	n_ahead = model->config.n_ahead;
	const size_t bytes = lem_schedule_workspace(model, n, series);
	char	   *workspace = plan_memory(bytes);
	lem_slice  *slices = malloc((size_t) (n + 1) * n_ahead * sizeof(lem_slice));
	int		   *counts = malloc((size_t) (n + 1) * sizeof(int));
	lem_fault	fault = {.status = LEM_OK};
	lem_status	status;

	memset(workspace, 0xff, bytes);
	*failed = -1;
	status = lem_schedule(model, LEM_WHOLE, n, orders, series, NULL, workspace, NULL, slices, counts,
						  failed, &fault);
	for (int i = 0; i < n; i++)
	{
		plans[i].status = status;
		plans[i].fault = fault;
		plans[i].n = status == LEM_OK ? counts[i] : 0;
		memcpy(plans[i].slices, slices + (size_t) i * n_ahead,
			   (size_t) plans[i].n * sizeof(lem_slice));
	}
	free(counts);
	free(slices);
	free(workspace);
	return status;
}

plan
plan_order(const lem_model *model, const lem_order *order, lem_series series)
{
	plan		result;
	int			failed;

	plan_orders(model, 1, order, &series, &result, &failed);
	return result;
}

lem_config
plan_small_config(void)
{
	lem_config	config;

	lem_config_default(&config);
	config.lookback = 8;
	config.n_ahead = 6;
	config.hidden_size = 8;
	config.num_heads = 2;
	config.num_embedding = 3;
	config.fused_mlp_hidden_dim = 6;
	config.norm_window = 24;
	return config;
}

lem_order
plan_feasible_order(simulate_random *random, int n_ahead)
{
	lem_order	order;
	lem_limits	limits;

	do
		simulate_order(random, n_ahead, &order);
	while (lem_order_check(&order, n_ahead, &limits, NULL) != LEM_OK);
	return order;
}
