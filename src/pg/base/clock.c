/* clock.c: wall-clock time in a time zone, for the core. */
#include "postgres.h"

#include "pgtime.h"
#include "utils/timestamp.h"

#include "pg/base/clock.h"

static int64
to_local(void *arg, int64 ts)
{
	pg_time_t	t = timestamptz_to_time_t(ts);
	struct pg_tm *local = pg_localtime(&t, (pg_tz *) arg);

	return local ? ts + (int64) local->tm_gmtoff * USECS_PER_SEC : ts;
}

lem_clock
lem_zone_clock(pg_tz *time_zone)
{
	lem_clock	clock = {NULL, NULL};

	if (strcmp(pg_get_timezone_name(time_zone), "UTC") != 0)
	{
		clock.to_local = to_local;
		clock.arg = time_zone;
	}
	return clock;
}
