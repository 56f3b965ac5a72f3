// SPDX-License-Identifier: MIT
/*
 * Groups that are asked for: one cgroup, or each that has a text in its path.
 *
 * A cgroup that was asked for by its path is looked up again when it is gone: a service
 * that is started anew gets a new one in the same place.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup_dirs.h"
#include "view.h"

/* Of what was asked for, where it is told that there is none. */
#define TEXT_WIDTH	32

/* As it is shown: a path begins with a slash. */
static void name_cgroup(struct top_filter *f, const char *path)
{
	f->named = true;
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->text, sizeof(f->text), "/%.*s", PATH_MAX - 2, path);
}

/**
 * ms_top_path() - the path of a group, of a task that of its group
 * @row:	a row that has its place
 * @path:	where to put it, as far as there is room
 * @size:	room
 */
void ms_top_path(const struct top_row *row, char *path, size_t size)
{
	size_t used = size - 1, n;

	if (row->task)
		row = row->up;
	path[used] = '\0';
	for (; row && strcmp(row->name, "/"); row = row->up) {
		n = strlen(row->name);
		if (n + 1 > used)
			break;
		used -= n;
		memcpy(path + used, row->name, n);
		path[--used] = '/';
	}
	if (!path[used] && used)
		path[--used] = '/';
	memmove(path, path + used, size - used);
}

/**
 * ms_top_filter_cgroup() - ask for one cgroup
 * @f:		the filter; as it was on error
 * @paths:	where cgroups are
 * @name:	a path in the hierarchy, a directory of cgroupfs, a cgroup id, or the name
 *		or id of a container
 *
 * Return: 0; -ENODEV: cgroup2 is not mounted; -ENOENT: no such cgroup; -ENOTUNIQ: more
 * than one.
 */
int ms_top_filter_cgroup(struct top_filter *f, const struct top_paths *paths,
			 const char *name)
{
	char path[PATH_MAX], group[PATH_MAX];
	struct ms_cgroup_dirs cg;
	uint64_t id = 0;
	int ret;

	ms_cgroup_dirs_open(&cg, paths->mountinfo);
	ret = ms_cgroup_dirs_named(&cg, name, &id, path);
	ms_cgroup_dirs_close(&cg);
	if (!ret) {
		memset(f, 0, sizeof(*f));
		name_cgroup(f, path);
	} else if (*name && strspn(name, "0123456789") == strlen(name)) {
		/* The module may know one that is out of reach here. */
		id = strtoull(name, NULL, 10);
		snprintf(group, sizeof(group), "%s/groups/%" PRIu64, paths->sysfs, id);
		if (access(group, F_OK))
			return ret;
		memset(f, 0, sizeof(*f));
		snprintf(f->text, sizeof(f->text), "cgroup %" PRIu64, id);
		ret = 0;
	}
	if (!ret) {
		f->exact = true;
		f->id = id;
	}
	return ret;
}

/**
 * ms_top_filter_text() - ask for all groups that have a text in their path
 * @f:		the filter
 * @paths:	where cgroups are
 * @text:	part of a path; its beginning, if it begins with a slash; empty: no filter
 */
void ms_top_filter_text(struct top_filter *f, const struct top_paths *paths,
			const char *text)
{
	struct ms_cgroup_dirs cg;

	memset(f, 0, sizeof(*f));
	ms_cgroup_dirs_open(&cg, paths->mountinfo);
	if (*text == '/')
		snprintf(f->text, sizeof(f->text), "/%.*s", PATH_MAX - 2,
			 ms_cgroup_dirs_below(&cg, text));
	else
		snprintf(f->text, sizeof(f->text), "%s", text);
	ms_cgroup_dirs_close(&cg);
}

/**
 * ms_top_filter_follow() - look for one cgroup anew, if it is gone
 * @f:		the filter
 * @paths:	where cgroups are
 * @data:	what was read
 */
void ms_top_filter_follow(struct top_filter *f, const struct top_paths *paths,
			  const struct top_data *data)
{
	char path[PATH_MAX], name[PATH_MAX];
	struct ms_cgroup_dirs cg;
	uint64_t id;

	if (!f->exact || !f->named)
		return;
	for (size_t i = 0; i < data->nr; i++)
		if (!data->rows[i].task && data->rows[i].id == f->id)
			return;
	/* By its path, which is nobody's id. */
	snprintf(name, sizeof(name), "/%.*s", PATH_MAX - 2, f->path);
	ms_cgroup_dirs_open(&cg, paths->mountinfo);
	if (!ms_cgroup_dirs_named(&cg, name, &id, path))
		f->id = id;
	ms_cgroup_dirs_close(&cg);
}

/**
 * ms_top_filter_matches() - whether a group is asked for
 * @f:		the filter, not an empty one
 * @row:	the group, in its place in the tree
 *
 * Return: whether it is, by itself.
 */
bool ms_top_filter_matches(const struct top_filter *f, const struct top_row *row)
{
	char path[PATH_MAX], id[24];

	if (row->task)
		return false;
	if (f->exact)
		return row->id == f->id;
	snprintf(id, sizeof(id), "%" PRIu64, row->id);
	if (!strcmp(f->text, id))
		return true;
	ms_top_path(row, path, sizeof(path));
	if (*f->text == '/')
		return !strncmp(path, f->text, strlen(f->text));
	return strcasestr(path, f->text);
}

/**
 * ms_top_filter_found() - remember whether there was such a group
 * @f:		the filter
 * @found:	there was
 * @when:	time of the reading
 */
void ms_top_filter_found(struct top_filter *f, bool found, time_t when)
{
	if (f->found && !found)
		f->when = when;
	f->found = found;
	f->seen |= found;
}

/**
 * ms_top_filter_say() - why nothing is shown
 * @f:		the filter
 * @text:	where to put it; empty if something is shown
 * @size:	room
 */
void ms_top_filter_say(const struct top_filter *f, char *text, size_t size)
{
	char clock[16] = "", asked[TEXT_WIDTH * MB_LEN_ROOM + 1];
	struct tm tm;

	*text = '\0';
	if (!*f->text || f->found)
		return;
	ms_top_put_end(asked, f->text, TEXT_WIDTH);
	if (f->seen && localtime_r(&f->when, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	if (f->seen && f->exact)
		snprintf(text, size, "%s is gone since %s", asked, clock);
	else if (f->seen)
		snprintf(text, size, "all groups with '%s' in their path are gone since %s",
			 asked, clock);
	else if (f->exact)
		snprintf(text, size, "nothing in %s has reported yet", asked);
	else
		snprintf(text, size, "no group has '%s' in its path", asked);
}
