/*
 * calls.c: a client that gives a server with lem in it all kinds of input, for so many seconds.
 *
 *   calls bytes|calls seconds seed
 *
 * bytes: files of weights, configs, options, and series, books and quotings in binary and as text, each a
 * good one with some bytes changed.
 * calls: every function of the extension with arguments of all kinds, interrupted at random.
 * Errors are what it expects; that the server goes away is a failure.  The statement or the seed that
 * did it is printed.  Connects as libpq's environment says, to a database that setup.sql has filled.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

#define MAX_TEXT 200000
#define BINARY 1

static uint64_t state;
static PGconn *conn;
static long done;
static long answered;

static uint64_t
bits(void)
{
	uint64_t	z = (state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static int
below(int n)
{
	return (int) (bits() % (uint64_t) n);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* The server must still be there. */
static void
check_alive(const char *what)
{
	if (PQstatus(conn) == CONNECTION_OK)
		return;
	printf("the server went away: %s\n%.3000s\n", PQerrorMessage(conn), what);
	exit(1);
}

static PGresult *
query(const char *text)
{
	PGresult   *result = PQexec(conn, text);
	const ExecStatusType status = PQresultStatus(result);

	done++;
	answered += status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
	check_alive(text);
	return result;
}

static void
run(const char *text)
{
	PQclear(query(text));
}

/* A statement that must work. */
static PGresult *
need(const char *text)
{
	PGresult   *result = query(text);

	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
	{
		printf("%s: %s\n", text, PQerrorMessage(conn));
		exit(1);
	}
	return result;
}

/* ------------------------------------------------------------------------------------------ */
/* Bytes */

typedef struct bytes
{
	unsigned char *data;
	int			length;
} bytes;

static bytes
fetch(const char *text)
{
	PGresult   *result = PQexecParams(conn, text, 0, NULL, NULL, NULL, NULL, BINARY);
	bytes		b = {NULL, 0};

	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
	{
		printf("%s: %s\n", text, PQerrorMessage(conn));
		exit(1);
	}
	b.length = PQgetlength(result, 0, 0);
	b.data = malloc((size_t) b.length + 1);
	memcpy(b.data, PQgetvalue(result, 0, 0), (size_t) b.length);
	b.data[b.length] = 0;
	PQclear(result);
	return b;
}

/* Numbers that are worth a try wherever a number is. */
static const uint64_t odd_numbers[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xffffffff,
	UINT64_C(0x7fffffffffffffff), UINT64_C(0x8000000000000000), UINT64_MAX,
	UINT64_C(0x7ff0000000000000), UINT64_C(0x7ff8000000000000), UINT64_C(0xfff0000000000000)};

/* A copy with some changes; most of them near the beginning, where headers are. */
static bytes
mutate(bytes from)
{
	bytes		to = {malloc((size_t) from.length + 64), from.length};
	const int	changes = 1 + below(below(4) == 0 ? 30 : 3);

	memcpy(to.data, from.data, (size_t) from.length);
	for (int i = 0; i < changes && to.length > 0; i++)
	{
		const int	span = below(3) == 0 || to.length < 8 ? to.length
			: 1 + below(to.length < 4096 ? to.length : 4096);
		const int	at = below(span);
		const int	kind = below(7);
		const int	width = 1 << below(4);

		if (kind == 0)
			to.data[at] ^= (unsigned char) (1 << below(8));
		else if (kind == 1)
			to.data[at] = (unsigned char) below(256);
		else if (kind == 2)
			to.data[at] = (unsigned char) "0123456789-.eE[]{}\",: ntf\\u"[below(27)];
		else if (kind == 3 && at + width <= to.length)
		{
			uint64_t	number = odd_numbers[below(sizeof(odd_numbers) / sizeof(odd_numbers[0]))];
			const bool	big = below(2);

			for (int j = 0; j < width; j++)
				to.data[at + (big ? width - 1 - j : j)] = (unsigned char) (number >> (8 * j));
		}
		else if (kind == 4)
			to.length = at;
		else if (kind == 5)
		{
			const int	n = below(to.length - at + 1);

			memmove(to.data + at, to.data + at + n, (size_t) (to.length - at - n));
			to.length -= n;
		}
		else if (to.length + 8 <= from.length + 64)
		{
			memmove(to.data + at + 8, to.data + at, (size_t) (to.length - at));
			memcpy(to.data + at, to.data + below(to.length), 8);
			to.length += 8;
		}
	}
	return to;
}

