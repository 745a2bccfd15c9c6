/* test_params.c: the tensor table against the reference files, and its places within the parts. */
#include <stdlib.h>

#include "check.h"
#include "golden.h"

/* A tensor of the table by its name, or NULL. */
static const lem_tensor *
find(const lem_tensor *table, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

/* The table of a reference set is its file's header: names, order, shapes, bytes. */
static void
test_golden_table(const char *set)
{
	lem_config	config = golden_config(set);
	golden_file *file = golden_weights(set);
	int			n = lem_tensor_count(&config);
	lem_tensor *table = malloc(sizeof(lem_tensor) * (size_t) n);
	int			names = 0;
	int			shapes = 0;
	int			places = 0;
	int			singles = 0;
	int64_t		position = 0;

	lem_tensor_table(&config, table);
	check_int(n, file->n, "%s: as many tensors as the file", set);
	for (int i = 0; i < n && i < file->n; i++)
	{
		const lem_file_tensor *entry = &file->entries[i];
		lem_tensor	one;

		names += strcmp(table[i].name, entry->name) == 0;
		shapes += table[i].dims == entry->dims
			&& memcmp(table[i].shape, entry->shape, sizeof(entry->shape)) == 0;
		places += entry->begin == 4 * position;
		position += table[i].size;
		lem_tensor_get(&config, i, &one);
		singles += strcmp(one.name, table[i].name) == 0 && one.offset == table[i].offset
			&& one.slice == table[i].slice && one.head == table[i].head;
	}
	check_int(names, file->n, "%s: names in the file's order", set);
	check_int(shapes, file->n, "%s: shapes", set);
	check_int(places, file->n, "%s: places in the file", set);
	check_int(4 * position, (int64_t) file->data_size, "%s: whole data section", set);
	check_int(singles, n, "%s: one by one as all at once", set);
	check_int(lem_parameter_count(&config, false),
			  (int64_t) golden_number(set, "config.json", "n_parameters"), "%s: parameters", set);
	check_int(lem_parameter_count(&config, true),
			  (int64_t) golden_number(set, "config.json", "n_trainable"), "%s: trainable", set);
	golden_close(file);
	free(table);
}

/* A place that a layout function names. */
typedef struct place
{
	const char *name;
	int64_t		offset;
} place;

static void
check_places(const lem_tensor *table, int n, const place *places, int n_places, const char *what)
{
	for (int i = 0; i < n_places; i++)
	{
		const lem_tensor *t = find(table, n, places[i].name);

		if (check(t != NULL, "%s: has %s", what, places[i].name))
			check_int(t->offset, places[i].offset, "%s: offset of %s", what, places[i].name);
	}
}

/* Slices follow each other without gaps in each part, and the layouts agree with them. */
static void
test_layout(const lem_config *config, const char *what)
{
	int			n = lem_tensor_count(config);
	lem_tensor *table = malloc(sizeof(lem_tensor) * (size_t) n);
	int64_t		at[2] = {0, 0};
	int64_t		total = 0;
	int64_t		constants = 0;
	int			dense = 0;
	lem_trunk_offsets trunk;
	lem_head_offsets head;

	lem_tensor_table(config, table);
	for (int i = 0; i < n; i++)
	{
		const lem_tensor *t = &table[i];

		dense += t->offset == at[t->head]
			&& t->size == t->slice * (t->head ? lem_head_sets(config) : 1);
		at[t->head] += t->slice;
		total += t->size;
		constants += t->constant ? t->size : 0;
	}
	check_int(dense, n, "%s: slices follow each other", what);
	check_int(lem_part_count(config), 1 + lem_head_sets(config), "%s: parts", what);
	check_int(lem_part_size(config, 0), at[0], "%s: size of the trunk", what);
	for (int p = 1; p < lem_part_count(config); p += lem_part_count(config) - 2)
	{
		check_int(lem_part_size(config, p), at[1], "%s: size of part %d", what, p);
		if (lem_part_count(config) == 2)
			break;
	}
	check_int(lem_parameter_count(config, false), total, "%s: all numbers", what);
	check_int(lem_parameter_count(config, true), total - constants, "%s: trained numbers", what);

	lem_trunk_layout(config, &trunk);
	check_places(table, n, (place[]) {
		{"embedding/dense_layers/0/kernel", trunk.embedding},
		{"gate/dense_layer/kernel", trunk.gate},
		{"addnorm/norm_layer/gamma", trunk.norm},
		{"grn/skip_layer/kernel", trunk.grn},
		{"scale_factor", trunk.scale},
		{"base_volume_curve", trunk.volume_curve},
		{"base_notional_curve", trunk.notional_curve},
	}, 7, what);
	if (config->variable_selection)
		check_places(table, n, (place[]) {
			{"vsn/mlp_dense/skip_layer/kernel", trunk.vsn_weights},
			{"vsn/grn_layers/0/skip_layer/kernel", trunk.vsn_inputs},
		}, 2, what);
	else
		check_places(table, n, (place[]) {
			{"vsn/dense_layer/kernel", trunk.vsn_weights},
		}, 1, what);
	if (lem_rnn_layers(config) > 0)
		check_places(table, n, (place[]) {
			{"internal_rnn/0/cell/kernel", trunk.rnn},
		}, 1, what);
	else
		check(find(table, n, "internal_rnn/0/cell/kernel") == NULL, "%s: nothing recurrent", what);
	if (config->attention)
		check_places(table, n, (place[]) {
			{"attention/query/kernel", trunk.attention},
		}, 1, what);
	else
		check(find(table, n, "attention/query/kernel") == NULL, "%s: no attention", what);
	check_int(trunk.end, at[0], "%s: end of the trunk", what);

	if (lem_rnn_layers(config) > 1)
		check_int(find(table, n, "internal_rnn/1/cell/kernel")->offset,
				  trunk.rnn + lem_rnn_size(config), "%s: size of a recurrent layer", what);
	for (int k = 0; k < config->n_ahead - 1; k++)
	{
		static const char *const names[] = {"kernel_0", "bias_0", "kernel_1", "bias_1",
			"kernel_2", "bias_2", "finish_kernel", "finish_bias"};
		int			same = 0;
		int			want = config->finish_gate ? 8 : 6;
		int64_t		begin = k > 0 ? head.end : 0;
		int64_t		offsets[8];

		lem_head_layout(config, k, &head);
		memcpy(offsets, (int64_t[]) {head.kernel_0, head.bias_0, head.kernel_1, head.bias_1,
			head.kernel_2, head.bias_2, head.finish_kernel, head.finish_bias}, sizeof(offsets));
		for (int i = 0; i < want; i++)
		{
			char		name[LEM_MAX_TENSOR_NAME];

			snprintf(name, sizeof(name), "internal_hidden_to_raw_allocation/%d/%s", k, names[i]);
			same += find(table, n, name) && find(table, n, name)->offset == offsets[i];
		}
		check_int(same, want, "%s: layout of step %d", what, k);
		check_int(head.kernel_0, begin, "%s: step %d begins where the last ends", what, k);
	}
	check_int(head.end, at[1], "%s: end of a head part", what);
	free(table);
}

/* Shapes that the reference sets do not have. */
static void
test_other_shapes(void)
{
	lem_config	c;
	lem_tensor *table;
	int			n;
	const struct
	{
		const char *name;
		int64_t		shape[LEM_MAX_DIMS];
	}			want[] = {
		{"internal_rnn/0/cell/sub_tkan_kernel", {3, 16}},
		{"internal_rnn/0/cell/sub_tkan_recurrent_kernel_inputs", {3, 8, 8}},
		{"internal_rnn/0/cell/sub_tkan_recurrent_kernel_states", {3, 8, 8}},
		{"internal_rnn/0/cell/aggregated_weight", {24, 8}},
		{"internal_rnn/0/cell/tkan_sub_layers/0/grid", {1, 8, 10}},
		{"internal_rnn/0/cell/tkan_sub_layers/0/spline_weight", {48, 8}},
		{"internal_rnn/0/cell/tkan_sub_layers/1/kernel", {8, 8}},
		{"internal_rnn/0/cell/tkan_sub_layers/1/bias", {8}},
		{"internal_rnn/0/cell/tkan_sub_layers/2/grid", {1, 8, 10}},
		{"internal_rnn/0/cell/tkan_sub_layers/2/spline_weight", {56, 8}},
		{"internal_hidden_to_raw_allocation/2/kernel_0", {1, 8, 8 + 12 + 36 + 5, 6}},
		{"internal_hidden_to_raw_allocation/2/kernel_2", {1, 8, 6, 1}},
		{"internal_hidden_to_raw_allocation/2/finish_kernel", {1, 8, 6}},
		{"internal_hidden_to_raw_allocation/2/finish_bias", {1, 8}},
		{"scale_factor", {1, 5, 1, 1}},
		{"base_notional_curve", {4, 5, 2}},
	};

	lem_config_default(&c);
	c.n_ahead = 4;
	c.hidden_size = 8;
	c.num_heads = 2;
	c.hidden_rnn_layer = 2;
	c.fused_mlp_hidden_dim = 6;
	c.extra_features = 2;
	c.n_sub_layers = 3;
	c.sub_layer[1].activation = LEM_ACTIVATION_ELU;
	c.sub_layer[2].kan = true;
	c.sub_layer[2].spline = (lem_spline) {2, 5, -2, 3};
	test_layout(&c, "three sub-layers");

	n = lem_tensor_count(&c);
	table = malloc(sizeof(lem_tensor) * (size_t) n);
	lem_tensor_table(&c, table);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
	{
		const lem_tensor *t = find(table, n, want[i].name);

		check(t && memcmp(t->shape, want[i].shape, sizeof(t->shape)) == 0,
			  "shape of %s", want[i].name);
	}
	check(find(table, n, "internal_rnn/0/cell/tkan_sub_layers/1/grid") == NULL,
		  "no knots for an activation");
	check_int(find(table, n, "internal_rnn/1/cell/tkan_sub_layers/2/grid")->rnn_layer, 1,
			  "knots know their layer");
	check_int(find(table, n, "internal_rnn/1/cell/tkan_sub_layers/2/grid")->sub_layer, 2,
			  "knots know their sub-layer");
	free(table);

	c.shared_heads = false;
	test_layout(&c, "finish gates of their own");
	c.finish_gate = false;
	c.shared_heads = true;
	test_layout(&c, "shared, no finish gate");
	c.n_ahead = 2;
	test_layout(&c, "two bars");
	c.feature_set = LEM_FEATURES_LIST;
	c.n_named = 0;
	c.extra_features = 0;
	test_layout(&c, "rates only");
}

/* Every kind of layer that can be left out or replaced. */
static void
test_other_layers(void)
{
	lem_config	c;
	lem_tensor *table;
	int			n;
	const lem_tensor *t;

	lem_config_default(&c);
	c.hidden_size = 8;
	c.num_heads = 2;
	c.hidden_rnn_layer = 2;
	c.recurrent = LEM_RECURRENT_LSTM;
	test_layout(&c, "LSTM");
	c.recurrent = LEM_RECURRENT_GRU;
	test_layout(&c, "GRU");
	c.variable_selection = false;
	test_layout(&c, "GRU, no variable selection");
	n = lem_tensor_count(&c);
	table = malloc(sizeof(lem_tensor) * (size_t) n);
	lem_tensor_table(&c, table);
	t = find(table, n, "internal_rnn/1/cell/bias");
	check(t && t->dims == 2 && t->shape[0] == 2 && t->shape[1] == 24, "two biases of a GRU");
	t = find(table, n, "vsn/dense_layer/kernel");
	check(t && t->dims == 2 && t->shape[0] == 80 && t->shape[1] == 8, "one layer of all inputs");
	free(table);
	c.recurrent = LEM_RECURRENT_NONE;
	test_layout(&c, "nothing recurrent");
	c.attention = false;
	test_layout(&c, "no attention either");
}

/* Names of the largest config fit, and no two are the same. */
static void
test_large(void)
{
	lem_config	c;
	int			n;
	lem_tensor *table;
	size_t		longest = 0;

	lem_config_default(&c);
	c.n_ahead = LEM_MAX_AHEAD_STEPS;
	c.extra_features = LEM_MAX_FEATURES - c.n_named;
	c.hidden_rnn_layer = LEM_MAX_LAYERS;
	c.n_sub_layers = LEM_MAX_SUB_LAYERS;
	for (int i = 1; i < c.n_sub_layers; i++)
		c.sub_layer[i] = c.sub_layer[0];
	n = lem_tensor_count(&c);
	table = malloc(sizeof(lem_tensor) * (size_t) n);
	lem_tensor_table(&c, table);
	for (int i = 0; i < n; i++)
		longest = strlen(table[i].name) > longest ? strlen(table[i].name) : longest;
	check(longest < LEM_MAX_TENSOR_NAME - 1, "the longest name has %zu characters", longest);
	free(table);
}

static void
test_knots(void)
{
	lem_spline	s = {3, 3, -1, 1};
	lem_config	c;

	for (int i = 0; i < 10; i++)
	{
		char		path[64];

		snprintf(path, sizeof(path), "constants/kan_grid/%d", i);
		check_near(lem_spline_knot(&s, i), golden_number("tiny", "config.json", path), 3e-7,
				   "knot %d", i);
	}
	s = (lem_spline) {2, 4, 0, 2};
	check_near(lem_spline_knot(&s, 0), -1, 0, "first knot of another grid");
	check_near(lem_spline_knot(&s, 8), 3, 0, "last knot of another grid");

	lem_config_default(&c);
	check_int(lem_sub_layer_size(&c.sub_layer[0], 8),
			  8 * 10 + 8 * 8 + 8 + 48 * 8 + 16, "size of a KAN sub-layer");
	c.sub_layer[0].kan = false;
	check_int(lem_sub_layer_size(&c.sub_layer[0], 8), 72, "size of a dense sub-layer");
}

/* golden.h's own helpers, which other tests lean on. */
static void
test_harness(void)
{
	lem_config	c = golden_config("tiny");
	float	  **parts = golden_parts("tiny_wide", &c);
	golden_file *grads = golden_open("tiny", "grads_f64.safetensors");
	golden_file *weights = golden_weights("tiny");
	double	  **wide = golden_parts_f64(weights, &c);
	double	  **gradients = golden_parts_f64(grads, &c);
	double	   *bias = golden_tensor(grads, "internal_hidden_to_raw_allocation/2/bias_2", NULL);
	size_t		count;
	lem_head_offsets head;
	bool		same = true;

	for (int p = 0; p < lem_part_count(&c); p++)
		for (int64_t i = 0; i < lem_part_size(&c, p); i++)
			same = same && parts[p][i] == (float) wide[p][i];
	check(same, "parts as float and as double");
	lem_head_layout(&c, 2, &head);
	check(gradients[5][head.bias_2 + 7] == bias[39] && gradients[1][head.bias_2] == bias[0],
		  "a head's slices are its branch's");
	free(golden_reals("tiny", "inputs.x.bin", &count));
	check_int((int64_t) count, 3 * 9 * 7, "inputs");
	free(golden_doubles("tiny", "outputs_f64.pred.bin", &count));
	check_int((int64_t) count, 3 * 4 * 5 * 4 * 2, "outputs");
	check_near(golden_number("tiny", "loss_f64.json", "adam/loss_before_step_1_2_3_and_after/3"),
			   0.6952, 1e-4, "a number by its path");
	golden_free_parts(parts, &c);
	golden_free_parts(wide, &c);
	golden_free_parts(gradients, &c);
	free(bias);
	golden_close(grads);
	golden_close(weights);
}

int
main(void)
{
	for (int i = 0; i < GOLDEN_SETS; i++)
	{
		lem_config	config = golden_config(golden_sets[i]);

		test_golden_table(golden_sets[i]);
		test_layout(&config, golden_sets[i]);
	}
	test_other_shapes();
	test_other_layers();
	test_large();
	test_knots();
	test_harness();
	return check_done();
}
