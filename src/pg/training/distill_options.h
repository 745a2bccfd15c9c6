/*
 * distill_options.h: the options of lem_distill and lem_probe as JSON.
 */
#ifndef LEM_PG_DISTILL_OPTIONS_H
#define LEM_PG_DISTILL_OPTIONS_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "core/training/distill_loss.h"

typedef struct lem_distill_options
{
	int			epochs;			/* of each student */
	int			batch;
	double		rate;			/* falls to nothing over the epochs */
	int			samples;		/* to learn from, at most */
	int			validation_samples;
	double		validation;		/* share of time that is kept for it */
	lem_distill_weights weights;
	int			seed;
	bool		deploy_given;
	bool		deploy;
} lem_distill_options;

/* Read options; NULL: none.  Raises LM014 for unknown keys, and values of a wrong type or range. */
extern void lem_distill_options_read(Jsonb *json, lem_distill_options *options);

/*
 * The config of a model of market making from what a user gives: the bars' own extra features count
 * with the inputs of forecasts.  What is left out is as in defaults, an object as JSON text.
 */
extern Jsonb *lem_maker_config(Jsonb *given, const char *defaults);

/* Defaults of a new one, whose names are not those of models of execution. */
extern char *lem_maker_config_defaults(void);

/* What a JSON object has, over what another has. */
extern Jsonb *lem_json_over(const char *defaults, Jsonb *given);

#endif
