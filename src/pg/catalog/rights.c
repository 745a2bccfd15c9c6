/* rights.c: who may do what with models and orders. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/supportnodes.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/query.h"
#include "pg/base/table_scan.h"
#include "pg/catalog/catalog.h"
#include "pg/catalog/rights.h"

/*
 * What lem_acts_for answered last at one place of a plan, which asks for many rows in a row of one role:
 * good for the same user while no role, and no table's owner, has changed.
 */
typedef struct last_answer
{
	uint64		changes;
	Oid			user;
	Oid			role;
	bool		acts;
} last_answer;

/* Counts what may change an answer; 0: it is not counted yet. */
static uint64 role_changes = 0;

static void
count_change(Datum arg, int cache, uint32 hash)
{
	(void) arg;
	(void) cache;
	(void) hash;
	role_changes++;
}

static bool
acts_for(FunctionCallInfo fcinfo, const lem_role *role)
{
	last_answer *last = fcinfo->flinfo->fn_extra;
	const Oid	user = GetUserId();

	if (last && last->changes == role_changes && last->user == user && last->role == role->id)
		return last->acts;
	if (role_changes == 0)
	{
		CacheRegisterSyscacheCallback(AUTHOID, count_change, (Datum) 0);
		CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, count_change, (Datum) 0);
		CacheRegisterSyscacheCallback(RELOID, count_change, (Datum) 0);
		role_changes = 1;
	}
	if (last == NULL)
		last = fcinfo->flinfo->fn_extra =
			MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(last_answer));
	last->changes = 0;			/* none, should this fail */
	last->acts = lem_user_acts_for(lem_schema(fcinfo), user, lem_role_id(role));
	last->user = user;
	last->role = role->id;
	last->changes = role_changes;
	return last->acts;
}

/*
 * lem_acts_for(role name) RETURNS boolean
 * lem_acts_for(role lem_role) RETURNS boolean
 *
 * Whether the current user has the rights of a role: is the role, a member that inherits from it,
 * or administers the extension.  A role that does not exist is nobody's.
 */
LEM_FUNCTION(pg_lem_acts_for);
LEM_FUNCTION(pg_lem_acts_for_role);

Datum
pg_lem_acts_for(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lem_user_acts_for(lem_schema(fcinfo), GetUserId(),
									 get_role_oid(NameStr(*PG_GETARG_NAME(0)), true)));
}

Datum
pg_lem_acts_for_role(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(acts_for(fcinfo, DatumGetLemRoleP(PG_GETARG_DATUM(0))));
}

/* The part of rows for whose roles whoever asks acts, as the planner is told: most see most of them. */
#define ACTS_FOR_SHARE 0.9

/*
 * _lem_acts_for_support(internal) RETURNS internal
 *
 * Planner support function of lem_acts_for: how many rows it lets through.
 */
LEM_FUNCTION(pg_lem_acts_for_support);

Datum
pg_lem_acts_for_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (!IsA(request, SupportRequestSelectivity))
		PG_RETURN_POINTER(NULL);
	((SupportRequestSelectivity *) request)->selectivity = ACTS_FOR_SHARE;
	PG_RETURN_POINTER(request);
}

static const char *const right_names[LEM_RIGHTS] = {"use", "read", "train", "drop"};
static const char *const right_uses[LEM_RIGHTS] = {
	"to schedule with it", "to read its weights", "to add and deploy versions", "to drop it"
};

/* Whether a user owns a model (owner NULL: nobody does). */
static bool
is_owner(Oid user, const lem_role *owner)
{
	const Oid	id = owner ? lem_role_id(owner) : InvalidOid;

	return OidIsValid(id) && has_privs_of_role(user, id);
}

/* Whether a user is one of those that have a right. */
static bool
is_granted(Oid user, List *grantees)
{
	ListCell   *cell;

	foreach(cell, grantees)
		if (!OidIsValid(lfirst_oid(cell)) || has_privs_of_role(user, lfirst_oid(cell)))
			return true;
	return false;
}

/*
 * Whether a user has a right to the model of a name, as a snapshot sees it (NULL: as the calling
 * statement does), or by administering the extension.
 */
