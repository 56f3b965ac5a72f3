// SPDX-License-Identifier: MIT
/*
 * Groups and tasks as a tree, each with its figures.
 *
 * The module names a group by its cgroup's id, which is the inode number of the
 * cgroup's directory. Its path is root's to read, and is that of the first cgroup
 * namespace: where it leads to no directory of that inode number, the directory is
 * searched for.
 *
 * All this is read file by file while it changes. What is gone when its turn comes
 * is left out; a row's figures need not be of one moment.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroupfs.h"
#include "top.h"

#define DIR_FLAGS	(O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* ---- files -------------------------------------------------------------------- */

/* A file's text, as far as there is room. Return: its length or a negative errno. */
static ssize_t read_text(int dir, const char *name, char *text, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (length < size - 1) {
		n = read(fd, text + length, size - 1 - length);
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	if (n < 0)
		n = -errno;
	close(fd);
	text[length] = '\0';
	return n < 0 ? n : (ssize_t)length;
}

static int read_u64(int dir, const char *name, uint64_t *value)
{
	char text[32], *end;
	ssize_t n = read_text(dir, name, text, sizeof(text));
	uint64_t number;

	if (n < 0)
		return (int)n;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || end == text || (*end && *end != '\n'))
		return -EINVAL;
	*value = number;
	return 0;
}

static uint64_t read_limit(int dir, const char *name)
{
	uint64_t value = TOP_UNKNOWN;
	char text[32];

	if (read_text(dir, name, text, sizeof(text)) < 0)
		return TOP_UNKNOWN;
	if (!strcmp(text, "max\n"))
		return TOP_UNLIMITED;
	return read_u64(dir, name, &value) ? TOP_UNKNOWN : value;
}

static enum top_pressure read_pressure(int dir)
{
	static const char *const names[] = {
		[TOP_PRESSURE_NONE] = "none\n",
		[TOP_PRESSURE_HIGH] = "high\n",
		[TOP_PRESSURE_MAX] = "max\n",
	};
	char text[32];

	if (read_text(dir, "pressure", text, sizeof(text)) < 0)
		return TOP_PRESSURE_UNKNOWN;
	for (int i = TOP_PRESSURE_NONE; i <= TOP_PRESSURE_MAX; i++)
		if (!strcmp(text, names[i]))
			return (enum top_pressure)i;
	return TOP_PRESSURE_UNKNOWN;
}

/* The number behind a key at the beginning of a line, times scale. */
static uint64_t read_key(int dir, const char *name, const char *key, uint64_t scale)
{
	size_t length = strlen(key);
	char text[16384];

	if (read_text(dir, name, text, sizeof(text)) < 0)
		return TOP_UNKNOWN;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length))
			return strtoull(line + length, NULL, 10) * scale;
	}
	return TOP_UNKNOWN;
}

/* A name that is a number: that of a group, or of a task. */
static bool is_number(const char *name, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(name, &end, 10);
	return *name >= '0' && *name <= '9' && !*end && !errno;
}

/* ---- directories of cgroups ----------------------------------------------------- */

/**
 * struct cgroup_dir - a directory that was found by a walk
 * @id:		cgroup id
 * @path:	below the mount
 */
struct cgroup_dir {
	uint64_t id;
	char *path;
};

/**
 * struct cgroups - directories of cgroups
 * @mount:	descriptor of the mount, -1 if there is none
 * @walked:	the walk was made
 * @dirs:	what it found, by id
 * @nr:		how many
 * @room:	for how many
 */
struct cgroups {
	int mount;
	bool walked;
	struct cgroup_dir *dirs;
	size_t nr;
	size_t room;
};

/* Open where cgroup2 is mounted; of several mounts the first that has a directory. */
static int open_mount(const char *mountinfo)
{
	FILE *f = fopen(mountinfo, "re");
	char *line = NULL, *root, *point;
	size_t size = 0;
	int fd = -1;

	while (f && fd < 0 && getline(&line, &size, f) > 0)
		if (ms_cgroupfs_mount(line, &root, &point))
			fd = open(point, DIR_FLAGS);
	free(line);
	if (f)
		fclose(f);
	return fd;
}

