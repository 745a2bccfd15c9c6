/*
 * policy.h: the network of shared steps, which moves the shares of the exact optimum.
 *
 * At each step the optimum (optimum/optimal_stop.h) says what should be left of what is left; that is
 * a share f of it to be traded.  One network for all steps, minima and horizons reads the trunk's
 * context of the step's row and where the order stands, and answers one number z:
 *
 *   f' = f + sigmoid(logit(f) + z) - sigmoid(logit(f)),  cut to 0 .. 1
 *
 * with logit(f) of f between LEM_POLICY_EDGE and 1 - LEM_POLICY_EDGE, so that a share of nothing or
 * of all can be moved, too.  With z = 0 the share is the optimum's, bit for bit.  Moved, the share of all is
 * never quite all: once an order may end, less than LEM_POLICY_LEAST of it is not left over.
 *
 *   hidden = relu(relu([context | state] K0 + b0) K1 + b1);  z = hidden K2 + b2, the column by
 *   benchmark and whether the order tracks it.
 */
#ifndef LEM_POLICY_H
#define LEM_POLICY_H

#include "base/arena.h"
#include "kernels/kernels.h"
#include "optimum/optimal_state.h"
#include "orders/decide.h"
#include "parameters/config.h"

#define LEM_POLICY_EDGE 0.02

/* In training the mask counts an order as finished from 0.027 on; this is well below. */
#define LEM_POLICY_LEAST 0.005

/* Orders that a sample of a training has: buys and sells against either benchmark. */
#define LEM_POLICY_ORDERS 4

/* Width of what the network reads: context and state. */
static inline int
lem_policy_width(const lem_config *config)
{
	return config->hidden_size + LEM_POLICY_INPUTS;
}

typedef struct lem_policy_head
{
	lem_packed	kernel_0;		/* H + LEM_POLICY_INPUTS x M */
	const lem_real *bias_0;		/* M */
	lem_packed	kernel_1;		/* M x M */
	const lem_real *bias_1;		/* M */
	const lem_real *kernel_2;	/* LEM_POLICY_OUTPUTS x M: transposed */
	const lem_real *bias_2;		/* LEM_POLICY_OUTPUTS */
	bool		silent[LEM_POLICY_OUTPUTS]; /* 0 whatever is read: nothing of it was kept (shrink.h) */
} lem_policy_head;

/* An order, as its shares are decided. */
typedef struct lem_policy_order
{
	lem_optimal optimal;
	bool		sell;
	bool		twap;
	bool		notional;
	int			horizon;
	int			min_bars;		/* of one that tracks its horizon */
	double		min_rate;
	double		max_rate;
	const double *market;		/* N x 2: price and volume of the bars that the slices trade in */
	const double *volume;		/* N: what was expected of them at the start */
} lem_policy_order;

/* Where it stands before a step. */
typedef struct lem_policy_state
{
	lem_optimum_state optimum;
	double		volume;			/* of its bars so far, * 2^-20 */
	double		rest;			/* expected of the others, * 2^-20 */
	double		last;			/* the last price but one */
	double		average;		/* of the last bar */
} lem_policy_state;

extern lem_policy_head *lem_policy_build(lem_arena *arena, const lem_config *config,
										 const lem_real *part);

extern void lem_policy_begin(const lem_policy_order *order, lem_policy_state *state);

/* The bar of step k has completed. */
extern void lem_policy_see(const lem_policy_order *order, int k, lem_policy_state *state);

/*
 * What the network reads of an order at step k of `horizon`, with `left` left and the optimum's
 * share f of that: LEM_POLICY_INPUTS numbers, by what an order buys: prices turned around for sells.
 * Numbers LEM_POLICY_LEFT, _SHARE and _TRADE are left, f and f * left: a training's gradient goes on
 * through them.
 */
enum
{
	LEM_POLICY_LEFT = 1,
	LEM_POLICY_SHARE,
	LEM_POLICY_TRADE
};

extern void lem_policy_inputs(const lem_policy_order *order, const lem_policy_state *state, int k,
							  int horizon, double left, double f, lem_real *x);

/* The column of the network's answer that is an order's. */
static inline int
lem_policy_output(const lem_policy_order *order)
{
	return order->twap + 2 * !order->optimal.early;
}

/* Has the network nothing to say of an order?  Then its context is not read, either. */
static inline bool
lem_policy_silent(const lem_policy_head *head, const lem_policy_order *order)
{
	return head->silent[lem_policy_output(order)];
}

/* The network for n rows of inputs (n x width); hidden_0 and hidden_1 (n x M) are kept. */
extern void lem_policy_hidden(const lem_config *config, const lem_kernels *kern,
							  const lem_policy_head *head, int n, const lem_real *input,
							  lem_real *hidden_0, lem_real *hidden_1);
extern lem_real lem_policy_answer(const lem_config *config, const lem_kernels *kern,
								  const lem_policy_head *head, const lem_real *hidden_1,
								  int output);

/* f' from f and z; by_f and by_z, unless NULL, receive its derivatives. */
extern double lem_policy_move(double f, double z, double *by_f, double *by_z);

/* Does a moved share of step k, which would leave so much, complete the order instead? */
static inline bool
lem_policy_completes(const lem_policy_order *order, int k, double left)
{
	return k + 1 >= order->min_bars && left < LEM_POLICY_LEAST;
}

/* An order whose shares are to be decided. */
typedef struct lem_policy_task
{
	const lem_policy_order *order;	/* its table is found */
	const lem_limits *limits;
	int			steps;			/* the first of its steps, which are decided */
	const lem_real *context;	/* of these, but the last of the horizon: x H */
	int64_t    *units;			/* steps: the answer */
} lem_policy_task;

/* Orders that should be decided together: each step's network is one product. */
#define LEM_POLICY_TOGETHER 32

/* Bytes of workspace (64-byte aligned) for n orders. */
extern size_t lem_policy_workspace(const lem_config *config, int n);

/*
 * The units of n orders, within their limits: the same bits in any company.  A step that was decided
 * before, and is all that was done in it, is not asked for again.
 */
extern void lem_policy_units(const lem_config *config, const lem_kernels *kern,
							 const lem_policy_head *head, int n, const lem_policy_task *tasks,
							 void *workspace);

#endif
