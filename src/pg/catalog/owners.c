/*
 * owners.c: keeping the roles that own what is in the extension's tables, and handing it over.
 *
 * DROP ROLE asks pg_shdepend whether the role is needed.  For each role that a table names, its
 * trigger _lem_role_kept enters there what a privilege for the table's column would be, which is not
 * part of a dump: the rows are, and the trigger sees them restored.  It is taken out when
 * lem_reassign_owned has given all that the role owns to another.
 *
 * Who makes rows of a role holds the role, shared, to the end of the transaction, and
 * lem_reassign_owned holds it for itself: it sees all of its rows, and none is made meanwhile.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_shdepend.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg/base/compat.h"
#include "pg/base/errors.h"
#include "pg/base/identity.h"
#include "pg/base/query.h"
#include "pg/base/role.h"
#include "pg/base/table_scan.h"
#include "pg/catalog/rights.h"

/* Columns of type lem_role. */
static const struct kept_column
{
	const char *table;
	const char *column;
} kept_columns[] = {
	{"lem_model_name", "owner"},
	{"lem_model_right", "grantee"},
	{"lem_training_run", "started_by"},
	{"lem_parent_order", "owner"},
	{"lem_calendar", "owner"},
	{"lem_feed", "owner"}
};

/* Hold a role until the end of the transaction: a lock on an object that only lem knows. */
static void
hold_role(const char *schema, Oid role, LOCKMODE mode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, lem_table(schema, "lem_model_name"), role, 2);
	(void) LockAcquire(&tag, mode, false, false);
}

/* Whether pg_shdepend has a role for a table's column. */
static bool
is_kept(Oid table, AttrNumber column, Oid role)
{
	Relation	dependencies = table_open(SharedDependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	row;
	bool		found = false;

	ScanKeyInit(&keys[0], Anum_pg_shdepend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(AuthIdRelationId));
	ScanKeyInit(&keys[1], Anum_pg_shdepend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(role));
	scan = systable_beginscan(dependencies, SharedDependReferenceIndexId, true, NULL, 2, keys);
	while (!found && HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Form_pg_shdepend entry = (Form_pg_shdepend) GETSTRUCT(row);

		found = entry->dbid == MyDatabaseId && entry->classid == RelationRelationId &&
			entry->objid == table && entry->objsubid == column &&
			entry->deptype == SHARED_DEPENDENCY_ACL;
	}
	systable_endscan(scan);
	table_close(dependencies, AccessShareLock);
	return found;
}

static Oid *
one_role(Oid role)
{
	Oid		   *roles = palloc(sizeof(Oid));

	*roles = role;
	return roles;
}

/* See to it that a role is not dropped while a table's column may have it; it is held. */
static void
keep_role(const char *schema, Oid table, AttrNumber column, Oid role)
{
	hold_role(schema, role, ShareLock);
	if (!is_kept(table, column, role))
		updateAclDependencies(RelationRelationId, table, column, InvalidOid, 0, NULL, 1,
							  one_role(role));
}

/* The role may be dropped, as far as a table's column is concerned. */
static void
release_role(Oid table, AttrNumber column, Oid role)
{
	updateAclDependencies(RelationRelationId, table, column, InvalidOid, 1, one_role(role), 0,
						  NULL);
}

/* A column of the list above by its table, or NULL. */
static const struct kept_column *
column_of(const char *schema, Oid table)
{
	for (size_t i = 0; i < lengthof(kept_columns); i++)
		if (table == lem_table(schema, kept_columns[i].table))
			return &kept_columns[i];
	return NULL;
}

/*
 * _lem_role_kept() RETURNS trigger
 *
 * Before a row of one of the extension's tables that names a role is written, the role is entered
 * as one that must not be dropped.
 */
LEM_FUNCTION(pg_lem_role_kept);

Datum
pg_lem_role_kept(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const char *schema = lem_schema(fcinfo);
	const struct kept_column *kept = NULL;
	TupleDesc	columns;
	HeapTuple	row;
	int			column;
	Datum		value;
	bool		is_null;
	Oid			role;

	/* Anyone can put a trigger on a table of his own. */
	if (CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_BEFORE(trigger->tg_event) &&
		TRIGGER_FIRED_FOR_ROW(trigger->tg_event) && !TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		kept = column_of(schema, RelationGetRelid(trigger->tg_relation));
	if (kept == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("_lem_role_kept is for rows that are written to the extension's tables")));
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	columns = RelationGetDescr(trigger->tg_relation);
	column = SPI_fnumber(columns, kept->column);
	LEM_ENSURE(column > 0);
	value = SPI_getbinval(row, columns, column, &is_null);
	role = is_null ? InvalidOid : lem_role_id(DatumGetLemRoleP(value));
	if (OidIsValid(role))
		keep_role(schema, RelationGetRelid(trigger->tg_relation), (AttrNumber) column, role);
	return PointerGetDatum(row);
}

/* The number of a column of the list above; its table. */
static AttrNumber
find_column(const char *schema, const struct kept_column *kept, Oid *table)
{
	AttrNumber	column;

	*table = lem_table(schema, kept->table);
	column = get_attnum(*table, kept->column);
	LEM_ENSURE(column > 0);
	return column;
}

static void
require_administrator(const char *schema, const char *function)
{
	if (!lem_user_administers(schema, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for function %s", function),
				 errdetail("It is for the role that owns the extension's tables.")));
}

/*
 * lem_keep_roles() RETURNS int
 *
 * Enters all roles that the tables name as ones that must not be dropped, where they are not yet:
 * pg_upgrade moves the rows without the triggers.  Returns the number of roles.
 */
LEM_FUNCTION(pg_lem_keep_roles);

Datum
pg_lem_keep_roles(PG_FUNCTION_ARGS)
{
	const char *schema = lem_schema(fcinfo);
	List	   *roles = NIL;

	PreventCommandIfReadOnly("lem_keep_roles()");
	require_administrator(schema, "lem_keep_roles");
	lem_query_connect();
	for (size_t i = 0; i < lengthof(kept_columns); i++)
	{
		Oid			table;
		const AttrNumber column = find_column(schema, &kept_columns[i], &table);
		lem_query	query;
		uint64		n;

		lem_query_begin(&query, schema);
		n = lem_query_run(&query, psprintf("SELECT DISTINCT %1$s FROM %%1$s.%2$s"
										   " WHERE %1$s IS NOT NULL",
										   kept_columns[i].column, kept_columns[i].table));
		for (uint64 row = 0; row < n; row++)
		{
			const Oid	role = lem_role_id(DatumGetLemRoleP(lem_query_column(row, 1, NULL)));

			if (!OidIsValid(role))
				continue;
			keep_role(schema, table, column, role);
			roles = list_append_unique_oid(roles, role);
		}
	}
	SPI_finish();
	PG_RETURN_INT32(list_length(roles));
}

/* Whether the user may hand over what a role owns; raises 42501 and 42704. */
static void
check_reassign(const char *schema, const lem_role *role, Oid successor)
{
	const Oid	id = lem_role_id(role);

	if (lem_role_is_public(role))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"public\" is no role that owns anything")));
	if (lem_user_administers(schema, GetUserId()))
		return;
	if (!OidIsValid(id))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist", lem_role_text(role)),
				 errhint("What belongs to nobody can be handed over by the role that owns the extension's tables.")));
	if (!has_privs_of_role(GetUserId(), id))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to hand over what role \"%s\" owns",
						lem_role_text(role))));
	lem_check_can_set_role(GetUserId(), successor);
}

