/*
 * distill.h: a distillation while it runs, which what trains its students and what judges them share.
 */
#ifndef LEM_PG_DISTILL_H
#define LEM_PG_DISTILL_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "core/training/skill.h"
#include "pg/training/distill_data.h"

typedef struct lem_distillation
{
	const char *schema;
	const char *name;
	const char *query;
	lem_config	config;
	pg_tz	   *time_zone;
	lem_clock	clock;
	lem_distill_options options;
	lem_teacher *teacher;		/* NULL: in columns, or none */
	lem_lesson	lesson;
	lem_probe_rows rows;
	lem_probe_figure *figures;	/* layers x 3 x R; NULL without layers */
	int			layer[3 * LEM_REGIMES]; /* of each student of one task */
	double	   *state[LEM_TEACHER_LAYERS];	/* n_train x 3 x k; NULL: not asked for */

	Size		window;			/* numbers of one */
	lem_real   *windows;		/* n */
	double	   *share;			/* n x R */
	Size		select;			/* validation samples that choose the epoch, */
	Size		calibrate;		/* and the first that calibrates, */
	Size		calibrated;		/* and their end; */
	Size		judge;			/* those from here on judge */
	lem_real   *parts[2];
	lem_real   *earlier[LEM_EXPERTS];	/* n_train x k: states of students */
	double		loss[LEM_EXPERTS];	/* of the chosen epoch, where it was chosen */
	lem_real   *raw[LEM_EXPERTS];	/* n_valid x outputs */
	lem_naives	naives;			/* what skill is measured against */
	Jsonb	   *metrics;
	int			version;
} lem_distillation;

/* Task and regime of a student; -1, -1 of the undivided one. */
static inline int
lem_student_task(int expert)
{
	return expert == 0 ? -1 : (expert - 1) / LEM_REGIMES;
}

static inline int
lem_student_regime(int expert)
{
	return expert == 0 ? -1 : (expert - 1) % LEM_REGIMES;
}

/* What the model is to say about itself (metrics), all measured on samples that nothing was learnt from. */
extern void lem_distill_measure(lem_distillation *d);

#endif
