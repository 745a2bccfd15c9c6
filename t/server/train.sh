# Training seen from other sessions: progress, two at once; cancelled, without its workers, without
# its session, after a crash: and resumed, to the same weights as if nothing had happened.
#   t/server/train.sh [crash digest]
set -uo pipefail
work=$(mktemp -d "${TMPDIR:-/tmp}/lem-train.XXXXXX")
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

sql()
{
	psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

# is "query": whether it answers true
is()
{
	[ "$(sql -c "SELECT ($1)" 2>/dev/null)" = t ]
}

# eventually command...: whether it succeeds within a minute
eventually()
{
	local tries

	for ((tries = 0; tries < 1200; tries++)); do
		"$@" && return
		sleep 0.05
	done
	return 1
}

config='{"lookback": 8, "n_ahead": 4, "hidden_size": 8, "num_heads": 2, "num_embedding": 4, "fused_mlp_hidden_dim": 8, "norm_window": 24}'
options='{"epochs": 300, "patience": 300, "samples": 256, "batch": 32, "validation_samples": 64, "rate": 0.003}'
bars='SELECT * FROM bars'

# train name config options [query]: in this session; messages go to $work/<name>
train()
{
	psql -X -q -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -v model="$1" -v config="$2" \
		-v options="$3" -v bars="${4:-$bars}" >"$work/$1" 2>&1 \
		<<<"CALL lem_train(:'model', :'bars', :'config', :'options');"
}

# reaches name epochs: the training of that name has so many epochs behind it, and runs
reaches()
{
	is "SELECT status = 'running' AND epochs >= $2 FROM lem_training_runs WHERE model = '$1'
		ORDER BY run DESC LIMIT 1"
}

# hold name epochs: once the training of that name has so many epochs behind it, it cannot end
# another, so that it lasts until let_go
hold()
{
	local held=

	coproc holder { sql 2>&1; }
	cat >&"${holder[1]}" <<SQL
BEGIN;
DO \$\$
BEGIN
	FOR i IN 1 .. 60000 LOOP
		EXIT WHEN (SELECT status = 'running' AND epochs >= $2 FROM lem_training_runs
			WHERE model = '$1' ORDER BY run DESC LIMIT 1);
		PERFORM pg_sleep(0.001);
	END LOOP;
END \$\$;
LOCK TABLE lem_training_epoch IN SHARE MODE;
SELECT 'held';
SQL
	read -r held <&"${holder[0]}"
	[ "$held" = held ] && reaches "$1" "$2"
}

let_go()
{
	local pid=${holder_PID:-} out=${holder[1]:-}

	[ -n "$out" ] || return			# ended already, with its server
	exec {out}>&-
	wait "$pid"
}

# has_status name status
has_status()
{
	is "SELECT status = '$2' FROM lem_training_runs WHERE model = '$1' ORDER BY run DESC LIMIT 1"
}

# said name pattern
said()
{
	grep -qE "$2" "$work/$1" || { sed 's/^/# /' "$work/$1"; false; }
}

digest_of()
{
	sql -c "SELECT digest FROM lem_model WHERE name = '$1' ORDER BY version DESC LIMIT 1"
}

# Processes of this server whose title says this.
processes()
{
	local postmaster pid

	postmaster=$(head -1 "$LEM_SERVER_DIR/data/postmaster.pid")
	for pid in $(cd /proc && echo [0-9]*); do
		{
			grep -q "^PPid:[[:space:]]*$postmaster\$" "/proc/$pid/status" &&
				grep -qa "^postgres: $1" "/proc/$pid/cmdline" && echo "$pid"
		} 2>/dev/null
	done
}

none_left()
{
	[ -z "$(processes 'lem training of')" ]
}

leader_of()
{
	sql -c "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CALL lem_train(''$1''%'"
}

sql >/dev/null <<'SQL'
CREATE EXTENSION lem;
CREATE TABLE bars AS
SELECT 'series ' || s AS series, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour' AS ts,
	100 * exp(sin((i + s) / 5.0) / 50 + (hashint4(i * 10 + s) % 1000) / 1e6) AS price,
	1000 * (1.1 + sin(i / 3.0 + s)) AS volume
FROM generate_series(1, 400) AS i, generate_series(1, 3) AS s;
SQL

# ---------------------------------------------------------------------------------------------
# On a server of its own, with room for one worker, which is killed, as is the session then.

if [ "${1:-}" = crash ]; then
	workers='{"workers": 5}'
	options=$(sql -c "SELECT '$options'::jsonb || '$workers'")
	train killed "$config" "$options" &
	training=$!
	report 'a training that gets fewer workers than it asked for runs' hold killed 3
	report 'it has the one that could be had' is "SELECT workers = 2 FROM lem_training_runs"
	report 'its worker is killed' kill -9 "$(processes 'lem training of killed')"
	wait $training
	let_go
	report 'and says so' said killed 'NOTICE: .* 1 of 4 workers could be started: training in 2 '
	report 'the server restarts after a worker was killed' eventually is true
	report 'the training is interrupted' has_status killed interrupted
	epochs=$(sql -c "SELECT epochs + 3 FROM lem_training_runs")
	train killed "$config" '{"resume": true, "workers": 2}' &
	training=$!
	report 'it resumes' hold killed "$epochs"
	report 'its session is killed' kill -9 "$(leader_of killed)"
	wait $training
	let_go
	report 'the server restarts after the session was killed' eventually is true
	report 'the training is interrupted again' has_status killed interrupted
	report 'it resumes alone' train killed '{}' '{"resume": true}'
	report 'to the same weights' [ "$(digest_of killed)" = "$2" ]
	exit $status
fi

# ---------------------------------------------------------------------------------------------

started=$SECONDS
report 'a training that nothing disturbs' train reference "$config" "$options"
report 'tells how far it is' said reference 'NOTICE: .*epoch 1 of at most 300, batch 1 of 8: loss 0'
report 'once a second at most' \
	[ "$(grep -c 'NOTICE: .* of at most 300' "$work/reference")" -le $((SECONDS - started + 2)) ]
digest=$(digest_of reference)

train one "$config" "$(sql -c "SELECT '$options'::jsonb || '{\"workers\": 2}'")" &
training=$!
report 'others see a training and its epochs while it runs' hold one 3
report 'and when it may end' is "SELECT eta > interval '0' AND workers = 2 AND finished_at IS NULL
	AND (SELECT count(*) >= 3 FROM lem_training_epochs WHERE model = 'one')
	FROM lem_training_runs WHERE model = 'one'"
leader=$(leader_of one)
report 'its process says how far it is' \
	eventually grep -qa 'CALL lem_train one: epoch [0-9]*/300, batch [0-9]*/8' "/proc/$leader/cmdline"
mkdir "$work/second"
(work=$work/second && train one "$config" "$options")
report 'another of the same name fails at once' said second/one '55006.*is being trained by another session'
sql -c "SELECT pg_cancel_backend($leader)" >/dev/null
started=$SECONDS
wait $training
report 'a cancelled training ends' [ $((SECONDS - started)) -le 5 ]
let_go
report 'its workers too' eventually none_left
report 'and its row says so' is "SELECT status = 'cancelled' AND error <> '' AND finished_at IS NOT NULL
	AND epochs BETWEEN 3 AND 299 FROM lem_training_runs WHERE model = 'one'"
report 'its state is kept' is "SELECT count(*) >= 6 FROM lem_training_state"

train one "$config" '{"resume": true, "seed": 2}'
report 'it does not resume with another seed' said one '55000.*another option'
report 'which it names' said one '"seed" was 1, and is 2 now'
train one '{"hidden_size": 16}' '{"resume": true}'
report 'nor with another config' said one '"hidden_size" was 8, and is 16 now'
train one "$config" '{"resume": true, "mask": "published"}'
report 'nor with another mask' said one '"mask_slope" was 150, and is 50 now'
train one "$config" '{"resume": true}' "$bars WHERE ts < '2024-01-17'"
report 'nor with other bars' said one '55000.*cannot be resumed with other bars'
report 'all that leaves it as it was' has_status one cancelled

resume_restored()
(
	export PGDATABASE=${PGDATABASE}_restored
	work=$work/second
	train one '{}' '{"resume": true}'
)

pg_dump -Fc -f "$work/dump"
createdb "${PGDATABASE}_restored"
report 'it is dumped and restored' \
	pg_restore -d "${PGDATABASE}_restored" -e -j 2 "$work/dump"
report 'and resumes there' resume_restored
report 'to the same weights as if nothing had happened' \
	[ "$(PGDATABASE=${PGDATABASE}_restored digest_of one)" = "$digest" ]
dropdb "${PGDATABASE}_restored"

epochs=$(sql -c "SELECT epochs + 3 FROM lem_training_runs WHERE model = 'one'")
train one "$config" "$(sql -c "SELECT '$options'::jsonb || '{\"workers\": 2, \"resume\": true}'")" &
training=$!
report 'it resumes as it was called before' hold one "$epochs"
report 'its worker is told to end' kill -TERM "$(processes 'lem training of one')"
let_go
started=$SECONDS
wait $training
report 'without its worker a training ends' [ $((SECONDS - started)) -le 5 ]
report 'and says why' said one '57000.*a worker of the training was ended'
report 'as its row does' is "SELECT status = 'failed' AND error ~ 'worker'
	FROM lem_training_runs WHERE model = 'one'"

epochs=$(sql -c "SELECT epochs + 3 FROM lem_training_runs WHERE model = 'one'")
train one '{}' '{"resume": true, "workers": 3}' &
training=$!
report 'it resumes with its own config and options' hold one "$epochs"
sql -c "SELECT pg_terminate_backend($(leader_of one))" >/dev/null
wait $training
let_go
report 'when its session ends it is interrupted' has_status one interrupted
report 'and its workers go' eventually none_left
report 'it resumes once more, alone' train one '{}' '{"resume": true}'
report 'all that has changed nothing: the weights are those of the undisturbed one' \
	[ "$(digest_of one)" = "$digest" ]
report 'it was one run' is "SELECT count(*) = 1 AND min(status) = 'finished' AND min(epochs) = 300
	AND min(error) IS NULL FROM lem_training_runs WHERE model = 'one'"
report 'with an epoch of each number' is "SELECT count(*) = 300 AND min(epoch) = 1 AND max(epoch) = 300
	FROM lem_training_epochs WHERE model = 'one'"
report 'its state is gone' is "SELECT count(*) = 0 FROM lem_training_state"

# Cancelled before the first epoch is over, when there is no state yet; begun from another model.
# One session waits until it is at it and cancels: between two, the epoch could end.
first='{"epochs": 1, "samples": 16384, "batch": 32, "validation_samples": 64, "init_from": "one"}'
train first '{}' "$first"
train first '{}' "$first" &
training=$!
report 'a training holds back no vacuum' sql -c "DO \$\$
	DECLARE
		quiet bool;
	BEGIN
		FOR i IN 1 .. 60000 LOOP
			PERFORM pg_stat_clear_snapshot();
			quiet := (SELECT bool_and(backend_xmin IS NULL AND backend_xid IS NULL) FROM pg_stat_activity
				WHERE query LIKE 'CALL lem_train(''first''%')
				AND (SELECT count(*) = 2 FROM lem_training_runs WHERE model = 'first');
			EXIT WHEN quiet;
			PERFORM pg_sleep(0.001);
		END LOOP;
		PERFORM pg_cancel_backend(pid) FROM pg_stat_activity
			WHERE query LIKE 'CALL lem_train(''first''%';
		ASSERT quiet;
	END \$\$"
wait $training
report 'a training can be cancelled in its first epoch' is "SELECT status = 'cancelled' AND epochs = 0
	FROM lem_training_runs WHERE model = 'first' ORDER BY run DESC LIMIT 1"
report 'and resumed' train first '{}' '{"resume": true}'
report 'to the same weights' is "SELECT count(*) = 2 AND count(DISTINCT digest) = 1 FROM lem_model
	WHERE name = 'first'"

# A damaged state is found.
train first '{}' "${first/\"epochs\": 1/\"epochs\": 9}" &
training=$!
report 'another is begun' hold first 1
sql -c "SELECT pg_cancel_backend($(leader_of first))" >/dev/null
wait $training
let_go
sql -c "UPDATE lem_training_state SET data = set_byte(data, 7, get_byte(data, 7) # 1) WHERE kind = 'adam_m'
	AND part = 1"
train first '{}' '{"resume": true}'
report 'a damaged state is an error' said first 'XX001.*is damaged in "adam_m", part 1'
sql -c "DELETE FROM lem_training_state WHERE kind = 'adam_v'"
train first '{}' '{"resume": true}'
report 'as is one that lacks something' said first 'XX001.*is damaged in "adam_[mv]"'

# A session that runs out of memory: what it has when it begins, and a little more.
large=$(sql -c "SELECT '$config'::jsonb || '{\"hidden_size\": 32}'")
psql -X -q -v VERBOSITY=verbose >"$work/poor" 2>&1 <<SQL
CALL lem_train('poor', '$bars', '$config', '{"epochs": 1, "samples": 64, "batch": 32}');
SELECT pg_backend_pid() AS pid \\gset
\\setenv LEM_PID :pid
\\! \$LEM_SERVER_AS prlimit --pid \$LEM_PID --as=\$((\$(awk '/^VmSize/ { print \$2 }' /proc/\$LEM_PID/status) * 1024 + 8000000))
CALL lem_train('poor', '$bars', '$large', '{"epochs": 2, "samples": 64, "batch": 256, "shard": 1, "workers": 2}');
SQL
report 'without shared memory a training goes on alone' said poor \
	'NOTICE: .* no shared memory for workers: training in this process alone'
report 'without memory it is an error' said poor 'ERROR: .*53200: out of memory'
report 'which its row tells' has_status poor failed
report 'and from which it resumes' train poor '{}' '{"resume": true}'

scripts/server -c max_worker_processes=2 bash "$0" crash "$digest" || status=1
exit $status
