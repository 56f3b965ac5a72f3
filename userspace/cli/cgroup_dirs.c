// SPDX-License-Identifier: MIT
/*
 * The module names a group by its cgroup's id, which is the inode number of the
 * cgroup's directory. Its path is root's to read, and is that of the first cgroup
 * namespace: where it leads to no directory of that inode number, the directory is
 * searched for.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup_dirs.h"
#include "cgroupfs.h"
#include "files.h"

#define DIR_FLAGS	(O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static int by_id(const void *a, const void *b)
{
	const struct ms_cgroup_dir *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int keep_dir(struct ms_cgroup_dirs *cg, uint64_t id, const char *path)
{
	if (cg->nr == cg->room) {
		size_t room = cg->room ? 2 * cg->room : 64;
		struct ms_cgroup_dir *dirs = realloc(cg->dirs, room * sizeof(*dirs));

		if (!dirs)
			return -ENOMEM;
		cg->dirs = dirs;
		cg->room = room;
	}
	cg->dirs[cg->nr].path = strdup(path);
	if (!cg->dirs[cg->nr].path)
		return -ENOMEM;
	cg->dirs[cg->nr++].id = id;
	return 0;
}

/* Remember the directories below one, which is path; longer ones are out of reach. */
static int walk_below(struct ms_cgroup_dirs *cg, int parent, char *path, size_t length)
{
	int fd = dup(parent), ret = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while (!ret && (e = readdir(dir))) {
		size_t n = strlen(e->d_name);
		int child;

		if (e->d_type != DT_DIR || !strcmp(e->d_name, ".") ||
		    !strcmp(e->d_name, "..") || length + n + 2 > PATH_MAX)
			continue;
		memcpy(path + length, e->d_name, n + 1);
		ret = keep_dir(cg, e->d_ino, path);
		child = ret ? -1 : openat(parent, e->d_name, DIR_FLAGS | O_NOFOLLOW);
		if (child < 0)
			continue;
		path[length + n] = '/';
		ret = walk_below(cg, child, path, length + n + 1);
		close(child);
	}
	closedir(dir);
	return ret;
}

/**
 * ms_cgroup_dirs_walk() - know all directories
 * @cg: directories; walked once
 */
void ms_cgroup_dirs_walk(struct ms_cgroup_dirs *cg)
{
	char path[PATH_MAX];

	if (cg->walked || cg->mount < 0)
		return;
	cg->walked = true;
	walk_below(cg, cg->mount, path, 0);
	if (cg->nr)
		qsort(cg->dirs, cg->nr, sizeof(*cg->dirs), by_id);
}

/* Two dots may lead out of the mount, and are no cgroup's name. */
static bool has_dots(const char *path)
{
	for (const char *at = path; (at = strstr(at, "..")); at += 2)
		if ((at == path || at[-1] == '/') && (!at[2] || at[2] == '/'))
			return true;
	return false;
}

/**
 * ms_cgroup_dirs_at() - open a directory below the mount
 * @cg:		directories; there is a mount
 * @path:	below the mount
 * @id:		out: cgroup id
 *
 * Return: a descriptor, or -1: there is none, or there are two dots in it.
 */
int ms_cgroup_dirs_at(const struct ms_cgroup_dirs *cg, const char *path, uint64_t *id)
{
	int fd = has_dots(path) ? -1 : openat(cg->mount, *path ? path : ".", DIR_FLAGS);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st)) {
		*id = st.st_ino;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Open a directory of a cgroup if it is the one of this id. */
static int open_cgroup(const struct ms_cgroup_dirs *cg, const char *path, uint64_t id)
{
	uint64_t other;
	int fd = ms_cgroup_dirs_at(cg, path, &other);

	if (fd < 0 || other == id)
		return fd;
	close(fd);
	return -1;
}

/**
 * ms_cgroup_dirs_by_id() - the directory of a cgroup
 * @cg:		directories
 * @id:		cgroup id
 * @path:	in: the path as far as known, else empty; out: the one it has here,
 *		below the mount, if it was found
 *
 * Return: a descriptor, or -1: there is none, or it is out of reach.
 */
int ms_cgroup_dirs_by_id(struct ms_cgroup_dirs *cg, uint64_t id, char path[PATH_MAX])
{
	const struct ms_cgroup_dir key = { .id = id }, *found;
	int fd;

	if (cg->mount < 0)
		return -1;
	fd = open_cgroup(cg, path, id);
	if (fd >= 0)
		return fd;
	ms_cgroup_dirs_walk(cg);
	found = cg->nr ? bsearch(&key, cg->dirs, cg->nr, sizeof(*cg->dirs), by_id) :
			 NULL;
	if (!found)
		return open_cgroup(cg, "", id);
	snprintf(path, PATH_MAX, "%s", found->path);
	return open_cgroup(cg, path, id);
}

/**
 * ms_cgroup_dirs_open() - begin to look for directories
 * @cg:		where to put what is found; ms_cgroup_dirs_close() forgets it
 * @mountinfo:	mounts; of several of cgroup2 the first that has a directory counts
 */
void ms_cgroup_dirs_open(struct ms_cgroup_dirs *cg, const char *mountinfo)
{
	FILE *f = fopen(mountinfo, "re");
	char *line = NULL, *root, *point;
	size_t size = 0;

	memset(cg, 0, sizeof(*cg));
	cg->mount = -1;
	while (f && cg->mount < 0 && getline(&line, &size, f) > 0) {
		if (!ms_cgroupfs_mount(line, &root, &point))
			continue;
		cg->mount = open(point, DIR_FLAGS);
		if (cg->mount >= 0)
			snprintf(cg->point, sizeof(cg->point), "%s", point);
	}
	free(line);
	if (f)
		fclose(f);
}

/**
 * ms_cgroup_dirs_find() - the directory of a group's cgroup
 * @cg:		directories
 * @group:	the module's directory of the group, open
 * @id:		cgroup id
 * @path:	out: the path, below the mount and without a leading slash, as it is here,
 *		else as the module tells it; empty: not known, or the root
 *
 * Return: a descriptor, or -1: there is none, or it is out of reach.
 */
int ms_cgroup_dirs_find(struct ms_cgroup_dirs *cg, int group, uint64_t id,
			char path[PATH_MAX])
{
	char text[PATH_MAX + 1] = "";
	ssize_t n = ms_file_text(group, "path", text, sizeof(text));

	*path = '\0';
	/* Without a leading slash there is no such cgroup any more. */
	if (n > 1 && text[0] == '/') {
		text[n - 1] = '\0';
		snprintf(path, PATH_MAX, "%s", text + 1);
	}
	return ms_cgroup_dirs_by_id(cg, id, path);
}

/**
 * ms_cgroup_dirs_close() - forget what was found
 * @cg: directories
 */
void ms_cgroup_dirs_close(struct ms_cgroup_dirs *cg)
{
	for (size_t i = 0; i < cg->nr; i++)
		free(cg->dirs[i].path);
	free(cg->dirs);
	if (cg->mount >= 0)
		close(cg->mount);
}
