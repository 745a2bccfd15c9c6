/* text_sink.c: markup of the core's as a value of type text. */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "pg/drawing/text_sink.h"

static void
append(void *arg, const char *text, size_t n)
{
	appendBinaryStringInfo((StringInfo) arg, text, (int) n);
}

void
lem_text_sink_init(lem_text_sink *out)
{
	initStringInfo(&out->gathered);
	out->sink.put = append;
	out->sink.arg = &out->gathered;
}

void
lem_text_sink_words(lem_text_sink *out, const char *words)
{
	const char *utf8 = pg_server_to_any(words, strlen(words), PG_UTF8);

	lem_put_text(&out->sink, utf8, strlen(utf8), 0);
}

text *
lem_text_sink_done(lem_text_sink *out)
{
	return cstring_to_text(pg_any_to_server(out->gathered.data, out->gathered.len, PG_UTF8));
}
