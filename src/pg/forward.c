/* forward.c: lem_forward, the raw network for checks against other implementations. */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/model.h"
#include "pg/cache.h"
#include "pg/catalog.h"
#include "pg/compat.h"
#include "pg/errors.h"

/* Samples are handed over in batches whose workspace stays below this, in bytes. */
#define WORKSPACE_LIMIT ((size_t) 256 << 20)

/* Numbers of an array of any shape; neither NULL nor infinite ones are allowed. */
static const float *
array_numbers(ArrayType *array, const char *name, int *n)
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
array_rates(ArrayType *array, const char *name, int samples)
{
	int			n;
	const float *rates = array_numbers(array, name, &n);

	if (n != samples)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s has %d numbers, but x has %d samples", name, n, samples),
				 errhint("Pass one rate a sample.")));
	return rates;
}

static int
stop_asked(void *arg)
{
	(void) arg;
	return InterruptPending;
}

/* Samples to hand over at once. */
static int
batch_size(const lem_model *model, int samples)
{
	int			n = Min(lem_forward_batch(&model->config), samples);

	while (n > 1 && lem_forward_workspace(model, n, true) > WORKSPACE_LIMIT)
		n /= 2;
	return n;
}

/* All branches of all samples, a batch at a time. */
static void
run_batches(const lem_model *model, int samples, const float *x, const float *min_rate,
			const float *max_rate, float *out)
{
	const lem_config *config = &model->config;
	const int	size = batch_size(model, samples);
	const size_t in_stride = (size_t) lem_rows(config) * lem_inputs(config);
	const size_t out_stride = (size_t) config->n_ahead * lem_branches(config) * LEM_CASES;
	const lem_stop stop = {stop_asked, NULL};
	void	   *block = MemoryContextAllocHuge(CurrentMemoryContext,
											   lem_forward_workspace(model, size, true)
											   + LEM_ALIGN);
	void	   *workspace = (void *) TYPEALIGN(LEM_ALIGN, block);

	for (int first = 0; first < samples;)
	{
		lem_batch	batch = {
			.n = Min(size, samples - first),
			.rows = x + first * in_stride,
			.min_rate = min_rate + first,
			.max_rate = max_rate + first,
			.allocation = out + first * out_stride,
		};

		/* Most interrupts end the query; after any other the batch is computed again. */
		CHECK_FOR_INTERRUPTS();
		if (lem_forward(model, &batch, workspace, &stop) == LEM_OK)
			first += batch.n;
	}
	pfree(block);
}

/*
 * lem_forward(model text, x float4[], min_rate float4[], max_rate float4[]) RETURNS float4[]
 *
 * x: samples x T x C, min_rate and max_rate: one a sample; the shapes of the arrays do not matter.
 * Returns samples x N x (N + 1) x 4 x 2.  STRICT.
 */
LEM_FUNCTION(pg_lem_forward);

Datum
pg_lem_forward(PG_FUNCTION_ARGS)
{
	char	   *schema = lem_schema(fcinfo);
	ArrayType  *x_array = PG_GETARG_ARRAYTYPE_P(1);
	lem_model_row row;
	const lem_model *model;
	const float *x;
	const float *min_rate;
	const float *max_rate;
	ArrayType  *result;
	int			numbers;
	int			samples;
	int			rows;
	int			columns;
	int64		answers;
	Size		size;

	lem_catalog_find(schema, text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	rows = lem_rows(&row.config);
	columns = lem_inputs(&row.config);
	x = array_numbers(x_array, "x", &numbers);
	if (numbers == 0 || numbers % (rows * columns) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("x has %d numbers, which is not a whole number of samples", numbers),
				 errhint("A sample of model \"%s@%d\" is %d rows of %d numbers: features, price and volume.",
						 row.name, row.version, rows, columns)));
	samples = numbers / (rows * columns);
	min_rate = array_rates(PG_GETARG_ARRAYTYPE_P(2), "min_rate", samples);
	max_rate = array_rates(PG_GETARG_ARRAYTYPE_P(3), "max_rate", samples);

	answers = (int64) samples * row.config.n_ahead * lem_branches(&row.config) * LEM_CASES;
	if (answers > (int64) (MaxAllocSize / sizeof(Datum)))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the result for %d samples exceeds the maximum size of an array", samples),
				 errhint("Pass fewer samples at a time.")));
	size = ARR_OVERHEAD_NONULLS(5) + answers * sizeof(float);
	result = palloc0(size);
	SET_VARSIZE(result, size);
	result->ndim = 5;
	result->elemtype = FLOAT4OID;
	ARR_DIMS(result)[0] = samples;
	ARR_DIMS(result)[1] = row.config.n_ahead;
	ARR_DIMS(result)[2] = lem_branches(&row.config);
	ARR_DIMS(result)[3] = LEM_CASES / 2;
	ARR_DIMS(result)[4] = 2;
	for (int i = 0; i < 5; i++)
		ARR_LBOUND(result)[i] = 1;

	model = lem_cache_pin(schema, &row, NULL);
	run_batches(model, samples, x, min_rate, max_rate, (float *) ARR_DATA_PTR(result));
	PG_RETURN_ARRAYTYPE_P(result);
}