/* Run a statement with up to two binary parameters. */
static void
give(const char *text, int n, const bytes *values)
{
	const char *data[2] = {(const char *) values[0].data, n > 1 ? (const char *) values[1].data : NULL};
	const int	lengths[2] = {values[0].length, n > 1 ? values[1].length : 0};
	const int	formats[2] = {BINARY, BINARY};
	PGresult   *result = PQexecParams(conn, text, n, NULL, data, lengths, formats, 0);

	done++;
	answered += PQresultStatus(result) == PGRES_TUPLES_OK;
	check_alive(text);
	PQclear(result);
}

static void
fuzz_bytes(double until)
{
	bytes		file = fetch("SELECT bytes FROM file");
	bytes		own = fetch("SELECT lem_export('small')");
	bytes		config = fetch("SELECT config::text FROM file");
	bytes		complete = fetch("SELECT config::text FROM lem_models WHERE name = 'small'");
	bytes		series[3] = {fetch("SELECT bars FROM series WHERE symbol = 'odd'"),
		fetch("SELECT bars FROM series WHERE symbol = 'one'"),
	fetch("SELECT lem_bars(ts, price, volume) FROM (SELECT * FROM bars LIMIT 60) AS b")};

	bytes		books[3] = {fetch("SELECT book FROM books WHERE name = 'sizes'"),
		fetch("SELECT book FROM books WHERE name = 'trades'"),
	fetch("SELECT book FROM books WHERE name = 'one'")};
	bytes		options = fetch("SELECT '{\"fill\": \"queue\", \"latency\": 1, \"fit\": 0.3, "
								"\"sides\": \"worst\", \"time_zone\": \"Asia/Tokyo\"}'::text");
	bytes		book_text = fetch("SELECT book::text FROM books WHERE name = 'trades'");
	bytes		quoting = fetch("SELECT lem_quoting(3, 0.01, 1, 0.1, 100, 1, 0.5, 0.5, 2, 0.1, 0.2)::text");
	bytes		makers[2] = {fetch("SELECT lem_export('maker')"), fetch("SELECT lem_export('mixture')")};
	bytes		maker_config[2] = {fetch("SELECT config::text FROM lem_models WHERE name = 'maker'"),
	fetch("SELECT config::text FROM lem_models WHERE name = 'mixture'")};
	bytes		distill[2] = {fetch("SELECT '{\"hidden_size\": 4, \"expert_dim\": 2, \"lookback\": 4, "
									"\"mixture\": \"additive\"}'::text"),
	fetch("SELECT '{\"epochs\": 1, \"batch\": 64, \"rate\": 0.01, \"samples\": 300, \"validation_samples\": 99, "
		  "\"alpha\": 1, \"beta\": 0.5, \"gamma\": 0.1, \"delta\": 0.02, \"seed\": 3}'::text")};

	while (now() < until)
	{
		const int	kind = below(11);
		const int	which = below(2);
		bytes		good = kind == 0 ? file : kind == 1 ? own
			: kind == 2 ? (which ? config : complete) : kind == 3 ? series[below(3)]
			: kind == 4 ? books[below(3)] : kind == 6 ? book_text : kind == 7 ? quoting
			: kind == 8 ? makers[which] : kind == 9 ? maker_config[which]
			: kind == 10 ? distill[which] : options;
		bytes		bad = mutate(good);

		run("BEGIN");
		if (kind == 0)
			give("SELECT lem_import('fuzz', $1::bytea, config) FROM file", 1, &bad);
		else if (kind == 1)
			give("SELECT lem_import('fuzz', $1::bytea), length(lem_export('fuzz'))", 1, &bad);
		else if (kind == 2)
		{
			/* as text: bytes that are no text are an error of the server's own */
			give("SELECT lem_import('fuzz', lem_export('small'), convert_from($1::bytea, 'UTF8')::jsonb)",
				 1, &bad);
		}
		else if (kind == 4)
			give("SELECT lem_book_count(b), length(b::text), length(lem_book_send(b)),"
				 " (SELECT count(*) FROM lem_book_unnest(b)),"
				 " (SELECT count(*) FROM lem_book_features(b, 0.5)),"
				 " (SELECT count(*) FROM lem_maker_backtest('baseline:linear',"
				 " lem_quoting(3, 0.01, 1, 0.1, 100), b))"
				 " FROM (SELECT $1::lem_book AS b) AS t", 1, &bad);
		else if (kind == 5)
			give("SELECT count(*) FROM books, lem_maker_backtest('baseline:glft',"
				 " lem_quoting(3, 0.01, 1, 0.1, 100), book,"
				 " convert_from($1::bytea, 'UTF8')::jsonb) WHERE name = 'sizes'", 1, &bad);
		else if (kind == 6)
			give("SELECT lem_book_count(b), length(b::text), length(lem_book_send(b))"
				 " FROM (SELECT convert_from($1::bytea, 'UTF8')::lem_book AS b) AS t", 1, &bad);
		else if (kind == 7)
			give("SELECT (SELECT count(*) FROM lem_quote('maker', q, book, 1)),"
				 " (SELECT count(*) FROM lem_maker_backtest('baseline:fixed', q, book)),"
				 " lem_keep_quoting('maker', q)"
				 " FROM books, (SELECT convert_from($1::bytea, 'UTF8')::lem_quoting AS q) AS t"
				 " WHERE name = 'sizes'", 1, &bad);
		else if (kind == 8 || kind == 9)
		{
			give(kind == 8 ? "SELECT lem_import('fuzz', $1::bytea)"
				 : which ? "SELECT lem_import('fuzz', lem_export('mixture'), convert_from($1::bytea, 'UTF8')::jsonb)"
				 : "SELECT lem_import('fuzz', lem_export('maker'), convert_from($1::bytea, 'UTF8')::jsonb)",
				 1, &bad);
			run("SELECT f.*, q.* FROM books, lem_forecast('fuzz', book) AS f,"
				" lem_quote('fuzz', lem_quoting(3, 0.01, 1, 0.1, 100), book, 5) AS q WHERE name = 'sizes'");
		}
		else if (kind == 10)
		{
			/* a call of its own, which is not let run for long */
			run("ROLLBACK");
			run("SET statement_timeout = '1s'");
			if (below(3) == 0)
				give("SELECT count(*) FROM books, lem_probe('maker', book, convert_from($1::bytea, 'UTF8')::jsonb)"
					 " WHERE name = 'sizes'", 1, &bad);
			else if (which == 0)
				give("CALL lem_distill('fuzzed', 'maker', 'SELECT * FROM maker_bars',"
					 " convert_from($1::bytea, 'UTF8')::jsonb, '{\"epochs\": 1}')", 1, &bad);
			else
				give("CALL lem_distill('fuzzed', 'maker', 'SELECT * FROM maker_bars', '{\"hidden_size\": 4}',"
					 " convert_from($1::bytea, 'UTF8')::jsonb)", 1, &bad);
			run("RESET statement_timeout");
			run("SELECT lem_drop('fuzzed')");
			run("BEGIN");
		}
		else
			give("SELECT lem_bars_count(b), length(b::text), length(lem_bars_send(b)),"
				 " (SELECT count(*) FROM lem_unnest(b)),"
				 " (SELECT count(*) FROM lem_schedule('small', lem_order(1), b))"
				 " FROM (SELECT $1::lem_bars AS b) AS t", 1, &bad);
		run("ROLLBACK");
		free(bad.data);
	}
	printf("%ld statements, %ld of them without an error\n", done, answered);
}

