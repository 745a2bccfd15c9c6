/* work_model.c: a model that orders are worked by, with the calendar that they are worked by. */
#include "postgres.h"

#include "pg/base/clock.h"
#include "pg/base/errors.h"
#include "pg/base/guard.h"
#include "pg/catalog/calendars.h"
#include "pg/catalog/rights.h"
#include "pg/judging/backtest_options.h"
#include "pg/orders/work_model.h"

bool
lem_work_model_error(const ErrorData *error)
{
	return lem_error_is_of_data(error) || error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE ||
		error->sqlerrcode == ERRCODE_UNDEFINED_OBJECT;
}

/* What is looked for. */
typedef struct wanted_model
{
	const char *schema;
	lem_work_model *model;
} wanted_model;

static void
find_model(void *arg)
{
	const wanted_model *wanted = arg;
	lem_work_model *model = wanted->model;

	/* The caller works on the owner's behalf: it is the owner who must be allowed to. */
	if (!OidIsValid(model->owner_id))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the order's owner, role \"%s\", does not exist", model->owner)));
	model->is_rule = lem_baseline_named(model->name, &model->rule);
	if (model->is_rule)
	{
		memset(&model->row, 0, sizeof(model->row));
		lem_baseline_config(&model->row.config, LEM_BASELINE_HORIZON, 0);
		model->row.time_zone = pg_tzset("UTC");
		lem_catalog_checksum(model->name, strlen(model->name), model->row.digest);
	}
	else
		lem_rights_find_for(wanted->schema, model->owner_id, LEM_RIGHT_USE, model->name,
							&model->row);
	if (model->calendar)
	{
		model->clock = lem_zone_clock(model->row.time_zone);
		model->clock.calendar = lem_calendar_find(wanted->schema, model->calendar);
	}
	else
		model->clock = lem_config_clock(wanted->schema, &model->row.config, model->row.time_zone);
	if (model->clock.calendar)
		lem_calendar_digest(model->clock.calendar, model->calendar_digest);
}

void
lem_work_model_find(const char *schema, lem_work_model *model)
{
	wanted_model wanted = {schema, model};

	model->error = lem_guard(find_model, &wanted, lem_work_model_error);
}
