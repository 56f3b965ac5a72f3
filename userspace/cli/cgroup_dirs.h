/* SPDX-License-Identifier: MIT */
/* The directories of cgroups, by the ids that the module knows them by. */
#ifndef MS_CLI_CGROUP_DIRS_H
#define MS_CLI_CGROUP_DIRS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct ms_cgroup_dir - a directory that was found by a walk
 * @id:		cgroup id
 * @path:	below the mount
 */
struct ms_cgroup_dir {
	uint64_t id;
	char *path;
};

/**
 * struct ms_cgroup_dirs - directories of cgroups
 * @mount:	descriptor of the mount, -1 if there is none
 * @point:	where it is mounted
 * @walked:	the walk was made
 * @dirs:	what it found, by id
 * @nr:		how many
 * @room:	for how many
 */
struct ms_cgroup_dirs {
	int mount;
	char point[PATH_MAX];
	bool walked;
	struct ms_cgroup_dir *dirs;
	size_t nr;
	size_t room;
};

void ms_cgroup_dirs_open(struct ms_cgroup_dirs *cg, const char *mountinfo);
int ms_cgroup_dirs_find(struct ms_cgroup_dirs *cg, int group, uint64_t id,
			char path[PATH_MAX]);
int ms_cgroup_dirs_by_id(struct ms_cgroup_dirs *cg, uint64_t id, char path[PATH_MAX]);
int ms_cgroup_dirs_at(const struct ms_cgroup_dirs *cg, const char *path, uint64_t *id);
void ms_cgroup_dirs_walk(struct ms_cgroup_dirs *cg);
void ms_cgroup_dirs_close(struct ms_cgroup_dirs *cg);

/* cgroup_names.c */
int ms_cgroup_dirs_named(struct ms_cgroup_dirs *cg, const char *name, uint64_t *id,
			 char path[PATH_MAX]);
const char *ms_cgroup_dirs_below(const struct ms_cgroup_dirs *cg, const char *path);

#endif /* MS_CLI_CGROUP_DIRS_H */
