/* test_explain.c: explanations fit the schedules that they are about. */
#include <stdlib.h>

#include "check.h"
#include "execution/explain.h"
#include "golden.h"
#include "plans.h"

/* Kinds of models: all that can be left out, separate heads, features of each set. */
#define KINDS 8

/* Marks orders without limits. */
#define FREE_SIZE 12345

static lem_model
make_model(int kind)
{
	lem_config	config = plan_small_config();

	config.recurrent = (lem_recurrent) (kind % 4);
	config.variable_selection = kind != 1 && kind != 6;
	config.attention = kind != 2 && kind != 6;
	config.shared_heads = kind % 2 == 0;
	config.finish_gate = kind != 5;
	if (kind == 3)
	{
		config.feature_set = LEM_FEATURES_PAPER;
		config.price_sigma = false;
		config.n_named = LEM_PAPER_FEATURES;
		config.norm_window = 0;
	}
	if (kind == 4)
	{
		config.feature_set = LEM_FEATURES_LIST;
		config.n_named = 2;
		config.named[0] = LEM_FEATURE_LOG_INTERVAL;
		config.named[1] = LEM_FEATURE_RETURN;
		config.extra_features = SIMULATE_FEATURES;
	}
	return golden_model(&config, golden_random_parts(&config, 300 + kind), lem_kernels_select(),
						LEM_FORM_FORWARD);
}

/* Explain, in a workspace just as large as asked for. */
static lem_status
explain(const lem_model *model, const lem_order *order, const lem_series *series,
		const lem_stop *stop, lem_explanation *out)
{
	return lem_explain(model, order, series, NULL, plan_memory(lem_explain_workspace(model)), stop,
					   out, NULL);
}

/* Numbers that are no weights: negative, or of rows whose sum is not 1. */
static int
bad_weights(const lem_real *weights, int rows, size_t stride, int n)
{
	int			bad = 0;

	for (int r = 0; r < rows; r++)
	{
		double		sum = 0;

		for (int i = 0; i < n; i++)
		{
			bad += !(weights[r * stride + i] >= 0);
			sum += weights[r * stride + i];
		}
		bad += check_beyond(sum - 1, 1e-5);
	}
	return bad;
}

/* The first slice of an order with a column's mean in the whole column, by lem_forward. */
static int64_t
first_units(const lem_model *model, const lem_order *order, const lem_series *series, int column)
{
	const lem_config *config = &model->config;
	const int	columns = lem_inputs(config);
	lem_real	rates[2] = {(lem_real) order->min_rate, (lem_real) order->max_rate};
	lem_real   *rows = plan_memory((size_t) lem_rows(config) * columns * sizeof(lem_real));
	int64_t		slice_ts[LEM_MAX_AHEAD];
	int64_t		units[LEM_MAX_AHEAD];
	lem_limits	limits;
	lem_window	window;
	double		sum = 0;
	double		begin;
	lem_batch	batch = {.n = 1, .rows = rows, .min_rate = rates, .max_rate = rates + 1,
		.limits = &limits, .branch = &limits.branch, .units = units};

	lem_order_check(order, config->n_ahead, &limits, NULL);
	lem_window_build(config, series, order, NULL,
					 plan_memory(lem_window_scratch(config, series) * sizeof(double)), &window,
					 rows, slice_ts, NULL, NULL);
	begin = rows[column];
	for (int r = 0; r <= config->lookback; r++)
		sum += rows[(size_t) r * columns + column] - begin;
	sum = begin + sum / (config->lookback + 1);
	for (int r = 0; r < lem_rows(config); r++)
		rows[(size_t) r * columns + column] = (lem_real) sum;
	lem_forward(model, &batch, plan_memory(lem_forward_workspace(model, 1, false)), NULL);
	return units[0];
}

/* What the explanations of one kind of model got wrong. */
typedef struct tally
{
	int			explained;
	int			next;			/* with a slice to decide */
	int			status;
	int			units;			/* not the schedule's */
	int			weights;
	int			absent;			/* there though the model has none, or the other way round */
	int			times;
	int			factors;
	int			same;			/* a column that does not vary changed the slice */
	int			first;			/* not what lem_forward answers */
	int			free;			/* slices that no limit holds */
	int			held;			/* of them, those that no column moves */
} tally;

static void
look_at(const lem_model *model, const lem_order *order, const lem_series *series, tally *count)
{
	const lem_config *config = &model->config;
	const plan	p = plan_order(model, order, *series);
	lem_explanation e;
	double		left = 1;
	int			known = 0;
	bool		moved = false;

	if (p.status != LEM_OK)
	{
		count->status += explain(model, order, series, NULL, &e) != p.status;
		return;
	}
	count->explained++;
	if (explain(model, order, series, NULL, &e) != LEM_OK || e.horizon != p.n)
	{
		count->status++;
		return;
	}
	for (int k = 0; k < p.n; k++)
		count->units += lem_units_share(e.units[k]) != p.slices[k].allocation
			|| e.slice_ts[k] != p.slices[k].ts;
	while (known < p.n && p.slices[known].state == LEM_SLICE_DONE)
		left -= p.slices[known++].allocation;
	for (int k = 0; k < e.factors; k++)
	{
		count->factors += !(e.factor[k] > 0 && isfinite(e.factor[k]));
		count->factors += e.finish ? !(e.finish[k] > 0 && e.finish[k] < 1) : config->finish_gate;
	}
	count->factors += e.factors != (p.n < config->n_ahead ? p.n : config->n_ahead - 1);
	count->times += e.next != (known < e.factors && left > 0 ? known : -1);
	if (e.next < 0)
		return;

	count->next++;
	count->absent += (e.variable != NULL) != config->variable_selection
		|| (e.attention != NULL) != config->attention;
	count->weights += e.variable
		? bad_weights(e.variable, e.rows, lem_inputs(config), lem_inputs(config)) : 0;
	count->weights += e.attention
		? bad_weights(e.attention, config->num_heads, e.head_stride, e.rows) : 0;
	count->times += e.rows != config->lookback + e.next + 1;
	for (int r = 1; r < e.rows; r++)
		count->times += e.row_ts[r] <= e.row_ts[r - 1];
	count->times += e.row_ts[e.rows - 1] >= e.slice_ts[e.next];
	for (int i = 0; i < lem_inputs(config); i++)
	{
		char		name[LEM_INPUT_NAME];

		lem_column_name(config, i, name);
		if (strcmp(name, "log_interval") == 0 || strcmp(name, "interval_minutes") == 0)
			count->same += e.changed[i] != e.units[e.next];
		else
			moved = moved || e.changed[i] != e.units[e.next];
		if (e.next == 0 && i % 3 == 0)
			count->first += e.changed[i] != first_units(model, order, series, i);
	}
	if (order->size == FREE_SIZE && lem_units_share(e.units[e.next]) < left)
	{
		count->free++;
		count->held += !moved;
	}
}

