/*
 * rights.h: who may do what with models and orders.
 *
 * Functions check the rights of the user that calls them, and then read and write the extension's
 * tables as their owner (identity.h); queries that users pass run as the user.
 *
 * Rights are checked by what is committed by now, also where the transaction reads older data: what
 * was taken from a role is taken, and a name that went to another role is not the first one's any
 * more.  Who changes what a name means, or who may do what with it, holds the name from before the
 * check to the end of the transaction, so that nobody else changes it in between.  Names are held
 * apart from each other, and whoever only reads a model waits for nobody.
 */
#ifndef LEM_PG_RIGHTS_H
#define LEM_PG_RIGHTS_H

#include "postgres.h"

#include "pg/catalog/catalog.h"

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
 * Hold a name until the end of the transaction, waiting for whoever holds it.  What is checked and
 * read afterwards by the latest state, as lem_query_run does, stays true.  Raises 25006 in a
 * transaction that is read-only.
 */
extern void lem_rights_hold(const char *schema, const char *name);

/*
 * Raise 42501 unless a user has a right to the model of a name: as its owner, by lem_grant, or by
 * administering the extension.  A name that has no versions is free for all; whether it is, is
 * returned.  Who acts on the answer holds the name.
 */
extern bool lem_rights_check(const char *schema, Oid user, const char *name, lem_right right);

/*
 * Look up "name" (its deployed version) or "name@version" as the calling statement sees it, for the
 * current user to use or for a user with a right; raises LM010, also for one that was dropped since
 * the statement's snapshot, and 42501 without the right.
 */
extern void lem_rights_find(const char *schema, const char *model, lem_model_row *row);
extern void lem_rights_find_for(const char *schema, Oid user, lem_right right, const char *model,
								lem_model_row *row);

#endif
