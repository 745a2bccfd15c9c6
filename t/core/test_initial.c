/* test_initial.c: weights that training starts from. */
#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "parameters/initial.h"

static lem_config
small_config(int variant)
{
	lem_config	config;

	lem_config_default(&config);
	config.lookback = 8;
	config.n_ahead = 6;
	config.hidden_size = 24;
	config.num_heads = 4;
	config.num_embedding = 10;
	config.fused_mlp_hidden_dim = 20;
	config.hidden_rnn_layer = 2;
	config.shared_heads = variant == 0;
	config.finish_gate = variant != 2;
	config.n_sub_layers = 2;
	config.sub_layer[1] = config.sub_layer[0];
	config.sub_layer[1].kan = variant == 0;
	config.sub_layer[1].activation = LEM_ACTIVATION_TANH;
	return config;
}

static lem_real **
start_parts(const lem_config *config, uint64_t seed)
{
	int			n = lem_part_count(config);
	lem_real  **parts = calloc((size_t) n, sizeof(lem_real *));

	for (int p = 0; p < n; p++)
	{
		size_t		size = (size_t) lem_part_size(config, p);

		parts[p] = malloc(size * sizeof(lem_real));
		for (size_t i = 0; i < size; i++)
			parts[p][i] = NAN;
	}
	lem_initial_weights(config, seed, parts);
	return parts;
}

static void
free_parts(const lem_config *config, lem_real **parts)
{
	for (int p = 0; p < lem_part_count(config); p++)
		free(parts[p]);
	free(parts);
}

/* Number i of a whole tensor. */
static double
number(const lem_tensor *tensor, lem_real *const *parts, int64_t i)
{
	return parts[tensor->head ? 1 + i / tensor->slice : 0][tensor->offset + i % tensor->slice];
}

/* Weights of the heads' first layer start 4 times as large for the branch's one-hot rows, the last. */
static double
first_layer_scale(const lem_config *config, const lem_tensor *tensor, int64_t i)
{
	return strstr(tensor->name, "/kernel_0") && config->shared_heads
		&& i / tensor->shape[3] % tensor->shape[2] >= tensor->shape[2] - config->n_ahead - 1
		? 4 : 1;
}

/* Mean and root of the mean square about it. */
static void
moments(const lem_config *config, const lem_tensor *tensor, lem_real *const *parts, double *mean,
		double *deviation)
{
	*mean = 0;
	*deviation = 0;
	for (int64_t i = 0; i < tensor->size; i++)
		*mean += number(tensor, parts, i) / first_layer_scale(config, tensor, i) / tensor->size;
	for (int64_t i = 0; i < tensor->size; i++)
		*deviation += pow(number(tensor, parts, i) / first_layer_scale(config, tensor, i) - *mean, 2)
			/ tensor->size;
	*deviation = sqrt(*deviation);
}

/* Mean and deviation that tensors should have, by the end of their names; the first that fits. */
typedef struct want
{
	const char *end;
	double		mean;
	double		deviation;
} want;

static double
glorot(double in, double out)
{
	return sqrt(2 / (in + out));
}

