/*
 * train_workers.c: the processes that compute a training together.
 *
 * Who they are
 * ------------
 * The leader is the session that called lem_train: it alone reads and writes tables, prepares the
 * data, decides what is computed next and saves epochs.  Workers are dynamic background workers
 * without a database connection: they see the training's block of shared memory (train_block.h),
 * and nothing else of the server.  Without workers, or without shared memory for them, the leader
 * computes everything by the same code.
 *
 * Rounds
 * ------
 * All computing is in rounds.  A round is a task (a pass over a group of samples, a sum, a part of
 * the optimiser's step) that is cut into numbered pieces.  The leader writes into the block what
 * the pieces are about, begins the round, computes pieces like everybody else, and waits until
 * each worker has said that it found none left.  So between rounds the workers write nothing, and
 * the leader alone may change what the block says; within a round nobody may.  Pieces write
 * numbers of their own: no two of a round write to the same place, whoever takes them, which is
 * also why the trained bits do not depend on the number of processes.  Pieces are handed out by a
 * counter, except for the passes whose buffers one process keeps for itself from one task to the
 * next: there member i of m takes pieces i, i + m, i + 2m and so on (has_own_pieces()).
 *
 * What is locked
 * --------------
 * One spinlock, rounds->mutex, for the few fields of lem_train_rounds; it is held for a handful of
 * assignments, never across a call that could wait, fail or allocate.  It is also what orders
 * memory: what the leader wrote before it began a round is seen by workers that have read the
 * round's number under it, and what a worker computed is seen by the leader that has read
 * `working` under it.  The counter of pieces is atomic and needs no lock.  `quit`, `lost`, `round`
 * and `working` are also peeked at without the lock, to find out early that something has changed;
 * nobody acts on the
 * numbers of others before having taken the lock.  One condition variable, rounds->changed, is
 * broadcast after each change; all wait in loops that look at the fields again.  (Between short
 * rounds a process looks out for LOOK_OUT_US before it sleeps, unless there are more processes
 * than processors.)  There is one lock only, so there is no order to keep.
 *
 * How it ends
 * -----------
 * Normally the leader stops the team: it detaches from the segment, which runs leader_left():
 * `quit` is set and everybody woken; workers leave their loop, detach and exit.  The segment goes
 * with the last process that has it.  The same happens, in the same order, where the leader ends
 * by an error or is cancelled (the reset of the memory context that the team lives in detaches)
 * and where its session ends (detaching is part of a process's exit).  Workers look at `quit`
 * before each piece and at every poll for a stop within one, so none computes on for long.
 *
 * A worker that fails leaves its message in the block (note_error()) and exits; one that is ended
 * by a signal has none.  In both cases its detaching sets `lost` and wakes the leader, which
 * raises the error in the session: a round that lacks a member's pieces cannot be completed, and
 * its numbers are in no state to go on from.  What was saved are whole epochs, so the run can be
 * resumed from the last.
 *
 * What a crash leaves
 * -------------------
 * A process that crashes (SIGKILL, SIGSEGV), leader or worker, makes the postmaster end all
 * processes and begin anew; the segment is removed then.  Its half-done round is lost, and so is
 * the epoch; the tables have the epochs before it, committed one by one, and a run that nobody is
 * computing any more is shown as interrupted (train_run.c tells by the lock on the run, which its
 * session held). The spinlock may have been held by the one that crashed: nobody is left to wait
 * for it.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/wait_event.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/interrupt.h"
#include "pg/training/train_workers.h"

/* Longest wait, in milliseconds, before looking at what no one would wake us for. */
#define WAIT_MS 200

/*
 * How long to look out for the others, in microseconds, before going to sleep: each step of the
 * optimiser waits several times, most times for less than it takes to be woken.
 */
#define LOOK_OUT_US 500

struct lem_train_team
{
	MemoryContextCallback callback;
	int			processes;		/* asked for */
	dsm_segment *segment;		/* NULL: the block is not shared, and there are no workers */
	void	   *memory;
	lem_train_member *leader;
	int			n_workers;
	BackgroundWorkerHandle **workers;
};

extern PGDLLEXPORT void pg_lem_train_worker(Datum arg);

/* Whether a worker left before it was let go. */
static bool
worker_lost(const lem_train_rounds *rounds)
{
	return ((volatile const lem_train_rounds *) rounds)->lost;
}

