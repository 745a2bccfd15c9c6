/* test_gradient.c: loss and gradients against the reference, and by central differences. */
#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "training/gradient.h"

#ifdef LEM_REAL_DOUBLE
/*
 * The reference rounds its knots to float32, and adds a constant of 1e-7 to prices and benchmarks, which
 * the loss here does not have: that alone moves three tensors by up to 2.2e-5.
 */
#define TOLERANCE 5e-5
#else
#define TOLERANCE 1e-4
#endif

typedef struct loaded
{
	lem_model	model;
	const lem_head **heads;
	lem_real  **parts;
	void	  **memory;
} loaded;

static void *
aligned(size_t bytes)
{
	void	   *p = aligned_alloc(64, (bytes + 127) / 64 * 64);

	memset(p, 0, bytes);
	return p;
}

/* Decode the parts afresh, into the same memory. */
static void
decode(loaded *l)
{
	const lem_config *config = &l->model.config;

	l->model.trunk = lem_trunk_decode(config, l->parts[0], LEM_FORM_GRADIENT, l->memory[0]);
	for (int p = 1; p < lem_part_count(config); p++)
		l->heads[p - 1] = lem_head_decode(config, l->parts[p], l->memory[p]);
}

static loaded
load(const lem_config *config, float **numbers, const lem_kernels *kern)
{
	int			n = lem_part_count(config);
	loaded		l;

	l.heads = calloc(n, sizeof(lem_head *));
	l.parts = calloc(n, sizeof(lem_real *));
	l.memory = calloc(n, sizeof(void *));
	l.model = (lem_model) {*config, kern, NULL, l.heads, {NULL, NULL}};
	for (int p = 0; p < n; p++)
	{
		int64_t		size = lem_part_size(config, p);

		l.parts[p] = aligned(size * sizeof(lem_real));
		for (int64_t i = 0; i < size; i++)
			l.parts[p][i] = numbers[p][i];
		l.memory[p] = aligned(p == 0 ? lem_trunk_bytes(config, LEM_FORM_GRADIENT)
								  : lem_head_bytes(config));
	}
	decode(&l);
	return l;
}

static lem_real **
zeros(const lem_config *config)
{
	lem_real  **parts = calloc(lem_part_count(config), sizeof(lem_real *));

	for (int p = 0; p < lem_part_count(config); p++)
		parts[p] = aligned(lem_part_size(config, p) * sizeof(lem_real));
	return parts;
}

static void
test_set(const char *set, const lem_kernels *kern)
{
	const lem_loss_options published = {LEM_OBJECTIVE_SOFTPLUS, 0, LEM_PUBLISHED_MASK_SLOPE, 0};
	lem_config	config = golden_config(set);
	loaded		l = load(&config, golden_parts(set, &config), kern);
	golden_file *file = golden_open(set, "grads_f64.safetensors");
	double	  **want = golden_parts_f64(file, &config);
	lem_real  **gradient = zeros(&config);
	int			n = golden_batch(set);
	lem_samples samples = {n, n, golden_reals(set, "inputs.x.bin", NULL),
		golden_reals(set, "inputs.min_rate.bin", NULL),
		golden_reals(set, "inputs.max_rate.bin", NULL), golden_reals(set, "inputs.y.bin", NULL),
		NULL, 0, NULL, NULL, false, 0};
	double		loss = 0;
	double		again = 0;
	double		reference = golden_number(set, "loss_f64.json", "lem_loss");
	lem_status	status = lem_gradient(&l.model, (const lem_real *const *) l.parts, &samples,
									  &published, aligned(lem_gradient_workspace(&l.model, n)),
									  NULL, &loss, gradient);
	int			tensors = lem_tensor_count(&config);

	check(status == LEM_OK, "%s: gradient runs", set);
	check_near(loss, reference, 1e-5 * reference, "%s, %s: loss", set, kern->name);
	lem_gradient(&l.model, (const lem_real *const *) l.parts, &samples, &published,
				 aligned(lem_gradient_workspace(&l.model, n)), NULL, &again, NULL);
	check(again == loss, "%s: the loss alone is the same", set);

	for (int i = 0; i < tensors; i++)
	{
		lem_tensor	tensor;
		double		difference = 0;
		double		length = 0;

		lem_tensor_get(&config, i, &tensor);
		if (tensor.constant)
			continue;
		for (int p = tensor.head ? 1 : 0; p < (tensor.head ? lem_part_count(&config) : 1); p++)
			for (int64_t j = tensor.offset; j < tensor.offset + tensor.slice; j++)
			{
				difference += pow(gradient[p][j] - want[p][j], 2);
				length += pow(want[p][j], 2);
			}
		/* a bias of the keys shifts all scores of a row alike: its true gradient is 0 */
		if (strcmp(tensor.name, "attention/key/bias") == 0)
			check(sqrt(difference) < 1e-7, "%s, %s: %s is 0", set, kern->name, tensor.name);
		else
			check_near(sqrt(difference / length), 0, TOLERANCE, "%s, %s: %s", set, kern->name,
					   tensor.name);
	}
}