static void
test_tensors(int variant)
{
	const lem_config config = small_config(variant);
	const double h = config.hidden_size;
	const double e = config.num_embedding;
	const double m = config.fused_mlp_hidden_dim;
	const double f = lem_inputs(&config);
	const want	wants[] = {
		{"gamma", 1, 0}, {"beta", 0, 0}, {"scale_factor", 1, 0}, {"_curve", 1.0 / 6, 0},
		{"/sub_tkan_kernel", 0.5, 0.1 / sqrt(3)},
		{"/sub_tkan_recurrent_kernel_inputs", 0, glorot(h, h)},
		{"/sub_tkan_recurrent_kernel_states", 0, 1 / sqrt(3 * h)},
		{"/recurrent_kernel", 0, 1 / sqrt(3 * h)},
		{"/cell/kernel", 0, glorot(h, h)},
		{"/cell/bias", 1.0 / 3, sqrt(2) / 3},
		{"/aggregated_weight", 0, glorot(2 * h, h)},
		{"/base_weight", 0, glorot(h, h)},
		{"/spline_weight", 0, 0.1 / sqrt(h * 6)},
		{"/finish_bias", -4, 0.05 / sqrt(3)},
		{"bias", 0, 0}, {"/bias_0", 0, 0}, {"/bias_1", 0, 0}, {"/bias_2", 0, 0},
		{"/kernel_1", 0, glorot(m, m)},
		{"/kernel_2", 0, glorot(m, 1)},
		{"/finish_kernel", 0, glorot(m, 1)},
		{"mlp_dense/skip_layer/kernel", 0, glorot(e * f, f)},
		{"mlp_dense/hidden_layer_1/kernel", 0, glorot(e * f, h)},
		{"mlp_dense/gate_layer/gated_layer/kernel", 0, glorot(h, f)},
		{"query/kernel", 0, glorot(h, h)}, {"key/kernel", 0, glorot(h, h)},
		{"value/kernel", 0, glorot(h, h)}, {"output/kernel", 0, glorot(h, h)},
		{"embedding/dense_layers/0/kernel", 0, glorot(1, e)},
		{"gate/dense_layer/kernel", 0, glorot(h, h)},
		{"tkan_sub_layers/1/kernel", 0, glorot(h, h)},
	};
	lem_real  **parts = start_parts(&config, 1);
	int			rough = 0;

	for (int i = 0; i < lem_tensor_count(&config); i++)
	{
		lem_tensor	tensor;
		const want *w = NULL;
		want		head = {"/kernel_0", 0, 0};
		double		mean;
		double		deviation;
		double		sd;

		lem_tensor_get(&config, i, &tensor);
		if (tensor.constant)
		{
			int			wrong = 0;

			for (int64_t j = 0; j < tensor.size; j++)
				wrong += number(&tensor, parts, j)
					!= (float) lem_spline_knot(&config.sub_layer[tensor.sub_layer].spline,
											   (int) (j % tensor.shape[2]));
			check_int(wrong, 0, "variant %d: %s has the config's knots", variant, tensor.name);
			continue;
		}
		moments(&config, &tensor, parts, &mean, &deviation);
		for (size_t j = 0; j < sizeof(wants) / sizeof(wants[0]) && !w; j++)
			if (strlen(tensor.name) >= strlen(wants[j].end)
				&& strcmp(tensor.name + strlen(tensor.name) - strlen(wants[j].end),
						  wants[j].end) == 0)
				w = &wants[j];
		if (!w && strstr(tensor.name, "/kernel_0"))
		{
			head.deviation = glorot(tensor.shape[2], m);
			w = &head;
		}
		if (!w)
		{
			/* the dense layers that are not named above */
			rough += !(fabs(mean) < 0.3 && deviation > 0.05 && deviation < 0.7);
			continue;
		}
		/* within 5 standard deviations of a mean or a uniform's variance; block-wise is exact */
		sd = strcmp(w->end, "/cell/bias") == 0 ? 0 : w->deviation / sqrt((double) tensor.size);
		check(fabs(mean - w->mean) <= 5 * sd + 1e-7
			  && fabs(deviation - w->deviation) <= 5 * sd + 1e-7,
			  "variant %d: %s: mean %g, deviation %g", variant, tensor.name, w->mean,
			  w->deviation);
		if (!(fabs(mean - w->mean) <= 5 * sd + 1e-7))
			printf("# mean %g, deviation %g\n", mean, deviation);
	}
	check_int(rough, 0, "variant %d: the other kernels are neither zero nor large", variant);
	free_parts(&config, parts);
}

/* Forget gates start open: the second block of each recurrent layer's bias. */
static void
test_forget(void)
{
	const lem_config config = small_config(0);
	const int	h = config.hidden_size;
	lem_real  **parts = start_parts(&config, 1);
	int			layers = 0;
	int			wrong = 0;

	for (int i = 0; i < lem_tensor_count(&config); i++)
	{
		lem_tensor	tensor;

		lem_tensor_get(&config, i, &tensor);
		if (!strstr(tensor.name, "/cell/bias"))
			continue;
		layers++;
		for (int j = 0; j < 3 * h; j++)
			wrong += number(&tensor, parts, j) != (j >= h && j < 2 * h ? 1 : 0);
	}
	check(layers == 2 && wrong == 0, "forget gates start at 1, the others at 0");
	free_parts(&config, parts);
}

/* A tensor by its name; false if there is none. */
static bool
find(const lem_config *config, const char *name, lem_tensor *tensor)
{
	for (int i = 0; i < lem_tensor_count(config); i++)
	{
		lem_tensor_get(config, i, tensor);
		if (strcmp(tensor->name, name) == 0)
			return true;
	}
	return false;
}

/* Share of equal numbers in two stretches of a tensor, or of two tensors. */
static double
alike(const lem_tensor *a, lem_real *const *a_parts, int64_t a_from, const lem_tensor *b,
	  lem_real *const *b_parts, int64_t b_from, int64_t n)
{
	int			same = 0;

	for (int64_t i = 0; i < n; i++)
		same += number(a, a_parts, a_from + i) == number(b, b_parts, b_from + i);
	return (double) same / n;
}

