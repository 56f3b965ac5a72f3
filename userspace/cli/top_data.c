// SPDX-License-Identifier: MIT
/*
 * Groups and tasks as a tree, each with its figures.
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
#include <unistd.h>

#include "cgroup_dirs.h"
#include "files.h"
#include "top.h"

#define DIR_FLAGS	(O_RDONLY | O_DIRECTORY | O_CLOEXEC)

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
	int ret = ms_file_u64(dir, "reserved", &row->reserved);

	if (!ret)
		ret = ms_file_u64(dir, "prepared", &row->prepared);
	if (!ret)
		ret = ms_file_u64(dir, "ready", &row->ready);
	if (ret)
		return ret;
	if (ms_file_u64(dir, "charged", &row->charged))
		row->charged = TOP_UNKNOWN;
	row->high = ms_file_limit(dir, "high");
	row->max = ms_file_limit(dir, "max");
	row->pressure = (enum top_pressure)(ms_file_pressure(dir) + 1);
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

static int read_group(int dir, struct ms_cgroup_dirs *cg, struct top_row *row)
{
	int ret = read_row(dir, row), fd;
	char path[PATH_MAX];

	if (!ret)
		ret = ms_file_u64(dir, "parent", &row->parent);
	if (!ret && ms_file_u64(dir, "nr_tasks", &row->nr_tasks))
		row->nr_tasks = TOP_UNKNOWN;
	if (ret)
		return ret;
	fd = ms_cgroup_dirs_find(cg, dir, row->id, path);
	name_group(row, path, *path);
	if (fd >= 0) {
		row->anon = ms_file_key(fd, "memory.stat", "anon ", 1);
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
	if (ms_file_u64(dir, "group", &row->parent))
		row->parent = 0;
	snprintf(row->name, sizeof(row->name), "?");
	snprintf(pid, sizeof(pid), "%llu", (unsigned long long)row->id);
	fd = proc < 0 ? -1 : openat(proc, pid, DIR_FLAGS);
	if (fd < 0)
		return 0;
	if (ms_file_text(fd, "comm", row->name, sizeof(row->name)) <= 0)
		snprintf(row->name, sizeof(row->name), "?");
	row->name[strcspn(row->name, "\n")] = '\0';
	row->anon = ms_file_key(fd, "status", "RssAnon:", 1024);
	close(fd);
	return 0;
}

/* All of groups/ if cg is given, else all of tasks/. */
static int read_all(const char *path, struct ms_cgroup_dirs *cg, int proc,
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

		if (!ms_name_is_number(e->d_name, &id))
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
	struct ms_cgroup_dirs cg;
	char path[PATH_MAX];
	int ret, proc;

	data->nr = 0;
	data->groups = 0;
	data->others = 0;
	data->when = time(NULL);
	if (access(paths->sysfs, F_OK))
		return -ENODEV;
	ms_cgroup_dirs_open(&cg, paths->mountinfo);
	snprintf(path, sizeof(path), "%s/groups", paths->sysfs);
	ret = read_all(path, &cg, -1, data);
	ms_cgroup_dirs_close(&cg);
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
