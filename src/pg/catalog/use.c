/* use.c: a model in use. */
#include "postgres.h"

#include "miscadmin.h"

#include "pg/catalog/cache.h"
#include "pg/catalog/stat.h"
#include "pg/catalog/calendars.h"
#include "pg/catalog/use.h"

void
lem_use_begin(lem_use *use, const char *schema, lem_right right, const char *model,
			  lem_use_heads heads, void *arg)
{
	bool	   *need = NULL;

	lem_stat_start(&use->start);
	lem_rights_find_for(schema, GetUserId(), right, model, &use->row);
	if (heads)
	{
		need = palloc0(lem_head_sets(&use->row.config) * sizeof(bool));
		heads(arg, &use->row.config, need);
	}
	use->model = lem_cache_pin(schema, &use->row, need);
	use->clock = lem_config_clock(schema, &use->row.config, use->row.time_zone);
	if (need)
		pfree(need);
}

void
lem_use_end(const lem_use *use, int64 orders, int64 batches)
{
	lem_stat_call(&use->row, &use->start, orders, batches);
}
