/*
 * text_sink.h: markup of the core's as a value of type text.
 */
#ifndef LEM_PG_TEXT_SINK_H
#define LEM_PG_TEXT_SINK_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "core/drawing/markup.h"

/* Gathers markup, as UTF-8. */
typedef struct lem_text_sink
{
	lem_sink	sink;
	StringInfoData gathered;
} lem_text_sink;

/* Begin, in the current memory context. */
extern void lem_text_sink_init(lem_text_sink *out);

/* Text in the database's encoding, escaped. */
extern void lem_text_sink_words(lem_text_sink *out, const char *words);

/* All of it, in the database's encoding. */
extern text *lem_text_sink_done(lem_text_sink *out);

#endif
