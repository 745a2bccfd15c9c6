/* maker_setup.c: getting a book ready. */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/base/clock.h"
#include "pg/base/errors.h"
#include "pg/base/interrupt.h"
#include "pg/making/maker_setup.h"

void
lem_maker_look(lem_maker_setup *setup, int horizon, const lem_outlook_track *track)
{
	lem_clock	clock = lem_zone_clock(setup->options.time_zone);
	lem_status	status;

	setup->bars = MemoryContextAllocHuge(CurrentMemoryContext,
										 Max(setup->book.series.n - setup->base, 1) *
										 sizeof(lem_outlook_bar));
	do
	{
		CHECK_FOR_INTERRUPTS();
		status = lem_outlook_fill(&setup->book, &clock, horizon, setup->options.sessions,
								  setup->base, &lem_interrupt_stop, setup->bars, track);
	} while (status == LEM_STOPPED);
}
