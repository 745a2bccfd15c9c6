/* benchmark.c: running averages of prices, step functions, slippage. */
#include "judging/benchmark.h"

static lem_status
overflow(lem_fault *fault)
{
	return lem_fail(fault, LEM_OVERFLOW, NULL, 0, 0);
}

/* Count a row whose price or weight is not finite; by is 1, or -1 to take it out. */
static void
count_special(lem_average *average, double price, double weight, int by)
{
	if (isnan(price) || !isfinite(weight) || weight == 0)
		average->nan += by;
	else if (price > 0)
		average->above += by;
	else
		average->below += by;
}

lem_status
lem_average_add(lem_average *average, double price, double weight, lem_fault *fault)
{
	if (weight < 0)
		return lem_fail(fault, LEM_BAD_VOLUME, NULL, weight, 0);
	if (!isfinite(price) || !isfinite(weight))
	{
		count_special(average, price, weight, 1);
		return LEM_OK;
	}
	if (weight == 0)
		return LEM_OK;
	average->n++;
	lem_wide_add(&average->weight, weight);
	lem_wide_add_wide(&average->product, lem_wide_product(price, weight));
	if (!isfinite(average->product.sum.high) || !isfinite(average->weight.sum.high))
		return overflow(fault);
	return LEM_OK;
}

bool
lem_average_remove(lem_average *average, double price, double weight)
{
	lem_wide	product;

	if (!isfinite(price) || !isfinite(weight))
	{
		count_special(average, price, weight, -1);
		return true;
	}
	if (weight == 0)
		return true;
	if (--average->n == 0)
	{
		average->weight = (lem_sum_wide) {0};
		average->product = (lem_sum_wide) {0};
		return true;
	}
	product = lem_wide_product(price, weight);
	product.high = -product.high;
	product.low = -product.low;
	lem_wide_add(&average->weight, -weight);
	lem_wide_add_wide(&average->product, product);
	return !lem_wide_worn(&average->weight) && !lem_wide_worn(&average->product);
}

lem_status
lem_average_merge(lem_average *to, const lem_average *from, lem_fault *fault)
{
	to->n += from->n;
	to->nan += from->nan;
	to->above += from->above;
	to->below += from->below;
	lem_wide_add_wide(&to->weight, from->weight.sum);
	lem_wide_add_wide(&to->product, from->product.sum);
	to->weight.slack += from->weight.slack;
	to->product.slack += from->product.slack;
	if (!isfinite(to->product.sum.high) || !isfinite(to->weight.sum.high))
		return overflow(fault);
	return LEM_OK;
}

bool
lem_average_value(const lem_average *average, double *value)
{
	if (average->nan > 0 || (average->above > 0 && average->below > 0))
		*value = NAN;
	else if (average->above > 0)
		*value = INFINITY;
	else if (average->below > 0)
		*value = -INFINITY;
	else if (average->n > 0)
		*value = lem_wide_quotient(average->product.sum, average->weight.sum);
	else
		return false;
	return true;
}

/*
 * The step of rows begin .. end - 1, all of one time: its price, and microseconds until the next
 * row's time.
 */
static void
step_of(const lem_steps *steps, size_t begin, size_t end, int64_t next, double *price,
		double *length)
{
	const int64_t ts = steps->rows[begin].ts;
	int64_t		until = steps->rows[begin].until;

	*price = steps->rows[begin].price;
	if (end - begin > 1)
	{
		lem_sum_wide sum = {{0, 0}, 0};
		const lem_wide n = {(double) (end - begin), 0};

		for (size_t i = begin; i < end; i++)
		{
			lem_wide_add(&sum, steps->rows[i].price);
			if (steps->rows[i].until > until)
				until = steps->rows[i].until;
		}
		*price = lem_wide_quotient(sum.sum, n);
	}
	if (next < until)
		until = next;
	if (until == LEM_STEP_OPEN || until <= ts)
		*length = 0;
	else
		*length = (double) ((uint64_t) until - (uint64_t) ts);
}

/* Count a row whose price is not finite: false if it is finite. */
static bool
count_step(lem_steps *steps, double price, int by)
{
	if (isfinite(price))
		return false;
	if (isnan(price))
		steps->nan += by;
	else if (price > 0)
		steps->above += by;
	else
		steps->below += by;
	return true;
}

lem_status
lem_steps_push(lem_steps *steps, const lem_step *row, lem_fault *fault)
{
	const size_t at = steps->end;
	lem_status	status = LEM_OK;

	if (count_step(steps, row->price, 1))
		return LEM_OK;
	if (at == steps->first)
	{
		steps->last = at;
		steps->first_end = at + 1;
	}
	else if (row->ts < steps->rows[at - 1].ts)
		steps->rising = false;
	else if (row->ts == steps->rows[at - 1].ts)
		steps->first_end += steps->last == steps->first;
	else if (steps->rising)
	{
		if (steps->last != steps->first)
		{
			double		price;
			double		length;

			step_of(steps, steps->last, at, row->ts, &price, &length);
			status = lem_average_add(&steps->inner, price, length, fault);
		}
		steps->last = at;
	}
	steps->rows[at] = *row;
	steps->end = at + 1;
	return status;
}

bool
lem_steps_pop(lem_steps *steps, const lem_step *row)
{
	const lem_step *first = &steps->rows[steps->first];
	double		price;
	double		length;

	if (count_step(steps, row->price, -1))
		return true;
	if (!steps->rising || steps->first == steps->end || first->ts != row->ts ||
		first->until != row->until || first->price != row->price)
		return false;
	steps->first++;
	if (steps->first == steps->end)
	{
		steps->first = steps->end = steps->first_end = steps->last = 0;
		return true;
	}
	if (steps->last < steps->first)
		steps->last = steps->first;
	if (steps->first < steps->first_end)
		return true;
	while (steps->first_end < steps->end &&
		   steps->rows[steps->first_end].ts == steps->rows[steps->first].ts)
		steps->first_end++;
	if (steps->first == steps->last)
		return true;
	step_of(steps, steps->first, steps->first_end, steps->rows[steps->first_end].ts, &price,
			&length);
	return lem_average_remove(&steps->inner, price, length);
}

lem_status
lem_steps_value(const lem_steps *steps, double *value, bool *known, lem_fault *fault)
{
	lem_average all = steps->inner;
	lem_status	status = LEM_OK;
	double		price;
	double		length;

	if (steps->first < steps->last)
	{
		step_of(steps, steps->first, steps->first_end, steps->rows[steps->first_end].ts, &price,
				&length);
		status = lem_average_add(&all, price, length, fault);
	}
	if (status == LEM_OK && steps->first < steps->end)
	{
		step_of(steps, steps->last, steps->end, LEM_STEP_OPEN, &price, &length);
		status = lem_average_add(&all, price, length, fault);
	}
	all.nan += steps->nan;
	all.above += steps->above;
	all.below += steps->below;
	*known = lem_average_value(&all, value);
	return status;
}

double
lem_slippage(bool sell, double achieved, double benchmark)
{
	double		worse = sell ? benchmark - achieved : achieved - benchmark;

	if (fabs(worse) <= LEM_PRICE_RESOLUTION * fabs(benchmark))
		return 0;
	return worse / benchmark;
}