static void
test_kind(int kind)
{
	const lem_model model = make_model(kind);
	simulate_bars *bars = malloc(sizeof(simulate_bars));
	tally		count = {0};

	for (int trial = 0; trial < TRIALS(60); trial++)
	{
		simulate_random random = {(uint64_t) (kind * 1000 + trial)};
		lem_order	order = plan_feasible_order(&random, model.config.n_ahead);
		lem_series	series;

		/* every second order has no limits that could hold a slice where it is */
		if (trial % 2 == 0)
			order = (lem_order) {.size = FREE_SIZE, .sell = trial % 4 == 0, .max_rate = 1};
		simulate_start(bars, random.state, (simulate_market) (trial / 2 % 2), 0, 420);
		series = simulate_series(bars, bars->n, model.config.extra_features > 0);
		order.has_start = trial % 3 != 0;
		order.start_ts = bars->ts[bars->n - 1 - (size_t) simulate_int(&random, 8)];
		look_at(&model, &order, &series, &count);
	}
	check(count.explained >= TRIALS(40) && count.next >= TRIALS(20),
		  "kind %d: %d explanations, %d of a slice to decide", kind, count.explained, count.next);
	check_int(count.status, 0, "kind %d: errors are those of the schedule", kind);
	check_int(count.units, 0, "kind %d: the schedule's own allocations and times", kind);
	check_int(count.weights, 0, "kind %d: weights sum to 1", kind);
	check_int(count.absent, 0, "kind %d: weights of the layers that there are", kind);
	check_int(count.times, 0, "kind %d: rows up to the one that decides", kind);
	check_int(count.factors, 0, "kind %d: factors and finish gates", kind);
	check_int(count.same, 0, "kind %d: what does not vary moves nothing", kind);
	check_int(count.first, 0, "kind %d: first slices as the network answers to the means", kind);
	check(count.free >= TRIALS(10), "kind %d: %d slices that no limit holds", kind, count.free);
	/* where all units of a random network's layer are off, its answer is a constant */
	check(count.held * 10 <= count.free, "kind %d: some column moves them, but for %d", kind,
		  count.held);
	free(bars);
}

static int
stop_now(void *arg)
{
	int		   *polls = arg;

	return --*polls < 0;
}

/* A stop is obeyed wherever it comes. */
static void
test_stop(void)
{
	const lem_model model = make_model(0);
	simulate_bars *bars = malloc(sizeof(simulate_bars));
	simulate_random random = {5};
	lem_order	order = plan_feasible_order(&random, model.config.n_ahead);
	lem_series	series;
	lem_explanation e;
	int			polls = 0;
	int			stopped = 0;

	simulate_start(bars, 5, SIMULATE_ALWAYS, 0, 420);
	series = simulate_series(bars, bars->n, false);
	order.has_start = false;
	for (;; polls++)
	{
		int			left = polls;
		const lem_stop stop = {stop_now, &left};
		lem_status	status = explain(&model, &order, &series, &stop, &e);

		if (status == LEM_OK)
			break;
		stopped += status == LEM_STOPPED;
	}
	check(polls > 20 && stopped == polls, "stops at each of %d polls", polls);
	free(bars);
}

static void
test_names(void)
{
	lem_config	config;
	char		name[LEM_INPUT_NAME];

	lem_config_default(&config);
	config.extra_features = 2;
	lem_input_name(&config, 0, name);
	check_str(name, "log_volume", "first input");
	lem_input_name(&config, 9, name);
	check_str(name, "extra_2", "extra feature");
	lem_input_name(&config, 11, name);
	check_str(name, "max_rate", "last input");
	lem_column_name(&config, 10, name);
	check_str(name, "price", "a column behind the features");
	config.feature_set = LEM_FEATURES_LIST;
	config.n_named = 1;
	config.named[0] = LEM_FEATURE_WEEK_COS;
	lem_column_name(&config, 0, name);
	check_str(name, "week_cos", "a feature of a list");
	config.feature_set = LEM_FEATURES_PAPER;
	config.n_named = LEM_PAPER_FEATURES;
	lem_column_name(&config, 3, name);
	check_str(name, "day_of_week", "a feature of the set paper");
}

int
main(void)
{
	for (int kind = 0; kind < KINDS; kind++)
		test_kind(kind);
	test_stop();
	test_names();
	return check_done();
}
