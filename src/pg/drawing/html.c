/* html.c: pages and tables of HTML. */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/catalog/json_read.h"
#include "pg/drawing/text_sink.h"

/*
 * One file with nothing to fetch and no scripts; readable on a phone (tables scroll by themselves,
 * pictures stand below each other), in the dark, and on paper.
 */
static const char page_head[] =
"<meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
"<meta name=\"color-scheme\" content=\"light dark\">";

static const char page_style[] =
"<style>"
":root{--paper:#fff;--text:#1f2328;--soft-text:#59636e;--rule:#d8dee4;--warn:#fff8c5;--warn-text:#7d4e00}"
"@media screen and (prefers-color-scheme:dark){:root{--paper:#0d1117;--text:#e6edf3;--soft-text:#9198a1;--rule:#3d444d;"
"--warn:#3b2e00;--warn-text:#e3b341}}"
"*{box-sizing:border-box}body{margin:0 auto;max-width:1280px;padding:16px;background:var(--paper);color:var(--text);"
"font:14px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;overflow-wrap:anywhere}"
"h1{font-size:22px;margin:8px 0 16px}h2{font-size:16px;margin:0 0 6px}main{display:grid;gap:24px;"
"grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr))}section{min-width:0;break-inside:avoid}"
"p{margin:0 0 8px;color:var(--soft-text)}figure{margin:0 0 8px}.warning{background:var(--warn);color:var(--warn-text);"
"padding:6px 10px;border-radius:6px}.table{overflow-x:auto}table{border-collapse:collapse;font-size:12px;"
"font-variant-numeric:tabular-nums}th,td{padding:3px 6px;border-bottom:1px solid var(--rule);text-align:left;"
"white-space:nowrap;max-width:320px;overflow:hidden;text-overflow:ellipsis}td.n,th.n{text-align:right}"
"section:has(.wide){grid-column:1/-1}.pairs thead{display:none}.pairs td.n{text-align:left}"
".pairs td+td{white-space:normal}"
"summary{cursor:pointer;color:var(--soft-text)}@media print{body{max-width:none;padding:0}details::details-content"
"{content-visibility:visible}main{display:block}section{margin-bottom:18px}}"
"</style>";

/*
 * lem_html(text) RETURNS text
 *
 * Text made fit to stand in HTML or XML, between tags or in a quoted attribute.
 */
LEM_FUNCTION(pg_lem_html);

Datum
pg_lem_html(PG_FUNCTION_ARGS)
{
	lem_text_sink out;

	lem_text_sink_init(&out);
	lem_text_sink_words(&out, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_TEXT_P(lem_text_sink_done(&out));
}

/*
 * lem_html_page(title text, body text) RETURNS text
 *
 * A whole page of HTML: the title is text, the body is markup.
 */
LEM_FUNCTION(pg_lem_html_page);

Datum
pg_lem_html_page(PG_FUNCTION_ARGS)
{
	char	   *title = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *body = text_to_cstring(PG_GETARG_TEXT_PP(1));
	lem_text_sink out;

	lem_text_sink_init(&out);
	lem_put(&out.sink, "<!DOCTYPE html>\n<html lang=\"en\"><head>");
	lem_put(&out.sink, page_head);
	lem_put(&out.sink, "<title>");
	lem_text_sink_words(&out, title);
	lem_put(&out.sink, "</title>");
	lem_put(&out.sink, page_style);
	lem_put(&out.sink, "</head>\n<body><h1><bdi>");
	lem_text_sink_words(&out, title);
	lem_put(&out.sink, "</bdi></h1>\n<main>");
	lem_put(&out.sink, pg_server_to_any(body, strlen(body), PG_UTF8));
	lem_put(&out.sink, "</main>\n</body></html>\n");
	PG_RETURN_TEXT_P(lem_text_sink_done(&out));
}

/*
 * A time as JSON has it, 2026-01-02T15:00:00+00:00, is shown as 2026-01-02 15:00+00, and as it was in an
 * attribute.  False: the text is none.
 */
static bool
put_time(lem_text_sink *out, const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	const char *zone = text + strlen(form);

	for (int i = 0; form[i] != '\0'; i++)
	{
		if (form[i] == 'd' ? !isdigit((unsigned char) text[i]) : text[i] != form[i])
			return false;
	}
	if (strlen(zone) > 16 || strspn(zone, ".+-:0123456789") != strlen(zone))
		return false;
	lem_put(&out->sink, psprintf("<time datetime=\"%s\">%.10s %.5s", text, text, text + 11));
	if (strncmp(text + 16, ":00", 3) != 0 || *zone == '.')
		lem_put(&out->sink, psprintf("%.3s", text + 16));
	zone += *zone == '.' ? 1 + strspn(zone + 1, "0123456789") : 0;
	lem_put(&out->sink, psprintf("%.*s</time>", strcmp(zone + Min(strlen(zone), 3), ":00") == 0 ? 3 : 9,
								 zone));
	return true;
}

/* A cell: numbers to the right, shown in four digits or so, and exact in an attribute. */
static void
put_cell(lem_text_sink *out, const JsonbValue *value)
{
	char		shown[LEM_SHORT_NUMBER];
	char	   *text;

	switch (value->type)
	{
		case jbvNull:
			lem_put(&out->sink, "<td class=\"n\">&#8211;</td>");
			break;
		case jbvBool:
			lem_put(&out->sink, value->val.boolean ? "<td>yes</td>" : "<td>no</td>");
			break;
		case jbvNumeric:
			lem_put(&out->sink, "<td class=\"n\" data-value=\"");
			lem_put(&out->sink, DatumGetCString(DirectFunctionCall1(numeric_out,
																	NumericGetDatum(value->val.numeric))));
			lem_put(&out->sink, "\">");
			lem_short_number(DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
																NumericGetDatum(value->val.numeric))), shown);
			lem_put(&out->sink, shown);
			lem_put(&out->sink, "</td>");
			break;
		case jbvString:
			text = pnstrdup(value->val.string.val, value->val.string.len);
			lem_put(&out->sink, "<td>");
			if (!put_time(out, text))
			{
				lem_put(&out->sink, "<bdi>");
				lem_text_sink_words(out, text);
				lem_put(&out->sink, "</bdi>");
			}
			lem_put(&out->sink, "</td>");
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_CONFIG),
					 errmsg("invalid cell of a table: %s", lem_json_describe(value)),
					 errhint("It must be a number, a text, true, false or null.")));
	}
}

