/*
 * kernels_backward_impl.h: the backward passes among the primitive operations; a part of
 * kernels_impl.h, which includes it.
 */

/*
 * The product of a, transposed, with b is computed a block at a time: so many of their rows, and so
 * many columns of a, which are packed in strips of TILE_ROWS; b in panels.
 */
#define OUTER_ROWS 160
#define OUTER_COLUMNS 128

/* What one strip (k x TILE_ROWS, of which rows count) and one panel (k x width) add up to. */
INLINE void
outer_tile(const int rows, const int vectors, int k, const lem_real *strip,
		   const lem_real *panel, int width, bool add, lem_real *c, int ldc, int columns)
{
	vec			acc[TILE_ROWS][TILE_COLUMNS / LANES];

UNROLL
	for (int r = 0; r < rows; r++)
UNROLL
		for (int v = 0; v < vectors; v++)
			acc[r][v] = splat(0);
	for (int i = 0; i < k; i++)
	{
		vec			row[TILE_COLUMNS / LANES];

UNROLL
		for (int v = 0; v < vectors; v++)
			row[v] = load(panel + (size_t) i * width + v * LANES);
UNROLL
		for (int r = 0; r < rows; r++)
		{
			vec			x = splat(strip[(size_t) i * TILE_ROWS + r]);

UNROLL
			for (int v = 0; v < vectors; v++)
				acc[r][v] = x * row[v] + acc[r][v];
		}
	}
UNROLL
	for (int r = 0; r < rows; r++)
	{
		lem_real   *out = c + (size_t) r * ldc;

		if (columns == vectors * LANES)
		{
UNROLL
			for (int v = 0; v < vectors; v++)
				store(out + v * LANES, add ? load(out + v * LANES) + acc[r][v] : acc[r][v]);
		}
		else
		{
			lem_real	edge[LEM_PANEL];

UNROLL
			for (int v = 0; v < vectors; v++)
				store(edge + v * LANES, acc[r][v]);
			for (int j = 0; j < columns; j++)
				out[j] = add ? out[j] + edge[j] : edge[j];
		}
	}
}

/* All m rows of one panel of columns, vectors wide. */
INLINE void
outer_panel(const int vectors, int m, int k, const lem_real *strips, const lem_real *panel,
			int width, bool add, lem_real *c, int ldc, int columns)
{
	int			r = 0;

#define TILE(rows) outer_tile(rows, vectors, k, strips + (size_t) r * k, panel, width, add, \
							  c + (size_t) r * ldc, ldc, columns)
	for (; r + TILE_ROWS <= m; r += TILE_ROWS)
		TILE(TILE_ROWS);
	switch (m - r)
	{
#if TILE_ROWS > 6
		case 7:
			TILE(7);
			break;
		case 6:
			TILE(6);
			break;
#endif
#if TILE_ROWS > 4
		case 5:
			TILE(5);
			break;
		case 4:
			TILE(4);
			break;
		case 3:
			TILE(3);
			break;
		case 2:
			TILE(2);
			break;
#endif
		case 1:
			TILE(1);
			break;
	}
#undef TILE
}

/* Columns of k rows of a in strips; what is missing of the last one is left as it is. */
static void
outer_pack(int k, int columns, const lem_real *a, int lda, lem_real *strips)
{
	for (int i = 0; i < k; i++)
	{
		const lem_real *from = a + (size_t) i * lda;
		lem_real   *to = strips + (size_t) i * TILE_ROWS;
		int			j = 0;

		for (; j + TILE_ROWS <= columns; j += TILE_ROWS)
			memcpy(to + (size_t) j * k, from + j, TILE_ROWS * sizeof(lem_real));
		for (int r = 0; j + r < columns; r++)
			to[(size_t) j * k + r] = from[j + r];
	}
}

static void
outer(int m, int n, int k, const lem_real *a, int lda, const lem_real *b, int ldb, bool add,
	  lem_real *c, int ldc)
{
	const int	blocks = m > 0 ? (m + OUTER_COLUMNS - 1) / OUTER_COLUMNS : 1;
	const int	block = ((m + blocks - 1) / blocks + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
	_Alignas(64) lem_real strips[OUTER_ROWS * (OUTER_COLUMNS + TILE_ROWS)];
	_Alignas(64) lem_real panel[OUTER_ROWS * LEM_PANEL];

	for (int row = 0; row < k || row == 0; row += OUTER_ROWS)
		for (int first = 0; first < m; first += block)
		{
			const int	rows = k - row < OUTER_ROWS ? k - row : OUTER_ROWS;
			const int	count = m - first < block ? m - first : block;
			const bool	more = add || row > 0;

			outer_pack(rows, count, a + (size_t) row * lda + first, lda, strips);
			for (int column = 0; column < n; column += LEM_PANEL)
			{
				const int	columns = n - column < LEM_PANEL ? n - column : LEM_PANEL;
				const int	width = (columns + LEM_VECTOR - 1) / LEM_VECTOR * LEM_VECTOR;
				lem_real   *y = c + (size_t) first * ldc + column;

				for (int i = 0; i < rows; i++)
				{
					const lem_real *from = b + (size_t) (row + i) * ldb + column;

					if (columns == LEM_PANEL)
						memcpy(panel + i * LEM_PANEL, from, LEM_PANEL * sizeof(lem_real));
					else
						for (int j = 0; j < width; j++)
							panel[i * width + j] = j < columns ? from[j] : 0;
				}
#if TILE_COLUMNS == LEM_PANEL
				if (width == 3 * LEM_VECTOR)
					outer_panel(3 * LEM_VECTOR / LANES, count, rows, strips, panel, width, more, y,
								ldc, columns);
				else if (width == 2 * LEM_VECTOR)
					outer_panel(2 * LEM_VECTOR / LANES, count, rows, strips, panel, width, more, y,
								ldc, columns);
				else
					outer_panel(LEM_VECTOR / LANES, count, rows, strips, panel, width, more, y, ldc,
								columns);
#else
				for (int v = 0; v < width; v += LEM_VECTOR)
					outer_panel(LEM_VECTOR / LANES, count, rows, strips, panel + v, width, more,
								y + v, ldc, columns - v < LEM_VECTOR ? columns - v : LEM_VECTOR);
#endif
			}
		}
}

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
