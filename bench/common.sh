# common.sh: what the benchmarks in SQL share; they source it.
#
# LEM_BENCH_ROUNDS is how many rounds are measured; with LEM_BENCH_SMALL sizes are small: enough to see
# that all works.

small=${LEM_BENCH_SMALL:-}

sql()
{
	psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

# The title of the rows that follow.
section()
{
	echo "# $1"
}

# rounds USUAL: rounds to measure
rounds()
{
	echo "${LEM_BENCH_ROUNDS:-$1}"
}

# A whole number with commas.
thousands()
{
	sed -E ':a; s/([0-9])([0-9]{3})($|,)/\1,\2\3/; ta' <<<"$1"
}

# row WHAT UNIT [AIM]: a row of the table from the figures of all rounds, one a line: their median, the
# smallest and the largest, and what is aimed at ("<= 12", ">= 60", other words, or nothing)
row()
{
	sort -g | awk -v what="$1" -v unit="$2" -v aim="${3:-}" '
		{ x[NR] = $1 }
		END {
			if (NR == 0)
				exit 1
			printf "%s\t%s\t%.10g\t%.10g\t%.10g\t%s\n", what, unit,
				(x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2, x[1], x[NR], aim
		}'
}

# Milliseconds of the last statement of some, in a backend of its own.
first_call()
{
	{ echo '\timing on'; echo "$1"; } | sql | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -1
}

# The bundled models, made once.
install_bundled()
{
	sql -c "DO 'BEGIN IF NOT EXISTS (SELECT FROM lem_models WHERE name = ''crypto_1h'') THEN PERFORM lem_install_bundled(); END IF; END'"
}

# import CONFIG: a model called as the config, made once: random weights for medium and full, which the
# program that weights names makes, or a copy of the bundled model
import()
{
	[ "$(sql -c "SELECT count(*) FROM lem_models WHERE name = '$1'")" = 0 ] || return 0
	if [ "$1" = bundled ]; then
		install_bundled
		sql -o /dev/null -c "SELECT lem_import('$1', lem_export('crypto_1h'), NULL)"
	else
		"$weights" "$1" >"$LEM_SERVER_DIR/weights"
		chmod 644 "$LEM_SERVER_DIR/weights"
		sql -o /dev/null -c "SELECT lem_import('$1', pg_read_binary_file('$LEM_SERVER_DIR/weights'))"
		rm -f "$LEM_SERVER_DIR/weights"
	fi
}

# Bars of an order by a config: the bundled model takes up to 96, and is measured with as many as the others.
bars_of()
{
	[ "$1" = medium ] && echo 6 || echo 12
}

# The configs to measure with.
configs()
{
	[ -n "$small" ] && echo bundled medium || echo bundled medium full
}

# Hourly bars of four symbols, and a series of each, in tables made once: bench_bars and bench_series.
make_bars()
{
	sql <<-SQL
		SELECT to_regclass('bench_series') IS NULL AS absent \gset
		\if :absent
			\i data/simulate.sql
			CREATE TABLE bench_bars AS
				SELECT s.symbol, b.ts, coalesce(b.notional / nullif(b.volume, 0), b.close) AS vwap, b.volume
				FROM (VALUES ('ALPHA'), ('BETA'), ('GAMMA'), ('DELTA')) AS s(symbol),
					 simulate_bars(s.symbol, days => 40) AS b;
			CREATE TABLE bench_series AS
				SELECT symbol, lem_bars(ts, vwap, volume) AS bars FROM bench_bars GROUP BY symbol;
			VACUUM ANALYZE bench_bars, bench_series;
		\endif
	SQL
}

# Ten million rows (few if small) of prices and volumes in a table made once, bench_rows;
# and bench_turns, milliseconds of queries run in turn, after a run of each that does not count.
most_rows=$([ -n "$small" ] && echo 20000 || echo 10000000)
make_rows()
{
	make_turns
	sql -v rows="$most_rows" <<-'SQL'
		SELECT to_regclass('bench_rows') IS NULL AS absent \gset
		\if :absent
			CREATE TABLE bench_rows AS
				SELECT i, timestamptz '2000-01-01' + i * interval '1 hour' AS ts,
					100 * exp(0.3 * sin(i * 1e-5) + 0.01 * sin(i * 1.7)) AS p, exp(4 * sin(i * 0.11)) AS v
				FROM generate_series(1, :rows) AS i;
			CREATE INDEX ON bench_rows (i);
			VACUUM ANALYZE bench_rows;
		\endif
	SQL
}

make_turns()
{
	sql <<-'SQL'
		CREATE OR REPLACE FUNCTION bench_turns(queries text[], runs int, OUT query int, OUT run int, OUT ms float8)
			RETURNS SETOF record LANGUAGE plpgsql AS $$
		DECLARE
			started timestamptz;
		BEGIN
			FOR i IN 0 .. runs LOOP
				run := i;
				FOR j IN 1 .. cardinality(queries) LOOP
					query := j;
					started := clock_timestamp();
					EXECUTE queries[j];
					ms := 1000 * extract(epoch FROM clock_timestamp() - started);
					IF i > 0 THEN
						RETURN NEXT;
					END IF;
				END LOOP;
			END LOOP;
		END $$;
	SQL
}

# turns RUNS QUERY...: milliseconds of queries run in turn by one process, a line a run: a column a query
turns()
{
	local runs=$1 query list=
	shift

	for query; do
		list+="${list:+, }\$q\$$query\$q\$"
	done
	sql -F ' ' -c 'SET max_parallel_workers_per_gather = 0' -c 'SET jit = off' \
		-c "SELECT string_agg(ms::text, ' ' ORDER BY query) FROM bench_turns(ARRAY[$list], $runs) GROUP BY run ORDER BY run"
}

# column N: that column of what turns printed
column()
{
	awk -v n="$1" '{ print $n }'
}

# A hundred models (ten if small), made once: the bundled one with norm windows of different lengths.
make_models()
{
	install_bundled
	sql -o /dev/null -v n=$([ -n "$small" ] && echo 10 || echo 100) <<-'SQL'
		SELECT NOT EXISTS (SELECT FROM lem_models WHERE name = 'model_1') AS absent \gset
		\if :absent
			SELECT lem_import('model_' || i, file, config || jsonb_build_object('norm_window', 100 + i))
			FROM generate_series(1, :n) AS i, lem_models AS m, lem_export(m.name) AS file WHERE m.name = 'crypto_1h';
		\endif
	SQL
}

# exponents SIZE...: for each line of figures, one a size, the exponent e of figure ~ size ^ e, by least
# squares of the logarithms
exponents()
{
	awk -v sizes="$*" '
		BEGIN {
			n = split(sizes, size, " ")
			for (i = 1; i <= n; i++)
				mean += log(size[i]) / n
		}
		{
			above = below = 0
			for (i = 1; i <= n; i++)
			{
				above += (log(size[i]) - mean) * log($i)
				below += (log(size[i]) - mean) ^ 2
			}
			print above / below
		}'
}
