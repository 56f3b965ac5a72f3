/* SPDX-License-Identifier: MIT */
/*
 * Where cgroup v2 is mounted and which cgroup a process is in. Compiled into the tools;
 * the library itself does not need it.
 */
#ifndef MS_CGROUPFS_H
#define MS_CGROUPFS_H

#include <stdbool.h>
#include <stddef.h>

bool ms_cgroupfs_mount(char *line, char **root, char **point);
int ms_cgroupfs_of(const char *process, char *path, size_t size);

#endif /* MS_CGROUPFS_H */
