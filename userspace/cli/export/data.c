// SPDX-License-Identifier: MIT
/*
 * Reads figures from the module's files. The device would give all of an object's at
 * one moment, but who has it open keeps the module from being unloaded: a reader that is
 * always there had better leave no trace. It is opened for an instant, so that what tasks
 * have left in their rings is published; and figures of one scrape are milliseconds apart.
 *
 * What is gone when its turn comes is no longer there to be told of. What is there and
 * cannot be told of is counted.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroup_dirs.h"
#include "data.h"

/**
 * struct reader - a collection on its way
 * @paths:	where from
 * @data:	where to
 * @cg:		directories of cgroups
 * @sysfs:	the module's directory, open
 * @proc:	processes, open, or -1
 * @end_ns:	when it has to end, of CLOCK_MONOTONIC
 * @room:	how many more samples there may be
 */
struct reader {
	const struct export_paths *paths;
	struct export_data *data;
	struct ms_cgroup_dirs cg;
	int sysfs;
	int proc;
	uint64_t end_ns;
	size_t room;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/**
 * add_object() - read an object, and keep it if there is room
 * @r:		the collection
 * @level:	what it is
 * @o:		its id, group and name; the name is freed where it is not kept
 * @at:		where its files are
 *
 * Return: 0, also if it is gone; -ENOSPC: there would be too many samples; -EACCES: it
 * is somebody else's; -ENOMEM.
 */
static int add_object(struct reader *r, enum export_level level,
		      const struct export_object *o, const struct export_places *at)
{
	struct export_list *list = &r->data->lists[level];
	struct export_object *kept;
	uint64_t probe;
	size_t samples;
	int ret = ms_figure_u64(&at->figures, "reserved", &probe);

	if (ret || !o->name) {
		free(o->name);
		return !o->name ? -ENOMEM : ret == -EACCES || ret == -EPERM ? -EACCES : 0;
	}
	if (list->nr == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		struct export_object *objects;

		objects = realloc(list->objects, room * sizeof(*objects));
		if (!objects) {
			free(o->name);
			return -ENOMEM;
		}
		list->objects = objects;
		list->room = room;
	}
	kept = &list->objects[list->nr];
	*kept = *o;
	kept->values = malloc((ms_export_nr_values(level) + 1) * sizeof(*kept->values));
	samples = kept->values ? ms_export_values(level, at, kept->values) : 0;
	if (!kept->values || samples > r->room) {
		ret = kept->values ? -ENOSPC : -ENOMEM;
		free(kept->values);
		free(kept->name);
		return ret;
	}
	list->nr++;
	list->samples += samples;
	r->room -= samples;
	return 0;
}

/* ---- levels ----------------------------------------------------------------------- */

/* The root's group, which is the one without a parent. Return: a descriptor, or -1. */
static int open_root(int groups, const struct export_ids *list, uint64_t *id)
{
	for (size_t i = 0; i < list->nr; i++) {
		int dir = ms_export_open_id(groups, list->ids[i]);
		uint64_t parent = 1;

		if (dir >= 0 && !ms_file_u64(dir, "parent", &parent) && !parent) {
			*id = list->ids[i];
			return dir;
		}
		if (dir >= 0)
			close(dir);
	}
	return -1;
}

static int add_system(struct reader *r, int groups, const struct export_ids *list)
{
	const struct export_object o = { .group = MS_FILE_UNKNOWN, .name = strdup("") };
	struct export_places at = { .figures.dir = r->sysfs, .more = -1, .observed = -1 };
	char path[PATH_MAX];
	uint64_t id = 0;
	int ret;

	if (groups >= 0)
		at.more = open_root(groups, list, &id);
	if (at.more >= 0)
		at.observed = ms_cgroup_dirs_find(&r->cg, at.more, id, path);
	ret = add_object(r, EXPORT_SYSTEM, &o, &at);
	if (at.more >= 0)
		close(at.more);
	if (at.observed >= 0)
		close(at.observed);
	/* It was unloaded while we looked. */
	if (!ret && !r->data->lists[EXPORT_SYSTEM].nr)
		ret = -ENODEV;
	return ret;
}

static int add_group(struct reader *r, int dir, uint64_t id)
{
	struct export_object o = { .id = id, .group = MS_FILE_UNKNOWN };
	struct export_places at = { .figures.dir = dir, .more = -1 };
	char path[PATH_MAX + 1], text[PATH_MAX + 1] = "";
	uint64_t parent = 1;
	ssize_t n;
	int ret;

	*path = '/';
	at.observed = ms_cgroup_dirs_find(&r->cg, dir, id, path + 1);
	if (!path[1] && (ms_file_u64(dir, "parent", &parent) || parent)) {
		/* "(removed)", or nothing that we may know */
		n = ms_file_text(dir, "path", text, sizeof(text));
		snprintf(path, sizeof(path), "%.*s", n > 0 ? (int)(n - 1) : 0, text);
	}
	o.name = strdup(path);
	ret = add_object(r, EXPORT_GROUP, &o, &at);
	if (at.observed >= 0)
		close(at.observed);
	return ret;
}

static int add_task(struct reader *r, int tasks, uint64_t serial)
{
	char name[256], text[MS_TASK_TEXT];
	struct export_places at = { .figures.text = text, .more = -1, .observed = -1 };
	struct export_object o = {};
	size_t length;
	ssize_t n;
	int ret;

	snprintf(name, sizeof(name), "%llu", (unsigned long long)serial);
	n = ms_file_text(tasks, name, text, sizeof(text));
	if (n < 0)
		return n == -EACCES || n == -EPERM ? -EACCES : 0;
	/* A process that has no number here is somebody else's. */
	if (ms_figure_u64(&at.figures, "pid", &o.id))
		return 0;
	if (!o.id)
		return -EACCES;
	*name = '\0';
	if (r->proc >= 0)
		at.observed = ms_export_open_id(r->proc, o.id);
	if (at.observed >= 0 && ms_file_text(at.observed, "comm", name, sizeof(name)) < 0)
		*name = '\0';
	length = strlen(name);
	if (length && name[length - 1] == '\n')
		name[length - 1] = '\0';
	if (ms_figure_u64(&at.figures, "group", &o.group))
		o.group = MS_FILE_UNKNOWN;
	o.name = strdup(name);
	ret = add_object(r, EXPORT_TASK, &o, &at);
	if (at.observed >= 0)
		close(at.observed);
	return ret;
}

/* All groups, or all tasks. */
static int add_all(struct reader *r, enum export_level level, int parent,
		   const struct export_ids *ids)
{
	struct export_list *list = &r->data->lists[level];

	for (size_t i = 0; i < ids->nr; i++) {
		int dir, ret;

		if (now_ns() > r->end_ns) {
			list->late += ids->nr - i;
			break;
		}
		if (level == EXPORT_TASK) {
			ret = add_task(r, parent, ids->ids[i]);
		} else {
			dir = ms_export_open_id(parent, ids->ids[i]);
			if (dir < 0)
				continue;
			ret = add_group(r, dir, ids->ids[i]);
			close(dir);
		}
		if (ret == -ENOSPC) {
			list->bounded += ids->nr - i;
			break;
		}
		if (ret == -EACCES)
			list->withheld++;
		else if (ret)
			return ret;
	}
	return 0;
}

static int collect_tasks(struct reader *r)
{
	int tasks = openat(r->sysfs, "tasks", EXPORT_DIR_FLAGS);
	struct export_ids ids = {};
	int ret;

	if (tasks < 0)
		return -errno;
	ret = ms_export_ids(tasks, &ids);
	if (!ret)
		ret = add_all(r, EXPORT_TASK, tasks, &ids);
	free(ids.ids);
	close(tasks);
	return ret;
}

static int collect(struct reader *r)
{
	const struct export_options *options = &r->data->options;
	int groups = openat(r->sysfs, "groups", EXPORT_DIR_FLAGS);
	int ret = groups < 0 ? -errno : 0;
	struct export_ids ids = {};

	if (!ret)
		ret = ms_export_ids(groups, &ids);
	if (!ret)
		ret = add_system(r, groups, &ids);
	if (!ret && options->groups)
		ret = add_all(r, EXPORT_GROUP, groups, &ids);
	free(ids.ids);
	if (groups >= 0)
		close(groups);
	if (!ret && options->tasks)
		ret = collect_tasks(r);
	return ret;
}

static void read_version(const char *module, char *version, size_t size)
{
	int dir = open(module, EXPORT_DIR_FLAGS);

	*version = '\0';
	if (dir < 0)
		return;
	if (ms_file_text(dir, "version", version, size) < 0)
		*version = '\0';
	version[strcspn(version, "\n")] = '\0';
	close(dir);
}

/**
 * ms_export_collect() - read everything that is asked for
 * @paths:	where from
 * @options:	what
 * @data:	where to put it; to be freed by ms_export_free(), also on error
 *
 * Several threads may do so at a time.
 *
 * Return: 0; -ENODEV: the module is not loaded; -ENOMEM; why its directories cannot be
 * read.
 */
int ms_export_collect(const struct export_paths *paths,
		      const struct export_options *options, struct export_data *data)
{
	struct reader r = { .paths = paths, .data = data };
	uint64_t began_ns = now_ns();
	int ret;

	memset(data, 0, sizeof(*data));
	data->options = *options;
	r.end_ns = began_ns + options->limit_ns;
	r.room = options->max_samples - EXPORT_OWN_SAMPLES;
	r.sysfs = open(paths->sysfs, EXPORT_DIR_FLAGS);
	if (r.sysfs < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	if (paths->fresh)
		paths->fresh();
	r.proc = open(paths->proc, EXPORT_DIR_FLAGS);
	ms_cgroup_dirs_open(&r.cg, paths->mountinfo);
	read_version(paths->module, data->version, sizeof(data->version));
	ret = collect(&r);
	/* Its directories go one after the other. */
	if (ret && ret != -ENOMEM && access(paths->sysfs, F_OK))
		ret = -ENODEV;
	ms_cgroup_dirs_close(&r.cg);
	if (r.proc >= 0)
		close(r.proc);
	close(r.sysfs);
	data->took_ns = now_ns() - began_ns;
	return ret;
}

/**
 * ms_export_free() - forget what was read
 * @data: from ms_export_collect()
 */
void ms_export_free(struct export_data *data)
{
	for (int level = 0; level < EXPORT_NR_LEVELS; level++) {
		struct export_list *list = &data->lists[level];

		for (size_t i = 0; i < list->nr; i++) {
			free(list->objects[i].name);
			free(list->objects[i].values);
		}
		free(list->objects);
		*list = (struct export_list) {};
	}
}

/**
 * ms_export_left_out() - what is there and was not told of, for want of room or time
 * @data: from ms_export_collect()
 *
 * Return: how many groups and tasks.
 */
size_t ms_export_left_out(const struct export_data *data)
{
	size_t nr = 0;

	for (int level = 0; level < EXPORT_NR_LEVELS; level++)
		nr += data->lists[level].bounded + data->lists[level].late;
	return nr;
}