/* ------------------------------------------------------------------------------------------ */
/* Calls */

static char text[MAX_TEXT];
static int	length;

__attribute__((format(printf, 1, 2))) static void
add(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	length += vsnprintf(text + length, (size_t) (MAX_TEXT - length), format, args);
	va_end(args);
	if (length >= MAX_TEXT)
	{
		printf("a statement is too long\n");
		exit(1);
	}
}

/* One of so many strings. */
#define CHOOSE(...) choose((const char *const[]) {__VA_ARGS__}, \
						   (int) (sizeof((const char *const[]) {__VA_ARGS__}) / sizeof(char *)))

static const char *
choose(const char *const *from, int n)
{
	return from[below(n)];
}

static void add_value(const char *type, int depth);

static void
add_order(void)
{
	if (below(3) == 0)
	{
		add("ROW(");
		add_value("float8", 1);
		for (int i = 0; i < 3; i++)
		{
			add(", ");
			add_value("text", 1);
		}
		add(", ");
		add_value("timestamptz", 1);
		for (int i = 0; i < 2; i++)
		{
			add(", ");
			add_value("int4", 1);
		}
		for (int i = 0; i < 3; i++)
		{
			add(", ");
			add_value("float8", 1);
		}
		add(", ");
		add_value("timestamptz", 1);
		for (int i = 0; i < 3; i++)
		{
			add(", ");
			add_value("float8", 1);
		}
		add(", true");
		for (int i = 0; i < 2; i++)
		{
			add(", ");
			add_value("float8", 1);
		}
		add(")::lem_order");
		return;
	}
	add("lem_order(%s, side => %s, benchmark => %s, unit => %s, start_ts => %s, min_bars => %s,"
		" max_bars => %s, max_rate => %s, lot => %s)",
		CHOOSE("1", "1000", "0.1", "1e15"), CHOOSE("'buy'", "'sell'"), CHOOSE("'vwap'", "'twap'"),
		CHOOSE("'quantity'", "'notional'"),
		CHOOSE("NULL", "'2026-01-15 12:00+00'", "'2026-01-20 23:00+00'", "'2026-02-01'"),
		CHOOSE("NULL", "1", "2", "3"), CHOOSE("NULL", "3", "2"), CHOOSE("1", "0.5", "0.34"),
		CHOOSE("NULL", "1", "0.01"));
}

