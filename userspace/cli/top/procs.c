// SPDX-License-Identifier: MIT
/*
 * Processes that report nothing, from /proc: those that the module observes, as the group that
 * they are in says, and if that is wanted all others.
 *
 * A process is in the group of its cgroup or, if that is no group of the module's, of the
 * nearest above. What a row has is what the kernel counts: Ready is what is backed, Prepared
 * what else may be written to.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procs.h"

/**
 * ms_top_add_row() - room for one more row
 * @data: the rows; it counts as one as soon as @nr is one more
 *
 * Return: it, all zero; NULL: no memory.
 */
struct top_row *ms_top_add_row(struct top_data *data)
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

#define DIR_FLAGS	(O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define STATUS_TEXT	4096

/* What the books of a process that has none go by: its number, and when it began. */
#define NO_BOOKS	(1ULL << 63)

/**
 * struct search - processes that are looked for
 * @data:	the rows
 * @cg:		directories of cgroups
 * @all:	also those that are not observed
 * @path:	the cgroup that was looked up last
 * @group:	and its group, an index of rows; -1: none
 */
struct search {
	struct top_data *data;
	struct ms_cgroup_dirs *cg;
	bool all;
	char path[PATH_MAX];
	ssize_t group;
};

static ssize_t find_group(const struct top_data *data, uint64_t id)
{
	for (size_t i = 0; i < data->groups; i++)
		if (data->rows[i].id == id)
			return (ssize_t)i;
	return -1;
}

static ssize_t root_group(const struct top_data *data)
{
	for (size_t i = 0; i < data->groups; i++)
		if (!data->rows[i].parent)
			return (ssize_t)i;
	return -1;
}

/* The group of a cgroup, or the nearest above. */
static ssize_t group_of(struct search *s, char *path)
{
	char *slash;
	uint64_t id;

	if (!strcmp(path, s->path))
		return s->group;
	snprintf(s->path, sizeof(s->path), "%s", path);
	s->group = -1;
	while (s->group < 0 && *path) {
		int fd = ms_cgroup_dirs_at(s->cg, path + (*path == '/'), &id);

		if (fd >= 0) {
			close(fd);
			s->group = find_group(s->data, id);
		}
		slash = strrchr(path, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	if (s->group < 0)
		s->group = root_group(s->data);
	return s->group;
}

/* Its path in cgroup v2. */
static int cgroup_path(int proc, char *path, size_t size)
{
	char text[PATH_MAX + 256];
	const char *line;
	size_t n;

	if (ms_file_text(proc, "cgroup", text, sizeof(text)) <= 0)
		return -ENOENT;
	line = strncmp(text, "0::", 3) ? strstr(text, "\n0::") : text;
	if (!line)
		return -ENOENT;
	line += *line == '\n' ? 4 : 3;
	n = strcspn(line, "\n");
	if (n >= size)
		return -ENAMETOOLONG;
	memcpy(path, line, n);
	path[n] = '\0';
	return 0;
}

/* When it began, in ticks: the twentieth number behind the name, which may have anything in it. */
static uint64_t start_time(int proc)
{
	char text[1024], *at;

	if (ms_file_text(proc, "stat", text, sizeof(text)) <= 0)
		return 0;
	at = strrchr(text, ')');
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

/* Return: 0; -ENOENT: it is gone, or has no memory of its own. */
static int read_memory(int proc, struct top_row *row)
{
	char text[STATUS_TEXT];
	uint64_t commit, anon, swap;

	if (ms_file_text(proc, "status", text, sizeof(text)) <= 0)
		return -ENOENT;
	commit = ms_text_key(text, "VmData:", 1024);
	anon = ms_text_key(text, "RssAnon:", 1024);
	swap = ms_text_key(text, "VmSwap:", 1024);
	if (commit == TOP_UNKNOWN || anon == TOP_UNKNOWN)
		return -ENOENT;
	row->anon = anon;
	row->swap = swap;
	row->backed = anon + (swap == TOP_UNKNOWN ? 0 : swap);
	row->ready = row->backed;
	row->prepared = commit > row->backed ? commit - row->backed : 0;
	row->reserved = TOP_UNKNOWN;
	return 0;
}

static void read_row(const struct search *s, int proc, uint64_t pid, ssize_t group,
		     struct top_row *row)
{
	row->task = true;
	row->id = pid;
	row->books = NO_BOOKS | (start_time(proc) << 22 & ~NO_BOOKS) | pid;
	row->parent = group < 0 ? 0 : s->data->rows[group].id;
	row->observed = group >= 0 && s->data->rows[group].observes;
	row->other = !row->observed;
	row->charged = TOP_UNKNOWN;
	row->high = TOP_UNKNOWN;
	row->max = TOP_UNKNOWN;
	for (int i = 0; i < TOP_NR_STATES; i++)
		for (int c = 0; c < MEMSTATE_NR_CLASSES; c++)
			row->classes[i][c] = TOP_UNKNOWN;
	if (ms_file_text(proc, "comm", row->name, sizeof(row->name)) <= 0)
		snprintf(row->name, sizeof(row->name), "?");
	row->name[strcspn(row->name, "\n")] = '\0';
}

/* Return: 0, or -ENOMEM. */
static int see(struct search *s, int proc, uint64_t pid)
{
	struct top_row *row;
	char path[PATH_MAX];
	ssize_t group;

	if (cgroup_path(proc, path, sizeof(path)))
		return 0;
	group = group_of(s, path);
	if (!s->all && (group < 0 || !s->data->rows[group].observes))
		return 0;
	row = ms_top_add_row(s->data);
	if (!row)
		return -ENOMEM;
	if (!read_memory(proc, row)) {
		read_row(s, proc, pid, group, row);
		s->data->nr++;
	}
	return 0;
}

static bool is_known(const struct top_data *data, size_t tasks, uint64_t pid)
{
	for (size_t i = data->groups; i < tasks; i++)
		if (data->rows[i].id == pid)
			return true;
	return false;
}

/**
 * ms_top_processes() - add rows of processes that report nothing
 * @proc:	where processes are, open
 * @cg:		directories of cgroups
 * @all:	also of those that are not observed
 * @data:	has groups, and tasks that report
 *
 * Return: 0; -ENOMEM.
 */
int ms_top_processes(int proc, struct ms_cgroup_dirs *cg, bool all, struct top_data *data)
{
	struct search s = { .data = data, .cg = cg, .all = all, .group = root_group(data) };
	int fd = proc < 0 ? -1 : openat(proc, ".", DIR_FLAGS), ret = 0;
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	size_t tasks = data->nr;
	struct dirent *e;
	bool any = all;

	for (size_t i = 0; !any && i < data->groups; i++)
		any = data->rows[i].observes;
	while (any && list && !ret && (e = readdir(list))) {
		uint64_t pid;

		if (!ms_name_is_number(e->d_name, &pid) || is_known(data, tasks, pid))
			continue;
		fd = openat(dirfd(list), e->d_name, DIR_FLAGS);
		if (fd < 0)
			continue;
		ret = see(&s, fd, pid);
		close(fd);
	}
	if (list)
		closedir(list);
	return ret;
}