/* Gradient of the predictions alone. */
static void
test_loss(const char *set)
{
	const lem_loss_options published = {LEM_OBJECTIVE_SOFTPLUS, 0, LEM_PUBLISHED_MASK_SLOPE, 0};
	lem_config	config = golden_config(set);
	size_t		count;
	double	   *want = golden_doubles(set, "dloss_dpred_f64.grad.bin", &count);
	double	   *pred_f64 = golden_doubles(set, "outputs_f64.pred.bin", NULL);
	lem_real   *pred = aligned(count * sizeof(lem_real));
	lem_real   *dpred = aligned(count * sizeof(lem_real));
	double		difference = 0;
	double		length = 0;
	double		loss;

	for (size_t i = 0; i < count; i++)
		pred[i] = (lem_real) pred_f64[i];
	loss = lem_loss(&config, &published, 0, lem_branches(&config), golden_batch(set),
					golden_batch(set), pred,
					golden_reals(set, "inputs.y.bin", NULL), dpred);
	check_near(loss, golden_number(set, "loss_f64.json", "lem_loss"), 1e-5, "%s: loss of the "
			   "reference's own predictions", set);
	for (size_t i = 0; i < count; i++)
	{
		difference += pow(dpred[i] - want[i], 2);
		length += want[i] * want[i];
	}
	check_near(sqrt(difference / length), 0, 5e-5, "%s: gradient of the predictions", set);
}

#ifdef LEM_REAL_DOUBLE

/*
 * Central differences of the whole loss in double precision, a sample of every tensor of configs
 * with every kind of layer.  Kinks (relu, clips, spline knots) can spoil single numbers: where the
 * two one-sided slopes disagree the number is passed over, and few may be.
 */
#define VARIANTS 12