static int by_id(const void *a, const void *b)
{
	const struct cgroup_dir *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int keep_dir(struct cgroups *cg, uint64_t id, const char *path)
{
	if (cg->nr == cg->room) {
		size_t room = cg->room ? 2 * cg->room : 64;
		struct cgroup_dir *dirs = realloc(cg->dirs, room * sizeof(*dirs));

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
static int walk(struct cgroups *cg, int parent, char *path, size_t length)
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
		ret = walk(cg, child, path, length + n + 1);
		close(child);
	}
	closedir(dir);
	return ret;
}

static bool has_id(int fd, uint64_t id)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && st.st_ino == id;
}

/* Open a directory of a cgroup if it is the one of this id. */
static int open_cgroup(const struct cgroups *cg, const char *path, uint64_t id)
{
	int fd = openat(cg->mount, *path ? path : ".", DIR_FLAGS);

	if (has_id(fd, id))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/**
 * find_cgroup() - the directory of a cgroup
 * @cg:		directories
 * @id:		cgroup id
 * @path:	in: the path as far as known, else empty; out: the one it has here,
 *		below the mount, if it was found
 *
 * Return: a descriptor, or -1: there is none, or it is out of reach.
 */
static int find_cgroup(struct cgroups *cg, uint64_t id, char path[PATH_MAX])
{
	const struct cgroup_dir key = { .id = id }, *found;
	char walked[PATH_MAX];
	int fd;

	if (cg->mount < 0)
		return -1;
	fd = open_cgroup(cg, path, id);
	if (fd >= 0)
		return fd;
	if (!cg->walked) {
		cg->walked = true;
		walk(cg, cg->mount, walked, 0);
		if (cg->nr)
			qsort(cg->dirs, cg->nr, sizeof(*cg->dirs), by_id);
	}
	found = cg->nr ? bsearch(&key, cg->dirs, cg->nr, sizeof(*cg->dirs), by_id) :
			 NULL;
	if (!found)
		return open_cgroup(cg, "", id);
	snprintf(path, PATH_MAX, "%s", found->path);
	return open_cgroup(cg, path, id);
}

static void forget_cgroups(struct cgroups *cg)
{
	for (size_t i = 0; i < cg->nr; i++)
		free(cg->dirs[i].path);
	free(cg->dirs);
	if (cg->mount >= 0)
		close(cg->mount);
}

/* ---- rows ------------------------------------------------------------------------- */

static struct top_row *add_row(struct top_data *data)
{
	if (data->nr == data->room) {
		size_t room = data->room ? 2 * data->room : 64;
		struct top_row *rows = realloc(data->rows, room * sizeof(*rows));

		if (!rows)
			return NULL;
		data->rows = rows;
		data->room = room;
	}
	memset(&data->rows[data->nr], 0, sizeof(*data->rows));
	return &data->rows[data->nr];
}

/* What groups and tasks have in common. */
static int read_row(int dir, struct top_row *row)
{
	int ret = read_u64(dir, "reserved", &row->reserved);

	if (!ret)
		ret = read_u64(dir, "prepared", &row->prepared);
	if (!ret)
		ret = read_u64(dir, "ready", &row->ready);
	if (ret)
		return ret;
	if (read_u64(dir, "charged", &row->charged))
		row->charged = TOP_UNKNOWN;
	row->high = read_limit(dir, "high");
	row->max = read_limit(dir, "max");
	row->pressure = read_pressure(dir);
	row->anon = TOP_UNKNOWN;
	return 0;
}

/* The last part of a path: root is "/". */
static void name_group(struct top_row *row, const char *path, bool known)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (!row->parent)
		name = "/";
	if (*name && (known || !row->parent))
		snprintf(row->name, sizeof(row->name), "%.255s", name);
	else
		snprintf(row->name, sizeof(row->name), "cgroup %llu",
			 (unsigned long long)row->id);
}

