/*
 * chart_json.h: a chart from JSON.
 */
#ifndef LEM_PG_CHART_JSON_H
#define LEM_PG_CHART_JSON_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "core/drawing/chart.h"

/*
 * Read a chart; what it points to lives in the current memory context.  Raises LM014 for unknown keys
 * and for values of the wrong type or out of range.
 */
extern void lem_chart_read(Jsonb *json, lem_chart *chart);

#endif
