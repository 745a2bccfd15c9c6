/*
 * cache.c: decoded models, kept per backend.
 *
 * An entry belongs to a digest, which covers config and weights, so it never goes stale; whether a
 * name still has that model is for the catalog to say.  Entries are made under the caller's memory
 * context and moved under the cache once they are usable: an error leaves nothing behind.
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "utils/memutils.h"

#include "core/model/model.h"
#include "core/parameters/params.h"
#include "pg/base/errors.h"
#include "pg/base/memory.h"
#include "pg/catalog/cache.h"
#include "pg/catalog/optimum_cache.h"
#include "pg/catalog/shared_cache.h"
#include "pg/catalog/stat.h"

int			lem_model_cache_size = 262144;

typedef struct cache_entry
{
	dlist_node	node;			/* in entries, most recently used first */
	MemoryContext context;		/* holds this struct and the decoded parts */
	uint8		digest[LEM_DIGEST_LENGTH];
	int			pins;
	Size		bytes;			/* of decoded parts */
	lem_model	model;
	const lem_head **heads;		/* model.heads */
} cache_entry;

/* A pin, released with the memory context it was taken in. */
typedef struct cache_pin
{
	MemoryContextCallback callback;
	cache_entry *entry;
} cache_pin;

static MemoryContext cache_context = NULL;
static dlist_head entries = DLIST_STATIC_INIT(entries);
static int	n_entries = 0;
static Size total_bytes = 0;

/* Drop the entries that were not used for longest, as long as there are too many bytes. */
static void
evict(void)
{
	const Size	limit = (Size) lem_model_cache_size * 1024;
	dlist_node *node;
	dlist_node *previous;

	if (dlist_is_empty(&entries))
		return;
	for (node = dlist_tail_node(&entries); total_bytes > limit; node = previous)
	{
		cache_entry *entry = dlist_container(cache_entry, node, node);
		bool		first = !dlist_has_prev(&entries, node);

		previous = first ? NULL : dlist_prev_node(&entries, node);
		if (entry->pins == 0)
		{
			dlist_delete(&entry->node);
			total_bytes -= entry->bytes;
			n_entries--;
			MemoryContextDelete(entry->context);
			lem_stat_cache_holds(n_entries, total_bytes);
		}
		if (first)
			break;
	}
}

static void
release_pin(void *arg)
{
	cache_pin  *pin = arg;

	pin->entry->pins--;
	evict();
}

static void
take_pin(cache_entry *entry)
{
	cache_pin  *pin = palloc0(sizeof(cache_pin));

	pin->callback.func = release_pin;
	pin->callback.arg = pin;
	pin->entry = entry;
	entry->pins++;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &pin->callback);
}

/* A new entry with its trunk. */
static cache_entry *
load_trunk(const char *schema, const lem_model_row *row)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem model",
												  ALLOCSET_SMALL_SIZES);
	cache_entry *entry = MemoryContextAllocZero(context, sizeof(cache_entry));
	const int	sets = lem_head_sets(&row->config);
	const size_t bytes = lem_trunk_bytes(&row->config, LEM_FORM_FORWARD);
	void	   *memory = lem_alloc_aligned(context, bytes);
	float	   *part = lem_catalog_part(schema, row, 0);

	entry->context = context;
	memcpy(entry->digest, row->digest, LEM_DIGEST_LENGTH);
	entry->heads = MemoryContextAllocZero(context, sets * sizeof(lem_head *));
	entry->model.config = row->config;
	entry->model.kernels = lem_kernels_select();
	entry->model.tables = (lem_optimum_source) {lem_optimum_find_for, NULL};
	entry->model.trunk = lem_trunk_decode(&row->config, part, LEM_FORM_FORWARD, memory);
	entry->model.heads = entry->heads;
	entry->bytes = bytes;
	pfree(part);

	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(TopMemoryContext, "lem model cache",
											  ALLOCSET_SMALL_SIZES);
	MemoryContextCopyAndSetIdentifier(context, psprintf("%s@%d", row->name, row->version));
	MemoryContextSetParent(context, cache_context);
	dlist_push_head(&entries, &entry->node);
	n_entries++;
	total_bytes += bytes;
	return entry;
}

/* Add a set of heads to an entry. */
static void
load_head(const char *schema, const lem_model_row *row, cache_entry *entry, int set)
{
	const size_t bytes = lem_head_bytes(&row->config);
	float	   *part = lem_catalog_part(schema, row, 1 + set);
	void	   *memory = lem_alloc_aligned(entry->context, bytes);

	entry->heads[set] = lem_head_decode(&row->config, part, memory);
	entry->bytes += bytes;
	total_bytes += bytes;
	pfree(part);
}

static cache_entry *
find_entry(const uint8 *digest)
{
	dlist_iter	iter;

	dlist_foreach(iter, &entries)
	{
		cache_entry *entry = dlist_container(cache_entry, node, iter.cur);

		if (memcmp(entry->digest, digest, LEM_DIGEST_LENGTH) == 0)
			return entry;
	}
	return NULL;
}

static const lem_model *
pin(const char *schema, const lem_model_row *row, const bool *need_heads)
{
	const int	sets = lem_head_sets(&row->config);
	const Size	had = total_bytes;
	const lem_model *shared;
	cache_entry *entry;
	Size		loaded;

	shared = lem_shared_cache_pin(schema, row, need_heads, &loaded);
	if (shared)
	{
		lem_stat_cache(row, loaded == 0, loaded);
		return shared;
	}
	entry = find_entry(row->digest);
	if (entry)
		dlist_move_head(&entries, &entry->node);
	else
		entry = load_trunk(schema, row);
	take_pin(entry);

	for (int set = 0; set < sets; set++)
	{
		if ((need_heads && !need_heads[set]) || entry->heads[set])
			continue;
		load_head(schema, row, entry, set);
	}
	lem_stat_cache(row, total_bytes == had, total_bytes - had);
	if (total_bytes > had)
	{
		lem_stat_cache_holds(n_entries, total_bytes);
		evict();
	}
	return &entry->model;
}

const lem_model *
lem_cache_pin(const char *schema, const lem_model_row *row, const bool *need_heads)
{
	if (row->config.horizon > 0)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("model \"%s@%d\" is one of market making", row->name, row->version),
				 errhint("Use it with lem_forecast, lem_quote and lem_maker_backtest.")));
	return pin(schema, row, need_heads);
}

const lem_model *
lem_cache_pin_maker(const char *schema, const lem_model_row *row)
{
	if (row->config.horizon == 0)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("model \"%s@%d\" is not one of market making", row->name, row->version),
				 errhint("Train one with lem_train_maker; baselines are named \"baseline:glft\", and "
						 "likewise.")));
	return pin(schema, row, NULL);
}
