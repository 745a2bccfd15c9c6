/*
 * work_model.h: a model that orders are worked by, with the calendar that they are worked by.
 */
#ifndef LEM_PG_WORK_MODEL_H
#define LEM_PG_WORK_MODEL_H

#include "postgres.h"

#include "core/judging/baseline.h"
#include "core/market/sessions.h"
#include "pg/catalog/catalog.h"

typedef struct lem_work_model
{
	/* given */
	const char *name;
	const char *owner;			/* of the orders */
	Oid			owner_id;
	const char *calendar;		/* of the orders, or of their feed; NULL: the config's, if any */

	/* found */
	bool		is_rule;
	lem_baseline rule;			/* of baseline:NAME; row is then that of its windows, version 0 */
	lem_model_row row;
	lem_clock	clock;			/* without a now */
	uint8		calendar_digest[LEM_DIGEST_LENGTH];	/* where the clock has one */
	ErrorData  *error;			/* why it cannot be used */
} lem_work_model;

/* Find a model, or an error that is about it; any other is raised. */
extern void lem_work_model_find(const char *schema, lem_work_model *model);

/* Whether an error is about one model, and no other. */
extern bool lem_work_model_error(const ErrorData *error);

#endif