static void
test_differences(void)
{
	const lem_config config = small_config(1);	/* separate heads */
	lem_config	deeper = config;
	lem_real  **parts = start_parts(&config, 7);
	lem_real  **again = start_parts(&config, 7);
	lem_real  **other = start_parts(&config, 8);
	lem_real  **deep;
	lem_tensor	one;
	lem_tensor	two;
	int64_t		each;
	int			same = 0;

	for (int p = 0; p < lem_part_count(&config); p++)
		same += memcmp(parts[p], again[p],
					   (size_t) lem_part_size(&config, p) * sizeof(lem_real)) == 0;
	check_int(same, lem_part_count(&config), "the same seed gives the same bits");

	check(find(&config, "internal_hidden_to_raw_allocation/1/kernel_1", &one)
		  && find(&config, "internal_hidden_to_raw_allocation/2/kernel_1", &two), "two steps");
	each = one.slice / LEM_CASES;
	check(alike(&one, parts, 0, &one, other, 0, one.size) < 0.01, "another seed differs");
	check(alike(&one, parts, 0, &two, parts, 0, one.size) < 0.01, "steps differ");
	check(alike(&one, parts, 0, &one, parts, one.slice, one.slice) < 0.01, "branches differ");
	check(alike(&one, parts, 0, &one, parts, each, each) < 0.01, "cases differ");

	check(find(&config, "internal_hidden_to_raw_allocation/0/finish_bias", &one)
		  && alike(&one, parts, 0, &one, parts, 1, one.size - 1) < 0.01, "finish gates differ");

	/* more layers, rows and steps before a tensor do not change it */
	deeper.hidden_rnn_layer = 3;
	deeper.n_ahead = 9;
	deeper.lookback = 20;
	deep = start_parts(&deeper, 7);
	check(find(&config, "grn/skip_layer/kernel", &one) && find(&deeper, one.name, &two)
		  && two.offset != one.offset && alike(&one, parts, 0, &two, deep, 0, one.size) == 1,
		  "a tensor of the trunk is the same in a larger model");
	check(find(&config, "internal_hidden_to_raw_allocation/3/kernel_1", &one)
		  && find(&deeper, one.name, &two)
		  && alike(&one, parts, 0, &two, deep, 0, one.size) == 1,
		  "a tensor of the heads is the same in a larger model");
	free_parts(&config, parts);
	free_parts(&config, again);
	free_parts(&config, other);
	free_parts(&deeper, deep);
}

/* Known bits: a run of training can be repeated on another machine, by another build. */
static void
test_known(void)
{
	static const struct
	{
		const char *name;
		int64_t		i;
		double		number;
	}			known[] = {
		{"embedding/dense_layers/0/kernel", 0, -0x1.3172d6p-6},
		{"vsn/mlp_dense/skip_layer/kernel", 17, -0x1.610e26p-4},
		{"internal_rnn/1/cell/recurrent_kernel", 5, -0x1.9bdb16p-3},
		{"internal_rnn/0/cell/sub_tkan_kernel", 3, 0x1.bde19p-2},
		{"internal_rnn/0/cell/tkan_sub_layers/0/spline_weight", 11, 0x1.dabe82p-7},
		{"attention/attention_output/kernel", 100, -0x1.98f63ep-3},
		{"internal_hidden_to_raw_allocation/4/kernel_0", 999, 0x1.fdd23p-6},
		{"internal_hidden_to_raw_allocation/0/finish_bias", 2, -0x1.004206p+2},
	};
	const lem_config config = small_config(0);
	lem_real  **parts = start_parts(&config, 2024);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		lem_tensor	tensor;

		check(find(&config, known[i].name, &tensor)
			  && number(&tensor, parts, known[i].i) == known[i].number, "known: %s",
			  known[i].name);
	}
	free_parts(&config, parts);
}

/* Every number of every part is set. */
static void
test_finite(int variant)
{
	const lem_config config = small_config(variant);
	lem_real  **parts = start_parts(&config, 3);
	int64_t		bad = 0;

	for (int p = 0; p < lem_part_count(&config); p++)
		for (int64_t i = 0; i < lem_part_size(&config, p); i++)
			bad += check_beyond(parts[p][i], 5);
	check_int(bad, 0, "variant %d: every number is set, and small", variant);
	free_parts(&config, parts);
}

/* Biases of other recurrent layers: an LSTM begins by keeping its state, a GRU without any. */
static void
test_recurrent_biases(void)
{
	for (int kind = LEM_RECURRENT_LSTM; kind <= LEM_RECURRENT_GRU; kind++)
	{
		lem_config	config = small_config(0);
		lem_real  **parts;
		lem_tensor	tensor;
		int			good = 0;
		int			i = 0;

		config.recurrent = (lem_recurrent) kind;
		parts = start_parts(&config, 3);
		do
			lem_tensor_get(&config, i++, &tensor);
		while (strcmp(tensor.name, "internal_rnn/1/cell/bias") != 0);
		for (int j = 0; j < tensor.size; j++)
			good += number(&tensor, parts, j)
				== (kind == LEM_RECURRENT_LSTM && j / config.hidden_size == 1);
		check_int(good, tensor.size, "biases of a recurrent layer of kind %d", kind);
		free_parts(&config, parts);
	}
}

int
main(void)
{
	for (int variant = 0; variant < 3; variant++)
	{
		test_tensors(variant);
		test_finite(variant);
	}
	test_forget();
	test_differences();
	test_known();
	test_recurrent_biases();
	return check_done();
}
