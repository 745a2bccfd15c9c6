/*
 * errors.h: SQLSTATEs of the extension, and turning a fault of the core into an error.
 */
#ifndef LEM_PG_ERRORS_H
#define LEM_PG_ERRORS_H

#include "postgres.h"

#include "core/base/status.h"
#include "core/parameters/config.h"
#include "pg/base/compat.h"

#define ERRCODE_LEM_BAD_BAR MAKE_SQLSTATE('L', 'M', '0', '0', '1')
#define ERRCODE_LEM_DUPLICATE_TIME MAKE_SQLSTATE('L', 'M', '0', '0', '2')
#define ERRCODE_LEM_NO_BARS MAKE_SQLSTATE('L', 'M', '0', '0', '3')
#define ERRCODE_LEM_SHORT_HISTORY MAKE_SQLSTATE('L', 'M', '0', '0', '4')
#define ERRCODE_LEM_MISSING_BARS MAKE_SQLSTATE('L', 'M', '0', '0', '5')
#define ERRCODE_LEM_INFEASIBLE_ORDER MAKE_SQLSTATE('L', 'M', '0', '0', '6')
#define ERRCODE_LEM_INVALID_ORDER MAKE_SQLSTATE('L', 'M', '0', '0', '7')
#define ERRCODE_LEM_UNKNOWN_MODEL MAKE_SQLSTATE('L', 'M', '0', '1', '0')
#define ERRCODE_LEM_DAMAGED_FILE MAKE_SQLSTATE('L', 'M', '0', '1', '1')
#define ERRCODE_LEM_TENSOR_MISMATCH MAKE_SQLSTATE('L', 'M', '0', '1', '2')
#define ERRCODE_LEM_NOT_FINITE MAKE_SQLSTATE('L', 'M', '0', '1', '3')
#define ERRCODE_LEM_INVALID_CONFIG MAKE_SQLSTATE('L', 'M', '0', '1', '4')
#define ERRCODE_LEM_MODEL_TOO_LARGE MAKE_SQLSTATE('L', 'M', '0', '1', '5')

/*
 * Raise the error that a fault describes.  LEM_STOPPED becomes the pending interrupt's own error.
 */
extern void lem_pg_raise(const lem_fault *fault) pg_attribute_noreturn();

/* Raise 22004 for an argument that must not be NULL. */
extern void lem_refuse_null(bool is_null, const char *what);

/* A number in the fewest digits that give it back, for messages; palloc'd. */
extern char *lem_number_text(double x);

/* Text that a user passed, cut short where it is long, for messages; palloc'd. */
extern char *lem_clip_text(const char *text);

/* Raise unless status is LEM_OK. */
static inline void
lem_pg_check(lem_status status, const lem_fault *fault)
{
	if (status != LEM_OK)
		lem_pg_raise(fault);
}

/* A broken invariant fails the query, not the server. */
#define LEM_ENSURE(condition) \
	do { \
		if (unlikely(!(condition))) \
			elog(ERROR, "lem: internal error: %s (%s:%d)", #condition, __FILE__, __LINE__); \
	} while (0)

#endif
