/*
 * rights.h: who may do what with models and orders.
 *
 * The extension's tables belong to one role, the owner of lem_model.  Functions check the rights of
 * the user that calls them, and then read and write the tables as that role, as triggers of foreign
 * keys do; queries that users pass run as the user.
 */
#ifndef LEM_PG_RIGHTS_H
#define LEM_PG_RIGHTS_H

#include "postgres.h"

#include "pg/compat.h"

/* Who a piece of code runs as. */
typedef struct lem_user
{
	Oid			id;
	int			context;
} lem_user;

/*
 * Run as the owner of the tables; returns who that was before, for lem_user_restore.  The end of
 * a transaction or subtransaction that fails restores the user by itself.
 */
extern lem_user lem_user_become_owner(const char *schema);
extern void lem_user_restore(lem_user user);

/* Whether a user administers the extension: has the rights of the role that owns its tables. */
extern bool lem_user_administers(const char *schema, Oid user);

/* Whether a user has the rights of the role of that name; whoever administers has all. */
extern bool lem_user_acts_for(const char *schema, Oid user, const char *role);

#endif
