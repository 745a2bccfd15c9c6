/*
 * installation.c: where the files are that are installed with the extension.
 *
 * They lie where its control file lies, which CREATE EXTENSION finds in the server's share
 * directory, from version 18 on in the first folder of extension_control_path that has one.  Where
 * the library was moved by itself (dynamic_library_path), they may have been moved with it.
 */
#include "postgres.h"

#include <dlfcn.h>
#include <unistd.h>

#include "miscadmin.h"
#include "utils/guc.h"

#include "pg/base/installation.h"

#define CONTROL_FILE "lem.control"
#define SYSTEM "$system"

/* A folder of the path, in which the server looks into "extension"; palloc'd. */
static char *
extension_folder(const char *piece, size_t length)
{
	char		share[MAXPGPATH];
	const char *folder = "";

	if (length >= strlen(SYSTEM) && strncmp(piece, SYSTEM, strlen(SYSTEM)) == 0)
	{
		get_share_path(my_exec_path, share);
		folder = share;
		piece += strlen(SYSTEM);
		length -= strlen(SYSTEM);
	}
	return psprintf("%s%.*s/extension", folder, (int) length, piece);
}

/* The folder of the control file that CREATE EXTENSION takes; palloc'd. */
static char *
control_folder(void)
{
	/* there is no such setting before 18 */
	const char *path = GetConfigOption("extension_control_path", true, false);

	for (const char *piece = path; piece && *piece;)
	{
		const char *end = first_path_var_separator(piece);
		const size_t length = end ? (size_t) (end - piece) : strlen(piece);
		char	   *folder = extension_folder(piece, length);

		if (access(psprintf("%s/" CONTROL_FILE, folder), R_OK) == 0)
			return folder;
		piece += length + (end != NULL);
	}
	return extension_folder(SYSTEM, strlen(SYSTEM));
}

/* The path of a file, palloc'd; where there is none, that which it should have. */
char *
lem_installed_file(const char *name)
{
	char	   *expected = psprintf("%s/%s", control_folder(), name);
	Dl_info		library;

	if (access(expected, F_OK) != 0 && dladdr(lem_installed_file, &library) != 0)
	{
		char	   *folder = pstrdup(library.dli_fname);
		char	   *beside;

		get_parent_directory(folder);
		beside = psprintf("%s/%s", folder, name);
		if (access(beside, F_OK) == 0)
			return beside;
	}
	return expected;
}
