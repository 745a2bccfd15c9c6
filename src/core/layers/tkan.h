/*
 * tkan.h: the temporal KAN layer (model page, section 2).
 *
 * Per row, with states h, c and one state s per sub-layer, zero before row 0:
 *   (i, f, g) = sigmoid(x K + h R + b);  c' = f * c + i * tanh(g)  (or i * g)
 *   a = x Kx + s Ks;  y = KAN(a);  s' = u * y + v * s
 *   o = sigmoid([y of all sub-layers] Wo + bo);  h' = o * tanh(c')
 */
#ifndef LEM_TKAN_H
#define LEM_TKAN_H

#include "base/status.h"
#include "layers/dense.h"
#include "layers/kan.h"

typedef struct lem_tkan
{
	int			width;			/* H */
	int			subs;			/* S */
	bool		linear;			/* candidate g itself instead of tanh(g) */
	lem_dense	input;			/* H -> (3 + S) * H: K with b, then each sub-layer's Kx */
	lem_packed	recurrent;		/* R, H x 3H */
	lem_packed	state[LEM_MAX_SUB_LAYERS];	/* Ks, H x H */
	lem_kan		kan[LEM_MAX_SUB_LAYERS];
	const lem_real *mix;		/* S x 2H: u, then v */
	lem_packed	output;			/* Wo, S*H x H */
	const lem_real *output_bias;	/* H */
} lem_tkan;

/*
 * Buffers of a pass over n samples.  Those marked [T] hold every row where they are kept for a
 * backward pass, and the current row only otherwise.
 */
typedef struct lem_tkan_acts
{
	lem_real   *input;			/* T x n x (3 + S) H */
	bool		keep;			/* all rows are kept */
	lem_real   *gates;			/* T x n x 3H: after the sigmoid; kept only */
	lem_real   *c;				/* [T x] n x H */
	lem_real   *a;				/* T x n x S*H; kept only */
	lem_real   *z[LEM_MAX_SUB_LAYERS];	/* [T x] n x H */
	lem_real   *expanded[LEM_MAX_SUB_LAYERS];	/* [T x] n x expanded inputs */
	lem_real   *y;				/* [T x] n x S*H */
	lem_real   *s;				/* [T x] n x S*H */
	lem_real   *o;				/* [T x] n x H: after the sigmoid */
	lem_real   *h;				/* T x n x H; kept only */
} lem_tkan_acts;

extern void lem_tkan_acts_carve(lem_arena *arena, const lem_tkan *tkan, int n, int rows, bool keep,
								lem_tkan_acts *acts);

extern void lem_tkan_decode(lem_arena *arena, const lem_config *config, const lem_real *tensors,
							lem_form form, lem_tkan *tkan);

/*
 * y (n x T x H) of x (n x T x H); y may be x.  LEM_STOPPED if stop asks for it.
 */
extern lem_status lem_tkan_forward(const lem_tkan *tkan, const lem_kernels *kern, int n, int rows,
								   const lem_real *x, const lem_tkan_acts *acts, lem_real *y,
								   const lem_stop *stop);

/*
 * dx (n x T x H) is set and gradient (the layer's tensors in table order) added to, from dy
 * (n x T x H); dx may be dy.  acts were kept by the forward pass over x; tensors are the layer's
 * own, as stored.
 */
extern lem_status lem_tkan_backward(const lem_tkan *tkan, const lem_config *config,
									const lem_kernels *kern, int n, int rows, const lem_real *x,
									const lem_real *tensors, const lem_tkan_acts *acts,
									const lem_real *dy, lem_scratch scratch, lem_real *gradient,
									lem_real *dx, const lem_stop *stop);

#endif
