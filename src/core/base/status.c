/* status.c: filling in a fault. */
#include <string.h>

#include "base/status.h"

lem_status
lem_fail(lem_fault *fault, lem_status status, const char *name, double have, double want)
{
	if (fault)
	{
		memset(fault, 0, sizeof(*fault));
		fault->status = status;
		fault->have = have;
		fault->want = want;
		if (name)
		{
			strncpy(fault->name, name, sizeof(fault->name) - 1);
			fault->name[sizeof(fault->name) - 1] = '\0';
		}
	}
	return status;
}
