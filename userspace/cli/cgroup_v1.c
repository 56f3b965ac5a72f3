// SPDX-License-Identifier: MIT
/* Where cgroups are those of version 1, or some of them: what is missing, and how to get it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"
#include "cli.h"

#define BOOT_IT \
	"this system has cgroups of version 1: boot it with systemd.unified_cgroup_hierarchy=1, which has made version 2 the default since systemd 247"
#define MOUNT_IT \
	"mount it: mount -t cgroup2 cgroup2 /sys/fs/cgroup"

/**
 * ms_cgroup_v1_is_mounted() - whether there are cgroups of version 1, alone or beside version 2
 *
 * Return: whether any hierarchy of theirs is mounted.
 */
bool ms_cgroup_v1_is_mounted(void)
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
 * ms_cgroup_v1_advice() - how to come by cgroup v2
 *
 * Return: a text.
 */
const char *ms_cgroup_v1_advice(void)
{
	return ms_cgroup_v1_is_mounted() ? BOOT_IT : MOUNT_IT;
}

/**
 * ms_cgroup_v1_explain() - tell how to come by cgroup v2
 */
void ms_cgroup_v1_explain(void)
{
	ms_err("%s", ms_cgroup_v1_advice());
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
