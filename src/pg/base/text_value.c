/* text_value.c: reading and writing the text form of the extension's types. */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "pg/base/errors.h"
#include "pg/base/text_value.h"

void
lem_read_fail(const lem_reader *reader, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed %s text at byte %zu", reader->type,
					(Size) (reader->at - reader->text) + 1),
			 errdetail("Expected %s.", expected),
			 errhint("%s", reader->hint)));
}

void
lem_read_space(lem_reader *reader)
{
	while (*reader->at == ' ' || (*reader->at >= '\t' && *reader->at <= '\r'))
		reader->at++;
}

bool
lem_read_char(lem_reader *reader, char c)
{
	lem_read_space(reader);
	if (*reader->at != c)
		return false;
	reader->at++;
	return true;
}

int64
lem_read_time(lem_reader *reader)
{
	char		text[MAXDATELEN + 1];
	const char *end;
	Size		length;

	if (!lem_read_char(reader, '"'))
		lem_read_fail(reader, "a time in double quotes");
	end = strchr(reader->at, '"');
	if (end == NULL || (Size) (end - reader->at) > MAXDATELEN)
		lem_read_fail(reader, "a time and a closing quote");
	length = end - reader->at;
	memcpy(text, reader->at, length);
	text[length] = '\0';
	reader->at = end + 1;
	return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(text),
												   ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1)));
}

double
lem_read_number(lem_reader *reader, const char *what)
{
	char	   *end;
	Size		length;
	double		x;

	lem_read_space(reader);
	length = strspn(reader->at, "0123456789+-.eE");
	if (length == 0)
		lem_read_fail(reader, what);
	errno = 0;
	x = strtod(reader->at, &end);
	if (end != reader->at + length)
		lem_read_fail(reader, what);
	/* the smallest numbers are exact, but count as underflow to some */
	if (errno == ERANGE && (x == 0 || isinf(x)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("\"%s\" is out of range for type double precision",
						pnstrdup(reader->at, Min(length, 64)))));
	reader->at = end;
	return x;
}

void
lem_write_time(StringInfo text, int64 ts)
{
	struct pg_tm tm;
	fsec_t		fsec;
	char		buffer[MAXDATELEN + 1];

	if (timestamp2tm(ts, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a stored time is out of range")));
	tm.tm_isdst = 0;			/* known, so that the zone is written */
	EncodeDateTime(&tm, fsec, true, 0, NULL, USE_ISO_DATES, buffer);
	appendStringInfoChar(text, '"');
	appendStringInfoString(text, buffer);
	appendStringInfoChar(text, '"');
}

void
lem_write_number(StringInfo text, char before, double x)
{
	char		buffer[DOUBLE_SHORTEST_DECIMAL_LEN];

	(void) double_to_shortest_decimal_buf(x, buffer);
	if (before)
		appendStringInfoChar(text, before);
	appendStringInfoString(text, buffer);
}
