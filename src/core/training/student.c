/* student.c: gradients of one student of a mixture. */
#include <string.h>

#include "training/student.h"

int64_t
lem_student_size(const lem_config *config, int expert)
{
	lem_expert_offsets at;

	lem_expert_layout(config, expert, &at);
	return at.end - at.input;
}

/* Buffers of a pass. */
typedef struct student_acts
{
	lem_expert	expert;
	lem_expert_acts acts;
	lem_real   *out;			/* n x outputs */
	lem_real   *dout;
	double	   *loss;
	lem_real   *dy;				/* n x T x H */
	lem_real   *dx;
	char	   *scratch;		/* of the recurrent layer's backward pass */
} student_acts;

static void
student_carve(lem_arena *arena, const lem_config *config, int expert, const lem_real *numbers,
			  int n, bool gradients, student_acts *acts)
{
	const size_t size = (size_t) n * lem_rows(config) * config->hidden_size;
	size_t		peak = 0;

	lem_expert_decode(arena, config, expert, numbers,
					  gradients ? LEM_FORM_GRADIENT : LEM_FORM_FORWARD, &acts->expert);
	lem_expert_acts_carve(arena, config, &acts->expert, n, gradients, &acts->acts);
	acts->out = lem_arena_reals(arena, (size_t) n * acts->expert.outputs);
	if (!gradients)
		return;
	acts->dout = lem_arena_reals(arena, (size_t) n * acts->expert.outputs);
	acts->loss = lem_arena_bytes(arena, lem_distill_scratch(n, config->expert_dim) *
								 sizeof(double));
	acts->dy = lem_arena_reals(arena, size);
	acts->dx = lem_arena_reals(arena, size);
	(void) lem_rnn_backward(&acts->expert.rnn, config, NULL, n, lem_rows(config), NULL, NULL,
							&acts->acts.rnn, NULL, (lem_scratch) {NULL, 0, &peak}, NULL, NULL,
							NULL);
	acts->scratch = lem_arena_bytes(arena, peak);
}

size_t
lem_student_workspace(const lem_config *config, int expert, int n, bool gradients)
{
	lem_arena	arena = {NULL, 0};
	student_acts acts;

	student_carve(&arena, config, expert, NULL, n, gradients, &acts);
	return arena.used;
}

lem_status
lem_student_forward(const lem_config *config, const lem_kernels *kern, int expert,
					const lem_real *numbers, int n, const lem_real *rows, void *workspace,
					const lem_stop *stop, lem_real *out)
{
	lem_arena	arena = {workspace, 0};
	student_acts acts;

	student_carve(&arena, config, expert, numbers, n, false, &acts);
	return lem_expert_forward(&acts.expert, config, kern, n, rows, NULL, &acts.acts, out, stop);
}

lem_status
lem_student_gradient(const lem_config *config, const lem_kernels *kern, int expert,
					 const lem_real *numbers, const lem_distill_weights *weights,
					 const lem_distill_batch *batch, const lem_real *rows, void *workspace,
					 const lem_stop *stop, double *loss, lem_real *gradient)
{
	const int	n = batch->n;
	const int	length = lem_rows(config);
	const int	width = config->hidden_size;
	const int	features = lem_features(config);
	const int	inputs = lem_inputs(config);
	const size_t size = (size_t) length * width;
	lem_arena	arena = {workspace, 0};
	student_acts acts;
	lem_expert_offsets at;
	lem_real   *dkernel;
	lem_status	status;

	student_carve(&arena, config, expert, numbers, n, true, &acts);
	lem_expert_layout(config, expert, &at);
	status = lem_expert_forward(&acts.expert, config, kern, n, rows, NULL, &acts.acts, acts.out,
								stop);
	if (status != LEM_OK)
		return status;
	*loss = lem_distill_loss(weights, batch, acts.out, acts.loss, acts.dout);

	/* from the last row of each window back */
	memset(gradient, 0, (size_t) (at.end - at.input) * sizeof(lem_real));
	memset(acts.dy, 0, n * size * sizeof(lem_real));
	dkernel = gradient + (at.output - at.input);
	for (int i = 0; i < n; i++)
	{
		const int	outputs = acts.expert.outputs;
		const lem_real *h = acts.acts.y + (i + 1) * size - width;
		const lem_real *d = acts.dout + (size_t) i * outputs;
		lem_real   *dh = acts.dy + (i + 1) * size - width;

		for (int a = 0; a < width; a++)
			for (int b = 0; b < outputs; b++)
			{
				dkernel[(size_t) a * outputs + b] += h[a] * d[b];
				dh[a] += acts.expert.kernel[(size_t) a * outputs + b] * d[b];
			}
		for (int b = 0; b < outputs; b++)
			dkernel[(size_t) width * outputs + b] += d[b];
	}
	status = lem_rnn_backward(&acts.expert.rnn, config, kern, n, length, acts.acts.x,
							  numbers + (at.rnn - at.input), &acts.acts.rnn, acts.dy,
							  (lem_scratch) {acts.scratch, 0, NULL},
							  gradient + (at.rnn - at.input), acts.dx, stop);
	if (status != LEM_OK)
		return status;
	for (size_t i = 0; i < n * size; i++)
		acts.dx[i] *= 1 - acts.acts.x[i] * acts.acts.x[i];
	for (int i = 0; i < n; i++)
		lem_dense_gradient(features, width, length,
						   rows + (size_t) i * lem_rows(config) * inputs, inputs,
						   acts.dx + i * size, width, gradient,
						   gradient + (size_t) features * width);
	return LEM_OK;
}
