/*
 * identity.h: where the extension lives, and who a piece of code runs as.
 *
 * The extension's tables belong to one role, the owner of lem_model.  Code that has checked the
 * rights of the user that called it reads and writes the tables as that role, as triggers of foreign
 * keys do.
 */
#ifndef LEM_PG_IDENTITY_H
#define LEM_PG_IDENTITY_H

#include "postgres.h"

#include "fmgr.h"

/* Who a piece of code runs as. */
typedef struct lem_user
{
	Oid			id;
	int			context;
} lem_user;

/* Schema the extension lives in: that of the function being called. */
extern char *lem_schema(FunctionCallInfo fcinfo);

/*
 * Run as the owner of the tables; returns who that was before, for lem_user_restore.  The end of
 * a transaction or subtransaction that fails restores the user by itself.
 */
extern lem_user lem_user_become_owner(const char *schema);
extern void lem_user_restore(lem_user user);

/* Whether a user administers the extension: has the rights of the role that owns its tables. */
extern bool lem_user_administers(const char *schema, Oid user);

/*
 * Whether a user has the rights of a role; whoever administers has all, and alone those of nobody,
 * InvalidOid.
 */
extern bool lem_user_acts_for(const char *schema, Oid user, Oid role);

#endif
