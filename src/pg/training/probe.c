/* probe.c: lem_probe, which layer of a model serves which task in which regime. */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/market/outlook.h"
#include "pg/bars/book_type.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/training/distill_data.h"

LEM_FUNCTION(pg_lem_probe);

#define PROBE_COLUMNS 9

/* A book as the one series of a lesson. */
static void
read_book(lem_lesson *lesson, const lem_teacher *teacher, const lem_book *book)
{
	const lem_config *config = &teacher->row.config;
	const bool	quoted = (book->layout & LEM_BOOK_QUOTES) != 0;

	if (quoted != config->quoted || book->n_features != config->extra_features - LEM_MAKER_INPUTS)
		ereport(ERROR,
				(errcode(ERRCODE_LEM_INVALID_CONFIG),
				 errmsg("the book is not like those that model \"%s@%d\" learnt from",
						teacher->row.name, teacher->row.version),
				 errdetail("It has %s and %d features.", quoted ? "quotes" : "no quotes",
						   book->n_features)));
	lesson->data.n_series = 1;
	lesson->data.series = palloc(sizeof(lem_series));
	lesson->data.bars = (int64) book->series.n;
	lem_train_book_series(book, &teacher->clock, config->horizon, lesson->data.series);
	lesson->data.n_features = lesson->data.series->n_features;
}

/*
 * lem_probe(model, book, options) returns setof (layer, task, regime, response, null_mean, null_sd,
 * z, share, gradient).  STRICT.  Errors: LM003, LM004, LM010, LM014, 42501.
 */
Datum
pg_lem_probe(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context;
	MemoryContext old;
	lem_distill_options options;
	lem_teacher *teacher;
	lem_lesson *lesson;
	lem_probe_figure *figures;
	lem_probe_rows rows;
	lem_book	book;

	InitMaterializedSRF(fcinfo, 0);
	LEM_ENSURE(rsinfo->setDesc->natts == PROBE_COLUMNS);
	context = AllocSetContextCreate(CurrentMemoryContext, "lem probe", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	lem_distill_options_read(PG_GETARG_JSONB_P(2), &options);
	teacher = lem_teacher_open(lem_schema(fcinfo), text_to_cstring(PG_GETARG_TEXT_PP(0)));
	lem_book_view(PG_GETARG_LEM_BOOK_P(1), &book);
	if (book.series.n == 0)
	{
		lem_fault	fault;

		lem_fail(&fault, LEM_NO_BARS, NULL, 0, 0);
		lem_pg_raise(&fault);
	}
	lesson = palloc0(sizeof(lem_lesson));
	read_book(lesson, teacher, &book);
	lem_lesson_choose(lesson, &teacher->row.config, &teacher->clock, &options);
	lem_lesson_look(lesson, teacher);
	figures = lem_lesson_probe(lesson, options.seed, &rows);
	for (int l = 0; l < lesson->layers; l++)
		for (int tr = 0; tr < 3 * LEM_REGIMES; tr++)
		{
			const lem_probe_figure *f = &figures[l * 3 * LEM_REGIMES + tr];
			Datum		values[PROBE_COLUMNS];
			bool		nulls[PROBE_COLUMNS] = {false};
			char		name[16];
			double		all = 0;

			for (int other = 0; other < lesson->layers; other++)
				all += Max(figures[other * 3 * LEM_REGIMES + tr].response, 0);
			lem_teacher_layer_name(&teacher->row.config, l, name);
			values[0] = CStringGetTextDatum(name);
			values[1] = CStringGetTextDatum(lem_task_names[tr / LEM_REGIMES]);
			values[2] = Int32GetDatum(tr % LEM_REGIMES + 1);
			values[3] = Float8GetDatum(f->response);
			values[4] = Float8GetDatum(f->null_mean);
			values[5] = Float8GetDatum(f->null_sd);
			values[6] = Float8GetDatum(f->z);
			values[7] = Float8GetDatum(all > 0 ? Max(f->response, 0) / all : 0);
			values[8] = Float8GetDatum(lesson->response[l * 3 + tr / LEM_REGIMES]);
			for (int c = 3; c < 8; c++)
				nulls[c] = !f->known;
			nulls[6] = nulls[6] || f->null_sd <= 0;
			nulls[7] = nulls[7] || all <= 0;
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
