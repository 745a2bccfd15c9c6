/*
 * train_options.h: the options of lem_train as JSON.
 */
#ifndef LEM_PG_TRAIN_OPTIONS_H
#define LEM_PG_TRAIN_OPTIONS_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "core/training/train.h"

/* Most processes that one training may ask for. */
#define LEM_TRAIN_MAX_WORKERS 256

typedef enum lem_deploy_option
{
	LEM_DEPLOY_FIRST,			/* left out: the first version of a name is deployed */
	LEM_DEPLOY_NEVER,			/* false */
	LEM_DEPLOY_ALWAYS			/* true */
} lem_deploy_option;

typedef struct lem_train_settings
{
	lem_train_options core;		/* what decides the weights */
	bool		policy;			/* of a model on top of the exact optimum */
	bool		shared;			/* of one with a shared trunk */
	char	   *init_from;		/* so does this: a model to start from; NULL: none */
	int			workers;		/* processes to compute in; 0 and 1: this one */
	bool		resume;
	lem_deploy_option deploy;
} lem_train_settings;

/*
 * Read options; keys left out take their defaults.  Raises LM014 for unknown keys and values of
 * the wrong type or out of range.
 */
extern void lem_train_settings_read(Jsonb *json, const lem_config *config,
									lem_train_settings *settings);

/* Options that a model of this config cannot be trained with: LM014. */
extern void lem_train_settings_fit(const lem_train_settings *settings, const lem_config *config);

/* All options that decide the weights, the same text for the same options. */
extern Jsonb *lem_train_settings_write(const lem_train_settings *settings);

/* The options of a run to be resumed, with those that were given now in their place. */
extern Jsonb *lem_train_settings_resume(Jsonb *run, Jsonb *given);

/* NULL, or the name and the two values of a key that two JSON objects do not agree about. */
extern char *lem_json_difference(Jsonb *had, Jsonb *given);

#endif
