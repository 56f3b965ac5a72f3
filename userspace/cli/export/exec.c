// SPDX-License-Identifier: MIT
/*
 * The server is a program apart: the library that it serves by brings a dozen others
 * along, which would double the time that memstate(1) takes to begin, also where it is
 * about to run somebody's program.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "export.h"

/**
 * ms_export_serve() - serve figures by HTTP
 * @paths:	not used: the server knows its own
 * @options:	likewise, from @argv
 * @address:	likewise
 * @argv:	the command line
 *
 * Return: the exit status, if the server cannot be run.
 */
int ms_export_serve(const struct export_paths *paths,
		    const struct export_options *options,
		    const struct export_address *address, char **argv)
{
	/* Beside this program (a build tree), or where it was installed. */
	static const char *const places[] = { "", "../libexec/memstate/" };
	char self[PATH_MAX], path[2 * PATH_MAX];

	(void)paths;
	(void)options;
	(void)address;
	ms_own_dir(self, sizeof(self));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s%s" EXPORT_SERVER, self, places[i]);
		if (!access(path, X_OK))
			execv(path, argv);
	}
	snprintf(path, sizeof(path), "%s/" EXPORT_SERVER, MS_LIBEXECDIR);
	execv(path, argv);
	ms_err("%s: %s", path, ms_error_text(errno));
	return 1;
}
