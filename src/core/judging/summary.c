/* summary.c: what a backtest's starts amount to. */
#include <math.h>

#include "judging/summary.h"
#include "kernels/linear.h"

/*
 * Critical value of a two-sided test at 5 % with Bartlett weights whose bandwidth is a share b of
 * the time (Kiefer and Vogelsang 2005, table 1); 1.96 as b goes to 0.
 */
static double
critical_value(double b)
{
	return 1.9600 + b * (2.9694 + b * (0.4160 + b * -0.5324));
}

static double
mean_of(size_t n, const double *x, size_t stride)
{
	double		sum = 0;
	double		rest = 0;		/* what the additions lost */

	for (size_t i = 0; i < n; i++)
	{
		const double more = x[i * stride] - rest;
		const double next = sum + more;

		rest = (next - sum) - more;
		sum = next;
	}
	return sum / (double) n;
}

/* Standard deviation of n numbers about their mean. */
static double
deviation_of(size_t n, const double *x, size_t stride, double mean)
{
	double		squares = 0;

	for (size_t i = 0; i < n; i++)
		squares += (x[i * stride] - mean) * (x[i * stride] - mean);
	return n > 1 ? sqrt(squares / (double) (n - 1)) : 0;
}

/*
 * An interval from numbers at times (or bars) that do not fall; share is what the bandwidth is of all of it,
 * above 1 where that is too short.
 */
static void
set_interval(size_t n, const double *x, size_t stride, const int64_t *time, double bandwidth,
			 double share, lem_interval *interval)
{
	const double mean = mean_of(n, x, stride);
	const double nothing = (double) n * mean * mean * 1e-24;	/* rounding of equal numbers */
	double		near = 0;		/* sum of the numbers before i within the bandwidth */
	double		near_time = 0;	/* and of them times their distance from i */
	double		sum = 0;
	size_t		first = 0;

	*interval = (lem_interval) {.mean = mean};
	for (size_t i = 0; i < n; i++)
	{
		const double e = x[i * stride] - mean;

		if (i > 0)
			near_time += near * (double) (time[i] - time[i - 1]);
		while (first < i && (double) (time[i] - time[first]) >= bandwidth)
		{
			const double gone = x[first * stride] - mean;

			near -= gone;
			near_time -= gone * (double) (time[i] - time[first]);
			first++;
		}
		if (first == i)
			near = near_time = 0;	/* exactly */
		sum += e * e + 2 * e * (near - near_time / bandwidth);
		near += e;
	}
	if (!(share <= 1) || !(sum > nothing))
		return;
	interval->valid = true;
	interval->error = sqrt(sum) / (double) n;
	interval->t = mean / interval->error;
	interval->low = mean - critical_value(share) * interval->error;
	interval->high = mean + critical_value(share) * interval->error;
}

void
lem_interval_of(size_t n, const double *x, size_t stride, const int64_t *bar, int horizon,
				int64_t every, lem_interval *interval)
{
	const double time = (double) n * (double) every;
	const double bandwidth = (double) LEM_BANDWIDTH * horizon;
	double		share = fmax(bandwidth, (double) every) / time;

	if (n < LEM_LEAST_HORIZONS || time < (double) LEM_LEAST_HORIZONS * horizon)
		share = INFINITY;
	set_interval(n, x, stride, bar, bandwidth, share, interval);
}

void
lem_interval_pooled(size_t n, const double *x, const int64_t *ts, int64_t horizon,
					double *deviation, lem_interval *interval)
{
	const double bandwidth = (double) LEM_BANDWIDTH * (double) horizon;
	double		time = 0;
	double		share;
	size_t		times = 1;

	for (size_t i = 1; i < n; i++)
	{
		const double step = (double) ts[i] - (double) ts[i - 1];

		time += fmin(step, bandwidth);
		times += step > 0;
	}
	/* the last one counts as the others do */
	time += times > 1 ? time / (double) (times - 1) : 0;
	share = fmax(bandwidth, time / (double) times) / time;
	if (times < LEM_LEAST_HORIZONS || time < (double) LEM_LEAST_HORIZONS * (double) horizon)
		share = INFINITY;
	set_interval(n, x, 1, ts, bandwidth, share, interval);
	*deviation = deviation_of(n, x, 1, interval->mean);
}

/* The number below which a share p of sorted numbers lies, interpolated between two. */
static double
percentile(const double *sorted, size_t n, double p)
{
	const double at = p * (double) (n - 1);
	const size_t below = (size_t) at;

	if (below + 1 >= n)
		return sorted[n - 1];
	return sorted[below] + (at - (double) below) * (sorted[below + 1] - sorted[below]);
}

lem_status
lem_figures_of(size_t n, const double *x, size_t stride, const int64_t *bar, int horizon,
			   int64_t every, double *scratch, const lem_stop *stop, lem_figures *figures)
{
	size_t		wins = 0;

	lem_interval_of(n, x, stride, bar, horizon, every, &figures->gain);
	for (size_t i = 0; i < n; i++)
	{
		wins += x[i * stride] > 0;
		scratch[i] = x[i * stride];
	}
	figures->deviation = deviation_of(n, x, stride, figures->gain.mean);
	figures->ratio = figures->deviation > 0 ? figures->gain.mean / figures->deviation : 0;
	figures->win_rate = (double) wins / (double) n;
	if (lem_sort(scratch, n, stop) != LEM_OK)
		return LEM_STOPPED;
	figures->median = percentile(scratch, n, 0.5);
	figures->p5 = percentile(scratch, n, 0.05);
	figures->p25 = percentile(scratch, n, 0.25);
	figures->p75 = percentile(scratch, n, 0.75);
	figures->p95 = percentile(scratch, n, 0.95);
	return LEM_OK;
}

lem_status
lem_compare(size_t n, const double *gains, int strategies, int which, const int64_t *bar,
			int horizon, int64_t every, double *scratch, const lem_stop *stop,
			lem_compared *compared)
{
	if (lem_figures_of(n, gains + which, (size_t) strategies, bar, horizon, every, scratch,
					   stop, &compared->figures) != LEM_OK)
		return LEM_STOPPED;
	for (size_t i = 0; i < n; i++)
		scratch[i] = gains[i * (size_t) strategies] - gains[i * (size_t) strategies
															 + (size_t) which];
	lem_interval_of(n, scratch, 1, bar, horizon, every, &compared->difference);
	compared->difference_deviation = deviation_of(n, scratch, 1, compared->difference.mean);
	return LEM_OK;
}
