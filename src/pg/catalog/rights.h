/*
 * rights.h: who may do what with models and orders.
 *
 * Functions check the rights of the user that calls them, and then read and write the extension's
 * tables as their owner (identity.h); queries that users pass run as the user.
 */
#ifndef LEM_PG_RIGHTS_H
#define LEM_PG_RIGHTS_H

#include "postgres.h"

#include "pg/base/compat.h"

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

#endif
