/* doubts.c: warnings about bars that may not be what they are taken for. */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg/base/errors.h"
#include "pg/bars/doubts.h"

/* Most warnings of a statement, which may be about thousands of series with the same fault. */
#define MOST_WARNINGS 5

/* Is there one more warning for this statement to give? */
static bool
may_warn(void)
{
	static TimestampTz statement = 0;
	static int	warnings = 0;
	const TimestampTz present = GetCurrentStatementStartTimestamp();

	if (present != statement)
		warnings = 0;
	statement = present;
	return warnings++ < MOST_WARNINGS;
}

/* A length of time as intervals are written. */
static const char *
interval_text(int64 microseconds)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = microseconds;
	return DatumGetCString(DirectFunctionCall1(interval_out,
											   DirectFunctionCall1(interval_justify_hours,
																   IntervalPGetDatum(interval))));
}

static const char *
lengths_text(lem_bar_lengths lengths)
{
	if (lengths.shortest == lengths.longest)
		return interval_text(lengths.shortest);
	return psprintf("%s to %s", interval_text(lengths.shortest), interval_text(lengths.longest));
}

void
lem_warn_of_bars(const char *name, const lem_series *series, Size from, bool first,
				 lem_bar_lengths trained)
{
	const lem_doubts doubts = lem_series_doubts(series, from, first, trained);
	const char *of = name ? psprintf(" of series \"%s\"", lem_clip_text(name)) : "";

	if (doubts.swapped && may_warn())
		ereport(WARNING,
				(errmsg("prices%s look like volumes, and volumes like prices", of),
				 errdetail("Half of the prices are more than a tenth from the one before, half of "
						   "the volumes less than a fiftieth."),
				 errhint("The price comes before the volume.")));
	if (doubts.jumped && may_warn())
		ereport(WARNING,
				(errmsg("the price%s jumps to %.3g times the one before at %s", of, doubts.ratio,
						timestamptz_to_str(series->ts[doubts.jump])),
				 errhint("After a split, pass prices and volumes in the shares of now; lem_adjust_order "
						 "adjusts an order that is worked.")));
	if (doubts.interval > 0 && may_warn())
		ereport(WARNING,
				(errmsg("the bars%s are %s long, and the model was trained on bars of %s", of,
						interval_text(doubts.interval), lengths_text(trained)),
				 errhint("Pass bars of that length, or use a model for these.")));
}
