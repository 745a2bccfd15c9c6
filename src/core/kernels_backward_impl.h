/*
 * kernels_backward_impl.h: the backward passes among the primitive operations; a part of
 * kernels_impl.h, which includes it.
 */

static void
relu_backward(size_t n, const lem_real *y, lem_real *d)
{
	size_t		i = 0;

	for (; i + LANES <= n; i += LANES)
		store(d + i, choose(load(y + i) > 0, load(d + i), splat(0)));
	for (; i < n; i++)
		d[i] = y[i] > 0 ? d[i] : 0;
}

static void
elu_backward(size_t n, const lem_real *y, lem_real *d)
{
	size_t		i = 0;

	for (; i + LANES <= n; i += LANES)
	{
		vec			v = load(y + i);

		store(d + i, load(d + i) * choose(v > 0, splat(1), v + 1));
	}
	for (; i < n; i++)
		d[i] *= y[i] > 0 ? 1 : y[i] + 1;
}

static void
layer_norm_backward(int rows, int n, const lem_real *x, int ldx, const lem_real *gamma,
					const lem_real *dy, int lddy, lem_real *dgamma, lem_real *dbeta,
					lem_real *dx, int lddx)
{
	for (int r = 0; r < rows; r++)
	{
		const lem_real *in = x + (size_t) r * ldx;
		const lem_real *d = dy + (size_t) r * lddy;
		lem_real   *out = dx + (size_t) r * lddx;
		lem_real	mean;
		lem_real	scale;
		lem_real	mean_d;
		lem_real	mean_dx;
		vec			sum_d = splat(0);
		vec			sum_dx = splat(0);
		int			i = 0;

		norm_row(n, in, &mean, &scale);
		for (; i + LANES <= n; i += LANES)
		{
			vec			dv = load(d + i);
			vec			normed = (load(in + i) - mean) * scale;
			vec			g = load(gamma + i) * dv;

			store(dgamma + i, load(dgamma + i) + dv * normed);
			store(dbeta + i, load(dbeta + i) + dv);
			sum_d += g;
			sum_dx += g * normed;
		}
		if (i < n)
		{
			vec			dv = load_part(d + i, n - i, 0);
			vec			normed = (load_part(in + i, n - i, mean) - mean) * scale;
			vec			g = load_part(gamma + i, n - i, 0) * dv;

			store_part(dgamma + i, load_part(dgamma + i, n - i, 0) + dv * normed, n - i);
			store_part(dbeta + i, load_part(dbeta + i, n - i, 0) + dv, n - i);
			sum_d += g;
			sum_dx += g * normed;
		}
		mean_d = sum_lanes(sum_d) / n;
		mean_dx = sum_lanes(sum_dx) / n;
		for (i = 0; i < n; i++)
			out[i] = scale * (gamma[i] * d[i] - mean_d - (in[i] - mean) * scale * mean_dx);
	}
}

static void
glu_backward(int rows, int n, const lem_real *x, int ldx, const lem_real *dy, int lddy,
			 lem_real *dx, int lddx)
{
	for (int r = 0; r < rows; r++)
	{
		const lem_real *d = x + (size_t) r * ldx;
		const lem_real *in = dy + (size_t) r * lddy;
		lem_real   *out = dx + (size_t) r * lddx;

		map_sigmoid(n, d + n, out + n);
		for (int i = 0; i < n; i++)
		{
			lem_real	s = out[n + i];

			out[i] = in[i] * s;
			out[n + i] = in[i] * d[i] * s * (1 - s);
		}
	}
}

static void
cell_backward(int n, bool linear, const lem_real *gates, const lem_real *o, const lem_real *c,
			  const lem_real *c_before, const lem_real *dh, lem_real *dc, lem_real *do_,
			  lem_real *dgates)
{
	map_tanh(n, c, do_);
	if (linear)
		for (int j = 0; j < n; j++)
			dgates[2 * n + j] = gates[2 * n + j];
	else
		map_tanh(n, gates + 2 * n, dgates + 2 * n);
	for (int j = 0; j < n; j++)
	{
		lem_real	i = gates[j];
		lem_real	f = gates[n + j];
		lem_real	g = gates[2 * n + j];
		lem_real	candidate = dgates[2 * n + j];
		lem_real	tanh_c = do_[j];
		lem_real	d = dc[j] + dh[j] * o[j] * (1 - tanh_c * tanh_c);

		do_[j] = dh[j] * tanh_c * o[j] * (1 - o[j]);
		dgates[j] = d * candidate * i * (1 - i);
		dgates[n + j] = d * (c_before ? c_before[j] : 0) * f * (1 - f);
		dgates[2 * n + j] = d * i * (linear ? 1 : 1 - candidate * candidate) * g * (1 - g);
		dc[j] = d * f;
	}
}

/*
 * The derivative of a uniform B-spline basis of order P is the difference of two of order P - 1,
 * over the spacing of the knots.
 */
static void
kan_backward(const lem_spline *spline, int n, const lem_real *z, const lem_real *drow,
			 lem_real *dz)
{
	const int	order = spline->order;
	const int	bases = spline->intervals + order;
	const int	last = spline->intervals + 2 * order;
	const lem_real per_interval = (lem_real) (spline->intervals / (spline->high - spline->low));

	for (int i = 0; i < n; i++)
	{
		const lem_real *d = drow + n + (size_t) i * bases;
		lem_real	u = (z[i] - (lem_real) spline->low) * per_interval + (lem_real) order;
		lem_real	value[LEM_MAX_SPLINE_ORDER + 1] = {1};
		lem_real	sum = 0;
		lem_real	t;
		int			j;

		dz[i] = z[i] > 0 ? drow[i] : 0;
		if (!(u >= 0 && u < (lem_real) last))
			continue;
		j = (int) u;
		t = u - (lem_real) j;
		for (int p = 1; p < order; p++)
		{
			lem_real	saved = 0;

			for (int r = 0; r < p; r++)
			{
				lem_real	part = value[r] * ((lem_real) 1 / p);

				value[r] = saved + ((lem_real) (r + 1) - t) * part;
				saved = (t + (lem_real) (p - 1 - r)) * part;
			}
			value[p] = saved;
		}
		/* value[e] is the basis of order - 1 that starts at knot j - (order - 1) + e */
		for (int e = 0; e < order; e++)
		{
			int			b = j - order + 1 + e;

			if (b >= 0 && b < bases)
				sum += d[b] * value[e];
			if (b - 1 >= 0 && b - 1 < bases)
				sum -= d[b - 1] * value[e];
		}
		dz[i] += sum * per_interval;
	}
}
