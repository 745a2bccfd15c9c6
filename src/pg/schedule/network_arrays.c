/* network_arrays.c: samples for the raw network, handed over as arrays. */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "pg/base/errors.h"
#include "pg/schedule/network_arrays.h"

const float *
lem_array_numbers(ArrayType *array, const char *name, int *n)
{
	const float *numbers = (const float *) ARR_DATA_PTR(array);

	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not contain NULL", name)));
	for (int i = 0; i < *n; i++)
		if (!isfinite(numbers[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("number %d of %s is not finite: %s", i + 1, name,
							lem_number_text(numbers[i]))));
	return numbers;
}

/* Rates come one a sample. */
static const float *
read_rates(ArrayType *array, const char *name, int samples)
{
	int			n;
	const float *rates = lem_array_numbers(array, name, &n);

	if (n != samples)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s has %d numbers, but x has %d samples", name, n, samples),
				 errhint("Pass one rate a sample.")));
	return rates;
}

void
lem_network_arrays_read(const lem_model_row *row, ArrayType *x, ArrayType *min_rate, ArrayType *max_rate,
				 lem_network_arrays *samples)
{
	const int	rows = lem_rows(&row->config);
	const int	columns = lem_inputs(&row->config);
	int			numbers;

	samples->rows = lem_array_numbers(x, "x", &numbers);
	if (numbers == 0 || numbers % (rows * columns) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("x has %d numbers, which is not a whole number of samples", numbers),
				 errhint("A sample of model \"%s@%d\" is %d rows of %d numbers: features, price and volume.",
						 row->name, row->version, rows, columns)));
	samples->n = numbers / (rows * columns);
	samples->min_rate = read_rates(min_rate, "min_rate", samples->n);
	samples->max_rate = read_rates(max_rate, "max_rate", samples->n);
}

void
lem_network_check(const lem_config *config)
{
	if (config->stop_base)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the network of a model with \"base\" \"optimal_stop\" cannot be run by itself"),
				 errhint("It moves the shares of the exact optimum of an order: use lem_schedule.")));
}
