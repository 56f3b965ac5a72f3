/* SPDX-License-Identifier: MIT */
/* Cgroups by whatever name an administrator has for them. */
#ifndef MS_CGROUP_H
#define MS_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct ms_cgroup - a cgroup v2 directory
 * @fd:		open, or one of memstate.h's in place of it
 * @path:	below the root of the hierarchy, beginning with a slash
 * @dir:	the directory itself
 * @id:		cgroup id
 */
struct ms_cgroup {
	int fd;
	char path[PATH_MAX];
	char dir[2 * PATH_MAX];
	uint64_t id;
};

/**
 * struct ms_cgroup_memory - what the kernel itself counts of a cgroup, bytes
 * @anon:	anonymous memory; -1: not known
 * @file:	page cache, @shmem included
 * @shmem:	shared memory: of processes, and files of tmpfs
 * @swap:	swapped out
 * @kernel:	the kernel's own
 * @sock:	network buffers
 * @current:	all that counts against @max
 * @max:	memory.max, UINT64_MAX: none
 */
struct ms_cgroup_memory {
	int64_t anon;
	int64_t file;
	int64_t shmem;
	int64_t swap;
	int64_t kernel;
	int64_t sock;
	int64_t current;
	uint64_t max;
};

const char *ms_cgroup_root(void);
int ms_cgroup_of_pid(pid_t pid, char *path, size_t size);
int ms_cgroup_open(struct ms_cgroup *cg, const char *path);
bool ms_cgroup_names_container(const char *name, const char *id);
bool ms_cgroup_container_of(const char *path, char *id, size_t size);
int ms_cgroup_find(const char *command, const char *target, struct ms_cgroup *cg);
bool ms_cgroup_is_whole(const struct ms_cgroup *cg, const char *target);
void ms_cgroup_close(struct ms_cgroup *cg);
void ms_cgroup_memory(const struct ms_cgroup *cg, struct ms_cgroup_memory *m);
uint64_t ms_cgroup_uncounted(const struct ms_cgroup_memory *m);
uint64_t ms_room_beside(uint64_t max);

/* cgroup_v1.c: why there is no cgroup v2 */
bool ms_cgroup_v1_is_mounted(void);
const char *ms_cgroup_v1_advice(void);
void ms_cgroup_v1_explain(void);
bool ms_cgroup_v1_of_pid(pid_t pid, char *path, size_t size);

#endif /* MS_CGROUP_H */
