/* role.c: the type lem_role. */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "pg/base/compat.h"
#include "pg/base/role.h"

/* What is before the name of a role that is gone, and before a name that needs to be told from it. */
#define GONE '?'
#define PLAIN '\\'

/* All roles; no role can have this name. */
#define ALL_ROLES "public"

bool
lem_role_is_public(const lem_role *role)
{
	return !OidIsValid(role->id) && strcmp(NameStr(role->name), ALL_ROLES) == 0;
}

Oid
lem_role_id(const lem_role *role)
{
	return OidIsValid(role->id) && SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role->id)) ?
		role->id : InvalidOid;
}

char *
lem_role_current_name(const lem_role *role)
{
	if (lem_role_is_public(role))
		return pstrdup(ALL_ROLES);
	return OidIsValid(role->id) ? GetUserNameFromId(role->id, true) : NULL;
}

/* The role of a name, or nobody. */
static lem_role *
role_of(const char *name)
{
	lem_role   *role = palloc0(sizeof(lem_role));

	namestrcpy(&role->name, name);
	role->id = get_role_oid(NameStr(role->name), true);
	return role;
}

/* A role as it is written. */
static lem_role *
read_role(const char *text)
{
	lem_role   *role;

	if (*text == GONE)
	{
		role = palloc0(sizeof(lem_role));
		namestrcpy(&role->name, text + 1);
		/* nobody is everybody */
		if (lem_role_is_public(role))
			namestrcpy(&role->name, "");
		return role;
	}
	return role_of(*text == PLAIN ? text + 1 : text);
}

char *
lem_role_text(const lem_role *role)
{
	const char *name = lem_role_current_name(role);

	if (name == NULL)
		return psprintf("%c%s", GONE, NameStr(role->name));
	return psprintf("%s%s", *name == GONE || *name == PLAIN ? "\\" : "", name);
}

/* _lem_role_in(cstring), _lem_role_out(lem_role), _lem_role_recv(internal), _lem_role_send(lem_role) */
LEM_FUNCTION(pg_lem_role_in);
LEM_FUNCTION(pg_lem_role_out);
LEM_FUNCTION(pg_lem_role_recv);
LEM_FUNCTION(pg_lem_role_send);

Datum
pg_lem_role_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(read_role(PG_GETARG_CSTRING(0)));
}

Datum
pg_lem_role_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(lem_role_text(DatumGetLemRoleP(PG_GETARG_DATUM(0))));
}

Datum
pg_lem_role_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int			length;
	char	   *text = pq_getmsgtext(buffer, buffer->len - buffer->cursor, &length);

	PG_RETURN_POINTER(read_role(text));
}

Datum
pg_lem_role_send(PG_FUNCTION_ARGS)
{
	const char *text = lem_role_text(DatumGetLemRoleP(PG_GETARG_DATUM(0)));
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendtext(&buffer, text, (int) strlen(text));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/*
 * lem_role_of(role name) RETURNS lem_role
 * lem_role_name(role lem_role) RETURNS name
 *
 * The role of a name, or nobody; the name that a role has now, NULL for nobody.  STRICT.
 */
LEM_FUNCTION(pg_lem_role_of);
LEM_FUNCTION(pg_lem_role_name);

Datum
pg_lem_role_of(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(role_of(NameStr(*PG_GETARG_NAME(0))));
}

Datum
pg_lem_role_name(PG_FUNCTION_ARGS)
{
	const char *text = lem_role_current_name(DatumGetLemRoleP(PG_GETARG_DATUM(0)));
	Name		name;

	if (text == NULL)
		PG_RETURN_NULL();
	name = palloc0(sizeof(NameData));
	namestrcpy(name, text);
	PG_RETURN_NAME(name);
}

/*
 * The order of roles, for an index: by their numbers, and those without by the name.  It depends on
 * what is stored only.
 */
static int
compare(FunctionCallInfo fcinfo)
{
	const lem_role *a = DatumGetLemRoleP(PG_GETARG_DATUM(0));
	const lem_role *b = DatumGetLemRoleP(PG_GETARG_DATUM(1));

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return OidIsValid(a->id) ? 0 : strncmp(NameStr(a->name), NameStr(b->name), NAMEDATALEN);
}

LEM_FUNCTION(pg_lem_role_cmp);
LEM_FUNCTION(pg_lem_role_lt);
LEM_FUNCTION(pg_lem_role_le);
LEM_FUNCTION(pg_lem_role_eq);
LEM_FUNCTION(pg_lem_role_ne);
LEM_FUNCTION(pg_lem_role_ge);
LEM_FUNCTION(pg_lem_role_gt);

Datum
pg_lem_role_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(fcinfo));
}

Datum
pg_lem_role_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) < 0);
}

Datum
pg_lem_role_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) <= 0);
}

Datum
pg_lem_role_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) == 0);
}

Datum
pg_lem_role_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) != 0);
}

Datum
pg_lem_role_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) >= 0);
}

Datum
pg_lem_role_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) > 0);
}
