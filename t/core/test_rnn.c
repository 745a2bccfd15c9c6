/* test_rnn.c: LSTM and GRU layers against plain loops over their equations. */
#include <stdlib.h>

#include "check.h"
#include "layers/rnn.h"

#ifdef LEM_REAL_DOUBLE
#define TOLERANCE 1e-13
#else
#define TOLERANCE 2e-6
#endif

#define WIDTH 19
#define SAMPLES 5
#define ROWS 11
#define SIZE (SAMPLES * ROWS * WIDTH)

static void *
aligned(size_t bytes)
{
	return aligned_alloc(64, (bytes + 127) / 64 * 64);
}

static double
sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

/* gates (wide) = x W + b, W being WIDTH x wide. */
static void
product(int wide, const double *x, const lem_real *w, const lem_real *b, double *gates)
{
	for (int j = 0; j < wide; j++)
	{
		gates[j] = b ? b[j] : 0;
		for (int i = 0; i < WIDTH; i++)
			gates[j] += x[i] * w[i * wide + j];
	}
}

static void
lstm_rows(const lem_real *tensors, const lem_real *x, double *y)
{
	const int	wide = 4 * WIDTH;
	double		h[WIDTH] = {0};
	double		c[WIDTH] = {0};

	for (int t = 0; t < ROWS; t++)
	{
		double		row[WIDTH];
		double		in[4 * WIDTH];
		double		state[4 * WIDTH];

		for (int j = 0; j < WIDTH; j++)
			row[j] = x[t * WIDTH + j];
		product(wide, row, tensors, tensors + 2 * WIDTH * wide, in);
		product(wide, h, tensors + WIDTH * wide, NULL, state);
		for (int j = 0; j < WIDTH; j++)
		{
			double		i = sigmoid(in[j] + state[j]);
			double		f = sigmoid(in[WIDTH + j] + state[WIDTH + j]);
			double		g = tanh(in[2 * WIDTH + j] + state[2 * WIDTH + j]);
			double		o = sigmoid(in[3 * WIDTH + j] + state[3 * WIDTH + j]);

			c[j] = f * c[j] + i * g;
			h[j] = o * tanh(c[j]);
			y[t * WIDTH + j] = h[j];
		}
	}
}

static void
gru_rows(const lem_real *tensors, const lem_real *x, double *y)
{
	const int	wide = 3 * WIDTH;
	const lem_real *bias = tensors + 2 * WIDTH * wide;
	double		h[WIDTH] = {0};

	for (int t = 0; t < ROWS; t++)
	{
		double		row[WIDTH];
		double		in[3 * WIDTH];
		double		state[3 * WIDTH];

		for (int j = 0; j < WIDTH; j++)
			row[j] = x[t * WIDTH + j];
		product(wide, row, tensors, bias, in);
		product(wide, h, tensors + WIDTH * wide, bias + wide, state);
		for (int j = 0; j < WIDTH; j++)
		{
			double		z = sigmoid(in[j] + state[j]);
			double		r = sigmoid(in[WIDTH + j] + state[WIDTH + j]);
			double		g = tanh(in[2 * WIDTH + j] + r * state[2 * WIDTH + j]);

			h[j] = z * h[j] + (1 - z) * g;
			y[t * WIDTH + j] = h[j];
		}
	}
}

/* The layer over n samples; answered in place where y is x. */
static void
run(const lem_rnn *rnn, const lem_kernels *kern, int n, bool keep, const lem_real *x, lem_real *y)
{
	lem_arena	arena = {NULL, 0};
	lem_rnn_acts acts;

	lem_rnn_acts_carve(&arena, rnn, n, ROWS, keep, &acts);
	arena = (lem_arena) {aligned(arena.used), 0};
	lem_rnn_acts_carve(&arena, rnn, n, ROWS, keep, &acts);
	check(lem_rnn_forward(rnn, kern, n, ROWS, x, &acts, y, NULL) == LEM_OK, "runs");
	free(arena.base);
}

static int
stop_now(void *arg)
{
	(void) arg;
	return 1;
}

static void
test_layer(lem_recurrent kind, const lem_kernels *kern)
{
	const char *name = kind == LEM_RECURRENT_LSTM ? "LSTM" : "GRU";
	const lem_stop stop = {stop_now, NULL};
	lem_config	config;
	lem_rnn		rnn;
	lem_arena	arena = {NULL, 0};
	lem_rnn_acts acts;
	lem_real   *tensors;
	lem_real   *x = aligned(SIZE * sizeof(lem_real));
	lem_real   *y = aligned(SIZE * sizeof(lem_real));
	lem_real   *again = aligned(SIZE * sizeof(lem_real));
	double		want[ROWS * WIDTH];
	double		worst = 0;
	int			size;

	lem_config_default(&config);
	config.hidden_size = WIDTH;
	config.num_heads = 1;
	config.recurrent = kind;
	size = (kind == LEM_RECURRENT_LSTM ? 4 : 6) * WIDTH
		+ 2 * (kind == LEM_RECURRENT_LSTM ? 4 : 3) * WIDTH * WIDTH;
	tensors = aligned(size * sizeof(lem_real));
	for (int i = 0; i < size; i++)
		tensors[i] = (lem_real) (0.5 * sin(i * 1.7 + i % 7));
	for (int i = 0; i < SIZE; i++)
		x[i] = (lem_real) cos(i * 0.37);
	lem_rnn_decode(&arena, &config, NULL, LEM_FORM_GRADIENT, &rnn);
	arena = (lem_arena) {aligned(arena.used), 0};
	lem_rnn_decode(&arena, &config, tensors, LEM_FORM_GRADIENT, &rnn);

	run(&rnn, kern, SAMPLES, true, x, y);
	for (int i = 0; i < SAMPLES; i++)
	{
		(kind == LEM_RECURRENT_LSTM ? lstm_rows : gru_rows) (tensors, x + i * ROWS * WIDTH, want);
		for (int j = 0; j < ROWS * WIDTH; j++)
			worst = check_worse(worst, fabs(y[i * ROWS * WIDTH + j] - want[j]));
	}
	check_near(worst, 0, TOLERANCE, "%s, %s: the equations", name, kern->name);

	memcpy(again, x, SIZE * sizeof(lem_real));
	run(&rnn, kern, SAMPLES, false, again, again);
	check(memcmp(again, y, SIZE * sizeof(lem_real)) == 0,
		  "%s, %s: keeping nothing, in place, the same bits", name, kern->name);
	for (int i = 0; i < SAMPLES; i++)
		run(&rnn, kern, 1, false, x + i * ROWS * WIDTH, again + i * ROWS * WIDTH);
	check(memcmp(again, y, SIZE * sizeof(lem_real)) == 0,
		  "%s, %s: each sample alone, the same bits", name, kern->name);

	arena = (lem_arena) {NULL, 0};
	lem_rnn_acts_carve(&arena, &rnn, SAMPLES, ROWS, false, &acts);
	arena = (lem_arena) {aligned(arena.used), 0};
	lem_rnn_acts_carve(&arena, &rnn, SAMPLES, ROWS, false, &acts);
	check(lem_rnn_forward(&rnn, kern, SAMPLES, ROWS, x, &acts, again, &stop) == LEM_STOPPED,
		  "%s: stops", name);
}

int
main(void)
{
	for (int i = 0; i < 3; i++)
		if (lem_kernels_get(i))
		{
			test_layer(LEM_RECURRENT_LSTM, lem_kernels_get(i));
			test_layer(LEM_RECURRENT_GRU, lem_kernels_get(i));
		}
	return check_done();
}