/* Hold the names of all models of a role, in their order; within SPI. */
static void
hold_names(const char *schema, const char *role)
{
	lem_query	query;
	SPITupleTable *names;
	uint64		n;

	lem_query_begin(&query, schema);
	lem_query_add_text(&query, role);
	n = lem_query_run(&query, "SELECT name FROM %1$s.lem_model_name WHERE owner::text = $1"
					  " ORDER BY name");
	names = SPI_tuptable;
	for (uint64 i = 0; i < n; i++)
		lem_rights_hold(schema, SPI_getvalue(names->vals[i], names->tupdesc, 1));
}

/*
 * lem_reassign_owned(role lem_role, successor name) RETURNS void
 *
 * Gives the models, orders, trainings, calendars and feeds of a role to another, and takes the rights that were given
 * to it: the role can be dropped.  The role may be one that is gone, as "?name".  For who has the
 * rights of both, or administers the extension.  Errors: 22004, 22023, 42501, 42704.
 */
LEM_FUNCTION(pg_lem_reassign_owned);

Datum
pg_lem_reassign_owned(PG_FUNCTION_ARGS)
{
	static const char *const commands[] = {
		"UPDATE %1$s.lem_model_name SET owner = %1$s.lem_role_of($2) WHERE owner::text = $1",
		/* a client_id is one order's of an owner */
		("UPDATE %1$s.lem_parent_order AS o SET client_id = pg_catalog.left(o.client_id, 400)"
		 " || ' of ' || $1 || ' (' || o.id || ')' WHERE o.owner::text = $1 AND EXISTS (SELECT FROM"
		 " %1$s.lem_parent_order AS s WHERE s.owner OPERATOR(%1$s.=) %1$s.lem_role_of($2)"
		 " AND s.client_id = o.client_id)"),
		"UPDATE %1$s.lem_parent_order SET owner = %1$s.lem_role_of($2) WHERE owner::text = $1",
		"UPDATE %1$s.lem_calendar SET owner = %1$s.lem_role_of($2) WHERE owner::text = $1",
		"UPDATE %1$s.lem_feed SET owner = %1$s.lem_role_of($2) WHERE owner::text = $1",
		("UPDATE %1$s.lem_training_run SET started_by = %1$s.lem_role_of($2)"
		 " WHERE started_by::text = $1"),
		"DELETE FROM %1$s.lem_model_right WHERE grantee::text = $1 AND $2 IS NOT NULL"
	};
	const char *schema = lem_schema(fcinfo);
	const lem_role *role;
	const char *text;
	Oid			successor;
	Oid			id;
	lem_query	query;

	for (int i = 0; i < 2; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be NULL", i == 0 ? "role" : "successor")));
	PreventCommandIfReadOnly("lem_reassign_owned()");
	role = DatumGetLemRoleP(PG_GETARG_DATUM(0));
	id = lem_role_id(role);
	text = lem_role_text(role);
	successor = get_role_oid(NameStr(*PG_GETARG_NAME(1)), false);
	check_reassign(schema, role, successor);
	if (id == successor)
		PG_RETURN_VOID();
	if (OidIsValid(id))
		hold_role(schema, id, ExclusiveLock);

	lem_query_connect();
	hold_names(schema, text);
	lem_query_begin(&query, schema);
	lem_query_add_text(&query, text);
	lem_query_add(&query, NAMEOID, PG_GETARG_DATUM(1), false);
	for (size_t i = 0; i < lengthof(commands); i++)
		lem_query_run(&query, commands[i]);
	SPI_finish();

	for (size_t i = 0; OidIsValid(id) && i < lengthof(kept_columns); i++)
	{
		Oid			table;
		const AttrNumber column = find_column(schema, &kept_columns[i], &table);

		release_role(table, column, id);
	}
	PG_RETURN_VOID();
}
