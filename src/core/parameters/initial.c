/*
 * initial.c: weights to start training from.
 *
 * A tensor's numbers come from a stream of its own, named by the tensor, and each from its index in
 * the whole tensor: another lookback, layer or step changes nothing elsewhere.  What is computed is
 * rounded to 32 bits at once, so that no compiler can fuse it with what follows: both number types
 * start from the same weights, and so do all machines.
 */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "parameters/initial.h"

/* Where finish gates start, before the sigmoid, and by how much they differ. */
#define FINISH_BIAS (-4.0)
#define FINISH_SPREAD 0.05

/* Where the factors start by which a sub-layer's state takes up and keeps. */
#define STATE_FACTOR 0.5
#define STATE_SPREAD 0.1

/* Standard deviation of a spline's answer, were all its bases 1. */
#define SPLINE_DEVIATION 0.1

/*
 * By how much the weights of the branch's one-hot rows, one number among many that the heads read,
 * start larger: with weights like the others' all branches first learn one policy, and part late.
 */
#define BRANCH_WEIGHT 4.0

/* How a tensor starts. */
typedef enum kind
{
	CONSTANT,					/* mean */
	UNIFORM,					/* mean +- spread */
	NORMAL,						/* mean, standard deviation spread */
	KNOTS,						/* a spline's grid */
	FORGET						/* 1 in the second of the gates' blocks, else 0 */
} kind;

typedef struct start
{
	kind		kind;
	double		mean;
	double		spread;
} start;

static bool
ends_with(const char *name, const char *end)
{
	const size_t length = strlen(name);
	const size_t n = strlen(end);

	return length >= n && strcmp(name + length - n, end) == 0;
}

static bool
begins_with(const char *name, const char *begin)
{
	return strncmp(name, begin, strlen(begin)) == 0;
}

/* Uniform with the variance 2 / (in + out), after Glorot and Bengio (2010). */
static start
glorot(double in, double out)
{
	return (start) {UNIFORM, 0, sqrt(6 / (in + out))};
}

static start
constant(double mean)
{
	return (start) {CONSTANT, mean, 0};
}

/* What carries a state from row to row: the variance of an orthogonal H x 3H matrix. */
static start
recurrent(double width)
{
	return (start) {UNIFORM, 0, 1 / sqrt(width)};
}

/* How a tensor starts: by its name, and its shape for the width of the product it is used in. */
static start
tensor_start(const lem_config *config, const lem_tensor *tensor)
{
	const char *name = tensor->name;
	const double width = config->hidden_size;
	const double hidden = config->fused_mlp_hidden_dim;

	if (tensor->constant)
		return (start) {KNOTS, 0, 0};
	if (ends_with(name, "/gamma") || ends_with(name, "scale_factor"))
		return constant(1);
	if (begins_with(name, "mixture/"))
		return constant(0);
	if (ends_with(name, "_curve"))
		return constant(1.0 / config->n_ahead);

	if (begins_with(name, "internal_rnn/"))
	{
		/* each gate is a product of its own */
		if (ends_with(name, "/cell/kernel") || ends_with(name, "_kernel_inputs"))
			return glorot(width, width);
		if (ends_with(name, "/recurrent_kernel") || ends_with(name, "_kernel_states"))
			return recurrent(width);
		if (ends_with(name, "/cell/bias"))
			return config->recurrent == LEM_RECURRENT_GRU ? constant(0) : (start) {FORGET, 1, 0};
		if (ends_with(name, "/sub_tkan_kernel"))
			return (start) {UNIFORM, STATE_FACTOR, STATE_SPREAD};
		if (ends_with(name, "/spline_weight"))
			return (start) {NORMAL, 0, SPLINE_DEVIATION / sqrt((double) tensor->shape[0])};
	}
	if (ends_with(name, "/finish_bias"))
		return (start) {UNIFORM, FINISH_BIAS, FINISH_SPREAD};
	if (ends_with(name, "bias") || ends_with(name, "/beta") || ends_with(name, "/bias_0")
		|| ends_with(name, "/bias_1") || ends_with(name, "/bias_2"))
		return constant(0);

	/* with nothing to say the network of shared steps leaves the optimum as it is */
	if (strcmp(name, "policy/output_layer/kernel") == 0)
		return constant(0);

	/* heads: an MLP a case */
	if (ends_with(name, "/kernel_0"))
		return glorot((double) tensor->shape[2], hidden);
	if (ends_with(name, "/kernel_1"))
		return glorot(hidden, hidden);
	if (ends_with(name, "/kernel_2") || ends_with(name, "/finish_kernel"))
		return glorot(hidden, 1);

	/* attention is cut into heads: its products are H x H */
	if (begins_with(name, "attention/"))
		return glorot(width, width);
	return glorot((double) tensor->shape[0], (double) tensor->shape[1]);
}

/* Number i of a tensor. */
static float
start_number(const lem_config *config, const lem_tensor *tensor, const start *s, uint64_t seed,
			 uint64_t stream, int64_t i)
{
	float		noise;

	switch (s->kind)
	{
		case KNOTS:
			return (float) lem_spline_knot(&config->sub_layer[tensor->sub_layer].spline,
										   (int) (i % tensor->shape[2]));
		case FORGET:
			return i / config->hidden_size == 1 ? (float) s->mean : 0;
		case UNIFORM:
			noise = (float) (s->spread
							 * (2 * lem_random_uniform(seed, stream, (uint64_t) i) - 1));
			return (float) (s->mean + noise);
		case NORMAL:
			noise = (float) (s->spread * lem_random_normal(seed, stream, (uint64_t) i));
			return (float) (s->mean + noise);
		case CONSTANT:
			break;
	}
	return (float) s->mean;
}

/* Whether weight i of the heads' first layer is of a branch's one-hot row, the last ones. */
static bool
of_branch(const lem_config *config, const lem_tensor *tensor, int64_t i)
{
	return config->shared_heads
		&& i / tensor->shape[3] % tensor->shape[2] >= tensor->shape[2] - lem_branches(config);
}

/* A tensor's stream: its name, folded (FNV-1a). */
static uint64_t
name_stream(const char *name)
{
	uint64_t	stream = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		stream = (stream ^ (unsigned char) *name) * UINT64_C(0x100000001b3);
	return stream;
}

/* Where a walk over the tensors puts them. */
typedef struct filling
{
	const lem_config *config;
	uint64_t	seed;
	lem_real   *const *parts;
} filling;

static lem_status
visit_fill(void *arg, int number, const lem_tensor *tensor)
{
	const filling *f = arg;
	const start s = tensor_start(f->config, tensor);
	const uint64_t stream = name_stream(tensor->name);
	const bool	first_layer = ends_with(tensor->name, "/kernel_0");

	(void) number;
	for (int64_t i = 0; i < tensor->size; i++)
	{
		const int64_t part = tensor->head ? 1 + i / tensor->slice : 0;

		f->parts[part][tensor->offset + i % tensor->slice] =
			(float) (start_number(f->config, tensor, &s, f->seed, stream, i)
					 * (first_layer && of_branch(f->config, tensor, i) ? BRANCH_WEIGHT : 1));
	}
	return LEM_OK;
}

void
lem_initial_weights(const lem_config *config, uint64_t seed, lem_real *const *parts)
{
	filling		f = {config, seed, parts};

	lem_tensor_walk(config, visit_fill, &f);
}
