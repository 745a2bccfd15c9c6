/*
 * markup.h: text of SVG and HTML, handed on piece by piece.
 */
#ifndef LEM_MARKUP_H
#define LEM_MARKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Receives text: n bytes of it, not ended by a zero. */
typedef struct lem_sink
{
	void		(*put) (void *arg, const char *text, size_t n);
	void	   *arg;
} lem_sink;

/* Markup as it is. */
extern void lem_put(const lem_sink *sink, const char *markup);

/*
 * Text of n bytes of UTF-8 that is to be read as text and nothing else: between tags or in a quoted
 * attribute.  Characters that XML does not allow become U+FFFD; of more than `most` characters (0: no
 * limit) the last one shown is an ellipsis.
 */
extern void lem_put_text(const lem_sink *sink, const char *text, size_t n, size_t most);

/* A number with at most so many decimals (0 to 9), without zeros at its end; NaN is a dash. */
extern void lem_put_number(const lem_sink *sink, double x, int decimals);

/*
 * The number as a person reads it, of about four digits: thousands as k, M, G; room of
 * LEM_SHORT_NUMBER bytes.
 */
#define LEM_SHORT_NUMBER 32
extern void lem_short_number(double x, char *text);

#endif