/* An expression of a type. */
static void
add_value(const char *type, int depth)
{
	const size_t size = strlen(type);

	if (strcmp(type, "internal") == 0)
		add("NULL");
	else if (below(12) == 0)
		add("NULL::%s", type);
	else if (size > 2 && strcmp(type + size - 2, "[]") == 0)
	{
		char		element[256];
		const int	n = below(6) == 0 ? 100 : below(4);

		snprintf(element, sizeof(element), "%.*s", (int) (size - 2), type);
		if (below(10) == 0 && depth == 0)
		{
			add("ARRAY[[");
			add_value(element, 1);
			add("],[");
			add_value(element, 1);
			add("]]::%s", type);
			return;
		}
		add("ARRAY[");
		for (int i = 0; i < n; i++)
		{
			add(i > 0 ? ", " : "");
			if (below(3) > 0 && i > 0 && strcmp(element, "lem_bars") != 0)
				add("%s", strstr(element, "float") ? "1.5" : strstr(element, "int") ? "2" : "NULL");
			else
				add_value(element, depth + 1);
		}
		add("]::%s", type);
	}
	else if (strstr(type, "float") || strstr(type, "double") || strcmp(type, "real") == 0
			 || strcmp(type, "numeric") == 0)
		add("%s::%s", CHOOSE("0", "1", "(-1)", "0.5", "100", "1e30", "(-1e30)", "1e-30", "'NaN'",
							 "'Infinity'", "'-Infinity'", "3"), type);
	else if (strcmp(type, "integer") == 0 || strcmp(type, "int4") == 0
			 || strcmp(type, "bigint") == 0 || strcmp(type, "smallint") == 0)
		add("%s::%s", CHOOSE("0", "1", "2", "3", "(-1)", "5", "100", "32767", "(-32768)",
							 strcmp(type, "smallint") == 0 ? "7" : "2147483647",
							 strcmp(type, "smallint") == 0 ? "7" : "(-2147483648)",
							 strcmp(type, "bigint") == 0 ? "9223372036854775807" : "4"), type);
	else if (strcmp(type, "text") == 0 || strcmp(type, "name") == 0)
		add("%s::%s", CHOOSE("'tiny'", "'small'", "'maker'", "'mixture'", "'small'", "'tiny@1'", "'small@7'", "'buy'",
							 "'sell'", "'vwap'", "'twap'", "'quantity'", "'notional'", "''", "'paper'",
							 "'causal'", "'baseline:twap'", "'baseline:stop_rule'", "'baseline:glft'", "'baseline:linear'", "'almgren_chriss'",
							 "'vwap_curve'", "'use'", "'postgres'", "'fuzz_user'", "'@'", "'é\"''\\%s%n'",
							 "repeat('x', 100000)", "'SELECT symbol AS series, ts, price, volume FROM bars'",
							 "'SELECT 1'", "'DROP TABLE bars'"), type);
	else if (strncmp(type, "timestamp", 9) == 0)
		add("%s::%s", CHOOSE("'infinity'", "'-infinity'", "'4714-11-24 BC'", "'294276-12-31'",
							 "'2026-01-10 05:00+00'", "'2026-01-20 23:00+00'", "'2026-01-21 00:00+00'",
							 "now()"), type);
	else if (strcmp(type, "interval") == 0)
		add("%s::interval", CHOOSE("'1 hour'", "'0'", "'-1 day'", "'178000000 years'", "'1 us'"));
	else if (strcmp(type, "boolean") == 0)
		add("%s", CHOOSE("true", "false"));
	else if (strcmp(type, "jsonb") == 0 || strcmp(type, "json") == 0)
		add("%s::%s", CHOOSE("'{}'", "'[]'", "'null'", "'3'", "'{\"lookback\": -1}'",
							 "'{\"hidden_size\": 1e300}'", "'{\"sub_kan\": [[[[]]]]}'",
							 "'{\"epochs\": 1, \"samples\": 16, \"batch\": 16}'",
							 "'{\"rates\": [[0, 1]], \"epochs\": 1, \"samples\": 8, \"batch\": 8, \"workers\": 2}'",
							 "'{\"lookback\": 2, \"n_ahead\": 2, \"hidden_size\": 2, \"num_heads\": 1, \"num_embedding\": 1, \"fused_mlp_hidden_dim\": 2, \"norm_window\": 8}'",
							 "'{\"fee_bps\": 1e308, \"impact\": \"square_root\"}'",
							 "('[' || repeat('[', 5000) || repeat(']', 5000) || ']')",
							 "(SELECT config::text FROM file)"), type);
	else if (strcmp(type, "bytea") == 0)
		add("%s", CHOOSE("''::bytea", "'\\x00'::bytea", "(SELECT bytes FROM file)",
						 "substr((SELECT bytes FROM file), 1, 1000)", "'\\xffffffffffffffff'::bytea",
						 "lem_bars_send((SELECT bars FROM series WHERE symbol = 'one'))",
						 "decode(repeat('01', 50000), 'hex')"));
	else if (strcmp(type, "lem_order") == 0)
		add_order();
	else if (strcmp(type, "lem_bars") == 0)
		add("(SELECT bars FROM series WHERE symbol = '%s')", CHOOSE("A", "B", "A", "one", "odd"));
	else if (strcmp(type, "lem_book") == 0)
		add("(SELECT book FROM books WHERE name = '%s')", CHOOSE("sizes", "quotes", "trades", "one"));
	else if (strcmp(type, "lem_quoting") == 0)
		add("lem_quoting(%s, %s, 1, 0.1, %s)", CHOOSE("1", "3", "32"), CHOOSE("0.01", "1", "1e-9"),
			CHOOSE("0", "100", "1e15"));
	else if (strcmp(type, "record") == 0 || strcmp(type, "anyelement") == 0)
		add("ROW(1, 'x')");
	else if (depth < 2)
		add("%s::%s", CHOOSE("NULL", "''", "'{}'", "'(,,,)'", "'(1,2,3)'", "'1'"), type);
	else
		add("NULL::%s", type);
}