/* A process leaves: called before its view of the shared memory goes. */
static void
leader_left(dsm_segment *segment, Datum arg)
{
	lem_train_rounds *rounds = (lem_train_rounds *) DatumGetPointer(arg);

	(void) segment;
	ConditionVariableCancelSleep();
	SpinLockAcquire(&rounds->mutex);
	rounds->quit = true;
	SpinLockRelease(&rounds->mutex);
	ConditionVariableBroadcast(&rounds->changed);
}

static void
worker_left(dsm_segment *segment, Datum arg)
{
	lem_train_rounds *rounds = (lem_train_rounds *) DatumGetPointer(arg);

	(void) segment;
	ConditionVariableCancelSleep();
	SpinLockAcquire(&rounds->mutex);
	if (!rounds->quit)
		rounds->lost = true;
	SpinLockRelease(&rounds->mutex);
	ConditionVariableBroadcast(&rounds->changed);
}

static void
team_deleted(void *arg)
{
	lem_train_team_stop(arg, false);
}

/*
 * Shared memory; NULL, said to the client, where it cannot be had: containers tend to come with
 * little of it.
 */
static dsm_segment *
create_segment(Size bytes)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	dsm_segment *volatile segment = NULL;
	const char *volatile why = "there are too many segments";

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		segment = dsm_create(bytes, DSM_CREATE_NULL_IF_MAXSEGMENTS);

		/* Transactions come and go; the segment stays until the team is dissolved. */
		if (segment)
			dsm_pin_mapping(segment);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		CurrentResourceOwner = owner;
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_INSUFFICIENT_RESOURCES)
			ReThrowError(error);
		segment = NULL;
		why = error->message;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (segment == NULL)
		ereport(NOTICE,
				(errmsg("no shared memory for workers: training in this process alone"),
				 errdetail("%s.", why)));
	return segment;
}

lem_train_team *
lem_train_team_create(Size bytes, int processes)
{
	lem_train_team *team = palloc0(sizeof(lem_train_team));

	team->processes = processes;
	if (processes > 1)
		team->segment = create_segment(bytes);
	if (team->segment == NULL)
	{
		void	   *block = MemoryContextAllocHuge(CurrentMemoryContext, bytes + LEM_ALIGN);

		team->memory = (void *) TYPEALIGN(LEM_ALIGN, block);
		return team;
	}

	team->memory = dsm_segment_address(team->segment);
	team->callback.func = team_deleted;
	team->callback.arg = team;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &team->callback);
	LEM_ENSURE((uintptr_t) team->memory % LEM_ALIGN == 0);
	return team;
}

void *
lem_train_team_memory(lem_train_team *team)
{
	return team->memory;
}

/* Ask for one worker; false if there is no slot for it. */
static bool
register_worker(lem_train_team *team, const char *name)
{
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS,
		.bgw_start_time = BgWorkerStart_ConsistentState,
		.bgw_restart_time = BGW_NEVER_RESTART,
		.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(team->segment)),
		.bgw_notify_pid = MyProcPid
	};

	snprintf(worker.bgw_name, BGW_MAXLEN, "lem training of %s", name);
	strlcpy(worker.bgw_type, "lem training", BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, "lem", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "pg_lem_train_worker", BGW_MAXLEN);
	return RegisterDynamicBackgroundWorker(&worker, &team->workers[team->n_workers]);
}

/* Workers that ended. */
static int
workers_ended(const lem_train_team *team)
{
	int			ended = 0;

	for (int i = 0; i < team->n_workers; i++)
	{
		pid_t		pid;
		BgwHandleStatus status = GetBackgroundWorkerPid(team->workers[i], &pid);

		ended += status == BGWH_STOPPED || status == BGWH_POSTMASTER_DIED;
	}
	return ended;
}