static int read_group(int dir, struct cgroups *cg, struct top_row *row)
{
	char text[PATH_MAX + 1] = "", path[PATH_MAX] = "";
	int ret = read_row(dir, row), fd;
	ssize_t n;

	if (!ret)
		ret = read_u64(dir, "parent", &row->parent);
	if (!ret && read_u64(dir, "nr_tasks", &row->nr_tasks))
		row->nr_tasks = TOP_UNKNOWN;
	if (ret)
		return ret;
	n = read_text(dir, "path", text, sizeof(text));
	/* Without a leading slash there is no such cgroup any more. */
	if (n > 1 && text[0] == '/') {
		text[n - 1] = '\0';
		snprintf(path, sizeof(path), "%s", text + 1);
	}
	fd = find_cgroup(cg, row->id, path);
	name_group(row, path, *path);
	if (fd >= 0) {
		row->anon = read_key(fd, "memory.stat", "anon ", 1);
		close(fd);
	}
	return 0;
}

static int read_task(int dir, int proc, struct top_row *row)
{
	int ret = read_row(dir, row), fd;
	char pid[24];

	if (ret)
		return ret;
	/* Without one it is shown beside the root. */
	if (read_u64(dir, "group", &row->parent))
		row->parent = 0;
	snprintf(row->name, sizeof(row->name), "?");
	snprintf(pid, sizeof(pid), "%llu", (unsigned long long)row->id);
	fd = proc < 0 ? -1 : openat(proc, pid, DIR_FLAGS);
	if (fd < 0)
		return 0;
	if (read_text(fd, "comm", row->name, sizeof(row->name)) <= 0)
		snprintf(row->name, sizeof(row->name), "?");
	row->name[strcspn(row->name, "\n")] = '\0';
	row->anon = read_key(fd, "status", "RssAnon:", 1024);
	close(fd);
	return 0;
}

/* All of groups/ if cg is given, else all of tasks/. */
static int read_all(const char *path, struct cgroups *cg, int proc,
		    struct top_data *data)
{
	DIR *list = opendir(path);
	struct dirent *e;
	int ret = 0;

	if (!list)
		return -errno;
	while ((e = readdir(list))) {
		struct top_row *row;
		uint64_t id;
		int dir;

		if (!is_number(e->d_name, &id))
			continue;
		dir = openat(dirfd(list), e->d_name, DIR_FLAGS);
		if (dir < 0)
			continue;
		row = add_row(data);
		if (!row) {
			close(dir);
			ret = -ENOMEM;
			break;
		}
		row->id = id;
		row->task = !cg;
		ret = cg ? read_group(dir, cg, row) : read_task(dir, proc, row);
		close(dir);
		if (!ret)
			data->nr++;
		else if (row->task && (ret == -EACCES || ret == -EPERM))
			data->others++;
		ret = 0;
	}
	closedir(list);
	return ret;
}

/* ---- the tree --------------------------------------------------------------------- */

/* By parent; then tasks by number before groups by name. */
static int by_place(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int names;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	if (x->task != y->task)
		return x->task ? -1 : 1;
	names = x->task ? 0 : strcmp(x->name, y->name);
	if (names)
		return names;
	return x->id < y->id ? -1 : x->id > y->id;
}

/**
 * struct order - rows on their way to their places
 * @from:	by place
 * @used:	which of them have theirs
 * @nr:		how many there are
 * @to:		in order
 * @done:	how many of them
 */
struct order {
	const struct top_row *from;
	bool *used;
	size_t nr;
	struct top_row *to;
	size_t done;
};

