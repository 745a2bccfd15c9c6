/*
 * role.h: roles as they are kept in the extension's tables: the type lem_role.
 *
 * A table that says by name whose a row is gives the row to whoever takes that name after the role
 * is gone, or is called otherwise; one that says it by number means another role once a dump is
 * restored on another server.  A lem_role is a number that is written as a name: in a dump it is the
 * name that the role has by then, and where it is read, the role of that name there.  A role that is
 * gone, or was not there when its name was read, is written as "?" and the last name that it is
 * known by, and stays nobody, whoever takes that name.  (A name that begins with "?" or "\" is
 * written behind a "\".)
 */
#ifndef LEM_PG_ROLE_H
#define LEM_PG_ROLE_H

#include "postgres.h"

#include "fmgr.h"

/* A value; "public", all roles, is one without a number. */
typedef struct lem_role
{
	NameData	name;			/* as it was written last */
	Oid			id;				/* InvalidOid: nobody, or "public" */
} lem_role;

#define DatumGetLemRoleP(value) ((lem_role *) DatumGetPointer(value))

/* The role's number, InvalidOid if it does not exist; whether it stands for all roles. */
extern Oid	lem_role_id(const lem_role *role);
extern bool lem_role_is_public(const lem_role *role);

/* The name that the role has now, palloc'd; NULL if it does not exist. */
extern char *lem_role_current_name(const lem_role *role);

/* A role as it is written, palloc'd: its name, or "?" and a name. */
extern char *lem_role_text(const lem_role *role);

#endif
