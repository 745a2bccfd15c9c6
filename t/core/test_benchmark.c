/* test_benchmark.c: checks of wide sums, running averages, step functions and slippage. */
#include "check.h"
#include "judging/benchmark.h"

/* Uniform in [0, 1), the same on every machine. */
static double
uniform(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double) (*state >> 11) * 0x1p-53;
}

static void
test_wide(void)
{
	lem_wide	p = lem_wide_product(0.1, 0.3);
	lem_wide	s = lem_wide_sum(1e16, 1.5);
	lem_sum_wide sum = {{0, 0}, 0};
	lem_wide	third = {1, 0};
	lem_wide	three = {3, 0};

	check(s.high + s.low == s.high && s.high - 1e16 + s.low == 1.5, "a sum is exact");
	check(p.low == fma(0.1, 0.3, -p.high), "a product is exact");
	check(lem_wide_product(1e300, 1e10).low == 0, "a product that overflows has no low part");
	check(lem_wide_product(0x1p1000, 0x1p-1000).high == 1, "large times small");
	check(lem_wide_quotient(third, three) == 1.0 / 3, "a quotient is rounded once");
	for (int i = 0; i < 1000; i++)
		lem_wide_add(&sum, 0.1);
	check(lem_wide_value(&sum) == 100.00000000000000555, "a thousand tenths");
	check(!lem_wide_worn(&sum), "an ordinary sum is not worn");
	lem_wide_add(&sum, 1e300);
	lem_wide_add(&sum, 1e250);
	lem_wide_add(&sum, -1e250);
	lem_wide_add(&sum, -1e300);
	check(lem_wide_worn(&sum), "large numbers that came and went wear a sum");
}

/* A moving window of an average against fresh ones. */
static void
test_moving(void)
{
	enum
	{
		ROWS = 20000, FRAME = 50
	};
	static double price[ROWS];
	static double weight[ROWS];
	lem_average moving = {0};
	uint64_t	state = 1;
	double		worst = 0;
	int			worn = 0;
	int			wrong = 0;

	for (int i = 0; i < ROWS; i++)
	{
		price[i] = 100 + uniform(&state);
		weight[i] = i % 900 > 840 ? 0 : exp(20 * uniform(&state));
		if (i % 1000 == 500)
			price[i] = NAN;
		if (i % 1000 == 520)
			price[i] = INFINITY;
		if (i % 3000 == 2900)
			price[i] = 1e200;
		if (i % 3000 == 2910)
			price[i] = 1e100;
	}
	for (int i = 0; i < ROWS; i++)
	{
		lem_average fresh = {0};
		double		a;
		double		b;
		bool		has_a;
		bool		has_b;
		int			from = i >= FRAME ? i - FRAME + 1 : 0;

		wrong += lem_average_add(&moving, price[i], weight[i], NULL) != LEM_OK;
		for (int j = from; j <= i; j++)
			(void) lem_average_add(&fresh, price[j], weight[j], NULL);
		if (i >= FRAME && !lem_average_remove(&moving, price[i - FRAME], weight[i - FRAME]))
		{
			worn++;
			moving = fresh;
		}
		has_a = lem_average_value(&moving, &a);
		has_b = lem_average_value(&fresh, &b);
		if (has_a != has_b || (has_a && isnan(a) != isnan(b)) ||
			(has_a && isinf(b) && a != b))
			wrong++;
		else if (has_a && isfinite(b))
			worst = check_worse(worst, fabs(a / b - 1));
	}
	check_int(wrong, 0, "moving averages are known, NaN and infinite where fresh ones are");
	check(worst < 1e-13, "moving averages are fresh ones (%.1g off)", worst);
	check(worn > 0 && worn < 200, "frames are taken anew after spikes only (%d times)", worn);
}

