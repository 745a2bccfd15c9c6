/* gradient.c: lem_gradient, the raw network's gradients to check against other implementations. */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/parameters/safetensors.h"
#include "core/training/gradient.h"
#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/interrupt.h"
#include "pg/catalog/catalog.h"
#include "pg/catalog/export.h"
#include "pg/catalog/use.h"
#include "pg/schedule/network_arrays.h"

/* The loss of model page section 5 with its published mask. */
static const lem_loss_options published_loss = {
	.objective = LEM_OBJECTIVE_SOFTPLUS,
	.risk_aversion = 0,
	.mask_slope = LEM_PUBLISHED_MASK_SLOPE,
	.mask_offset = 0,
};

/* The bars that the slices trade in: volume and price for each step of each sample. */
static const float *
read_market(const lem_model_row *row, ArrayType *array, int samples)
{
	const int	steps = row->config.n_ahead;
	int			n;
	const float *market = lem_array_numbers(array, "y", &n);

	if (n != (int64) samples * steps * 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("y has %d numbers, but x has %d samples", n, samples),
				 errhint("Pass %d bars a sample, volume and price of each.", steps)));
	for (int i = 0; i < n; i += 2)
	{
		const bool	bad_price = market[i + 1] <= 0;

		if (bad_price || market[i] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg(bad_price ? "price of bar %d of sample %d in y is not positive: %s"
							: "volume of bar %d of sample %d in y is negative: %s",
							i / 2 % steps + 1, i / 2 / steps + 1,
							lem_number_text(market[i + bad_price]))));
	}
	return market;
}

/* Samples to hand over at once. */
static int
batch_size(const lem_model *model, int samples)
{
	int			n = Min(lem_forward_batch(&model->config), samples);

	while (n > 1 && lem_gradient_workspace(model, n) > LEM_WORKSPACE_LIMIT)
		n /= 2;
	return n;
}

/* Loss and gradient of all samples, a batch at a time; gradient is set. */
static double
run_batches(const lem_model *model, const float *const *parts, const lem_network_arrays *samples,
			const float *market, float *const *gradient)
{
	const lem_config *config = &model->config;
	const int	size = batch_size(model, samples->n);
	const size_t row_stride = (size_t) lem_rows(config) * lem_inputs(config);
	const size_t market_stride = (size_t) config->n_ahead * 2;
	void	   *block = MemoryContextAllocHuge(CurrentMemoryContext,
											   lem_gradient_workspace(model, size) + LEM_ALIGN);
	void	   *workspace = (void *) TYPEALIGN(LEM_ALIGN, block);
	double		loss = 0;

	for (int first = 0; first < samples->n;)
	{
		lem_samples batch = {
			.n = Min(size, samples->n - first),
			.total = samples->n,
			.rows = samples->rows + first * row_stride,
			.min_rate = samples->min_rate + first,
			.max_rate = samples->max_rate + first,
			.market = market + first * market_stride,
		};
		double		share;

		if (first == 0)
		{
			loss = 0;
			for (int part = 0; part < lem_part_count(config); part++)
				memset(gradient[part], 0, lem_part_size(config, part) * sizeof(float));
		}

		CHECK_FOR_INTERRUPTS();
		if (lem_gradient(model, parts, &batch, &published_loss, workspace, &lem_interrupt_stop,
						 &share, gradient) == LEM_OK)
		{
			loss += share;
			first += batch.n;
		}
		else
		{
			/* Most interrupts end the query; any other leaves a batch half added: start again. */
			first = 0;
		}
	}
	pfree(block);
	return loss;
}

/*
 * lem_gradient(model text, x float4[], y float4[], min_rate float4[], max_rate float4[])
 * RETURNS bytea
 *
 * x: samples x T x C, y: samples x N x 2 (volume, price), min_rate and max_rate: one a sample; the
 * shapes of the arrays do not matter.  Returns a safetensors file with the derivatives of the loss
 * by the numbers of every tensor that is trained, and the loss in its metadata.  STRICT.
 */
LEM_FUNCTION(pg_lem_gradient);

Datum
pg_lem_gradient(PG_FUNCTION_ARGS)
{
	char	   *schema = lem_schema(fcinfo);
	lem_use		use;
	lem_network_arrays samples;
	const float *market;
	lem_model	model;
	char	   *trunk;
	int			parts;
	float	  **numbers;
	float	  **gradient;
	double		loss;
	bytea	   *file;
	uint8	   *data;

	lem_use_begin(&use, schema, LEM_RIGHT_READ, text_to_cstring(PG_GETARG_TEXT_PP(0)), NULL, NULL);
	lem_network_check(&use.row.config);
	lem_network_arrays_read(&use.row, PG_GETARG_ARRAYTYPE_P(1), PG_GETARG_ARRAYTYPE_P(3),
					 PG_GETARG_ARRAYTYPE_P(4), &samples);
	market = read_market(&use.row, PG_GETARG_ARRAYTYPE_P(2), samples.n);

	model = *use.model;
	parts = lem_part_count(&use.row.config);
	numbers = palloc(parts * sizeof(float *));
	gradient = palloc(parts * sizeof(float *));
	for (int part = 0; part < parts; part++)
	{
		CHECK_FOR_INTERRUPTS();
		numbers[part] = lem_catalog_part(schema, &use.row, part);
		gradient[part] = MemoryContextAllocHuge(CurrentMemoryContext,
												lem_part_size(&use.row.config, part) * sizeof(float));
	}
	/* the cache's trunk is for forward passes only */
	trunk = MemoryContextAllocHuge(CurrentMemoryContext,
								   lem_trunk_bytes(&use.row.config, LEM_FORM_GRADIENT) + LEM_ALIGN);
	model.trunk = lem_trunk_decode(&use.row.config, numbers[0], LEM_FORM_GRADIENT,
								   (void *) TYPEALIGN(LEM_ALIGN, trunk));
	loss = run_batches(&model, (const float *const *) numbers, &samples, market, gradient);
	if (!isfinite(loss))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the loss of these samples is not finite"),
				 errhint("Prices in x must be positive, and all numbers of a size that the model knows.")));

	for (int part = 0; part < parts; part++)
		pfree(numbers[part]);
	file = lem_export_begin(&use.row.config, psprintf("{\"format\":\"lem\",\"loss\":\"%.17g\"}", loss),
							true, &data);
	for (int part = 0; part < parts; part++)
	{
		CHECK_FOR_INTERRUPTS();
		lem_file_write_gradient(&use.row.config, part, gradient[part], data);
		pfree(gradient[part]);
	}
	lem_use_end(&use, samples.n, 0);
	PG_RETURN_BYTEA_P(file);
}
