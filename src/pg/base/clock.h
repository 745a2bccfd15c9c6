/*
 * clock.h: wall-clock time in a time zone, for the core.
 */
#ifndef LEM_PG_CLOCK_H
#define LEM_PG_CLOCK_H

#include "postgres.h"

#include "pgtime.h"

#include "core/market/calendar.h"

extern lem_clock lem_zone_clock(pg_tz *time_zone);

#endif