/* Wait until the workers are there; returns how many came. */
static int
await_workers(const lem_train_team *team, lem_train_rounds *rounds)
{
	int			joined;

	ConditionVariablePrepareToSleep(&rounds->changed);
	for (;;)
	{
		const int	ended = workers_ended(team);

		SpinLockAcquire(&rounds->mutex);
		joined = rounds->joined;
		SpinLockRelease(&rounds->mutex);
		if (joined + ended >= team->n_workers)
			break;
		(void) ConditionVariableTimedSleep(&rounds->changed, WAIT_MS, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return joined;
}

int
lem_train_team_start(lem_train_team *team, lem_train_member *leader, const char *name)
{
	lem_train_rounds *rounds = &leader->view->head->rounds;
	const int	wanted = team->processes - 1;
	int			joined;

	team->leader = leader;
	if (team->segment == NULL)
		return 1;
	SpinLockInit(&rounds->mutex);
	ConditionVariableInit(&rounds->changed);
	pg_atomic_init_u64(&rounds->next, 0);
	on_dsm_detach(team->segment, leader_left, PointerGetDatum(rounds));

	team->workers = palloc0(wanted * sizeof(BackgroundWorkerHandle *));
	while (team->n_workers < wanted && register_worker(team, name))
		team->n_workers++;
	joined = await_workers(team, rounds);
	rounds->members = joined + 1;
	rounds->crowded = sysconf(_SC_NPROCESSORS_ONLN) < rounds->members;
	if (joined < wanted)
		ereport(NOTICE,
				(errmsg("%d of %d workers could be started: training in %d process%s", joined,
						wanted, joined + 1, joined == 0 ? "" : "es"),
				 errdetail("The result is the same."),
				 errhint("Raise max_worker_processes, or lower the option workers.")));
	return joined + 1;
}

/* What a process waits for: the workers' end of a round, or the round after number seen. */
static bool
round_ended(const lem_train_rounds *rounds)
{
	const volatile lem_train_rounds *now = rounds;

	return now->working == 0 || now->lost;
}

static bool
round_begun(const lem_train_rounds *rounds, uint64 seen)
{
	const volatile lem_train_rounds *now = rounds;

	return now->round != seen || now->quit;
}

/*
 * Look out for the end of a round, or with seen for the round after it, for a while: where all
 * processes can run at a time.
 */
static void
look_out(const lem_train_rounds *rounds, const uint64 *seen)
{
	instr_time	begun;
	instr_time	now;

	if (rounds->crowded)
		return;
	INSTR_TIME_SET_CURRENT(begun);
	do
	{
		if (seen ? round_begun(rounds, *seen) : round_ended(rounds))
			break;
		SPIN_DELAY();
		INSTR_TIME_SET_CURRENT(now);
		INSTR_TIME_SUBTRACT(now, begun);
	} while (INSTR_TIME_GET_MICROSEC(now) < LOOK_OUT_US);
}

static void raise_lost(lem_train_rounds *rounds) pg_attribute_noreturn();

static void
raise_lost(lem_train_rounds *rounds)
{
	char		message[sizeof(rounds->error)];
	int			sqlstate;

	SpinLockAcquire(&rounds->mutex);
	memcpy(message, rounds->error, sizeof(message));
	sqlstate = rounds->sqlstate;
	SpinLockRelease(&rounds->mutex);
	if (sqlstate != 0)
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("a worker of the training failed: %s", message)));
	ereport(ERROR,
			(errcode(ERRCODE_OPERATOR_INTERVENTION),
			 errmsg("a worker of the training was ended"),
			 errhint("The training can be resumed with the option resume.")));
}

/* The leader stops computing for interrupts, and when a worker is lost. */
static int
leader_asked(void *arg)
{
	return lem_interrupted() || worker_lost(arg);
}

/* Compute one piece, again after interrupts that we survive. */
static void
leader_piece(lem_train_team *team, lem_train_task task, int64 piece)
{
	lem_train_rounds *rounds = &team->leader->view->head->rounds;
	const lem_stop stop = {leader_asked, rounds};

	do
	{
		CHECK_FOR_INTERRUPTS();
		if (worker_lost(rounds))
			raise_lost(rounds);
	} while (lem_train_piece(team->leader, task, piece, &stop) != LEM_OK);
}

/*
 * Whether every process has its own pieces of a task: what a trunk's pass keeps is in the memory of
 * one, so number i of them takes piece i and every members-th after it.
 */
static bool
has_own_pieces(lem_train_task task)
{
	return task == LEM_TASK_TRUNK || task == LEM_TASK_TRUNK_BACK;
}

/* The next piece for member number index; -1 to begin with. */
static int64
next_piece(lem_train_rounds *rounds, lem_train_task task, int index, int64 last)
{
	if (has_own_pieces(task))
		return last < 0 ? index : last + rounds->members;
	return (int64) pg_atomic_fetch_add_u64(&rounds->next, 1);
}

