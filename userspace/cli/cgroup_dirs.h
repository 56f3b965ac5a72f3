/* SPDX-License-Identifier: MIT */
/* The directories of cgroups, by the ids that the module knows them by. */
#ifndef MS_CLI_CGROUP_DIRS_H
#define MS_CLI_CGROUP_DIRS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ms_cgroup_dir;

/**
 * struct ms_cgroup_dirs - directories of cgroups
 * @mount:	descriptor of the mount, -1 if there is none
 * @walked:	the walk was made
 * @dirs:	what it found, by id
 * @nr:		how many
 * @room:	for how many
 */
struct ms_cgroup_dirs {
	int mount;
	bool walked;
	struct ms_cgroup_dir *dirs;
	size_t nr;
	size_t room;
};

void ms_cgroup_dirs_open(struct ms_cgroup_dirs *cg, const char *mountinfo);
int ms_cgroup_dirs_find(struct ms_cgroup_dirs *cg, int group, uint64_t id,
			char path[PATH_MAX]);
void ms_cgroup_dirs_close(struct ms_cgroup_dirs *cg);

#endif /* MS_CLI_CGROUP_DIRS_H */
