/*
 * interrupt.h: stopping the core for the server's interrupts.
 */
#ifndef LEM_PG_INTERRUPT_H
#define LEM_PG_INTERRUPT_H

#include "postgres.h"

#include "core/base/status.h"

/*
 * Is there an interrupt that CHECK_FOR_INTERRUPTS() would act on now?  One that is held off is not:
 * who stopped for it and found nothing to do would stop again at once, for ever.
 */
extern bool lem_interrupted(void);

/* Asks the core to stop when an interrupt is to be looked at. */
extern const lem_stop lem_interrupt_stop;

#endif
