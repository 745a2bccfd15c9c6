/* svg.c: lem_chart, a picture from JSON. */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "pg/base/compat.h"
#include "pg/base/interrupt.h"
#include "pg/drawing/chart_json.h"
#include "pg/drawing/text_sink.h"

/*
 * lem_chart(chart jsonb) RETURNS text
 *
 * A picture with axes as SVG: one <svg> that stands by itself, in a file or within a page.  Nothing is
 * worked out: what is drawn is what the JSON has.  The same JSON gives the same bytes.  Raises LM014.
 */
LEM_FUNCTION(pg_lem_chart);

Datum
pg_lem_chart(PG_FUNCTION_ARGS)
{
	lem_text_sink out;
	lem_chart	chart;

	lem_chart_read(PG_GETARG_JSONB_P(0), &chart);
	lem_text_sink_init(&out);
	while (lem_chart_draw(&chart, &lem_interrupt_stop, &out.sink) == LEM_STOPPED)
	{
		/* If the interrupt is one that a query survives, begin again. */
		CHECK_FOR_INTERRUPTS();
		resetStringInfo(&out.gathered);
	}
	PG_RETURN_TEXT_P(lem_text_sink_done(&out));
}
