// SPDX-License-Identifier: MIT
/* A process as one sees it in /proc. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/**
 * ms_process_file() - open a file of a process
 * @pid:	the process
 * @name:	below /proc/PID
 *
 * Return: the file, to be read; NULL, with errno.
 */
FILE *ms_process_file(pid_t pid, const char *name)
{
	char path[320];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

/**
 * ms_process_name() - a process's name
 * @pid:	the process
 * @name:	where to put it, "?" if there is none
 * @size:	room
 */
void ms_process_name(pid_t pid, char *name, size_t size)
{
	FILE *f = ms_process_file(pid, "comm");

	if (!f || !fgets(name, (int)size, f))
		snprintf(name, size, "?");
	if (f)
		fclose(f);
	name[strcspn(name, "\n")] = '\0';
}

/**
 * ms_process_exists() - whether there is a process
 * @pid: its number
 *
 * Return: whether there is one, or one that has ended and was not waited for.
 */
bool ms_process_exists(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return !access(path, F_OK);
}

/**
 * ms_own_dir() - where this program is: what belongs to it may be beside it
 * @dir:	where to put it, with a slash at the end; empty: it is not known
 * @size:	room
 */
void ms_own_dir(char *dir, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", dir, size - 1);

	dir[n > 0 ? n : 0] = '\0';
	if (strrchr(dir, '/'))
		strrchr(dir, '/')[1] = '\0';
}
