// SPDX-License-Identifier: MIT
/* Where cgroups are those of version 1, or some of them: what is missing, and how to get it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"
#include "cli.h"

/* Is any hierarchy of version 1 mounted? */
static bool is_mounted(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	while (f && !found && getline(&line, &size, f) > 0)
		found = strstr(line, " - cgroup ");
	free(line);
	if (f)
		fclose(f);
	return found;
}

/**
 * ms_cgroup_v1_explain() - tell how to come by cgroup v2
 */
void ms_cgroup_v1_explain(void)
{
	if (is_mounted())
		ms_err("this system has cgroups of version 1: boot it with systemd.unified_cgroup_hierarchy=1, which has made version 2 the default since systemd 247");
	else
		ms_err("mount it: mount -t cgroup2 cgroup2 /sys/fs/cgroup");
}

/**
 * ms_cgroup_v1_of_pid() - the cgroup of version 1 that limits a process's memory
 * @pid:	the process
 * @path:	where to put it
 * @size:	room
 *
 * Return: false if there is none, or it is the root.
 */
bool ms_cgroup_v1_of_pid(pid_t pid, char *path, size_t size)
{
	char *line = NULL, name[64], *list, *at, *save;
	bool found = false;
	size_t room = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	f = fopen(name, "re");
	while (f && !found && getline(&line, &room, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		/* id:controllers, with commas between:path */
		list = strchr(line, ':');
		at = list ? strchr(++list, ':') : NULL;
		if (!at)
			continue;
		*at++ = '\0';
		for (list = strtok_r(list, ",", &save); list; list = strtok_r(NULL, ",", &save))
			found |= !strcmp(list, "memory");
		found &= strcmp(at, "/") != 0;
		if (found)
			snprintf(path, size, "%s", at);
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}
