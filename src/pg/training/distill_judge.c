/* distill_judge.c: how good students, their mixtures, their teacher and a ridge are. */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "core/kernels/linear.h"
#include "core/market/outlook.h"
#include "core/model/experts.h"
#include "core/model/quantile.h"
#include "pg/base/memory.h"
#include "pg/training/distill.h"

/* Penalty of the ridge that students are compared with, that of the baseline "linear". */
#define LINEAR_LAMBDA 1e-3

/* What a forecaster says of sample at (three medians) is judged. */
static void
judge_one(const lem_distillation *d, Size at, const double *said, lem_skill *skill)
{
	const lem_lesson *lesson = &d->lesson;
	const Size	first = lesson->n_train + d->judge;

	lem_skill_add(skill, &d->naives, at - first, lesson->n - first, lesson->target + at * 3, said,
				  lesson->last + at * 3);
}

static void
judge_quantiles(const lem_distillation *d, Size at, const lem_real *out, lem_skill *skill)
{
	double		said[3];

	for (int t = 0; t < 3; t++)
		said[t] = (double) out[t * LEM_QUANTILES + 1];
	judge_one(d, at, said, skill);
}

/* A mixture of the students; weight: its mean weights (3 x M). */
static void
judge(const lem_distillation *d, lem_mixture mixture, lem_skill *skill, double *weight)
{
	const lem_lesson *lesson = &d->lesson;
	const int	experts = lem_experts_count(&d->config);
	lem_config	config = d->config;
	lem_arena	measure = {NULL, 0};
	lem_arena	arena;
	lem_mix    *mix;
	lem_real	phi[LEM_MEMBERS * LEM_RANDOM_FEATURES];

	(void) lem_mix_build(&measure, &d->config, NULL);
	arena = (lem_arena) {lem_alloc_aligned(CurrentMemoryContext, measure.used), 0};
	mix = lem_mix_build(&arena, &d->config, d->parts[1]);
	config.mixture = mixture;
	memset(skill, 0, sizeof(*skill));
	memset(weight, 0, 3 * LEM_MEMBERS * sizeof(double));
	for (Size i = d->judge; i < lesson->n_valid; i++)
	{
		const lem_real *raw[LEM_EXPERTS] = {NULL};
		lem_real	out[LEM_QUANTILE_OUTPUTS];
		double		weights[3 * LEM_MEMBERS];

		for (int e = 0; e < experts; e++)
			raw[e] = d->raw[e] + i * lem_expert_outputs(&d->config, e);
		lem_experts_join(&config, mix, d->share + (lesson->n_train + i) * LEM_REGIMES, raw, phi,
						 out, weights);
		judge_quantiles(d, lesson->n_train + i, out, skill);
		for (int w = 0; w < 3 * LEM_MEMBERS; w++)
			weight[w] += weights[w] / (double) (lesson->n_valid - d->judge);
	}
}

/* A ridge on the inputs of the last bar, learnt from the same samples: what says what a network adds. */
static bool
judge_linear(const lem_distillation *d, lem_skill *skill)
{
	const lem_lesson *lesson = &d->lesson;
	const Size	last = d->window - lem_inputs(&d->config) + d->config.n_named;
	double	   *inputs = MemoryContextAllocHuge(CurrentMemoryContext,
											 lesson->n_train * LEM_MAKER_INPUTS *
											 sizeof(double));
	double	   *scratch = palloc(lem_ridge_scratch(LEM_MAKER_INPUTS, 3) * sizeof(double));
	double		weights[(LEM_MAKER_INPUTS + 1) * 3];
	bool		learnt;

	memset(skill, 0, sizeof(*skill));
	for (Size i = 0; i < lesson->n_train; i++)
		for (int c = 0; c < LEM_MAKER_INPUTS; c++)
			inputs[i * LEM_MAKER_INPUTS + c] = (double) d->windows[i * d->window + last + c];
	learnt = lem_ridge(lesson->n_train, LEM_MAKER_INPUTS, 3, inputs, lesson->target, NULL,
					   LINEAR_LAMBDA, scratch, weights);
	for (Size i = lesson->n_train + d->judge; learnt && i < lesson->n; i++)
	{
		double		said[3];

		for (int c = 0; c < LEM_MAKER_INPUTS; c++)
			inputs[c] = (double) d->windows[i * d->window + last + c];
		lem_ridge_apply(LEM_MAKER_INPUTS, 3, weights, inputs, said);
		judge_one(d, i, said, skill);
	}
	pfree(inputs);
	pfree(scratch);
	return learnt;
}

/* Skills as JSON, and their intervals: null where there is nothing to be better at. */
static void
put_skill(StringInfo out, const lem_skill *skill)
{
	appendStringInfoChar(out, '{');
	for (int t = 0; t < 3; t++)
	{
		double		value;
		double		low;
		double		high;

		appendStringInfo(out, "%s\"%s\": ", t > 0 ? ", " : "", lem_task_names[t]);
		if (lem_skill_of(skill, t, &value, &low, &high))
			appendStringInfo(out, "%.6f", value);
		else
			appendStringInfoString(out, "null");
	}
	appendStringInfoChar(out, '}');
}