/* An argument of an aggregate over rows of bars: mostly what it is made for. */
static void
add_aggregated(const char *type, int number)
{
	if (below(4) == 0)
		add_value(type, 0);
	else if (strncmp(type, "timestamp", 9) == 0)
		add(below(8) ? "ts" : "ts + interval '1 hour'");
	else if (strcmp(type, "double precision") == 0)
		add("%s", CHOOSE("price", "volume", "nullif(volume, volume)", number % 2 ? "price" : "volume",
						 "CASE WHEN price > 99 THEN price ELSE 'NaN' END"));
	else
		add_value(type, 0);
}

/* A call of a function, aggregate or procedure, from a row of the list below. */
static void
make_call(PGresult *functions, int row)
{
	const char *name = PQgetvalue(functions, row, 0);
	const char *kind = PQgetvalue(functions, row, 1);
	char		types[4096];
	char	   *type = types;
	int			number = 0;

	snprintf(types, sizeof(types), "%s", PQgetvalue(functions, row, 2));
	length = 0;
	add("%s%s(", kind[0] == 'p' ? "CALL " : below(2) && kind[0] == 'f' ? "SELECT * FROM " : "SELECT ",
		name);
	while (*type)
	{
		char	   *next = strchr(type, '|');

		if (next)
			*next++ = '\0';
		add(number > 0 ? ", " : "");
		if (kind[0] == 'a')
			add_aggregated(type, number);
		else
			add_value(type, 0);
		number++;
		if (!next)
			break;
		type = next;
	}
	add(")");
	if (kind[0] == 'a')
		add(" FROM bars WHERE symbol = 'A'%s",
			CHOOSE("", " AND false", " AND ts < '2026-01-01 05:00+00'", " GROUP BY volume > 40000"));
}

