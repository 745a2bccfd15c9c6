/*
 * compat.h: everything that differs between PostgreSQL 14 and 18.
 */
#ifndef LEM_PG_COMPAT_H
#define LEM_PG_COMPAT_H

#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/tuplestore.h"

#if PG_VERSION_NUM < 140000 || PG_VERSION_NUM >= 190000
#error "lem supports PostgreSQL 14 to 18"
#endif

/* Version 16 took the macros for varlena values out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* The library is built with hidden visibility; before 16 the server's headers do not undo that. */
#if PG_VERSION_NUM < 160000 && defined(__GNUC__) && !defined(WIN32)
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

/* Declare and register a function that SQL calls. */
#define LEM_FUNCTION(name) \
	extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name)

/* Version 18 spells it as a prefix. */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* Whether a role may give what is its own to another, or an error: from 16 on a membership says
 * whether it lets one become the role. */
#if PG_VERSION_NUM >= 160000
#define lem_check_can_set_role(member, role) check_can_set_role(member, role)
#else
#define lem_check_can_set_role(member, role) check_is_member_of_role(member, role)
#endif

/* The magic block, from 18 on with what pg_get_loaded_modules() shows. */
#if PG_VERSION_NUM >= 180000
#define LEM_MODULE_MAGIC(text) PG_MODULE_MAGIC_EXT(.name = "lem", .version = text)
#else
#define LEM_MODULE_MAGIC(text) PG_MODULE_MAGIC
#endif

/* Number of this process among the server's; regular backends and workers are below the number of
 * those there can be, lem_max_backends(). */
#if PG_VERSION_NUM >= 170000
#define LEM_PROCESS_NUMBER ((int) MyProcNumber)
#else
#define LEM_PROCESS_NUMBER (MyProc->pgprocno)
#endif

/* Entry 1, 2 ... of the status of all backends. */
#if PG_VERSION_NUM >= 160000
#define lem_backend_status(i) pgstat_get_local_beentry_by_index(i)
#else
#define lem_backend_status(i) pgstat_fetch_stat_local_beentry(i)
#endif

/*
 * LEM_SHMEM_REQUEST defines register_shmem_request(), to be called while the library is being
 * preloaded; it has the function that asks for shared memory run, from version 15 on in the hook
 * for that.  lem_max_backends() is for that function and later ones.
 */
#if PG_VERSION_NUM >= 150000

#define lem_max_backends() MaxBackends

#define LEM_SHMEM_REQUEST(request) \
static shmem_request_hook_type next_shmem_request = NULL; \
static void \
shmem_request(void) \
{ \
	if (next_shmem_request) \
		next_shmem_request(); \
	request(); \
} \
static void \
register_shmem_request(void) \
{ \
	next_shmem_request = shmem_request_hook; \
	shmem_request_hook = shmem_request; \
}

#else

#include "postmaster/autovacuum.h"
#include "replication/walsender.h"

/* As the server counts them, a little later. */
#define lem_max_backends() \
	(MaxConnections + autovacuum_max_workers + 1 + max_worker_processes + max_wal_senders)

#define LEM_SHMEM_REQUEST(request) \
static void \
register_shmem_request(void) \
{ \
	request(); \
}

#endif

#if PG_VERSION_NUM < 150000

#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)

/* For functions that return a set of one value, not of rows */
#define MAT_SRF_USE_EXPECTED_DESC 0x01

/* Set up a set-returning function that fills a tuplestore. */
static inline void
InitMaterializedSRF(FunctionCallInfo fcinfo, bits32 flags)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;
	TupleDesc	desc;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	if (!(rsinfo->allowedModes & SFRM_Materialize))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("materialize mode required, but it is not allowed in this context")));
	old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	if (flags & MAT_SRF_USE_EXPECTED_DESC)
		desc = CreateTupleDescCopy(rsinfo->expectedDesc);
	else if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0,
											  false, work_mem);
	rsinfo->setDesc = desc;
	MemoryContextSwitchTo(old);
}

#endif

#endif
