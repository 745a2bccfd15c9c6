/* clock.c: wall-clock time in a time zone, for the core. */
#include "postgres.h"

#include "pgtime.h"
#include "utils/timestamp.h"

#include "pg/base/clock.h"

/*
 * Is this an offset: digits with a sign or without, or a sign and digits behind letters, and nothing
 * more?  (EST5EDT and CET-1CEST have a second name, Etc/GMT+5 has a slash.)
 */
static bool
is_offset(const char *name)
{
	const size_t letters = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
	const bool	sign = name[letters] == '+' || name[letters] == '-';
	const char *digits = name + letters + sign;

	return (letters == 0 || sign) && *digits && digits[strspn(digits, "0123456789:.")] == '\0';
}

/* The offset as PostgreSQL names it itself: <+05:45>-05:45, seconds east of Greenwich. */
static const char *
offset_name(long seconds)
{
	pg_tz	   *time_zone = pg_tzset_offset(-seconds);

	return time_zone ? pg_get_timezone_name(time_zone) : NULL;
}

pg_tz *
lem_zone_find(const char *name, char **hint)
{
	pg_tz	   *time_zone = pg_tzset(name);
	long		offset;

	*hint = NULL;
	if (time_zone == NULL || !pg_tz_acceptable(time_zone))
		return NULL;
	if (is_offset(name) && pg_get_timezone_offset(time_zone, &offset) && offset != 0)
	{
		*hint = psprintf("An offset is read east or west of Greenwich by different readers: write "
						 "\"%s\" for what ISO 8601 means by it, or better the name of a place, "
						 "such as \"Europe/Paris\".", offset_name(-offset));
		return NULL;
	}
	return time_zone;
}

const char *
lem_zone_name(pg_tz *time_zone)
{
	const char *name = pg_get_timezone_name(time_zone);
	long		offset;

	/* models of version 1.0 may have an offset, and were trained with what it meant */
	if (is_offset(name) && pg_get_timezone_offset(time_zone, &offset) && offset != 0)
		name = offset_name(offset);
	return name;
}

/*
 * The offset of a zone from one instant on until its clocks change next: bars are asked about one after
 * another, and looking each of them up would cost more than all else that is done with it.
 */
typedef struct last_offset
{
	const pg_tz *zone;
	pg_time_t	from;
	pg_time_t	until;
	int64		offset;			/* microseconds */
} last_offset;

static last_offset last;

static int64
to_local(void *arg, int64 ts)
{
	pg_tz	   *zone = arg;
	const pg_time_t t = timestamptz_to_time_t(ts);
	struct pg_tm *local;
	pg_time_t	change;
	long		offset;
	long		after;
	int			dst;

	if (last.zone == zone && t >= last.from && t < last.until)
		return ts + last.offset;
	local = pg_localtime(&t, zone);
	if (local == NULL)
		return ts;
	last.zone = zone;
	last.offset = (int64) local->tm_gmtoff * USECS_PER_SEC;
	last.from = t;
	/* one without a change to come, or another answer than that above, is asked about again */
	last.until = pg_next_dst_boundary(&t, &offset, &dst, &change, &after, &dst, zone) == 1 &&
		offset == local->tm_gmtoff ? change : t + 1;
	return ts + last.offset;
}

lem_clock
lem_zone_clock(pg_tz *time_zone)
{
	lem_clock	clock = {0};

	if (strcmp(pg_get_timezone_name(time_zone), "UTC") != 0)
	{
		clock.to_local = to_local;
		clock.arg = time_zone;
	}
	return clock;
}
