/* interrupt.c: stopping the core for the server's interrupts. */
#include "postgres.h"

#include "miscadmin.h"

#include "pg/base/interrupt.h"

bool
lem_interrupted(void)
{
	return INTERRUPTS_PENDING_CONDITION() && INTERRUPTS_CAN_BE_PROCESSED();
}

static int
stop_asked(void *arg)
{
	(void) arg;
	return lem_interrupted();
}

const lem_stop lem_interrupt_stop = {stop_asked, NULL};