static void
test_differences(int variant)
{
	/* from variant 4 on, what other kinds of layers a model can be made of */
	static const lem_recurrent recurrent[VARIANTS] = {
		[4] = LEM_RECURRENT_LSTM, [5] = LEM_RECURRENT_GRU, [6] = LEM_RECURRENT_NONE,
		[9] = LEM_RECURRENT_NONE, [11] = LEM_RECURRENT_NONE
	};
	lem_config	config;
	loaded		l;
	lem_real  **gradient;
	lem_samples samples;
	lem_dropout dropout;
	lem_loss_options options = {variant % 2 ? LEM_OBJECTIVE_MEAN : LEM_OBJECTIVE_SOFTPLUS,
		variant == 2 ? 0.3 : 0, variant == 1 ? LEM_PUBLISHED_MASK_SLOPE : LEM_SHARP_MASK_SLOPE,
		variant == 1 ? 0 : LEM_SHARP_MASK_OFFSET};
	int			n = 3;
	lem_real   *rows;
	lem_real   *rates;
	lem_real   *market;
	void	   *workspace;
	double		loss;
	const double h = 1e-6;

	lem_config_default(&config);
	config.lookback = 7;
	config.n_ahead = 5;
	config.hidden_size = 8;
	config.num_heads = 2;
	config.num_embedding = 3;
	config.fused_mlp_hidden_dim = 6;
	config.shared_heads = variant % 2 == 0;
	config.finish_gate = variant != 3;
	config.tkan_linear = variant == 3;
	config.notional_price = variant != 1;
	config.price_sigma = variant < 2;
	config.hidden_rnn_layer = 1 + variant % 2;
	config.recurrent = recurrent[variant];
	config.variable_selection = variant != 7 && variant != 9;
	config.attention = variant != 8 && variant != 9;
	if (recurrent[variant] != LEM_RECURRENT_TKAN)
		config.hidden_rnn_layer = 2;
	config.n_sub_layers = 1 + variant % 4;
	for (int j = 1; j < config.n_sub_layers; j++)
	{
		static const lem_activation smooth[] = {LEM_ACTIVATION_TANH, LEM_ACTIVATION_SOFTPLUS,
			LEM_ACTIVATION_SIGMOID, LEM_ACTIVATION_ELU, LEM_ACTIVATION_LINEAR};

		config.sub_layer[j] = config.sub_layer[0];
		config.sub_layer[j].kan = j % 2;
		config.sub_layer[j].spline.order = 2 + (j + variant) % 4;
		config.sub_layer[j].spline.intervals = 2 + j;
		config.sub_layer[j].activation = smooth[(j + variant) % 5];
	}
	l = load(&config, golden_random_parts(&config, 60 + variant), lem_kernels_select());
	gradient = zeros(&config);
	rows = aligned(n * lem_rows(&config) * lem_inputs(&config) * sizeof(lem_real));
	rates = aligned(2 * n * sizeof(lem_real));
	market = aligned(n * config.n_ahead * 2 * sizeof(lem_real));
	for (int i = 0; i < n * lem_rows(&config) * lem_inputs(&config); i++)
		rows[i] = 1 + (i % lem_inputs(&config) == lem_inputs(&config) - 2 && config.price_sigma
					   ? 0.03 : 0.3) * sin(i * 0.731 + variant);
	for (int i = 0; i < n * config.n_ahead; i++)
	{
		market[2 * i] = i % 4 == 0 ? 0 : 1 + 0.5 * cos(i * 1.1);
		market[2 * i + 1] = 1 + 0.05 * sin(i * 2.3 + variant);
	}
	for (int i = 0; i < n; i++)
	{
		rates[i] = 0.02 * i;
		rates[n + i] = 1 - 0.3 * i;
	}
	samples = (lem_samples) {.n = n, .total = n, .rows = rows, .min_rate = rates,
		.max_rate = rates + n, .market = market};
	/* variants 10 and 11 leave out numbers, always the same ones */
	if (variant >= 10)
	{
		const size_t encoded = (size_t) lem_rows(&config) * config.hidden_size;
		const size_t context = (size_t) (config.n_ahead - 1) * config.hidden_size;
		lem_real   *masks = aligned(n * (encoded + context) * sizeof(lem_real));

		lem_dropout_draw(0.3, 5, 1, 0, n * encoded, masks);
		lem_dropout_draw(0.3, 5, 2, 0, n * context, masks + n * encoded);
		dropout = (lem_dropout) {masks, masks + n * encoded,
			aligned(n * encoded * sizeof(lem_real))};
		samples.dropout = &dropout;
	}
	workspace = aligned(lem_gradient_workspace(&l.model, n));
	lem_gradient(&l.model, (const lem_real *const *) l.parts, &samples, &options, workspace, NULL,
				 &loss, gradient);

	for (int i = 0; i < lem_tensor_count(&config); i++)
	{
		lem_tensor	tensor;
		double		worst = 0;
		int			kinks = 0;
		int			looked = 0;

		lem_tensor_get(&config, i, &tensor);
		if (tensor.constant)
			continue;
		for (int64_t s = 0; s < 5; s++)
		{
			int			p = tensor.head ? 1 + (int) (s % lem_head_sets(&config)) : 0;
			lem_real   *x = &l.parts[p][tensor.offset + s * 7919 % tensor.slice];
			double		at = *x;
			double		up;
			double		down;
			double		have = gradient[p][x - l.parts[p]];
			double		want;

			*x = at + h;
			decode(&l);
			lem_gradient(&l.model, (const lem_real *const *) l.parts, &samples, &options,
						 workspace, NULL, &up, NULL);
			*x = at - h;
			decode(&l);
			lem_gradient(&l.model, (const lem_real *const *) l.parts, &samples, &options,
						 workspace, NULL, &down, NULL);
			*x = at;
			want = (up - down) / (2 * h);
			looked++;
			if (check_beyond((up - loss) - (loss - down), 0.02 * fabs(up - down) + 1e-11))
				kinks++;
			else
				worst = check_worse(worst, fabs(have - want) / (fabs(want) + 1e-5));
		}
		check(worst < 2e-3 && kinks <= 2, "variant %d: %s by differences", variant,
			  tensor.name);
		if (!(worst < 2e-3 && kinks <= 2))
			printf("# worst %.3g, %d kinks of %d\n", worst, kinks, looked);
	}
}

#endif

int
main(void)
{
	for (int s = 0; s < GOLDEN_SETS; s++)
	{
		test_loss(golden_sets[s]);
		for (int i = 0; i < 3; i++)
			if (lem_kernels_get(i))
				test_set(golden_sets[s], lem_kernels_get(i));
	}
#ifdef LEM_REAL_DOUBLE
	for (int variant = 0; variant < VARIANTS; variant++)
		test_differences(variant);
#endif
	return check_done();
}