/* Columns from which on a table takes the whole width of a page. */
#define WIDE 8

/*
 * lem_html_table(head text[], cells jsonb) RETURNS text
 *
 * A table: names of columns, and an array of rows, each of them an array of cells.  Raises LM014.
 */
LEM_FUNCTION(pg_lem_html_table);

Datum
pg_lem_html_table(PG_FUNCTION_ARGS)
{
	ArrayType  *head = PG_GETARG_ARRAYTYPE_P(0);
	Jsonb	   *cells = PG_GETARG_JSONB_P(1);
	lem_text_sink out;
	Datum	   *names;
	bool	   *nulls;
	int			columns;
	bool		named = false;
	JsonbIterator *it;
	JsonbValue	value;
	JsonbIteratorToken token;
	int			depth = 0;

	deconstruct_array(head, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &columns);
	lem_text_sink_init(&out);
	for (int i = 0; i < columns; i++)
		named = named || (!nulls[i] && VARSIZE_ANY_EXHDR(DatumGetPointer(names[i])) > 0);
	lem_put(&out.sink, columns >= WIDE ? "<div class=\"table wide\"><table><thead><tr>" :
			columns == 2 && !named ? "<div class=\"table pairs\"><table><thead><tr>" :
			"<div class=\"table\"><table><thead><tr>");
	for (int i = 0; i < columns; i++)
	{
		lem_put(&out.sink, "<th>");
		if (!nulls[i])
			lem_text_sink_words(&out, TextDatumGetCString(names[i]));
		lem_put(&out.sink, "</th>");
	}
	lem_put(&out.sink, "</tr></thead><tbody>");
	it = JsonbIteratorInit(&cells->root);
	while ((token = JsonbIteratorNext(&it, &value, depth == 2)) != WJB_DONE)
	{
		if (token == WJB_BEGIN_ARRAY && depth < 2 && !value.val.array.rawScalar)
		{
			if (++depth == 2)
				lem_put(&out.sink, "<tr>");
		}
		else if (token == WJB_END_ARRAY)
		{
			if (depth-- == 2)
				lem_put(&out.sink, "</tr>");
		}
		else if (token == WJB_ELEM && depth == 2)
			put_cell(&out, &value);
		else
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_CONFIG),
					 errmsg("the cells of a table must be an array of arrays")));
	}
	lem_put(&out.sink, "</tbody></table></div>");
	PG_RETURN_TEXT_P(lem_text_sink_done(&out));
}

/*
 * _lem_unknown_kind(kind text, kinds text) RETURNS jsonb
 *
 * Raises 22023: there is no report or picture of that kind; kinds says which there are.
 */
LEM_FUNCTION(pg_lem_unknown_kind);

Datum
pg_lem_unknown_kind(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 PG_ARGISNULL(0) ? errmsg("kind must not be NULL") :
			 errmsg("unknown kind \"%s\"", lem_clip_text(text_to_cstring(PG_GETARG_TEXT_PP(0)))),
			 PG_ARGISNULL(1) ? 0 :
			 errhint("There are %s.", text_to_cstring(PG_GETARG_TEXT_PP(1)))));
	PG_RETURN_NULL();
}

/* A text in an object of JSON; NULL: it has none of that name. */
static char *
text_of(JsonbContainer *object, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, name, (int) strlen(name), NULL);

	return value == NULL || value->type != jbvString ? NULL :
		pnstrdup(value->val.string.val, value->val.string.len);
}

/*
 * _lem_picture(kind text, pictures jsonb) RETURNS jsonb
 *
 * The chart of the picture of that name, of those that a report has (NULL: none).  Raises 22023 if
 * there is no such one now.
 */
LEM_FUNCTION(pg_lem_picture);

Datum
pg_lem_picture(PG_FUNCTION_ARGS)
{
	const char *kind = PG_ARGISNULL(0) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(0));
	Jsonb	   *pictures = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	StringInfoData names;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;

	initStringInfo(&names);
	it = pictures == NULL ? NULL : JsonbIteratorInit(&pictures->root);
	while (it != NULL && (token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		JsonbValue *chart;
		char	   *name;

		if (token != WJB_ELEM || value.type != jbvBinary ||
			!JsonContainerIsObject(value.val.binary.data))
			continue;
		chart = getKeyJsonValueFromContainer(value.val.binary.data, "chart", 5, NULL);
		name = text_of(value.val.binary.data, "name");
		if (chart == NULL || chart->type != jbvBinary || name == NULL)
			continue;
		if (strcmp(name, kind) == 0)
			PG_RETURN_JSONB_P(JsonbValueToJsonb(chart));
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no picture \"%s\" of this", lem_clip_text(kind)),
			 names.len > 0 ? errhint("There are %s.", names.data) :
			 errhint("There is nothing to show.")));
	PG_RETURN_NULL();
}
