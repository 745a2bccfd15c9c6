/* installation.h: files that are installed with the extension. */
#ifndef LEM_PG_INSTALLATION_H
#define LEM_PG_INSTALLATION_H

extern char *lem_installed_file(const char *name);

#endif