void
lem_train_team_run(lem_train_team *team, lem_train_task task, int64 pieces)
{
	lem_train_rounds *rounds = &team->leader->view->head->rounds;
	int64		piece = -1;
	int			working;

	if (team->n_workers == 0 || pieces == 1)
	{
		for (int64 i = 0; i < pieces; i++)
			leader_piece(team, task, i);
		return;
	}

	SpinLockAcquire(&rounds->mutex);
	rounds->round++;
	rounds->task = task;
	rounds->pieces = pieces;
	rounds->working = rounds->joined;
	pg_atomic_write_u64(&rounds->next, 0);
	SpinLockRelease(&rounds->mutex);
	ConditionVariableBroadcast(&rounds->changed);

	while ((piece = next_piece(rounds, task, 0, piece)) < pieces)
		leader_piece(team, task, piece);

	look_out(rounds, NULL);
	ConditionVariablePrepareToSleep(&rounds->changed);
	for (;;)
	{
		SpinLockAcquire(&rounds->mutex);
		working = rounds->working;
		SpinLockRelease(&rounds->mutex);
		if (working == 0 || worker_lost(rounds))
			break;
		(void) ConditionVariableTimedSleep(&rounds->changed, WAIT_MS, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	if (worker_lost(rounds))
		raise_lost(rounds);
}

void
lem_train_team_stop(lem_train_team *team, bool wait)
{
	dsm_segment *segment = team->segment;

	if (segment == NULL)
		return;
	team->segment = NULL;
	dsm_detach(segment);
	if (wait)
		for (int i = 0; i < team->n_workers; i++)
			(void) WaitForBackgroundWorkerShutdown(team->workers[i]);
}

/* Workers stop computing when they are to end, by signal or because the leader goes. */
static int
worker_asked(void *arg)
{
	return lem_interrupted() || ((volatile const lem_train_rounds *) arg)->quit;
}

/* Wait for the round after *seen; false if there is none. */
static bool
await_round(lem_train_rounds *rounds, uint64 *seen, lem_train_task *task, int64 *pieces)
{
	bool		quit;
	bool		begun;

	look_out(rounds, seen);
	ConditionVariablePrepareToSleep(&rounds->changed);
	for (;;)
	{
		SpinLockAcquire(&rounds->mutex);
		quit = rounds->quit;
		begun = rounds->round != *seen;
		*seen = rounds->round;
		*task = rounds->task;
		*pieces = rounds->pieces;
		SpinLockRelease(&rounds->mutex);
		if (quit || begun)
			break;
		(void) ConditionVariableTimedSleep(&rounds->changed, -1, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return !quit;
}

/* Take pieces of a round until none is left; false if the leader has gone. */
static bool
work_round(lem_train_member *member, lem_train_rounds *rounds, lem_train_task task, int64 pieces)
{
	const lem_stop stop = {worker_asked, rounds};
	int64		piece = -1;

	while ((piece = next_piece(rounds, task, member->index, piece)) < pieces)
		while (lem_train_piece(member, task, piece, &stop) != LEM_OK)
		{
			CHECK_FOR_INTERRUPTS();
			if (worker_asked(rounds))
				return false;
		}
	SpinLockAcquire(&rounds->mutex);
	rounds->working--;
	SpinLockRelease(&rounds->mutex);
	ConditionVariableBroadcast(&rounds->changed);
	return true;
}

/* Leave a note for the leader about the error that ends this worker. */
static void
note_error(lem_train_rounds *rounds)
{
	ErrorData  *error;

	MemoryContextSwitchTo(TopMemoryContext);
	error = CopyErrorData();
	SpinLockAcquire(&rounds->mutex);
	strlcpy(rounds->error, error->message ? error->message : "", sizeof(rounds->error));
	rounds->sqlstate = error->sqlerrcode;
	SpinLockRelease(&rounds->mutex);
}

/* Entry of a worker; arg is the handle of the shared memory. */
void
pg_lem_train_worker(Datum arg)
{
	dsm_segment *segment;
	lem_train_head *head;
	lem_train_rounds *rounds;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	segment = dsm_attach(DatumGetUInt32(arg));
	if (segment == NULL)
		return;					/* the leader has gone already */
	head = dsm_segment_address(segment);
	rounds = &head->rounds;
	on_dsm_detach(segment, worker_left, PointerGetDatum(rounds));
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, "lem training worker",
												ALLOCSET_DEFAULT_SIZES));
	PG_TRY();
	{
		lem_train_member *member = lem_train_member_create(lem_train_block_view(head));
		lem_train_task task;
		int64		pieces;
		uint64		seen;

		SpinLockAcquire(&rounds->mutex);
		member->index = ++rounds->joined;
		seen = rounds->round;
		SpinLockRelease(&rounds->mutex);
		ConditionVariableBroadcast(&rounds->changed);
		while (await_round(rounds, &seen, &task, &pieces) &&
			   work_round(member, rounds, task, pieces))
			;
	}
	PG_CATCH();
	{
		note_error(rounds);
		PG_RE_THROW();
	}
	PG_END_TRY();
	dsm_detach(segment);
}
