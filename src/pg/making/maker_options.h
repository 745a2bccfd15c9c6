/*
 * maker_options.h: the options of market making's backtests as JSON.
 */
#ifndef LEM_PG_MAKER_OPTIONS_H
#define LEM_PG_MAKER_OPTIONS_H

#include "postgres.h"

#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "core/making/simulate.h"

/* Most bars that a forecast can reach ahead. */
#define LEM_MAKER_MAX_HORIZON 1000

typedef struct lem_maker_options
{
	lem_maker_rules rules;
	bool		fill_given;
	lem_sessions sessions;
	pg_tz	   *time_zone;
	int			horizon;		/* 0: not given */
	double		fit;			/* share of the bars that baselines learn from, and nobody trades in */
	double		ticks;
	double		risk_aversion;
	double		tau;
} lem_maker_options;

/* Read options; NULL: none.  Raises LM014 for unknown keys, and values of a wrong type or range. */
extern void lem_maker_options_read(Jsonb *json, lem_maker_options *options);

#endif
