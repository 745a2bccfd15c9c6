/*
 * axis.h: where the ticks of an axis are, and what they say.
 */
#ifndef LEM_AXIS_H
#define LEM_AXIS_H

#include <stdbool.h>
#include <stdint.h>

/* Most ticks of an axis. */
#define LEM_MAX_TICKS 24

#define LEM_TICK_TEXT 32

typedef struct lem_tick
{
	double		at;
	char		text[LEM_TICK_TEXT];
} lem_tick;

typedef struct lem_axis
{
	double		low;
	double		high;			/* > low */
	int			n;
	lem_tick	ticks[LEM_MAX_TICKS];
} lem_axis;

/*
 * An axis of numbers over low .. high (finite, in either order, or the same), with steps of 1, 2 or 5
 * times a power of ten and at most `most` ticks (2 .. LEM_MAX_TICKS).  With whole, it is widened to
 * whole steps.
 */
extern void lem_axis_numbers(double low, double high, int most, bool whole, lem_axis *axis);

/*
 * An axis of times: microseconds since 2000-01-01 00:00, local time already; its steps are those of
 * clocks and calendars.
 */
extern void lem_axis_times(double low, double high, int most, lem_axis *axis);

#endif