static bool
has_right(const char *schema, Snapshot snapshot, Oid user, const char *name, lem_right right)
{
	if (lem_user_administers(schema, user))
		return true;
	return is_owner(user, lem_catalog_owner(schema, snapshot, name)) ||
		is_granted(user, lem_catalog_grantees(schema, snapshot, name, right_names[right])) ||
		(right == LEM_RIGHT_USE &&
		 is_granted(user, lem_catalog_grantees(schema, snapshot, name,
											   right_names[LEM_RIGHT_READ])));
}

static void refuse(const char *schema, Snapshot snapshot, const char *name, lem_right right)
			pg_attribute_noreturn();

static void
refuse(const char *schema, Snapshot snapshot, const char *name, lem_right right)
{
	const lem_role *role = lem_catalog_owner(schema, snapshot, name);
	const char *owner = role ? lem_role_current_name(role) : NULL;

	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for model \"%s\"", name),
			 errdetail("It takes the right \"%s\" %s.", right_names[right], right_uses[right]),
			 owner == NULL ? 0 :
			 errhint("Its owner, \"%s\", can grant it with lem_grant.", owner)));
}

/* All that is committed by now: rights in the tables, and memberships of roles. */
static Snapshot
take_latest(const char *schema)
{
	AcceptInvalidationMessages();
	return lem_snapshot_take(schema);
}

void
lem_rights_hold(const char *schema, const char *name)
{
	LOCKTAG		tag;

	/* Also on a standby, which has no such locks. */
	PreventCommandIfReadOnly("changes of models");

	/* A lock on an object of the table of names that only lem knows: the name's hash. */
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, lem_table(schema, "lem_model_name"),
					   hash_bytes((const unsigned char *) name, (int) strlen(name)), 1);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

bool
lem_rights_check(const char *schema, Oid user, const char *name, lem_right right)
{
	const Snapshot latest = take_latest(schema);
	const bool	exists = lem_catalog_has_name(schema, latest, name);

	if (exists && !has_right(schema, latest, user, name, right))
		refuse(schema, latest, name, right);
	lem_snapshot_return(latest);
	return !exists;
}

void
lem_rights_find(const char *schema, const char *model, lem_model_row *row)
{
	lem_rights_find_for(schema, GetUserId(), LEM_RIGHT_USE, model, row);
}

void
lem_rights_find_for(const char *schema, Oid user, lem_right right, const char *model,
					lem_model_row *row)
{
	Snapshot	latest;

	lem_catalog_look_up(schema, model, row);
	if (lem_user_administers(schema, user))
		return;

	/* Who has rights to a name by now has none to what others had under it before. */
	latest = take_latest(schema);
	if (!lem_catalog_has_model(schema, latest, row->id))
		ereport(ERROR,
				(errcode(ERRCODE_LEM_UNKNOWN_MODEL),
				 errmsg("unknown model \"%s\"", lem_clip_text(model)),
				 errdetail("Another session has dropped it."),
				 errhint("A new transaction sees what models there are by now.")));
	if (!has_right(schema, latest, user, row->name, right))
		refuse(schema, latest, row->name, right);
	lem_snapshot_return(latest);
}

/* A right by its name, LEM_RIGHTS for "all" where that may stand; raises 22023. */
static int
read_right(const char *name, bool all)
{
	for (int i = 0; i < LEM_RIGHTS; i++)
		if (pg_strcasecmp(name, right_names[i]) == 0)
			return i;
	if (all && pg_strcasecmp(name, "all") == 0)
		return LEM_RIGHTS;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown right \"%s\"", lem_clip_text(name)),
			 errhint("Rights are \"use\", \"read\", \"train\" and \"drop\"%s.",
					 all ? ", or \"all\" of them" : "")));
	return 0;
}

/* Hold a name, for its model's owner alone; raises LM010 and 42501. */
static void
hold_as_owner(const char *schema, const char *name)
{
	Snapshot	latest;
	const lem_role *owner;

	lem_rights_hold(schema, name);
	latest = take_latest(schema);
	if (!lem_catalog_has_name(schema, latest, name))
		lem_catalog_unknown(schema, name);
	owner = lem_catalog_owner(schema, latest, name);
	lem_snapshot_return(latest);
	if (!is_owner(GetUserId(), owner) && !lem_user_administers(schema, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of model \"%s\"", name)));
}

