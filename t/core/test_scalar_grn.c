/*
 * The different numbers of a column (scalar_grn.h).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "layers/scalar_grn.h"

enum {N = 300};

static void
test_distinct(int n, int stride, int values)
{
	lem_real	x[N * 3];
	lem_real	found[N];
	int			index[N];
	int		   *table = malloc(lem_distinct_table(n) * sizeof(int));
	int			count;
	int			highest = -1;
	bool		back = true;
	bool		order = true;
	bool		once = true;

	for (int r = 0; r < n; r++)
		x[r * stride] = (lem_real) ((r * 7 / 3) % values) - (lem_real) 1.5;
	count = lem_distinct(n, x, stride, table, found, index);
	for (int r = 0; r < n; r++)
	{
		back &= index[r] >= 0 && index[r] < count && found[index[r]] == x[r * stride];
		order &= index[r] <= highest + 1;
		highest = index[r] > highest ? index[r] : highest;
	}
	for (int i = 0; i < count; i++)
		for (int j = 0; j < i; j++)
			once &= found[i] != found[j];
	check(back && order && once && highest == count - 1,
		  "%d numbers of %d kinds, %d apart: %d differ", n, values, stride, count);
	free(table);
}

/* Numbers are told apart by their bits, so NaN is a number like any other. */
static void
test_odd_numbers(void)
{
	const lem_real x[8] = {(lem_real) NAN, 0, (lem_real) -0.0, (lem_real) INFINITY, (lem_real) NAN,
		0, (lem_real) -0.0, (lem_real) INFINITY};
	lem_real	found[8];
	int			index[8];
	int			table[16];

	check_int(lem_distinct_table(8), 16, "size of the table");
	check_int(lem_distinct(8, x, 1, table, found, index), 4, "NaN, infinity and both zeros");
	check(memcmp(index, index + 4, 4 * sizeof(int)) == 0 && isnan(found[0]) && signbit(found[2]),
		  "and which is which");
}

int
main(void)
{
	for (int n = 1; n <= N; n = n * 3 + 1)
		for (int stride = 1; stride <= 3; stride++)
			for (int values = 1; values < 2 * n; values = values * 4 + 1)
				test_distinct(n, stride, values);
	test_odd_numbers();
	return check_done();
}