static void
fuzz_calls(double until)
{
	PGresult   *functions = need("SELECT p.oid::regproc, p.prokind,"
		" array_to_string(ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n) ORDER BY n), '|')"
		" FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid"
		" JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid"
		" WHERE e.extname = 'lem' ORDER BY p.oid::regprocedure::text");
	const int	n = PQntuples(functions);

	while (now() < until)
	{
		char		setting[64];
		const int	row = below(n);
		const bool	procedure = PQgetvalue(functions, row, 1)[0] == 'p';

		make_call(functions, row);
		snprintf(setting, sizeof(setting), "SET statement_timeout = %d",
				 below(3) == 0 ? 1 + below(20) : 500);
		run(setting);
		run(below(4) == 0 ? "SET ROLE fuzz_user" : "RESET ROLE");
		if (!procedure)
			run("BEGIN");
		run(text);
		if (!procedure)
			run("ROLLBACK");
	}
	PQclear(functions);
	printf("%d functions, %ld statements, %ld of them without an error\n", n, done, answered);
}

int
main(int argc, char **argv)
{
	double		until;

	if (argc != 4)
	{
		fprintf(stderr, "usage: calls bytes|calls seconds seed\n");
		return 2;
	}
	state = strtoull(argv[3], NULL, 10);
	until = now() + atof(argv[2]);
	conn = PQconnectdb("");
	check_alive("connecting");
	run("SET client_min_messages = error");
	if (strcmp(argv[1], "bytes") == 0)
		fuzz_bytes(until);
	else
		fuzz_calls(until);
	PQfinish(conn);
	return 0;
}
