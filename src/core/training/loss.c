/* loss.c: what training minimises. */
#include <math.h>

#include "training/loss.h"

static double
sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double
softplus(double x)
{
	return fmax(x, 0) + log1p(exp(-fabs(x)));
}

double
lem_execution_gain(const lem_loss_options *options, const lem_execution *e, double *slope)
{
	double		w[LEM_MAX_AHEAD];
	double		w_slope[LEM_MAX_AHEAD];	/* by what is left */
	double		sum_a = 0;
	double		sum_x = 0;		/* of a p or a / p */
	double		sum_v = 0;
	double		sum_vp = 0;
	double		left = 0;		/* the shares from this bar on */
	bool		traded = false;
	double		achieved;
	double		benchmark;
	double		ratio;
	double		earlier = 0;

	for (int k = 0; k < e->n; k++)
		left += e->share[k * e->stride];
	for (int k = 0; k < e->n; k++)
	{
		double		volume = e->twap ? 1 : e->market[2 * k];
		double		price = e->market[2 * k + 1];
		double		a = e->share[k * e->stride];

		w[k] = 1;
		w_slope[k] = 0;
		if (k > e->branch && traded && isinf(options->mask_slope))
			w[k] = left > options->mask_offset;
		else if (k > e->branch && traded)
		{
			w[k] = sigmoid(options->mask_slope * (left - options->mask_offset));
			w_slope[k] = options->mask_slope * w[k] * (1 - w[k]);
		}
		traded = traded || volume > 0;
		sum_a += w[k] * a;
		sum_x += w[k] * (e->notional ? a / price : a * price);
		sum_v += w[k] * volume;
		sum_vp += w[k] * volume * price;
		left -= a;
	}
	if (sum_v <= 0 || sum_a <= 0)
	{
		for (int k = 0; k < e->n; k++)
			slope[k] = 0;
		return 0;				/* nothing traded: nothing to compare */
	}
	benchmark = sum_vp / sum_v;
	achieved = e->notional ? sum_a / sum_x : sum_x / sum_a;
	ratio = achieved / benchmark;

	/* what is left at bar k are the shares from k on: each raises it at its own and earlier bars */
	for (int k = 0; k < e->n; k++)
	{
		double		volume = e->twap ? 1 : e->market[2 * k];
		double		price = e->market[2 * k + 1];
		double		a = e->share[k * e->stride];
		double		by_a = e->notional ? (1 - achieved / price) / sum_x
			: (price - achieved) / sum_a;
		double		by_w = (a * by_a - ratio * volume * (price - benchmark) / sum_v)
			/ benchmark;

		earlier += by_w * w_slope[k];
		slope[k] = 100 * (w[k] * by_a / benchmark + earlier);
	}
	return 100 * (ratio - 1);
}

/* What a buy's and a sell's d are worth together, and its derivatives by each. */
static double
objective(const lem_loss_options *options, double buy, double sell, double *by_buy,
		  double *by_sell)
{
	const double x = buy - sell;
	double		value = x;
	double		slope = 1;

	if (options->objective == LEM_OBJECTIVE_SOFTPLUS)
	{
		value = softplus(x);
		slope = sigmoid(x);
	}
	*by_buy = slope + options->risk_aversion * buy;
	*by_sell = -slope + options->risk_aversion * sell;
	return value + 0.5 * options->risk_aversion * (buy * buy + sell * sell);
}

double
lem_loss(const lem_config *config, const lem_loss_options *options, int first, int count, int n,
		 int total, const lem_real *pred, const lem_real *market, lem_real *dpred)
{
	const int	steps = config->n_ahead;
	const size_t stride = (size_t) count * LEM_CASES;
	const double share = 1.0 / ((double) total * (steps * 4 + LEM_CASES));
	double		sum = 0;

	for (int i = 0; i < n; i++)
		for (int b = first; b < first + count; b++)
		{
			const size_t at = (size_t) i * steps * stride + (size_t) (b - first) * LEM_CASES;

			/* side and benchmark (buys first), then unit */
			for (int c = 0; c < (b < steps ? 2 : 4); c++)
				for (int unit = 0; unit < 2; unit++)
				{
					double		slopes[2][LEM_MAX_AHEAD];
					double		slope;
					double		slope_sell = 0;
					lem_execution e = {steps, b, c % 2, unit, pred + at + c * 2 + unit, stride,
						market + (size_t) i * steps * 2};
					double		x = lem_execution_gain(options, &e, slopes[0]);

					if (b < steps)
					{
						e.share += 4;	/* the sell of the same benchmark */
						sum += objective(options, x, lem_execution_gain(options, &e, slopes[1]), &slope,
										 &slope_sell);
					}
					else
					{
						sum += softplus(fabs(x));
						slope = sigmoid(fabs(x)) * (x > 0 ? 1 : x < 0 ? -1 : 0);
					}
					for (int k = 0; k < steps; k++)
					{
						lem_real   *to = dpred + at + k * stride + c * 2 + unit;

						to[0] = (lem_real) (share * slope * slopes[0][k]);
						if (b < steps)
							to[4] = (lem_real) (share * slope_sell * slopes[1][k]);
					}
				}
		}
	return sum * share;
}

void
lem_gains(const lem_config *config, int first, int count, int n, const lem_real *pred,
		  const lem_real *market, double *gain_sum, double *square_sum)
{
	const lem_loss_options hard = {.mask_slope = INFINITY, .mask_offset = LEM_NOTHING_LEFT};
	const int	steps = config->n_ahead;
	const size_t stride = (size_t) count * LEM_CASES;

	for (int i = 0; i < n; i++)
		for (int b = first; b < first + count; b++)
			for (int c = 0; c < LEM_CASES; c++)
			{
				double		slopes[LEM_MAX_AHEAD];
				const lem_execution e = {steps, b, (c / 2) % 2, c % 2,
					pred + (size_t) i * steps * stride + (size_t) (b - first) * LEM_CASES + c,
					stride,
					market + (size_t) i * steps * 2};
				double		bps = 100 * lem_execution_gain(&hard, &e, slopes);

				gain_sum[b] += c < LEM_CASES / 2 ? -bps : bps;
				square_sum[b] += bps * bps;
			}
}
