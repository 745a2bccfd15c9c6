# The commands of the README, as a new user types them: from a clone to a report on bars of one's own.
set -uo pipefail
. t/server/common
work=$(mktemp -d "${TMPDIR:-/tmp}/lem-first.XXXXXX")
trap 'rm -rf "$work"' EXIT
top=$PWD
sql -c 'SET client_min_messages = warning' -f data/demo/bars.sql -f data/demo/simulate.sql
sql -c 'COPY (SELECT symbol, ts, open, high, low, close, volume, notional FROM bars) TO STDOUT (FORMAT csv, HEADER)' >"$work/mine.csv"

commands=$(awk '/^## See it$/ { on = 1 } on && /^```sh$/ { in_block = 1; next } in_block && /^```$/ { exit } in_block' README.md)
is 'at most five commands' "$(wc -l <<<"$commands" | tr -d ' ')" 4
# what is there already, where from, and whose bars; the objects that are built are those of this folder, with
# what says for which server they are
commands=$(sed -e '/^apt-get /d' -e "s|git clone <this repository> lem|mkdir -p lem/build \&\& cp -p '$top/build/server' lem/build \&\& (cd '$top' \&\& tar -cf - --exclude=./build --exclude=./.git .) \| tar -xf - -C lem|" \
	-e "s|/path/to/bars.csv|'$work/mine.csv'|; s|ETHUSDT|BETA|" <<<"$commands")
if ! (cd "$work" && sh -e -c "$commands") >"$work/log" 2>&1; then
	sed 's/^/# /' "$work/log"
fi
for page in schedule backtest; do
	ok "a page on a $page" grep -q '</html>' "$work/lem/build/report/$page.html"
	is "$page: its pictures are well-formed" "$(sql <<-SQL
		\set page \`cat "$work/lem/build/report/$page.html"\`
		SELECT count(*) > 1 AND bool_and(m[1]::xml IS DOCUMENT) FROM regexp_matches(:'page', '<svg.*?</svg>', 'g') AS m;
	SQL
	)" t
done
is 'no errors or warnings' "$(grep -iE 'error|warning|fatal' "$work/log")" ''
BARS=$work/none.csv scripts/report >"$work/log" 2>&1
ok 'a file that is not there is an error' [ $? != 0 ]
ok 'which names it' grep -q none.csv "$work/log"
BARS=$work/mine.csv SYMBOL="none'" OUT="$work/out" scripts/report >"$work/log" 2>&1
ok 'a symbol that is not there, too' grep -q "There are no bars of none'" "$work/log"

# A server that keeps its data
mkdir "$work/kept"
chmod 755 "$work"
scripts/server -k "$work/kept" psql -X -q -c 'CREATE EXTENSION lem' -c 'SELECT FROM lem_install_bundled()' >/dev/null
is 'a kept server finds its data again' "$(scripts/server -k "$work/kept" psql -X -A -t -c 'SELECT count(*) FROM lem_models')" 2
exit $failed