static void
test_average_errors(void)
{
	lem_average average = {0};
	lem_average other = {0};
	lem_fault	fault;
	double		value;

	check(!lem_average_value(&average, &value), "nothing has no average");
	check_int(lem_average_add(&average, 1, -1, &fault), LEM_BAD_VOLUME, "a negative weight");
	check(fault.have == -1, "the fault names it");
	check_int(lem_average_add(&average, 1e200, 1e200, &fault), LEM_OVERFLOW, "a product too large");
	average = (lem_average) {0};
	check_int(lem_average_add(&average, 1, 1.5e308, &fault), LEM_OK, "a large weight");
	check_int(lem_average_add(&other, 1, 1.5e308, &fault), LEM_OK, "another");
	check_int(lem_average_merge(&average, &other, &fault), LEM_OVERFLOW, "weights too large");
}

/* Fresh steps of rows from .. to - 1. */
static bool
fresh_steps(const lem_step *rows, int from, int to, double *value)
{
	static lem_step memory[400];
	lem_steps	steps = {.rows = memory, .rising = true};
	bool		known = false;

	for (int i = from; i < to; i++)
		(void) lem_steps_push(&steps, &rows[i], NULL);
	(void) lem_steps_value(&steps, value, &known, NULL);
	return known;
}

static void
test_steps(void)
{
	enum
	{
		ROWS = 6000
	};
	static lem_step rows[ROWS];
	static lem_step memory[ROWS];
	lem_steps	steps = {.rows = memory, .rising = true};
	uint64_t	state = 7;
	int64_t		ts = 0;
	int			from = 0;
	int			wrong = 0;
	int			anew = 0;
	double		value;
	bool		known;
	const lem_step early = {-5, LEM_STEP_OPEN, 1};

	for (int i = 0; i < ROWS; i++)
	{
		/* equal times now and then, ends before and after the next row, NaN */
		ts += uniform(&state) < 0.2 ? 0 : 1 + (int64_t) (1000 * uniform(&state));
		rows[i].ts = ts;
		rows[i].until = uniform(&state) < 0.5 ? LEM_STEP_OPEN :
			ts + (int64_t) (1500 * (uniform(&state) - 0.1));
		rows[i].price = i % 500 == 499 ? NAN : 50 + uniform(&state);
	}
	for (int i = 0; i < ROWS; i++)
	{
		double		fresh;
		bool		fresh_known;

		wrong += lem_steps_push(&steps, &rows[i], NULL) != LEM_OK;
		/* frames grow and shrink, now and then to nothing */
		while (from <= i && (i - from > 60 || uniform(&state) < 0.45))
		{
			if (!lem_steps_pop(&steps, &rows[from++]))
			{
				anew++;
				steps = (lem_steps) {.rows = memory, .rising = true};
				for (int j = from; j <= i; j++)
					(void) lem_steps_push(&steps, &rows[j], NULL);
			}
		}
		fresh_known = fresh_steps(rows, from, i + 1, &fresh);
		wrong += lem_steps_value(&steps, &value, &known, NULL) != LEM_OK;
		if (known != fresh_known ||
			(known && !(fabs(value - fresh) <= 1e-12 * fresh) && !(isnan(value) && isnan(fresh))))
			wrong++;
	}
	check_int(wrong, 0, "moving steps are fresh ones");
	check(anew < 100, "few frames are taken anew (%d)", anew);
	check(lem_steps_push(&steps, &early, NULL) == LEM_OK && !steps.rising &&
		  !lem_steps_pop(&steps, &early), "rows out of order cannot leave");
}

static void
test_slippage(void)
{
	check(lem_slippage(false, 101, 100) == 0.01 && lem_slippage(true, 101, 100) == -0.01,
		  "a higher price is a cost for a buy, a gain for a sell");
	check(lem_slippage(false, nextafter(100, 101), 100) == 0, "less than prices say is nothing");
	check(isnan(lem_slippage(false, NAN, 100)) && isnan(lem_slippage(true, 100, NAN)),
		  "unknown prices, unknown slippage");
}

int
main(void)
{
	test_wide();
	test_moving();
	test_average_errors();
	test_steps();
	test_slippage();
	return check_done();
}
