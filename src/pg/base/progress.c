/* progress.c: how far long jobs are. */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "pgstat.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg/base/compat.h"
#include "pg/base/progress.h"

/* A command that the server does not know, and does not show. */
#define PROGRESS_COMMAND ((ProgressCommandType) 0x6c656d)

/* Milliseconds from one message to the next. */
#define TELL_MS 1000

/* The numbers of an entry. */
enum
{
	FIELD_KIND,
	FIELD_OBJECT,
	FIELD_PHASE,
	FIELD_NUMBER,
	FIELD_DONE,
	FIELD_TOTAL,
	FIELD_SINCE,
	FIELDS
};

static const char *const kinds[] = {"training", "backtest", "evaluation", "import", "work"};

static const char *const phases[] = {
	"reading bars", "learning", "validating", "saving", "going through bars", "quoting", "checking parts",
	"storing parts", "deciding orders"
};

bool		lem_progress_notices = false;

static const char *
phase_text(int64 phase, int64 number)
{
	if (phase < 0 || phase >= (int64) lengthof(phases))
		return "unknown";
	return number > 0 ? psprintf("epoch %lld: %s", (long long) number, phases[phase])
		: phases[phase];
}

/* Write it all; an error within a part of the job that was survived has cleared it. */
static void
show(const lem_progress *progress)
{
	static const int fields[FIELDS] = {
		FIELD_KIND, FIELD_OBJECT, FIELD_PHASE, FIELD_NUMBER, FIELD_DONE, FIELD_TOTAL, FIELD_SINCE
	};
	const int64 values[FIELDS] = {
		progress->kind, progress->object, progress->phase, progress->number, progress->done,
		progress->total, progress->since
	};

	if (!progress->shown || MyBEEntry == NULL)
		return;
	if (MyBEEntry->st_progress_command == PROGRESS_COMMAND_INVALID)
		pgstat_progress_start_command(PROGRESS_COMMAND, InvalidOid);
	if (MyBEEntry->st_progress_command == PROGRESS_COMMAND)
		pgstat_progress_update_multi_param(FIELDS, fields, values);
}

void
lem_progress_begin(lem_progress *progress, lem_progress_kind kind, int64 object)
{
	memset(progress, 0, sizeof(*progress));
	progress->shown = MyBEEntry != NULL &&
		MyBEEntry->st_progress_command == PROGRESS_COMMAND_INVALID;
	progress->kind = kind;
	progress->object = object;
	progress->told = GetCurrentTimestamp();
}

void
lem_progress_enter(lem_progress *progress, lem_progress_phase phase, int number, int64 total)
{
	progress->phase = phase;
	progress->number = number;
	progress->done = 0;
	progress->total = total;
	progress->since = GetCurrentTimestamp();
	show(progress);
}

void
lem_progress_done(lem_progress *progress, int64 done)
{
	TimestampTz now;

	progress->done = done;
	show(progress);
	if (!progress->shown || !lem_progress_notices)
		return;
	now = GetCurrentTimestamp();
	if (!TimestampDifferenceExceeds(progress->told, now, TELL_MS))
		return;
	progress->told = now;
	if (progress->total > 0)
		ereport(NOTICE,
				(errmsg("%s, %s: %lld of %lld", kinds[progress->kind],
						phase_text(progress->phase, progress->number), (long long) done,
						(long long) progress->total)));
	else
		ereport(NOTICE,
				(errmsg("%s, %s: %lld", kinds[progress->kind],
						phase_text(progress->phase, progress->number), (long long) done)));
}

void
lem_progress_end(lem_progress *progress)
{
	if (progress->shown && MyBEEntry != NULL &&
		MyBEEntry->st_progress_command == PROGRESS_COMMAND)
		pgstat_progress_end_command();
	progress->shown = false;
}

/*
 * _lem_progress() RETURNS setof (pid, usename, kind, object, phase, done, total, since)
 *
 * Jobs of this database.  What they are is shown to those who have the rights of their role, or of
 * pg_read_all_stats.
 */
LEM_FUNCTION(pg_lem_progress);

Datum
pg_lem_progress(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const int	n = pgstat_fetch_stat_numbackends();

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 1; i <= n; i++)
	{
		const LocalPgBackendStatus *local = lem_backend_status(i);
		const PgBackendStatus *backend = &local->backendStatus;
		const int64 *fields = backend->st_progress_param;
		Datum		values[8];
		bool		nulls[8] = {false};

		if (backend->st_progress_command != PROGRESS_COMMAND ||
			backend->st_databaseid != MyDatabaseId ||
			fields[FIELD_KIND] < 0 || fields[FIELD_KIND] >= (int64) lengthof(kinds))
			continue;
		values[0] = Int32GetDatum(backend->st_procpid);
		values[1] = ObjectIdGetDatum(backend->st_userid);
		if (has_privs_of_role(GetUserId(), backend->st_userid) ||
			has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		{
			values[2] = CStringGetTextDatum(kinds[fields[FIELD_KIND]]);
			values[3] = Int64GetDatum(fields[FIELD_OBJECT]);
			values[4] = CStringGetTextDatum(phase_text(fields[FIELD_PHASE], fields[FIELD_NUMBER]));
			values[5] = Int64GetDatum(fields[FIELD_DONE]);
			values[6] = Int64GetDatum(fields[FIELD_TOTAL]);
			values[7] = TimestampTzGetDatum(fields[FIELD_SINCE]);
			nulls[6] = fields[FIELD_TOTAL] == 0;
		}
		else
			memset(nulls + 2, true, sizeof(nulls) - 2);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
