/* test_check.c: what the tests are written with does not let NaN pass. */
#include "check.h"

int
main(void)
{
	check(!check_beyond(0.5, 0.5) && check_beyond(-0.6, 0.5), "farther from 0 than allowed");
	check(check_beyond(NAN, 1e300) && check_beyond(0, NAN) && check_beyond(INFINITY, 1e300),
		  "NaN and infinity are farther than anything allowed");
	check(check_worse(1, 2) == 2 && check_worse(2, 1) == 2, "the worse of two");
	check(check_worse(1, NAN) == INFINITY && check_worse(check_worse(0, NAN), 1) == INFINITY,
		  "NaN is the worst, and stays it");
	return check_done();
}
