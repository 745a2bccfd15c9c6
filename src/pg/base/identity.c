/* identity.c: where the extension lives, and who a piece of code runs as. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "pg/base/identity.h"

char *
lem_schema(FunctionCallInfo fcinfo)
{
	Oid			namespace = get_func_namespace(fcinfo->flinfo->fn_oid);
	char	   *name = OidIsValid(namespace) ? get_namespace_name(namespace) : NULL;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("cannot find the schema of the extension")));
	return name;
}

/* The role that owns the extension's tables. */
static Oid
table_owner(const char *schema)
{
	const Oid	table = get_relname_relid("lem_model", get_namespace_oid(schema, false));
	HeapTuple	row = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid			owner;

	if (!HeapTupleIsValid(row))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" of the extension is missing", "lem_model")));
	owner = ((Form_pg_class) GETSTRUCT(row))->relowner;
	ReleaseSysCache(row);
	return owner;
}

lem_user
lem_user_become_owner(const char *schema)
{
	const Oid	owner = table_owner(schema);
	lem_user	before;

	GetUserIdAndSecContext(&before.id, &before.context);
	SetUserIdAndSecContext(owner, before.context | SECURITY_LOCAL_USERID_CHANGE);
	return before;
}

void
lem_user_restore(lem_user user)
{
	SetUserIdAndSecContext(user.id, user.context);
}

bool
lem_user_administers(const char *schema, Oid user)
{
	return has_privs_of_role(user, table_owner(schema));
}

bool
lem_user_acts_for(const char *schema, Oid user, Oid role)
{
	return (OidIsValid(role) && has_privs_of_role(user, role)) ||
		lem_user_administers(schema, user);
}
