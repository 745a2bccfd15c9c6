/* init.c: loading the library, and its settings. */
#include "postgres.h"

#include <limits.h>

#include "utils/resowner.h"

#include "pg/base/blas_library.h"
#include "pg/base/compat.h"
#include "pg/base/progress.h"
#include "pg/catalog/cache.h"
#include "pg/catalog/catalog.h"
#include "pg/catalog/shared_cache.h"
#include "pg/catalog/stat.h"
#include "pg/module/planner.h"
#include "pg/module/version.h"
#include "pg/orders/orders.h"
#include "pg/catalog/optimum_cache.h"
#include "pg/training/train_prepare.h"

LEM_MODULE_MAGIC(LEM_VERSION);

extern PGDLLEXPORT void _PG_init(void);

/* What the first hash in a process sets up, the postmaster's children have. */
static void
hash_once(void)
{
	const ResourceOwner before = CurrentResourceOwner;
	const ResourceOwner own = ResourceOwnerCreate(NULL, "lem");
	uint8		digest[LEM_DIGEST_LENGTH];

	CurrentResourceOwner = own;
	lem_catalog_checksum("", 0, digest);
	CurrentResourceOwner = before;
	ResourceOwnerDelete(own);
}

void
_PG_init(void)
{
	DefineCustomIntVariable("lem.model_cache_size",
							"Memory that a session may keep decoded models in.",
							"A model in use is kept even if it is larger.",
							&lem_model_cache_size,
							262144,
							1024,
							INT_MAX / 1024,
							PGC_USERSET,
							GUC_UNIT_KB,
							NULL,
							NULL,
							NULL);
	DefineCustomIntVariable("lem.shared_model_cache_size",
							"Shared memory that decoded models are kept in, for all sessions.",
							"Only where lem is in shared_preload_libraries; 0 shares none.",
							&lem_shared_model_cache_size,
							262144,
							0,
							INT_MAX,
							process_shared_preload_libraries_in_progress ? PGC_POSTMASTER
							: PGC_SIGHUP,
							GUC_UNIT_KB,
							NULL,
							NULL,
							NULL);
	DefineCustomIntVariable("lem.training_memory",
							"Memory that one training may use, its workers' included.",
							"What it needs is computed before it begins.",
							&lem_training_memory,
							2 * 1024 * 1024,
							1024,
							INT_MAX,
							PGC_USERSET,
							GUC_UNIT_KB,
							NULL,
							NULL,
							NULL);
	DefineCustomIntVariable("lem.stat_models",
							"Models that lem_stat counts at a time.",
							"The one that was not used for longest makes room for another.",
							&lem_stat_models,
							1000,
							10,
							INT_MAX / 1024,
							process_shared_preload_libraries_in_progress ? PGC_POSTMASTER
							: PGC_SIGHUP,
							0,
							NULL,
							NULL,
							NULL);
	DefineCustomBoolVariable("lem.notify_details",
							 "Whether notifications about working orders say what is traded.",
							 "Every session of the database can listen to them, and send others.",
							 &lem_notify_details,
							 false,
							 PGC_USERSET,
							 0,
							 NULL,
							 NULL,
							 NULL);
	DefineCustomIntVariable("lem.work_wait",
							"How long lem_work waits for orders that other transactions hold.",
							"Orders that they still hold then are left to the next call.",
							&lem_work_wait,
							1000,
							0,
							INT_MAX,
							PGC_USERSET,
							GUC_UNIT_MS,
							NULL,
							NULL,
							NULL);
	DefineCustomBoolVariable("lem.progress_notices",
							 "Whether long jobs tell the client once a second how far they are.",
							 "Trainings always do.",
							 &lem_progress_notices,
							 false,
							 PGC_USERSET,
							 0,
							 NULL,
							 NULL,
							 NULL);
	MarkGUCPrefixReserved("lem");
	if (process_shared_preload_libraries_in_progress)
		hash_once();
	lem_blas_library_init();
	lem_planner_init();
	lem_stat_init();
	lem_shared_cache_init();
	lem_optimum_shared_init();
}
