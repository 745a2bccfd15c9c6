/*
 * bench_train.c: time of one training step's gradient, all branches, on one core.
 *
 * A batch of 64, the trunk in the shards that lem_train cuts it into by default, and in one piece.
 */
#include "models.h"
#include "training.h"
#include "training/train.h"

#define BATCH 64
#define CASES 6

int
main(void)
{
	static const struct
	{
		const char *name;
		const char *target;
	}			configs[] = {{"small", ""}, {"medium", "<= 0.5"}, {"full", "<= 25"}};
	const int	n_cases = bench_small() ? 4 : CASES;
	const int	rounds = bench_rounds(5);
	lem_train_options options;
	training   *cases[CASES];
	double		times[CASES][MAX_ROUNDS];
	char		what[100];

	for (int i = 0; i < n_cases; i++)
	{
		const lem_config config = model_config(configs[i / 2].name);

		lem_train_options_default(&options, config.n_ahead);
		cases[i] = training_make(&config, i % 2 == 0 ? options.shard : BATCH, BATCH);
	}
	for (int round = -1; round < rounds; round++)
		for (int i = 0; i < n_cases; i++)
		{
			const double start = now();

			training_run(cases[i]);
			if (round >= 0)
				times[i][round] = 1e3 * (now() - start) / BATCH;
		}

	bench_section("A training step, all branches, one core");
	for (int i = 0; i < n_cases; i++)
	{
		snprintf(what, sizeof(what), "%s, batch %d in shards of %d: a sample", configs[i / 2].name,
				 BATCH, cases[i]->shard);
		bench_row(what, "ms", rounds, times[i], configs[i / 2].target);
	}
	return 0;
}
