/*
 * calendars.h: the calendars of the catalog.
 */
#ifndef LEM_PG_CALENDARS_H
#define LEM_PG_CALENDARS_H

#include "postgres.h"

#include "core/market/sessions.h"
#include "pg/base/clock.h"

/* Longest name of a calendar. */
#define LEM_CALENDAR_NAME (LEM_CONFIG_CALENDAR - 1)

/* A calendar by its name, in the current memory context; raises 42704. */
extern const lem_calendar *lem_calendar_find(const char *schema, const char *name);

/* See that a calendar is there, and stays until the transaction ends; raises 42704.  Within SPI. */
extern void lem_calendar_hold(const char *schema, const char *name);

/* A digest (LEM_DIGEST_LENGTH bytes) of all that bars of a calendar depend on. */
extern void lem_calendar_digest(const lem_calendar *calendar, uint8 *digest);

/* The clock of a config: of its time zone, with its calendar if it names one. */
extern lem_clock lem_config_clock(const char *schema, const lem_config *config, pg_tz *time_zone);

#endif
