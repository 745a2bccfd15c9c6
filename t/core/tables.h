/* tables.h: solved tables of optimal_stop, kept while a program runs. */
#ifndef TABLES_H
#define TABLES_H

#include "execution/optimal.h"

/* Where baselines find tables. */
extern lem_optimum_source tables_source(void);

/* How many have been solved. */
extern int	tables_solved(void);

#endif
