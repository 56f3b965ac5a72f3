// SPDX-License-Identifier: MIT
/*
 * Model
 *
 *   The program's own loader is asked, as ldd does it: what it looks for, and where, no one else
 *   knows. It maps libraries and runs nothing of them. Asked by --list it would stop at the first
 *   that is missing, and not say so where it can be read.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "needed.h"

#define TRACE_ENV	"LD_TRACE_LOADED_OBJECTS"

/* "	libx.so.1 => not found" */
static void look_at_line(const char *line, struct ms_needed *n)
{
	const char *end = strstr(line, " => not found");

	line += strspn(line, " \t");
	if (end && !*n->missing)
		snprintf(n->missing, sizeof(n->missing), "%.*s", (int)(end - line), line);
	n->asan |= !strncmp(line, "libasan.so", 10) || !strncmp(line, "libclang_rt.asan", 16);
}

/* Return: what it says, to be read; NULL: it could not be asked. */
static FILE *ask(const struct ms_program *p, pid_t *pid)
{
	char *const argv[] = { (char *)p->loader, (char *)p->path, NULL };
	posix_spawn_file_actions_t actions;
	int fds[2], error;
	FILE *out;

	if (pipe2(fds, O_CLOEXEC))
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	/* LD_LIBRARY_PATH counts, as it did for the program. */
	error = setenv(TRACE_ENV, "1", 1) ? ENOMEM :
		posix_spawn(pid, p->loader, &actions, NULL, argv, environ);
	unsetenv(TRACE_ENV);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	out = error ? NULL : fdopen(fds[0], "re");
	if (!out)
		close(fds[0]);
	return out;
}

/**
 * ms_needed_look() - ask the loader of a program
 * @p:	the program, of which it is known that a loader takes it
 * @n:	out: what it says
 *
 * Return: false: nothing is known.
 */
bool ms_needed_look(const struct ms_program *p, struct ms_needed *n)
{
	char line[4096];
	pid_t pid = 0;
	FILE *out;

	*n = (struct ms_needed) {};
	if (p->linkage != MS_LINK_DYNAMIC)
		return false;
	out = ask(p, &pid);
	while (out && fgets(line, sizeof(line), out))
		look_at_line(line, n);
	if (out)
		fclose(out);
	while (pid && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return out;
}
