/*
 * check.h: what a test program of the core is written with.
 *
 * Each check prints one line, `ok - name` or `not ok - name`; the name is a printf format.  main
 * ends with `return check_done();`, which prints the totals and is nonzero if a check failed.
 */
#ifndef CHECK_H
#define CHECK_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int	check_passed;
static int	check_failed;

__attribute__((format(printf, 4, 5))) static inline bool
check_report(bool good, const char *file, int line, const char *name, ...)
{
	va_list		args;

	printf(good ? "ok - " : "not ok - ");
	va_start(args, name);
	vprintf(name, args);
	va_end(args);
	if (good)
		check_passed++;
	else
	{
		check_failed++;
		printf(" (%s:%d)", file, line);
	}
	printf("\n");
	fflush(stdout);
	return good;
}

/* The condition must hold. */
#define check(cond, ...) \
	check_report((cond), __FILE__, __LINE__, __VA_ARGS__)

/* |have - want| <= tolerance; NaN fails.  The numbers are printed on failure. */
#define check_near(have, want, tolerance, ...) \
	check_near_report((have), (want), (tolerance), __FILE__, __LINE__, __VA_ARGS__)

/* Equal whole numbers. */
#define check_int(have, want, ...) \
	check_int_report((have), (want), __FILE__, __LINE__, __VA_ARGS__)

/* Equal strings. */
#define check_str(have, want, ...) \
	check_str_report((have), (want), __FILE__, __LINE__, __VA_ARGS__)

__attribute__((format(printf, 6, 7))) static inline bool
check_near_report(double have, double want, double tolerance, const char *file, int line,
				  const char *name, ...)
{
	char		text[512];
	va_list		args;
	bool		good = fabs(have - want) <= tolerance || have == want;

	va_start(args, name);
	vsnprintf(text, sizeof(text), name, args);
	va_end(args);
	if (!good)
		printf("# have %.17g, want %.17g, off by %.3g, allowed %.3g\n",
			   have, want, have - want, tolerance);
	return check_report(good, file, line, "%s", text);
}

__attribute__((format(printf, 5, 6))) static inline bool
check_int_report(long long have, long long want, const char *file, int line,
				 const char *name, ...)
{
	char		text[512];
	va_list		args;

	va_start(args, name);
	vsnprintf(text, sizeof(text), name, args);
	va_end(args);
	if (have != want)
		printf("# have %lld, want %lld\n", have, want);
	return check_report(have == want, file, line, "%s", text);
}

__attribute__((format(printf, 5, 6))) static inline bool
check_str_report(const char *have, const char *want, const char *file, int line,
				 const char *name, ...)
{
	char		text[512];
	va_list		args;
	bool		good = have && want && strcmp(have, want) == 0;

	va_start(args, name);
	vsnprintf(text, sizeof(text), name, args);
	va_end(args);
	if (!good)
		printf("# have \"%s\", want \"%s\"\n", have ? have : "(null)", want ? want : "(null)");
	return check_report(good, file, line, "%s", text);
}

/* The larger of two, to collect the worst of many in; NaN is worse than anything, as fmax() is not. */
static inline double
check_worse(double worst, double x)
{
	return isnan(worst) || isnan(x) ? INFINITY : worst > x ? worst : x;
}

/* Is x farther from 0 than allowed?  NaN is. */
static inline bool
check_beyond(double x, double allowed)
{
	return !(fabs(x) <= allowed);
}

/* Print the totals; the exit status of main. */
static inline int
check_done(void)
{
	printf("# %d passed, %d failed\n", check_passed, check_failed);
	return check_failed > 0 || check_passed == 0;
}

#endif