/* Give (or take) rights. */
static Datum
change_rights(FunctionCallInfo fcinfo, bool grant)
{
	const char *schema = lem_schema(fcinfo);
	char	   *name;
	char	   *role;
	int			right;
	lem_query	query;

	lem_refuse_null(PG_ARGISNULL(0), "model");
	lem_refuse_null(PG_ARGISNULL(1), "role");
	lem_refuse_null(PG_ARGISNULL(2), "privilege");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	role = NameStr(*PG_GETARG_NAME(1));
	right = read_right(text_to_cstring(PG_GETARG_TEXT_PP(2)), true);
	hold_as_owner(schema, name);

	/* What a role had that is gone can be taken. */
	if (grant && strcmp(role, "public") != 0)
		(void) get_role_oid(role, false);
	lem_query_connect();
	for (int i = 0; i < LEM_RIGHTS; i++)
	{
		if (right != i && right != LEM_RIGHTS)
			continue;
		lem_query_begin(&query, schema);
		lem_query_add(&query, TEXTOID, CStringGetTextDatum(name), false);
		lem_query_add(&query, NAMEOID, CStringGetDatum(role), false);
		lem_query_add(&query, TEXTOID, CStringGetTextDatum(right_names[i]), false);
		if (grant)
		{
			lem_query_add_user(&query, GetUserId());
			lem_query_run(&query,
						  "INSERT INTO %1$s.lem_model_right (model, grantee, privilege, grantor)"
						  " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");
		}
		else
			lem_query_run(&query,
						  "DELETE FROM %1$s.lem_model_right WHERE model = $1"
						  " AND (%1$s.lem_role_name(grantee) = $2"
						  " OR grantee::text = '?' || $2::text) AND privilege = $3");
	}
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * lem_grant(model text, role name, privilege text) RETURNS void
 * lem_revoke(model text, role name, privilege text) RETURNS void
 *
 * Gives a role ('public': all of them) a right to all versions of a model, or takes it: use, read,
 * train, drop, or all.  For the model's owner.  Errors: 22004, 22023, 42501, 42704, LM010.
 */
LEM_FUNCTION(pg_lem_grant);
LEM_FUNCTION(pg_lem_revoke);

Datum
pg_lem_grant(PG_FUNCTION_ARGS)
{
	return change_rights(fcinfo, true);
}

Datum
pg_lem_revoke(PG_FUNCTION_ARGS)
{
	return change_rights(fcinfo, false);
}

/*
 * lem_set_owner(model text, role name) RETURNS void
 *
 * Gives a model to another role, of which the caller must be a member.
 */
LEM_FUNCTION(pg_lem_set_owner);

Datum
pg_lem_set_owner(PG_FUNCTION_ARGS)
{
	const char *schema = lem_schema(fcinfo);
	char	   *name;
	Oid			role;
	lem_query	query;

	lem_refuse_null(PG_ARGISNULL(0), "model");
	lem_refuse_null(PG_ARGISNULL(1), "role");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	hold_as_owner(schema, name);
	role = get_role_oid(NameStr(*PG_GETARG_NAME(1)), false);
	if (!lem_user_administers(schema, GetUserId()))
		lem_check_can_set_role(GetUserId(), role);
	lem_query_connect();
	lem_query_begin(&query, schema);
	lem_query_add(&query, TEXTOID, CStringGetTextDatum(name), false);
	lem_query_add(&query, NAMEOID, PG_GETARG_DATUM(1), false);
	lem_query_run(&query, "UPDATE %1$s.lem_model_name SET owner = $2 WHERE name = $1");
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * lem_has_right(model text, privilege text, role name DEFAULT CURRENT_USER) RETURNS boolean
 *
 * Whether a role has a right to a model, however it came by it, as the calling statement sees it.
 */
LEM_FUNCTION(pg_lem_has_right);

Datum
pg_lem_has_right(PG_FUNCTION_ARGS)
{
	const char *schema = lem_schema(fcinfo);
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const int	right = read_right(text_to_cstring(PG_GETARG_TEXT_PP(1)), false);
	const Oid	role = get_role_oid(NameStr(*PG_GETARG_NAME(2)), false);

	if (!lem_catalog_has_name(schema, NULL, name))
		lem_catalog_unknown(schema, name);
	PG_RETURN_BOOL(has_right(schema, NULL, role, name, right));
}
