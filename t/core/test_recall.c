/*
 * test_recall.c: volumes that are expected, and deviations of prices, are the same, bit for bit, whether
 * what they are taken from was kept from an order before or not.
 */
#include <stdlib.h>

#include "check.h"
#include "market/sessions.h"
#include "market/window.h"
#include "plans.h"

#define AHEAD 12
#define STARTS 4000

/* Wall-clock time that goes forward by an hour in the midst of the bars. */
static int64_t
summer_time(void *arg, int64_t ts)
{
	return ts + (ts >= *(int64_t *) arg ? 2 : 1) * SIMULATE_HOUR;
}

/* Weekdays from 9:00 to 16:00, on each third day of them to 13:00. */
static void
make_sessions(lem_calendar *calendar, lem_session *sessions, const lem_clock *clock)
{
	*calendar = (lem_calendar) {.clock = *clock, .session = sessions};
	sessions[0] = (lem_session) {9 * 60, 16 * 60};
	sessions[1] = (lem_session) {9 * 60, 13 * 60};
	for (int day = 0; day < 5; day++)
		calendar->weekday[day] = (lem_day_sessions) {0, day % 3 == 2, 1};
}

/* Which bars, and how they are seen. */
typedef struct setting
{
	const char *name;
	simulate_market market;
	lem_gaps	gaps;
	int			norm_window;
	bool		clock;
	bool		sessions;
	int			minutes;		/* that bars lie apart; 0: an hour, as they come */
} setting;

static void
test_kept(const setting *s)
{
	static simulate_bars bars[2];
	int64_t		change;
	lem_clock	clock = {.to_local = s->clock ? summer_time : NULL, .arg = &change};
	lem_calendar calendar;
	lem_session sessions[2];
	lem_arena	arena = {NULL, 0};
	lem_config	config;
	lem_window_memory *memory;
	void	   *carved;
	double	   *scratch;
	simulate_random random = {5};
	int64_t		bar = 0;
	int			different = 0;
	int			looked = 0;

	for (int i = 0; i < 2; i++)
	{
		simulate_start(&bars[i], 3 + i, s->market, 0, SIMULATE_BARS);
		for (size_t j = 0; s->minutes > 0 && j < bars[i].n; j++)
			bars[i].ts[j] = bars[i].ts[0] + (int64_t) j * s->minutes * LEM_MINUTE;
	}
	change = bars[0].ts[SIMULATE_BARS / 2];
	make_sessions(&calendar, sessions, &clock);
	if (s->sessions)
		clock.calendar = &calendar;
	lem_config_default(&config);
	config.lookback = 2;
	config.n_ahead = AHEAD;
	config.norm_window = s->norm_window;
	config.gaps = s->gaps;
	lem_window_memory_carve(&arena, &config);
	carved = plan_memory(arena.used);
	arena = (lem_arena) {carved, 0};
	memory = lem_window_memory_carve(&arena, &config);
	scratch = plan_memory(lem_window_scratch(&config, NULL) * sizeof(double));

	for (int i = 0; i < TRIALS(STARTS); i++)
	{
		const int	how = simulate_int(&random, 40);
		const lem_series series = simulate_series(&bars[how == 39], SIMULATE_BARS, false);
		lem_order	order = {.size = 1, .max_rate = 1, .has_start = true};
		lem_outlook outlook[2];
		double		volume[2][AHEAD];
		lem_status	status[2];

		/* mostly one bar on, sometimes back, far on, or as far as it goes */
		bar += how < 30 ? 1 : how < 34 ? simulate_int(&random, 30) : how < 36 ? 0
			: how == 36 ? -simulate_int(&random, 40) : how == 37 ? simulate_int(&random, 400) : 1;
		if (bar < 1)
			bar = 1;
		if (bar >= SIMULATE_BARS)
			bar = 300 + simulate_int(&random, 300);
		order.start_ts = series.ts[bar] - simulate_int(&random, 3) * SIMULATE_HOUR / 4;
		for (int j = 0; j < 2; j++)
			status[j] = lem_window_outlook_on(j == 0 ? NULL : memory, &config, &series, &order,
											  &clock, scratch, false, &outlook[j], volume[j],
											  NULL);
		looked += status[0] == LEM_OK;
		different += status[0] != status[1] ||
			(status[0] == LEM_OK && memcmp(volume[0], volume[1], sizeof(volume[0])) != 0);
	}
	check(looked > TRIALS(STARTS) / 4, "%s: %d starts", s->name, looked);
	check_int(different, 0, "%s: volumes do not depend on what was kept", s->name);
	free(carved);
	free(scratch);
}

