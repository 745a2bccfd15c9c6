/*
 * feeds.h: feeds of bars, which orders name: what is known of each.
 */
#ifndef LEM_PG_FEEDS_H
#define LEM_PG_FEEDS_H

#include "postgres.h"

#include "utils/timestamp.h"

/* The feed of orders that name none.  It is there without a row. */
#define LEM_DEFAULT_FEED "default"

/* A feed. */
typedef struct lem_feed
{
	const char *name;
	const char *calendar;		/* of its series; NULL: none */
	int64		max_lag;		/* microseconds; PG_INT64_MAX: any */
} lem_feed;

/*
 * A feed by its name, in the current memory context; raises 42704.  hold: it is not dropped until the
 * end of the transaction.  Within SPI.
 */
extern lem_feed lem_feed_find(const char *schema, const char *name, bool hold);

#endif
