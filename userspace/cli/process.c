// SPDX-License-Identifier: MIT
/* A process as one sees it in /proc. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/**
 * ms_process_name() - a process's name
 * @pid:	the process
 * @name:	where to put it, "?" if there is none
 * @size:	room
 */
void ms_process_name(pid_t pid, char *name, size_t size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
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
