/*
 * clock.h: wall-clock time in a time zone, for the core.
 */
#ifndef LEM_PG_CLOCK_H
#define LEM_PG_CLOCK_H

#include "postgres.h"

#include "pgtime.h"

#include "core/market/calendar.h"

/*
 * The time zone that a user names; NULL if there is none of that name.
 *
 * An offset such as "+05:45" or "UTC+3" is none, with *hint (else NULL) saying what to write:
 * PostgreSQL reads it as POSIX does, west of Greenwich, whoever writes it means ISO's east, and
 * neither can tell.
 */
extern pg_tz *lem_zone_find(const char *name, char **hint);

/* A name of the time zone that lem_zone_find() takes. */
extern const char *lem_zone_name(pg_tz *time_zone);

extern lem_clock lem_zone_clock(pg_tz *time_zone);

#endif
