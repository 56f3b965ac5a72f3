// SPDX-License-Identifier: MIT
/*
 * Groups and tasks, each with its figures.
 *
 * A task's file is named by the serial number of its books, of which there are no two; what
 * the row goes by is the process, as numbers have it here.
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
#include "memstate.h"
#include "rules.h"
#include "procs.h"

#define DIR_FLAGS	(O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* ---- rows ------------------------------------------------------------------------- */

/* Bytes by state, and by class if these are wanted: then a state is the sum of them. */
static int read_states(const struct ms_figures *f, bool classes, struct top_row *row)
{
	uint64_t *const states[] = { &row->reserved, &row->prepared, &row->ready };
	int ret = 0;

	for (int s = 0; !ret && s < TOP_NR_STATES; s++) {
		const char *state = ms_state_names[MEMSTATE_RESERVED + s];
		char name[64];

		for (int c = 0; c < MEMSTATE_NR_CLASSES; c++) {
			row->classes[s][c] = TOP_UNKNOWN;
			if (ret || !classes)
				continue;
			snprintf(name, sizeof(name), "%s/%s", ms_class_names[c], state);
			ret = ms_figure_u64(f, name, &row->classes[s][c]);
			*states[s] += row->classes[s][c];
		}
		if (!classes)
			ret = ms_figure_u64(f, state, states[s]);
	}
	return ret;
}

