/* rights.c: who may do what with models and orders. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/query.h"
#include "pg/catalog/catalog.h"
#include "pg/catalog/rights.h"

/*
 * lem_acts_for(role name) RETURNS boolean
 *
 * Whether the current user has the rights of a role: is the role, a member that inherits from it,
 * or administers the extension.  A role that does not exist is nobody's.
 */
LEM_FUNCTION(pg_lem_acts_for);

Datum
pg_lem_acts_for(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lem_user_acts_for(lem_schema(fcinfo), GetUserId(),
									 NameStr(*PG_GETARG_NAME(0))));
}

static const char *const right_names[LEM_RIGHTS] = {"use", "read", "train", "drop"};
static const char *const right_uses[LEM_RIGHTS] = {
	"to schedule with it", "to read its weights", "to add and deploy versions", "to drop it"
};

/* Whether a user has the rights of a role that exists, or the role is all of them. */
static bool
is_member(Oid user, const char *role)
{
	const Oid	id = get_role_oid(role, true);

	return strcmp(role, "public") == 0 || (OidIsValid(id) && has_privs_of_role(user, id));
}

/* Whether a user is one of those that have a right. */
static bool
is_granted(Oid user, List *grantees)
{
	ListCell   *cell;

	foreach(cell, grantees)
		if (is_member(user, lfirst(cell)))
			return true;
	return false;
}

/* Whether a user has a right to a model that has versions; *exists: whether it has. */
static bool
has_right(const char *schema, Oid user, const char *name, lem_right right, bool *exists,
		  const char **owner)
{
	const lem_right more = right == LEM_RIGHT_USE ? LEM_RIGHT_READ : right;
	const bool	writes = right == LEM_RIGHT_TRAIN || right == LEM_RIGHT_DROP;
	List	   *grantees;

	*exists = lem_catalog_rights(schema, name, right_names[right], right_names[more], writes,
								 owner, &grantees);
	return (*owner && is_member(user, *owner)) || is_granted(user, grantees) ||
		lem_user_administers(schema, user);
}

bool
lem_rights_check(const char *schema, Oid user, const char *name, lem_right right)
{
	bool		exists;
	const char *owner;

	if (has_right(schema, user, name, right, &exists, &owner) || !exists)
		return !exists;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for model \"%s\"", name),
			 errdetail("It takes the right \"%s\" %s.", right_names[right], right_uses[right]),
			 owner == NULL ? 0 :
			 errhint("Its owner, \"%s\", can grant it with lem_grant.", owner)));
	return false;
}

static void
refuse_null(bool is_null, const char *what)
{
	if (is_null)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", what)));
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

/* The model of a name, for its owner alone; raises LM010 and 42501. */
static void
require_owner(const char *schema, const char *name)
{
	const char *owner;
	List	   *grantees;

	if (!lem_catalog_rights(schema, name, "", "", true, &owner, &grantees))
	{
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		lem_catalog_unknown(schema, name);
	}
	if ((owner == NULL || !is_member(GetUserId(), owner)) &&
		!lem_user_administers(schema, GetUserId()))
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

	refuse_null(PG_ARGISNULL(0), "model");
	refuse_null(PG_ARGISNULL(1), "role");
	refuse_null(PG_ARGISNULL(2), "privilege");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	role = NameStr(*PG_GETARG_NAME(1));
	right = read_right(text_to_cstring(PG_GETARG_TEXT_PP(2)), true);
	require_owner(schema, name);

	/* What a role had that is gone can be taken. */
	if (grant && strcmp(role, "public") != 0)
		(void) get_role_oid(role, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
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
			lem_query_add(&query, NAMEOID,
						  CStringGetDatum(GetUserNameFromId(GetUserId(), false)), false);
			lem_query_run(&query,
						  "INSERT INTO %1$s.lem_model_right (model, grantee, privilege, grantor)"
						  " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");
		}
		else
			lem_query_run(&query,
						  "DELETE FROM %1$s.lem_model_right WHERE model = $1 AND grantee = $2"
						  " AND privilege = $3");
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

	refuse_null(PG_ARGISNULL(0), "model");
	refuse_null(PG_ARGISNULL(1), "role");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	require_owner(schema, name);
	role = get_role_oid(NameStr(*PG_GETARG_NAME(1)), false);
	if (!lem_user_administers(schema, GetUserId()))
		lem_check_can_set_role(GetUserId(), role);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
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
 * Whether a role has a right to a model, however it came by it.
 */
LEM_FUNCTION(pg_lem_has_right);

Datum
pg_lem_has_right(PG_FUNCTION_ARGS)
{
	const char *schema = lem_schema(fcinfo);
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const int	right = read_right(text_to_cstring(PG_GETARG_TEXT_PP(1)), false);
	const Oid	role = get_role_oid(NameStr(*PG_GETARG_NAME(2)), false);
	bool		exists;
	const char *owner;
	const bool	has = has_right(schema, role, name, right, &exists, &owner);

	if (!exists)
	{
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		lem_catalog_unknown(schema, name);
	}
	PG_RETURN_BOOL(has);
}
