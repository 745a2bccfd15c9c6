# The demo: what it prints, on simulated bars and on the same bars from a file, and that it leaves
# nothing behind.
set -uo pipefail
work=$(mktemp -d "${TMPDIR:-/tmp}/lem-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
status=0

# report "name" command...: ok if the command succeeds
report()
{
	local name=$1
	shift
	if "$@"; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		status=1
	fi
}

mkdir "$work/tmp"
chmod 755 "$work" "$work/tmp"
if ! TMPDIR="$work/tmp" scripts/demo >"$work/simulated" 2>&1; then
	sed 's/^/# /' "$work/simulated"
fi
report 'the demo ends with the server stopped' grep -q '^The server is stopped' "$work/simulated"
report 'its folder is removed' [ -z "$(ls -A "$work/tmp")" ]
report 'no errors or warnings' test -z "$(grep -E 'ERROR|WARNING|FATAL' "$work/simulated")"
report 'one slice to trade now for each of the two orders in progress' \
	[ "$(grep -cE '\| next *(\||$)' "$work/simulated")" = 2 ]
report 'three slices done of the order begun three bars ago' \
	[ "$(grep -cE '\| done *(\||$)' "$work/simulated")" = 3 ]
report 'quotes on both sides' sh -c "grep -q '^ bid ' '$work/simulated' && grep -q '^ ask ' '$work/simulated'"
report 'the comparison with VWAP and TWAP' grep -q 'bps_over_vwap.*bps_over_twap' "$work/simulated"

# The same bars from a file.
psql -X -q -v ON_ERROR_STOP=1 -f data/demo/bars.sql -f data/demo/simulate.sql
psql -X -q -c 'COPY (SELECT symbol, ts, open, high, low, close, volume, notional FROM bars)
	TO STDOUT (FORMAT csv, HEADER)' | gzip >"$work/bars.csv.gz"
BARS="$work/bars.csv.gz" scripts/demo >"$work/file" 2>&1
report 'bars from a file give the same schedules' \
	diff <(sed '/^Simulating/d; s/lo_get([0-9]*)//' "$work/simulated") \
	<(sed '/^Loading/d; s/lo_get([0-9]*)//' "$work/file")

BARS="$work/none.csv" scripts/demo >"$work/none" 2>&1
report 'a file that is not there is an error' [ $? != 0 ]
report 'which names it' grep -q none.csv "$work/none"

# The demonstration model of market making.
OUT="$work/out" scripts/demo-maker >"$work/maker" 2>&1 || sed 's/^/# /' "$work/maker"
report 'the demonstration model quotes' sh -c "grep -q '^ bid  |     1 |' '$work/maker' && grep -q '^ ask  |     1 |' '$work/maker'"
report 'it knows some of what leads the mid' sh -c "grep -qE '^ mid    [|]    0[.][3-6]' '$work/maker'"
report 'without errors or warnings' test -z "$(grep -E 'ERROR|WARNING|FATAL' "$work/maker")"
report 'and is written' test -s "$work/out/demo_maker.safetensors"

exit $status