/* What groups and tasks have in common. */
static int read_row(const struct ms_figures *f, bool classes, struct top_row *row)
{
	int ret = read_states(f, classes, row);

	if (ret)
		return ret;
	if (ms_figure_u64(f, "charged", &row->charged))
		row->charged = TOP_UNKNOWN;
	row->high = ms_figure_limit(f, "high");
	row->max = ms_figure_limit(f, "max");
	row->pressure = (enum top_pressure)(ms_figure_pressure(f) + 1);
	row->anon = TOP_UNKNOWN;
	row->swap = TOP_UNKNOWN;
	row->backed = TOP_UNKNOWN;
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

static int read_group(int dir, struct ms_cgroup_dirs *cg, bool classes, struct top_row *row)
{
	const struct ms_figures f = { .dir = dir };
	int ret = read_row(&f, classes, row), fd;
	char path[PATH_MAX];
	uint64_t observe, enforced;

	if (!ret)
		ret = ms_file_u64(dir, "parent", &row->parent);
	if (!ret && ms_file_u64(dir, "nr_tasks", &row->nr_tasks))
		row->nr_tasks = TOP_UNKNOWN;
	if (ret)
		return ret;
	row->observes = !ms_file_u64(dir, "observe", &observe) && observe;
	row->unenforced = row->observes && !ms_file_u64(dir, "enforced", &enforced) && !enforced;
	if (row->observes && ms_file_u64(dir, "backed", &row->backed))
		row->backed = TOP_UNKNOWN;
	fd = ms_cgroup_dirs_find(cg, dir, row->id, path);
	name_group(row, path, *path);
	if (fd >= 0) {
		row->anon = ms_file_key(fd, "memory.stat", "anon ", 1);
		if (ms_file_u64(fd, "memory.swap.current", &row->swap))
			row->swap = TOP_UNKNOWN;
		close(fd);
	}
	return 0;
}

/* What has the device open to ask, and holds nothing: memstate(1) beside what it runs. */
static bool is_ours(const struct top_row *row)
{
	return !strcmp(row->name, "memstate") && !ms_top_reported(row) && !row->reserved &&
	       (!row->charged || row->charged == TOP_UNKNOWN);
}

static int read_task(int tasks, const char *name, int proc, bool classes,
		     struct top_row *row)
{
	char pid[24], text[MS_TASK_TEXT];
	const struct ms_figures f = { .dir = -1, .text = text };
	ssize_t n = ms_file_text(tasks, name, text, sizeof(text));
	int ret, fd;

	if (n < 0)
		return (int)n;
	/* A process that has no number here is somebody else's. */
	ret = ms_figure_u64(&f, "pid", &row->id);
	if (!ret && !row->id)
		ret = -EACCES;
	if (!ret)
		ret = read_row(&f, classes, row);
	if (ret)
		return ret;
	/* Without one it is shown beside the root. */
	if (ms_figure_u64(&f, "group", &row->parent))
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
	row->swap = ms_file_key(fd, "status", "VmSwap:", 1024);
	close(fd);
	return is_ours(row) ? -ENOENT : 0;
}

/* All of groups/ if cg is given, else all of tasks/. */
static int read_all(const char *path, struct ms_cgroup_dirs *cg, int proc, bool classes,
		    struct top_data *data)
{
	DIR *list = opendir(path);
	struct dirent *e;
	int ret = 0;

	if (!list)
		return -errno;
	while ((e = readdir(list))) {
		struct top_row *row;
		uint64_t number;
		int dir;

		if (!ms_name_is_number(e->d_name, &number))
			continue;
		row = ms_top_add_row(data);
		if (!row) {
			ret = -ENOMEM;
			break;
		}
		row->id = number;
		row->books = number;
		row->task = !cg;
		if (cg) {
			dir = openat(dirfd(list), e->d_name, DIR_FLAGS);
			ret = dir < 0 ? -errno : read_group(dir, cg, classes, row);
			if (dir >= 0)
				close(dir);
		} else {
			ret = read_task(dirfd(list), e->d_name, proc, classes, row);
		}
		if (!ret)
			data->nr++;
		else if (row->task && (ret == -EACCES || ret == -EPERM))
			data->others++;
		ret = 0;
	}
	closedir(list);
	return ret;
}

/**
 * ms_top_collect() - read everything
 * @paths:	where from
 * @what:	TOP_TASKS: tasks as well as groups; TOP_OTHERS: all processes; TOP_CLASSES:
 *		bytes by class, too
 * @data:	all zero, or what an earlier call has left; to be freed also on error
 *
 * Return: 0; -ENODEV: the module is not loaded; -ENOENT: it knows no groups; -ENOMEM;
 * or why its directories cannot be read.
 */
int ms_top_collect(const struct top_paths *paths, unsigned int what, struct top_data *data)
{
	bool classes = what & TOP_CLASSES;
	struct ms_cgroup_dirs cg;
	char path[PATH_MAX];
	int ret, proc;

	data->nr = 0;
	data->groups = 0;
	data->others = 0;
	data->classes = classes;
	data->when = time(NULL);
	if (access(paths->sysfs, F_OK))
		return -ENODEV;
	if (paths->fresh)
		paths->fresh();
	ms_cgroup_dirs_open(&cg, paths->mountinfo);
	snprintf(path, sizeof(path), "%s/groups", paths->sysfs);
	ret = read_all(path, &cg, -1, classes, data);
	data->groups = data->nr;
	if (!ret && what & TOP_TASKS) {
		proc = open(paths->proc, DIR_FLAGS);
		snprintf(path, sizeof(path), "%s/tasks", paths->sysfs);
		ret = read_all(path, NULL, proc, classes, data);
		if (!ret)
			ret = ms_top_processes(proc, &cg, what & TOP_OTHERS, data);
		if (proc >= 0)
			close(proc);
	}
	ms_cgroup_dirs_close(&cg);
	return ret;
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
 * ms_top_accounted() - what somebody accounts for
 * @row: the row
 *
 * Return: bytes that are reported as accessible, or observed by the module.
 */
uint64_t ms_top_accounted(const struct top_row *row)
{
	if (row->other)
		return 0;
	if (row->observed)
		return row->backed;
	return ms_top_reported(row) + (row->backed == TOP_UNKNOWN ? 0 : row->backed);
}

/* Anonymous memory, resident or swapped out: what is reported can be either. Or TOP_UNKNOWN. */
static uint64_t anonymous(const struct top_row *row)
{
	return row->anon == TOP_UNKNOWN || row->swap == TOP_UNKNOWN ? row->anon :
								      row->anon + row->swap;
}

/**
 * ms_top_unaccounted() - anonymous memory beyond what is reported, or observed
 * @row: the row
 *
 * At the least: what is reported and was never touched makes up for it.
 *
 * Return: bytes, or TOP_UNKNOWN.
 */
uint64_t ms_top_unaccounted(const struct top_row *row)
{
	uint64_t accounted = ms_top_accounted(row), all = anonymous(row);

	if (all == TOP_UNKNOWN)
		return TOP_UNKNOWN;
	return all > accounted ? all - accounted : 0;
}

/**
 * ms_top_coverage() - how much of the anonymous memory that there is, is accounted for
 * @row: the row
 *
 * Return: percent, 100 at the most; or TOP_UNKNOWN, also where there is no anonymous memory.
 */
uint64_t ms_top_coverage(const struct top_row *row)
{
	uint64_t all = anonymous(row);

	if (all == TOP_UNKNOWN || !all)
		return TOP_UNKNOWN;
	return (uint64_t)((double)(all - ms_top_unaccounted(row)) * 100 / (double)all);
}
