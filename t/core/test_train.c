/* test_train.c: the run of a training: masks, progress and its end. */
#include <math.h>

#include "check.h"
#include "training/train.h"

#define STEPS 10

/* The mask's weight of an order with so much left. */
static double
weight(const lem_loss_options *loss, double left)
{
	return 1 / (1 + exp(-loss->mask_slope * (left - loss->mask_offset)));
}

static void
test_mask(void)
{
	lem_train_options options;
	lem_loss_options loss;
	double		last = 0;
	bool		rises = true;
	bool		light = true;

	lem_train_options_default(&options, 12);
	options.mask_epochs = 3;
	loss = lem_train_loss(&options, 0, 0, STEPS);
	check(loss.mask_slope == options.mask_start && loss.mask_offset == 0.5,
		  "a training begins with the soft mask");
	check(weight(&loss, 0.25) > 0.1 && weight(&loss, 0.75) < 0.9,
		  "which counts part of an order that is partly done");
	for (int epoch = 0; epoch < 3; epoch++)
		for (int step = 0; step < STEPS; step++)
		{
			loss = lem_train_loss(&options, epoch, step, STEPS);
			rises = rises && loss.mask_slope > last && loss.mask_slope < 150;
			light = light && weight(&loss, 0) < 0.0181 && weight(&loss, 1) > 0.98;
			last = loss.mask_slope;
		}
	check(rises, "its slope rises with every step");
	check(light, "and a finished order never counts");
	loss = lem_train_loss(&options, 1, STEPS / 2, STEPS);
	check(fabs(loss.mask_slope / sqrt(8.0 * 150) - 1) < 1e-12,
		  "half-way it has risen by half of the factor");
	loss = lem_train_loss(&options, 3, 0, STEPS);
	check(loss.mask_slope == 150 && loss.mask_offset == options.loss.mask_offset,
		  "after mask_epochs it is the mask asked for");

	options.mask_epochs = 0;
	check(lem_train_loss(&options, 0, 0, STEPS).mask_slope == 150, "no epochs: no soft mask");
	options.mask_epochs = 3;
	options.mask_start = 1000;
	check(lem_train_loss(&options, 0, 0, STEPS).mask_slope == 150, "the mask never softens");
}

static void
test_progress(void)
{
	lem_train_options options;
	lem_train_state state;
	bool		done = false;

	lem_train_options_default(&options, 12);
	options.mask_epochs = 3;
	options.patience = 4;
	options.decay_patience = 2;
	lem_train_state_init(&state);
	check(lem_train_epoch_end(&options, &state, 1), "the first epoch is the best so far");
	for (int epoch = 2; epoch <= 3; epoch++)
		done = done || lem_train_epoch_end(&options, &state, 2);
	check(!done && state.stale == 0 && state.rate_scale == 1,
		  "while the mask sharpens no epoch is without progress");
	for (int epoch = 4; epoch <= 6; epoch++)
	{
		lem_train_epoch_end(&options, &state, 2);
		done = done || lem_train_done(&options, &state);
	}
	check(!done && state.stale == 3 && state.rate_scale == 0.5, "later ones are");
	lem_train_epoch_end(&options, &state, 2);
	check(lem_train_done(&options, &state) && state.best_epoch == 1,
		  "and out of patience it is over");
}

/* A step from the sums of a batch's pieces. */
static void
test_step(void)
{
	const double losses[3] = {0.25, 0.5, 0.125};
	const double squares[2] = {9, 16};
	const double broken[2] = {9, NAN};
	lem_train_options options;
	lem_train_state state;
	lem_train_step step;
	lem_real	w[2] = {1, 1};
	lem_real	m[2] = {0, 0};
	lem_real	v[2] = {0, 0};
	const lem_real g[2] = {3, 4};

	lem_train_options_default(&options, 4);
	lem_train_state_init(&state);
	options.warmup = 4;
	options.adam.rate = 0.01;
	options.adam.clip_norm = 1;
	check(lem_train_step_begin(&options, &state, 3, losses, 2, squares, &step), "a step is taken");
	check(step.loss == 0.875 && step.norm == 5, "loss and norm are those of all pieces");
	check(step.number == 1 && state.step == 1, "it is the first");
	check(step.rate == 0.01 / 4, "at the rate of the warm-up");
	check(step.scale == 0.2, "its gradient is cut to the longest there may be");
	lem_train_step_update(&options, &step, 0, 2, g, m, v, w);
	check_near(1 - w[0], 0.01 / 4, 1e-5, "the first step goes as far as the rate");

	check(!lem_train_step_begin(&options, &state, 3, losses, 2, broken, &step) && isnan(step.norm)
		  && state.step == 1, "none without a finite gradient");
	options.adam.clip_norm = 0;
	check(lem_train_step_begin(&options, &state, 3, losses, 2, squares, &step) && step.scale == 1
		  && step.number == 2, "nothing is cut where nothing is asked for");
}

int
main(void)
{
	test_mask();
	test_progress();
	test_step();
	return check_done();
}
