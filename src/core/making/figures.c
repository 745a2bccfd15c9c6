/* figures.c: metrics of market making. */
#include <math.h>
#include <string.h>

#include "making/figures.h"

const int	lem_markout_bars[LEM_MARKOUTS] = {1, 5, 20};

void
lem_episodes_init(lem_episodes *episodes)
{
	memset(episodes, 0, sizeof(*episodes));
}

void
lem_episodes_add(lem_episodes *episodes, double wealth)
{
	const double profit = wealth - episodes->before;
	const double off = profit - episodes->mean;

	episodes->n++;
	episodes->mean += off / (double) episodes->n;
	episodes->squares += off * (profit - episodes->mean);
	episodes->before = wealth;
}

void
lem_markout_add(lem_markout_sums *sums, const lem_outlook_bar *bars, size_t end,
				const lem_maker_fill *fill)
{
	for (int k = 0; k < LEM_MARKOUTS; k++)
	{
		/* the bar of the fill is the first */
		const size_t at = fill->bar + (size_t) lem_markout_bars[k] - 1;

		if (at >= end || bars[at].session != bars[fill->bar].session)
			continue;
		sums->sum[k] += (fill->ask ? -1 : 1) * (bars[at].now.mid / fill->price - 1) *
			fill->quantity;
		sums->quantity[k] += fill->quantity;
	}
}

double
lem_t_quantile(double n)
{
	const double z = 1.959963984540054;
	const double z2 = z * z;

	/* exact where the expansion is not good enough */
	if (n < 1.5)
		return 12.706204736174705;
	if (n < 2.5)
		return 4.302652729749464;
	if (n < 3.5)
		return 3.182446305284263;
	/* Cornish and Fisher's expansion in 1 / n */
	return z * (1 + ((z2 + 1) / 4 + (((5 * z2 + 16) * z2 + 3) / 96 +
				(((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * n) +
				((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / (92160 * n * n)) / n) / n);
}

void
lem_figures_finish(const lem_episodes *episodes, const lem_markout_sums *markouts, size_t n,
				   const double *wealth, double mean_spread, lem_maker_figures *figures)
{
	double		peak = 0;
	double		deviation = 0;

	figures->episodes = episodes->n;
	figures->epnl = episodes->mean;
	if (episodes->n > 1)
		deviation = sqrt(episodes->squares / (double) (episodes->n - 1));
	figures->sharpe = deviation > 0 ? episodes->mean / deviation : 0;
	if (episodes->n >= LEM_LEAST_EPISODES)
	{
		const double half = lem_t_quantile((double) (episodes->n - 1)) * deviation /
			sqrt((double) episodes->n);

		figures->has_interval = true;
		figures->epnl_low = episodes->mean - half;
		figures->epnl_high = episodes->mean + half;
	}
	else if (episodes->n > 0 && n > 2 * LEM_BLOCKS)
	{
		lem_episodes blocks;
		double		half;
		const double times = (double) LEM_BLOCKS / (double) episodes->n;

		lem_episodes_init(&blocks);
		for (int b = 1; b <= LEM_BLOCKS; b++)
			lem_episodes_add(&blocks, wealth[(n - 1) * b / LEM_BLOCKS]);
		half = times * lem_t_quantile(LEM_BLOCKS - 1) *
			sqrt(blocks.squares / (LEM_BLOCKS - 1)) / sqrt(LEM_BLOCKS);
		figures->has_interval = true;
		figures->epnl_low = episodes->mean - half;
		figures->epnl_high = episodes->mean + half;
	}
	for (size_t i = 0; i < n; i++)
	{
		peak = fmax(peak, wealth[i]);
		figures->max_drawdown = fmax(figures->max_drawdown, peak - wealth[i]);
	}
	figures->pnl_map = figures->map > 0 ? figures->pnl / figures->map : 0;
	figures->nd_pnl = mean_spread > 0 ? figures->pnl / mean_spread : 0;
	figures->profit_ratio = figures->turnover > 0 ? figures->pnl / figures->turnover : 0;
	for (int k = 0; k < LEM_MARKOUTS; k++)
		figures->markout[k] = markouts->quantity[k] > 0 ?
			1e4 * markouts->sum[k] / markouts->quantity[k] : 0;
}
