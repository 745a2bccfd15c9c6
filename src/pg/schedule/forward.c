/* forward.c: lem_forward, the raw network for checks against other implementations. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/model/model.h"
#include "pg/base/compat.h"
#include "pg/base/identity.h"
#include "pg/base/interrupt.h"
#include "pg/catalog/use.h"
#include "pg/schedule/network_arrays.h"

/* Samples to hand over at once. */
static int
batch_size(const lem_model *model, int samples)
{
	int			n = Min(lem_forward_batch(&model->config), samples);

	while (n > 1 && lem_forward_workspace(model, n, true) > LEM_WORKSPACE_LIMIT)
		n /= 2;
	return n;
}

/* All branches of all samples, a batch at a time; the number of batches. */
static int64
run_batches(const lem_model *model, const lem_network_arrays *samples, float *out)
{
	const lem_config *config = &model->config;
	const int	size = batch_size(model, samples->n);
	const size_t in_stride = (size_t) lem_rows(config) * lem_inputs(config);
	const size_t out_stride = (size_t) config->n_ahead * lem_branches(config) * LEM_CASES;
	void	   *block = MemoryContextAllocHuge(CurrentMemoryContext,
											   lem_forward_workspace(model, size, true)
											   + LEM_ALIGN);
	void	   *workspace = (void *) TYPEALIGN(LEM_ALIGN, block);
	int64		batches = 0;

	for (int first = 0; first < samples->n;)
	{
		lem_batch	batch = {
			.n = Min(size, samples->n - first),
			.rows = samples->rows + first * in_stride,
			.min_rate = samples->min_rate + first,
			.max_rate = samples->max_rate + first,
			.allocation = out + first * out_stride,
		};

		/* Most interrupts end the query; after any other the batch is computed again. */
		CHECK_FOR_INTERRUPTS();
		if (lem_forward(model, &batch, workspace, &lem_interrupt_stop) == LEM_OK)
		{
			first += batch.n;
			batches++;
		}
	}
	pfree(block);
	return batches;
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
	lem_use		use;
	lem_network_arrays samples;
	const lem_config *config = &use.row.config;
	ArrayType  *result;
	int64		answers;
	int64		batches;
	Size		size;

	lem_use_begin(&use, lem_schema(fcinfo), LEM_RIGHT_USE, text_to_cstring(PG_GETARG_TEXT_PP(0)),
				  NULL, NULL);
	lem_network_check(config);
	lem_network_arrays_read(&use.row, PG_GETARG_ARRAYTYPE_P(1), PG_GETARG_ARRAYTYPE_P(2),
					 PG_GETARG_ARRAYTYPE_P(3), &samples);

	answers = (int64) samples.n * config->n_ahead * lem_branches(config) * LEM_CASES;
	if (answers > (int64) (MaxAllocSize / sizeof(Datum)))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the result for %d samples exceeds the maximum size of an array", samples.n),
				 errhint("Pass fewer samples at a time.")));
	size = ARR_OVERHEAD_NONULLS(5) + answers * sizeof(float);
	result = palloc0(size);
	SET_VARSIZE(result, size);
	result->ndim = 5;
	result->elemtype = FLOAT4OID;
	ARR_DIMS(result)[0] = samples.n;
	ARR_DIMS(result)[1] = config->n_ahead;
	ARR_DIMS(result)[2] = lem_branches(config);
	ARR_DIMS(result)[3] = LEM_CASES / 2;
	ARR_DIMS(result)[4] = 2;
	for (int i = 0; i < 5; i++)
		ARR_LBOUND(result)[i] = 1;

	batches = run_batches(use.model, &samples, (float *) ARR_DATA_PTR(result));
	lem_use_end(&use, samples.n, batches);
	PG_RETURN_ARRAYTYPE_P(result);
}
