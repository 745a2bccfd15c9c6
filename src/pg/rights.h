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

/* What there is to do with a model. */
typedef enum lem_right
{
	LEM_RIGHT_USE,				/* schedule with it; who may read it may use it */
	LEM_RIGHT_READ,				/* read its weights */
	LEM_RIGHT_TRAIN,			/* add versions, and deploy them */
	LEM_RIGHT_DROP
} lem_right;

#define LEM_RIGHTS 4

/*
 * Raise 42501 unless a user has a right to the model of a name: as its owner, by lem_grant, or by
 * administering the extension.  A name that has no versions is free for all; whether it is, is
 * returned.
 */
extern bool lem_rights_check(const char *schema, Oid user, const char *name, lem_right right);

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
