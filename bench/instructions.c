/*
 * instructions.c: a forward pass to count the instructions of (scripts/count-instructions).
 *
 *   instructions small|medium|full batch
 *
 * Prints the kernels that it chose.
 */
#include "common.h"
#include "models.h"

int
main(int argc, char **argv)
{
	const lem_model *model;
	model_batch samples;

	if (argc != 3 || atoi(argv[2]) < 1)
	{
		fprintf(stderr, "usage: instructions small|medium|full batch\n");
		return 2;
	}
	model = model_open(argv[1]);
	samples = model_batch_make(model, atoi(argv[2]));
	model_batch_run(model, &samples);
	printf("%s\n", model->kernels->name);
	return 0;
}