static void
put_interval(StringInfo out, const lem_skill *skill)
{
	appendStringInfoChar(out, '{');
	for (int t = 0; t < 3; t++)
	{
		double		value;
		double		low;
		double		high;

		appendStringInfo(out, "%s\"%s\": ", t > 0 ? ", " : "", lem_task_names[t]);
		if (lem_skill_of(skill, t, &value, &low, &high))
			appendStringInfo(out, "[%.6f, %.6f]", low, high);
		else
			appendStringInfoString(out, "null");
	}
	appendStringInfoChar(out, '}');
}

/* A student, as the view lem_experts shows it. */
static void
put_expert(const lem_distillation *d, StringInfo out, int expert, int t, double weight)
{
	const lem_lesson *lesson = &d->lesson;
	const int	task = expert == 0 ? t : lem_student_task(expert);
	const int	layer = d->layer[task * LEM_REGIMES + (expert == 0 ? 1 : lem_student_regime(expert))];
	char		name[16] = "teacher";

	if (d->teacher && layer >= 0)
		lem_teacher_layer_name(&d->teacher->row.config, layer, name);
	appendStringInfo(out, "%s{\"expert\": %d, \"task\": \"%s\", \"regime\": ",
					 expert + t > 0 ? ", " : "", expert, lem_task_names[task]);
	if (expert == 0)
		appendStringInfoString(out, "null");
	else
		appendStringInfo(out, "%d", lem_student_regime(expert) + 1);
	if (lesson->layers > 0)
		appendStringInfo(out, ", \"layer\": \"%s\"", name);
	appendStringInfo(out, ", \"loss\": %.6f, \"weight\": %.6f}", d->loss[expert], weight);
}

void
lem_distill_measure(lem_distillation *d)
{
	static const char *const naive_names[] = {"outlook", "mean", "last"};
	static const struct
	{
		lem_mixture mixture;
		const char *name;
	}			kinds[] = {
		{LEM_MIXTURE_HAJEK, "hajek"}, {LEM_MIXTURE_AGREEMENT, "agreement"},
		{LEM_MIXTURE_ADDITIVE, "additive"}, {LEM_MIXTURE_UNIFORM, "uniform"},
		{LEM_MIXTURE_SINGLE, "single"}
	};
	const lem_lesson *lesson = &d->lesson;
	lem_skill	skill;
	double		weight[3 * LEM_MEMBERS];
	double		other[3 * LEM_MEMBERS];
	StringInfoData out;
	StringInfoData intervals;

	lem_naives_choose(lesson->n_train, lesson->target, lesson->last, &d->naives);
	judge(d, d->config.mixture, &skill, weight);
	initStringInfo(&out);
	initStringInfo(&intervals);
	appendStringInfo(&out, "{\"samples\": %zu, \"judged\": %zu, \"naive\": {", lesson->n_train,
					 lesson->n_valid - d->judge);
	for (int t = 0; t < 3; t++)
		appendStringInfo(&out, "%s\"%s\": \"%s\"", t > 0 ? ", " : "", lem_task_names[t],
						 naive_names[d->naives.best[t]]);
	appendStringInfoString(&out, "}, \"skill\": ");
	put_skill(&out, &skill);
	appendStringInfoString(&out, ", \"skill_interval\": ");
	put_interval(&out, &skill);
	if (d->config.mixture != LEM_MIXTURE_SINGLE)
	{
		appendStringInfoString(&out, ", \"mixtures\": {");
		for (int m = 0; m < (int) lengthof(kinds); m++)
		{
			judge(d, kinds[m].mixture, &skill, other);
			appendStringInfo(&out, "%s\"%s\": ", m > 0 ? ", " : "", kinds[m].name);
			put_skill(&out, &skill);
			appendStringInfo(&intervals, "%s\"%s\": ", m > 0 ? ", " : "", kinds[m].name);
			put_interval(&intervals, &skill);
		}
		appendStringInfo(&out, "}, \"mixtures_interval\": {%s}", intervals.data);
	}
	if (judge_linear(d, &skill))
	{
		appendStringInfoString(&out, ", \"linear_skill\": ");
		put_skill(&out, &skill);
		appendStringInfoString(&out, ", \"linear_interval\": ");
		put_interval(&out, &skill);
	}
	if (lesson->quantiles)
	{
		memset(&skill, 0, sizeof(skill));
		for (Size i = lesson->n_train + d->judge; i < lesson->n; i++)
			judge_quantiles(d, i, lesson->quantiles + i * LEM_QUANTILE_OUTPUTS, &skill);
		if (d->teacher)
			appendStringInfo(&out, ", \"teacher\": \"%s@%d\"", d->teacher->row.name,
							 d->teacher->row.version);
		appendStringInfoString(&out, ", \"teacher_skill\": ");
		put_skill(&out, &skill);
		appendStringInfoString(&out, ", \"teacher_interval\": ");
		put_interval(&out, &skill);
	}
	appendStringInfoString(&out, ", \"experts\": [");
	for (int e = 0; e < lem_experts_count(&d->config); e++)
		for (int t = 0; t < lem_expert_tasks(e); t++)
			put_expert(d, &out, e, t,
					   e == 0 ? weight[t * LEM_MEMBERS] :
					   weight[lem_student_task(e) * LEM_MEMBERS + 1 + lem_student_regime(e)]);
	appendStringInfoString(&out, "]}");
	d->metrics = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}