/* Returns of two series, of windows of some lengths that move to and fro. */
static void
test_returns(void)
{
	static simulate_bars bars[2];
	simulate_random random = {9};
	lem_arena	arena = {NULL, 0};
	lem_returns kept;
	lem_series	series[2];
	void	   *carved;
	size_t		before = 1;
	int			different = 0;

	for (int i = 0; i < 2; i++)
	{
		simulate_start(&bars[i], 13 + i, SIMULATE_ALWAYS, 0, SIMULATE_BARS);
		series[i] = simulate_series(&bars[i], SIMULATE_BARS, false);
	}
	lem_returns_carve(&arena, 200, &kept);
	carved = plan_memory(arena.used);
	arena = (lem_arena) {carved, 0};
	lem_returns_carve(&arena, 200, &kept);
	for (int i = 0; i < STARTS; i++)
	{
		const int	how = simulate_int(&random, 40);
		const int	count = how == 38 ? 20 + simulate_int(&random, 300) : 100;
		const lem_series *of = &series[how == 39];
		lem_last	last[2];

		if (how < 36)
			before += how < 30 ? 1 : simulate_int(&random, 30);
		else if (how == 36)
			before += simulate_int(&random, 400);
		else if (before > 30)
			before -= simulate_int(&random, 30);
		if (before > SIMULATE_BARS)
			before = 1 + simulate_int(&random, SIMULATE_BARS);
		last[0] = lem_last_price(of, before, count, true, NULL);
		last[1] = lem_last_price(of, before, count, true, &kept);
		different += last[0].rms != last[1].rms;
	}
	check_int(different, 0, "deviations do not depend on the returns that were kept");
	free(carved);
}

/* Windows from the first bars on: why there is none, and the first that there are. */
static void
test_short(lem_gaps gaps, simulate_market market)
{
	static simulate_bars bars;
	lem_arena	arena = {NULL, 0};
	lem_config	config;
	lem_series	series;
	lem_window_memory *memory;
	lem_real   *rows[2];
	size_t		bytes;
	double	   *scratch;
	void	   *carved;
	int			different = 0;
	int			none = 0;

	lem_config_default(&config);
	config.lookback = 5;
	config.n_ahead = 4;
	config.norm_window = 300;
	config.gaps = gaps;
	simulate_start(&bars, 21, market, 0, SIMULATE_BARS);
	series = simulate_series(&bars, SIMULATE_BARS, false);
	lem_window_memory_carve(&arena, &config);
	carved = plan_memory(arena.used);
	arena = (lem_arena) {carved, 0};
	memory = lem_window_memory_carve(&arena, &config);
	scratch = plan_memory(lem_window_scratch(&config, NULL) * sizeof(double));
	bytes = (size_t) lem_rows(&config) * lem_inputs(&config) * sizeof(lem_real);
	for (int j = 0; j < 2; j++)
		rows[j] = plan_memory(bytes);
	for (int bar = 1; bar < 500; bar += bar % 50 == 49 ? 10 : 1)
	{
		const lem_order order = {.size = 1, .max_rate = 1, .has_start = true,
			.start_ts = series.ts[bar]};
		lem_window	window;
		lem_fault	fault[2];
		lem_status	status[2];
		int64_t		slice_ts[4];

		for (int j = 0; j < 2; j++)
			status[j] = lem_window_build_on(j == 0 ? NULL : memory, &config, &series, &order, NULL,
											scratch, &window, rows[j], slice_ts, NULL, &fault[j]);
		none += status[0] == LEM_SHORT_HISTORY;
		different += status[0] != status[1] ||
			(status[0] == LEM_SHORT_HISTORY && fault[0].have != fault[1].have) ||
			(status[0] == LEM_OK && memcmp(rows[0], rows[1], bytes) != 0);
	}
	check(none > 100 && none < 400, "%d starts have too short a history", none);
	check_int(different, 0, "which they are does not depend on those before");
	free(carved);
	free(scratch);
	free(rows[0]);
	free(rows[1]);
}

int
main(void)
{
	static const setting settings[] = {
		{"hours", SIMULATE_ALWAYS, LEM_GAPS_CARRY, 0, false, false, 0},
		{"halts", SIMULATE_HALTS, LEM_GAPS_CARRY, 100, true, false, 0},
		{"halts, skipped", SIMULATE_HALTS, LEM_GAPS_SKIP, 60, false, false, 0},
		{"sessions", SIMULATE_SESSIONS_HALTS, LEM_GAPS_SKIP, 30, true, false, 0},
		{"sessions, carried", SIMULATE_SESSIONS, LEM_GAPS_CARRY, 0, false, false, 0},
		{"a calendar", SIMULATE_SESSIONS_HALTS, LEM_GAPS_CARRY, 40, false, true, 0},
		{"a calendar, skipped", SIMULATE_SESSIONS_HALTS, LEM_GAPS_SKIP, 40, false, true, 0},
		{"minutes", SIMULATE_ALWAYS, LEM_GAPS_SKIP, 20, false, false, 1},
		{"quarters of hours", SIMULATE_ALWAYS, LEM_GAPS_CARRY, 500, true, false, 15}
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		test_kept(&settings[i]);
	test_returns();
	test_short(LEM_GAPS_CARRY, SIMULATE_ALWAYS);
	test_short(LEM_GAPS_CARRY, SIMULATE_HALTS);
	test_short(LEM_GAPS_SKIP, SIMULATE_HALTS);
	return check_done();
}
