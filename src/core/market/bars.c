/* bars.c: checks of bars, and finding one by time. */
#include <math.h>

#include "market/bars.h"

/* A fault that concerns the bar at ts. */
static lem_status
bar_fault(lem_fault *fault, lem_status status, int64_t ts, int64_t index, double have)
{
	lem_fail(fault, status, NULL, have, 0);
	if (fault)
	{
		fault->ts = ts;
		fault->index = index;
	}
	return status;
}

lem_status
lem_bar_check(int64_t ts, double price, double volume, const double *features, int n_features,
			  lem_fault *fault)
{
	if (!lem_time_ok(ts))
		return bar_fault(fault, LEM_TIME_RANGE, ts, 0, 0);
	if (!isfinite(price) || price <= 0)
		return bar_fault(fault, LEM_BAD_PRICE, ts, 0, price);
	if (!isfinite(volume) || volume < 0)
		return bar_fault(fault, LEM_BAD_VOLUME, ts, 0, volume);
	for (int i = 0; i < n_features; i++)
	{
		if (!isfinite(features[i]))
			return bar_fault(fault, LEM_BAD_FEATURE, ts, i, features[i]);
	}
	return LEM_OK;
}

lem_status
lem_bar_check_close(int64_t ts, double close, lem_fault *fault)
{
	if (!isfinite(close) || close <= 0)
		return bar_fault(fault, LEM_BAD_CLOSE, ts, 0, close);
	return LEM_OK;
}

lem_status
lem_bar_check_range(int64_t ts, double high, double low, lem_fault *fault)
{
	lem_status	status = LEM_OK;

	if (!isfinite(high) || !isfinite(low) || low <= 0 || high < low)
	{
		status = bar_fault(fault, LEM_BAD_RANGE, ts, 0, high);
		if (fault)
			fault->want = low;
	}
	return status;
}

lem_status
lem_series_check(const lem_series *series, lem_fault *fault)
{
	for (size_t i = 0; i < series->n; i++)
	{
		const double *features = NULL;
		lem_status	status;

		if (series->n_features > 0)
			features = series->features + i * (size_t) series->n_features;
		status = lem_bar_check(series->ts[i], series->price[i], series->volume[i], features,
							   series->n_features, fault);
		if (status == LEM_OK && series->close)
			status = lem_bar_check_close(series->ts[i], series->close[i], fault);
		if (status == LEM_OK && series->high)
			status = lem_bar_check_range(series->ts[i], series->high[i], series->low[i], fault);
		if (status != LEM_OK)
			return status;
		if (i > 0 && series->ts[i] <= series->ts[i - 1])
			return bar_fault(fault, LEM_DUPLICATE_TIME, series->ts[i], 0, 0);
	}
	return LEM_OK;
}

size_t
lem_series_before(const lem_series *series, int64_t t)
{
	size_t		low = 0;
	size_t		high = series->n;

	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;

		if (series->ts[middle] < t)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
