/* kept_quoting.c: lem_keep_quoting, and quotings that leave open what is kept with their model. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/query.h"
#include "pg/base/table_scan.h"
#include "pg/catalog/rights.h"
#include "pg/making/kept_quoting.h"

LEM_FUNCTION(pg_lem_keep_quoting);

void
lem_quoting_apply_kept(const char *schema, const lem_model_row *row,
					   const lem_quoting_given *given, lem_quoting *quoting)
{
	const lem_scan_key key = {"id", INT8OID, Int64GetDatum(row->id)};
	lem_scan	scan;
	lem_quoting kept;
	lem_quoting_given is_kept = {false};
	Datum		value;

	if (given->theta && given->eta && given->kappa && given->size_step && given->participation)
		return;
	lem_scan_begin(&scan, schema, NULL, "lem_model", "lem_model_pkey", &key, 1);
	if (lem_scan_next(&scan) && lem_scan_value(&scan, "quoting", &value))
		lem_quoting_read(DatumGetHeapTupleHeader(value), &kept, &is_kept);
	lem_scan_end(&scan);
	if (!given->theta && is_kept.theta)
		quoting->theta = kept.theta;
	if (!given->eta && is_kept.eta)
		quoting->eta = kept.eta;
	if (!given->kappa && is_kept.kappa)
		quoting->kappa = kept.kappa;
	if (!given->size_step && is_kept.size_step)
		quoting->size_step = kept.size_step;
	if (!given->participation && is_kept.participation)
		quoting->participation = kept.participation;
}

/*
 * lem_keep_quoting(model text, quoting lem_quoting) RETURNS void
 *
 * Keeps a quoting with a version of a model of market making, or none (NULL): quotings that leave
 * theta, eta, kappa, size_step or participation open take them from there.  Errors: 22004 (model is
 * NULL), LM010, LM014 (not a model of market making, a quoting out of range), 42501 (no right to
 * train it).
 */
Datum
pg_lem_keep_quoting(PG_FUNCTION_ARGS)
{
	const char *schema = lem_schema(fcinfo);
	lem_model_row row;
	lem_query	query;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the model is NULL")));
	PreventCommandIfReadOnly("lem_keep_quoting()");
	lem_catalog_look_up(schema, text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	if (!PG_ARGISNULL(1))
	{
		lem_quoting quoting;
		lem_quoting_given given;

		lem_quoting_read(PG_GETARG_HEAPTUPLEHEADER(1), &quoting, &given);
	}
	if (row.config.horizon == 0)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("model \"%s@%d\" is not one of market making", row.name, row.version)));
	lem_query_connect();
	lem_rights_hold(schema, row.name);
	(void) lem_rights_check(schema, GetUserId(), row.name, LEM_RIGHT_TRAIN);
	lem_query_begin(&query, schema);
	lem_query_add(&query, INT8OID, Int64GetDatum(row.id), false);
	lem_query_add(&query, lem_query_type(&query, "lem_quoting"),
				  PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	if (lem_query_run(&query, "UPDATE %1$s.lem_model SET quoting = $2 WHERE id = $1") == 0)
		lem_catalog_unknown(schema, psprintf("%s@%d", row.name, row.version));
	SPI_finish();
	PG_RETURN_VOID();
}
