/*
 * distill_data.h: samples in the order of time, and what a teacher says of them.
 */
#ifndef LEM_PG_DISTILL_DATA_H
#define LEM_PG_DISTILL_DATA_H

#include "postgres.h"

#include "core/training/dataset.h"
#include "core/training/probe.h"
#include "core/training/teacher.h"
#include "pg/training/distill_options.h"
#include "pg/training/train_data.h"

/* A teacher out of the catalog, decoded for gradients. */
typedef struct lem_teacher
{
	lem_model_row row;
	lem_clock	clock;
	lem_model	model;
	float	   *part;			/* 0: the trunk's numbers */
} lem_teacher;

/* Samples: n_train to learn from, then n_valid, each in the order of time. */
typedef struct lem_lesson
{
	lem_train_data data;
	lem_dataset dataset;
	int			reach;			/* bars between what must not meet */
	Size		n_train;
	Size		n_valid;
	Size		n;
	lem_start  *start;			/* n */
	double	   *target;			/* n x 3 */
	double	   *last;			/* n x 3 */
	double	   *volatility;		/* n */

	/* what the teacher says; of one in columns there is one layer, and medians alone */
	int			layers;			/* 0: it shows none */
	int			width;
	bool		median;
	int			given;			/* features of a teacher in columns; 0: none were seen yet */
	lem_real   *quantiles;		/* n x 9; NULL: it says nothing */
	double	   *features;		/* n x layers x width */
	double	   *response;		/* layers x 3; NULL: not known */
} lem_lesson;

/* Look a teacher up, which the user must be allowed to read; raises LM010, LM014, 42501. */
extern lem_teacher *lem_teacher_open(const char *schema, const char *name);

/*
 * Choose samples among the starts of the lesson's data, by a config: at most so many, evenly spread.
 * Raises LM004 for too few.
 */
extern void lem_lesson_choose(lem_lesson *lesson, const lem_config *config,
							  const lem_clock *clock, const lem_distill_options *options);

/* What the teacher says of the samples, and how its forecasts respond to its layers. */
extern void lem_lesson_look(lem_lesson *lesson, const lem_teacher *teacher);

/*
 * The same of columns teacher and teacher_features of a query, within SPI.  A sample whose teacher
 * is NULL is left out.  Raises 22023, 42804 and LM001 for columns that are not what they should be.
 */
extern void lem_lesson_columns(lem_lesson *lesson, const char *query);

/*
 * Probe all layers: figures (layers x 3 x R).  The first 60 % of the samples to learn from teach the
 * readouts, the later ones judge them.
 */
extern lem_probe_figure *lem_lesson_probe(const lem_lesson *lesson, int seed,
										  lem_probe_rows *rows);

extern const char *const lem_task_names[3];

#endif
