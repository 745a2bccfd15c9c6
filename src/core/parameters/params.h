/*
 * params.h: the tensors of a model: their names, shapes and places.
 *
 * Weights are kept in parts: part 0 is the trunk with the scale factors and base curves,
 * part 1 + b the heads of branch b (or part 1 the shared heads).  Within a part the tensors
 * follow each other in table order, 32-bit floats without padding.  A tensor with a branch
 * axis of separate heads is one tensor in a safetensors file and a slice in each head part.
 */
#ifndef LEM_PARAMS_H
#define LEM_PARAMS_H

#include "parameters/config.h"

#define LEM_MAX_TENSOR_NAME 96

typedef struct lem_tensor
{
	char		name[LEM_MAX_TENSOR_NAME];	/* as in a safetensors file */
	int			dims;
	int64_t		shape[LEM_MAX_DIMS];	/* as in a safetensors file */
	int64_t		size;			/* numbers in the whole tensor */
	bool		head;			/* in the head parts, else in part 0 */
	int64_t		slice;			/* numbers in one part: size, or size / branches for heads */
	int64_t		offset;			/* of that slice within its part, in numbers */
	bool		constant;		/* spline knots: stored, checked, never trained */
	int			rnn_layer;		/* for spline knots: which layer */
	int			sub_layer;		/* and which of its sub-layers */
} lem_tensor;

/* How many tensors a config has. */
extern int	lem_tensor_count(const lem_config *config);

/* Tensor number i of the table (in the order of a safetensors file). */
extern void lem_tensor_get(const lem_config *config, int i, lem_tensor *tensor);

/* All of them at once; table has lem_tensor_count() entries. */
extern void lem_tensor_table(const lem_config *config, lem_tensor *table);

/*
 * Call visit for each tensor of the table, in order, until it answers other than LEM_OK; the answer
 * is the last one.  The way to go over a table without room for all of it.
 */
typedef lem_status (*lem_tensor_visit) (void *arg, int i, const lem_tensor *tensor);

extern lem_status lem_tensor_walk(const lem_config *config, lem_tensor_visit visit, void *arg);

/* Parts of a model, and numbers in part p. */
extern int	lem_part_count(const lem_config *config);
extern int64_t lem_part_size(const lem_config *config, int part);

/* Numbers in the whole model: weights, and those of them that training changes. */
extern int64_t lem_parameter_count(const lem_config *config, bool trainable_only);

/*
 * lem_config_check(), and that the model is not too large: LEM_CONFIG_TOO_LARGE (parameters).  Any
 * config from outside must pass it before a size is computed from it.
 */
extern lem_status lem_parameters_check(const lem_config *config, lem_fault *fault);

/* Knot i (of intervals + 1 + 2 * order) of a sub-layer's grid. */
extern double lem_spline_knot(const lem_spline *spline, int i);

/* Number i of a tensor of knots (constant), as the config has it. */
extern float lem_tensor_knot(const lem_config *config, const lem_tensor *tensor, int64_t i);

/* Sizes of composite layers, in numbers (order of tensors as in the table). */
extern int64_t lem_grn_size(int in, int hidden, int out);
extern int64_t lem_sub_layer_size(const lem_sub_layer *sub, int width);
extern int64_t lem_tkan_size(const lem_config *config);
extern int64_t lem_rnn_size(const lem_config *config);	/* one recurrent layer of any kind */

/* Offsets of the trunk's layers within part 0. */
typedef struct lem_trunk_offsets
{
	int64_t		embedding;		/* F x (E kernel, E bias) */
	int64_t		vsn_weights;	/* GRN E*F -> H -> F; or a dense layer E*F -> H */
	int64_t		vsn_inputs;		/* F GRNs E -> H -> H; or nothing */
	int64_t		rnn;			/* R recurrent layers */
	int64_t		gate;			/* W_d, b_d, W_g, b_g: H x H */
	int64_t		norm;			/* gamma, beta */
	int64_t		grn;			/* GRN H -> H -> H */
	int64_t		attention;		/* q, k, v, output: kernel and bias each; or nothing */
	int64_t		age;			/* of a shared trunk: A x attention span; or nothing */
	int64_t		scale;			/* N + 1; with base "optimal_stop" nothing, and no curves */
	int64_t		volume_curve;	/* N x (N + 1) x 2 */
	int64_t		notional_curve; /* N x (N + 1) x 2 */
	int64_t		end;
} lem_trunk_offsets;

extern void lem_trunk_layout(const lem_config *config, lem_trunk_offsets *offsets);

/* Offsets of step k's tensors within a head part. */
typedef struct lem_head_offsets
{
	int64_t		kernel_0;		/* 8 x in x M */
	int64_t		bias_0;			/* 8 x M */
	int64_t		kernel_1;		/* 8 x M x M */
	int64_t		bias_1;			/* 8 x M */
	int64_t		kernel_2;		/* 8 x M */
	int64_t		bias_2;			/* 8 */
	int64_t		finish_kernel;	/* 8 x M, with a finish gate */
	int64_t		finish_bias;	/* 8 */
	int64_t		end;			/* where step k + 1 begins */
} lem_head_offsets;

/* Offsets within the part of quantile heads. */
typedef struct lem_quantile_offsets
{
	int64_t		kernel_0;		/* H x M */
	int64_t		bias_0;			/* M */
	int64_t		kernel_1;		/* M x LEM_QUANTILE_OUTPUTS */
	int64_t		bias_1;			/* LEM_QUANTILE_OUTPUTS */
	int64_t		end;
} lem_quantile_offsets;

extern void lem_quantile_layout(const lem_config *config, lem_quantile_offsets *offsets);

/* Offsets of a student's tensors within part 0 of a mixture. */
typedef struct lem_expert_offsets
{
	int64_t		input;			/* F x H, H: from the features of a row */
	int64_t		rnn;
	int64_t		output;			/* H x outputs, outputs */
	int64_t		end;
} lem_expert_offsets;

extern void lem_expert_layout(const lem_config *config, int expert,
							  lem_expert_offsets *offsets);

/* Offsets within part 1 of a mixture, of tasks T, members M, regimes R and features D. */
typedef struct lem_mixture_offsets
{
	int64_t		regimes;		/* two thresholds of volatility, and half the width of a change */
	int64_t		frequencies;	/* k x D; of a single student this is the end */
	int64_t		phases;			/* D */
	int64_t		means;			/* R x T x M x D: mu */
	int64_t		losses;			/* T x M: of calibration */
	int64_t		scale;			/* 1: tau */
	int64_t		additive;		/* T x (M D + 1) */
	int64_t		end;
} lem_mixture_offsets;

extern void lem_mixture_layout(const lem_config *config, lem_mixture_offsets *offsets);

/* Offsets within the part of the network of shared steps. */
typedef struct lem_policy_offsets
{
	int64_t		kernel_0;		/* H + LEM_POLICY_INPUTS x M */
	int64_t		bias_0;			/* M */
	int64_t		kernel_1;		/* M x M */
	int64_t		bias_1;			/* M */
	int64_t		kernel_2;		/* M x LEM_POLICY_OUTPUTS */
	int64_t		bias_2;			/* LEM_POLICY_OUTPUTS */
	int64_t		end;
} lem_policy_offsets;

extern void lem_policy_layout(const lem_config *config, lem_policy_offsets *offsets);

extern void lem_head_layout(const lem_config *config, int k, lem_head_offsets *offsets);

#endif
