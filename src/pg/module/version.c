/* version.c: lem_version and lem_build_info: what is running here, for reports of errors. */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "core/base/real.h"
#include "core/kernels/kernels.h"
#include "pg/base/blas_library.h"
#include "pg/base/compat.h"
#include "pg/catalog/stat.h"
#include "pg/module/version.h"

/* What the core was compiled with, from the Makefile. */
#ifndef LEM_COMPILER_OPTIONS
#define LEM_COMPILER_OPTIONS "unknown"
#endif

LEM_FUNCTION(pg_lem_version);
LEM_FUNCTION(pg_lem_build_info);

/* lem_version() returns text: the version of the library that is loaded. */
Datum
pg_lem_version(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_TEXT_P(cstring_to_text(LEM_VERSION));
}

/* One row of lem_build_info. */
static void
put(ReturnSetInfo *rsinfo, const char *name, const char *value)
{
	Datum		values[2] = {CStringGetTextDatum(name), CStringGetTextDatum(value)};
	bool		nulls[2] = {false, false};

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* lem_build_info() returns setof (name text, value text): a row a fact, in a fixed order. */
Datum
pg_lem_build_info(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	put(rsinfo, "version", LEM_VERSION);
	put(rsinfo, "built for", "PostgreSQL " PG_VERSION);
	put(rsinfo, "server", GetConfigOption("server_version", false, false));
	put(rsinfo, "compiler", __VERSION__);
	put(rsinfo, "compiler options", LEM_COMPILER_OPTIONS);
	put(rsinfo, "number type", sizeof(lem_real) == sizeof(float) ? "float32" : "float64");
	put(rsinfo, "kernels", lem_kernels_select()->name);
	put(rsinfo, "blas", lem_blas_library_description());
	put(rsinfo, "blas core", lem_blas_library_core());
	put(rsinfo, "blas file", lem_blas_library_file());
	put(rsinfo, "blas threads", psprintf("%d", lem_blas_library_threads()));
	put(rsinfo, "statistics", lem_stat_shared() ? "shared" : "session");
	return (Datum) 0;
}
