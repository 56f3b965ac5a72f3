// SPDX-License-Identifier: MIT
/* Cgroups by the names that people have for them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "cgroup_dirs.h"

/**
 * ms_cgroup_dirs_below() - a path as it is below the mount
 * @cg:		directories
 * @path:	a directory of cgroupfs, or a path in the hierarchy
 *
 * Return: within @path, with no slash before it.
 */
const char *ms_cgroup_dirs_below(const struct ms_cgroup_dirs *cg, const char *path)
{
	size_t n = strlen(cg->point);

	if (n && !strncmp(path, cg->point, n) && (path[n] == '/' || !path[n]))
		path += n;
	return path + strspn(path, "/");
}

/* A container's cgroup, and not one of those that are below it and named alike. */
static bool is_container(const char *path, const char *id)
{
	char part[NAME_MAX + 1];
	size_t n;

	for (;; path += n + 1) {
		n = strcspn(path, "/");
		if (n >= sizeof(part))
			return false;
		memcpy(part, path, n);
		part[n] = '\0';
		if (ms_cgroup_names_container(part, id))
			return !path[n];
		if (!path[n])
			return false;
	}
}

/* The directories that a container's id is in the name of. Return: how many. */
static int find_container(struct ms_cgroup_dirs *cg, const char *id, char path[PATH_MAX])
{
	int nr = 0;

	ms_cgroup_dirs_walk(cg);
	for (size_t i = 0; i < cg->nr; i++) {
		if (!is_container(cg->dirs[i].path, id))
			continue;
		snprintf(path, PATH_MAX, "%s", cg->dirs[i].path);
		nr++;
	}
	return nr;
}

/**
 * ms_cgroup_dirs_named() - a cgroup by any of its names
 * @cg:		directories
 * @name:	a directory of cgroupfs, a path in the hierarchy, a cgroup id, or the name
 *		or id of a container
 * @id:		cgroup id
 * @path:	below the mount
 *
 * Return: 0; -ENODEV: cgroup2 is not mounted; -ENOENT: there is none; -ENOTUNIQ: more
 * than one cgroup is named after the container.
 */
int ms_cgroup_dirs_named(struct ms_cgroup_dirs *cg, const char *name, uint64_t *id,
			 char path[PATH_MAX])
{
	char *end;
	int fd, nr;

	if (cg->mount < 0)
		return -ENODEV;
	snprintf(path, PATH_MAX, "%s", ms_cgroup_dirs_below(cg, name));
	for (size_t n = strlen(path); n && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	fd = *name ? ms_cgroup_dirs_at(cg, path, id) : -1;
	if (fd < 0 && *name >= '0' && *name <= '9') {
		errno = 0;
		*id = strtoull(name, &end, 10);
		*path = '\0';
		if (!*end && !errno)
			fd = ms_cgroup_dirs_by_id(cg, *id, path);
	}
	if (fd < 0 && *name && !strchr(name, '/')) {
		nr = find_container(cg, name, path);
		if (nr > 1)
			return -ENOTUNIQ;
		if (nr)
			fd = ms_cgroup_dirs_at(cg, path, id);
	}
	if (fd < 0)
		return -ENOENT;
	close(fd);
	return 0;
}

/* Digits of an id as engines give them to containers, and of what they show of it. */
#define ID_DIGITS	64
#define ID_SHOWN	12

/**
 * ms_cgroup_container_of() - the container that a cgroup is of
 * @path:	below the root of the hierarchy
 * @id:		out: the beginning of its id, as engines show it; of LXC its name
 * @size:	room
 *
 * The lowest one counts: libpod-<id>.scope, docker-<id>.scope, cri-containerd-<id>.scope, <id>,
 * lxc.payload.<name>; what is below it is its own.
 *
 * Return: whether it is of one.
 */
bool ms_cgroup_container_of(const char *path, char *id, size_t size)
{
	static const char lxc[] = "lxc.payload.";
	const size_t of_lxc = sizeof(lxc) - 1;
	bool found = false;
	size_t n;

	for (path += strspn(path, "/"); *path; path += n, path += strspn(path, "/")) {
		const char *end, *p;

		n = strcspn(path, "/");
		end = n > 6 && !memcmp(path + n - 6, ".scope", 6) ? path + n - 6 : path + n;
		for (p = end; p > path && strchr("0123456789abcdef", p[-1]); p--)
			;
		/* Its monitor has the same one in its name. */
		if (end - p == ID_DIGITS && (p == path || p[-1] == '-') &&
		    !memmem(path, n, "conmon", 6)) {
			snprintf(id, size, "%.*s", ID_SHOWN, p);
			found = true;
		} else if (n > of_lxc && !memcmp(path, lxc, of_lxc)) {
			snprintf(id, size, "%.*s", (int)(n - of_lxc), path + of_lxc);
			found = true;
		}
	}
	return found;
}