/* The first row below a parent. */
static size_t first_below(const struct order *o, uint64_t parent)
{
	size_t low = 0, high = o->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (o->from[middle].parent < parent)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void place(struct order *o, size_t i, unsigned int depth)
{
	const struct top_row *row = &o->from[i];

	if (o->used[i])
		return;
	o->used[i] = true;
	o->to[o->done] = *row;
	o->to[o->done++].depth = depth;
	if (row->task || !row->id)
		return;
	for (size_t k = first_below(o, row->id);
	     k < o->nr && o->from[k].parent == row->id; k++)
		place(o, k, depth + 1);
}

static bool has_parent(const struct order *o, const struct top_row *row)
{
	for (size_t i = 0; i < o->nr; i++)
		if (!o->from[i].task && o->from[i].id == row->parent)
			return true;
	return false;
}

static int sort_rows(struct top_data *data)
{
	struct order o = { .from = data->rows, .nr = data->nr };
	struct top_row *to = calloc(data->nr + 1, sizeof(*to));
	bool *used = calloc(data->nr + 1, sizeof(*used));

	if (!to || !used) {
		free(to);
		free(used);
		return -ENOMEM;
	}
	o.to = to;
	o.used = used;
	if (data->nr)
		qsort(data->rows, data->nr, sizeof(*data->rows), by_place);
	/* The root; then what lost its parent while it was read; then any rest. */
	for (size_t i = 0; i < o.nr && !o.from[i].parent; i++)
		if (!o.from[i].task)
			place(&o, i, 0);
	for (size_t i = 0; i < o.nr; i++)
		if (!o.used[i] && !has_parent(&o, &o.from[i]))
			place(&o, i, 0);
	for (size_t i = 0; i < o.nr; i++)
		place(&o, i, 0);
	free(used);
	free(data->rows);
	data->rows = to;
	data->room = data->nr + 1;
	return 0;
}

/**
 * ms_top_collect() - read everything
 * @paths:	where from
 * @tasks:	tasks as well as groups
 * @data:	all zero, or what an earlier call has left; to be freed also on error
 *
 * Return: 0; -ENODEV: the module is not loaded; -ENOENT: it knows no groups; -ENOMEM;
 * or why its directories cannot be read.
 */
int ms_top_collect(const struct top_paths *paths, bool tasks, struct top_data *data)
{
	struct cgroups cg = { .mount = -1 };
	char path[PATH_MAX];
	int ret, proc;

	data->nr = 0;
	data->groups = 0;
	data->others = 0;
	data->when = time(NULL);
	if (access(paths->sysfs, F_OK))
		return -ENODEV;
	cg.mount = open_mount(paths->mountinfo);
	snprintf(path, sizeof(path), "%s/groups", paths->sysfs);
	ret = read_all(path, &cg, -1, data);
	forget_cgroups(&cg);
	data->groups = data->nr;
	if (!ret && tasks) {
		proc = open(paths->proc, DIR_FLAGS);
		snprintf(path, sizeof(path), "%s/tasks", paths->sysfs);
		ret = read_all(path, NULL, proc, data);
		if (proc >= 0)
			close(proc);
	}
	return ret ? ret : sort_rows(data);
}

/**
 * ms_top_free() - forget what was read
 * @data: all zero afterwards
 */
void ms_top_free(struct top_data *data)
{
	free(data->rows);
	memset(data, 0, sizeof(*data));
}

/**
 * ms_top_reported() - what a row reports as accessible
 * @row: the row
 *
 * Return: bytes that are Ready or Prepared.
 */
uint64_t ms_top_reported(const struct top_row *row)
{
	return row->ready + row->prepared;
}

/**
 * ms_top_unaccounted() - anonymous memory beyond what is reported
 * @row: the row
 *
 * At the least: what is reported and was never touched makes up for it.
 *
 * Return: bytes, or TOP_UNKNOWN.
 */
uint64_t ms_top_unaccounted(const struct top_row *row)
{
	uint64_t reported = ms_top_reported(row);

	if (row->anon == TOP_UNKNOWN)
		return TOP_UNKNOWN;
	return row->anon > reported ? row->anon - reported : 0;
}

/**
 * ms_top_coverage() - what is reported, of the anonymous memory that there is
 * @row: the row
 *
 * Above 100 where more is reported than was touched.
 *
 * Return: percent, or TOP_UNKNOWN, also where there is no anonymous memory.
 */
uint64_t ms_top_coverage(const struct top_row *row)
{
	double share;

	if (row->anon == TOP_UNKNOWN || !row->anon)
		return TOP_UNKNOWN;
	share = (double)ms_top_reported(row) / (double)row->anon;
	return share < 1e6 ? (uint64_t)(share * 100) : 100000000;
}
