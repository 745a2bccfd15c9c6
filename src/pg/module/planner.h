/*
 * planner.h: what the planner is told of functions that take long.
 */
#ifndef LEM_PG_PLANNER_H
#define LEM_PG_PLANNER_H

/* Hang it into the planner, as the library is loaded. */
extern void lem_planner_init(void);

#endif
