// SPDX-License-Identifier: MIT
/*
 * What is said of refusals. The same one is noted in all groups from the process's own up to the
 * one whose limit it was; those may be other processes' as well, and have other notes by now.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "cgroup_dirs.h"
#include "cli.h"
#include "files.h"
#include "refusal.h"

#define DIR_FLAGS	(O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* ---- all that are noted ---------------------------------------------------------------- */

static int by_group(const void *a, const void *b)
{
	uint64_t x = ((const struct ms_refused *)a)->group;
	uint64_t y = ((const struct ms_refused *)b)->group;

	return (x > y) - (x < y);
}

/**
 * ms_refusals_read() - read what is noted
 * @all: where to put it; to be freed by ms_refusals_free(). Without memory there is less of it
 *
 * What may not be read is passed over.
 */
void ms_refusals_read(struct ms_refusals *all)
{
	DIR *dir = opendir(SYSFS_DIR "/groups");
	struct dirent *e;
	size_t room = 0;

	*all = (struct ms_refusals) {};
	while (dir && (e = readdir(dir))) {
		struct ms_refused g = {};
		int fd = -1;

		if (ms_name_is_number(e->d_name, &g.group))
			fd = openat(dirfd(dir), e->d_name, DIR_FLAGS);
		if (fd < 0)
			continue;
		if (all->nr == room) {
			struct ms_refused *list = realloc(all->list, (room + 64) * sizeof(*list));

			if (!list) {
				close(fd);
				break;
			}
			all->list = list;
			room += 64;
		}
		if (!ms_file_u64(fd, "parent", &g.parent)) {
			ms_refusal_read(fd, &g.refusal);
			all->list[all->nr++] = g;
		}
		close(fd);
	}
	if (dir)
		closedir(dir);
	if (all->nr)
		qsort(all->list, all->nr, sizeof(*all->list), by_group);
}

/**
 * ms_refusals_free() - forget it
 * @all: from ms_refusals_read(), or zero
 */
void ms_refusals_free(struct ms_refusals *all)
{
	free(all->list);
	*all = (struct ms_refusals) {};
}

/**
 * ms_refusals_find() - a group
 * @all:	from ms_refusals_read(), or zero
 * @group:	cgroup id
 *
 * Return: it; NULL: it is not among them.
 */
const struct ms_refused *ms_refusals_find(const struct ms_refusals *all, uint64_t group)
{
	const struct ms_refused key = { .group = group };

	return all->nr ? bsearch(&key, all->list, all->nr, sizeof(key), by_group) : NULL;
}

/**
 * ms_refusals_below() - does a group lie below another?
 * @all:	from ms_refusals_read()
 * @group:	cgroup id
 * @above:	cgroup id of the other
 *
 * Return: it does, or is the same.
 */
bool ms_refusals_below(const struct ms_refusals *all, uint64_t group, uint64_t above)
{
	const struct ms_refused *g;

	/* Groups may be made and go while they are read: no more steps than there are. */
	for (size_t i = 0; i <= all->nr && group != above; i++) {
		g = ms_refusals_find(all, group);
		if (!g || !g->parent)
			return false;
		group = g->parent;
	}
	return group == above;
}

/**
 * ms_refusals_in() - the group of the process that was refused
 * @all:	from ms_refusals_read()
 * @at:		one of them, with a note
 *
 * Return: cgroup id: of the lowest one that has the same note; that may be @at.
 */
uint64_t ms_refusals_in(const struct ms_refusals *all, const struct ms_refused *at)
{
	uint64_t in = at->group;

	for (size_t i = 0; i < all->nr; i++) {
		const struct ms_refused *g = &all->list[i];

		if (g->refusal.nr && g->refusal.at_us == at->refusal.at_us &&
		    g->refusal.pid == at->refusal.pid && ms_refusals_below(all, g->group, in))
			in = g->group;
	}
	return in;
}

/* ---- for people and programs --------------------------------------------------------------- */

/* Below the mount. Return: whether it is known. */
static bool path_of(uint64_t group, char path[PATH_MAX + 1])
{
	struct ms_cgroup_dirs cg;
	char name[128];
	int dir, fd;

	if (group & MEMSTATE_JOB_ID)
		return false;
	ms_cgroup_dirs_open(&cg, "/proc/self/mountinfo");
	snprintf(name, sizeof(name), SYSFS_DIR "/groups/%llu", (unsigned long long)group);
	dir = open(name, DIR_FLAGS);
	*path = '/';
	fd = ms_cgroup_dirs_find(&cg, dir, group, path + 1);
	if (dir >= 0)
		close(dir);
	if (fd >= 0)
		close(fd);
	ms_cgroup_dirs_close(&cg);
	return fd >= 0 || path[1];
}

static void group_words(uint64_t group, const char *before, char *text, size_t size)
{
	char path[PATH_MAX + 1];

	if (group & MEMSTATE_JOB_ID)
		snprintf(text, size, "%sa job", before);
	else if (path_of(group, path))
		snprintf(text, size, "%s%s", before, ms_name(path));
	else
		snprintf(text, size, "%scgroup %llu", before, (unsigned long long)group);
}

/**
 * ms_refusal_words() - who wanted what, and what was left
 * @r:		the refusal
 * @beside:	cgroup id of the group that it is told of, which is not named again
 * @in:		cgroup id of the group that the process was in; 0: not known
 * @text:	where to put it, without an end of line
 * @size:	room, MS_REFUSAL_WORDS is enough
 */
void ms_refusal_words(const struct ms_refusal *r, uint64_t beside, uint64_t in, char *text,
		      size_t size)
{
	char where[300] = "", whose[300] = "", more[40] = "", path[PATH_MAX + 1], id[64];
	uint64_t left = ms_refusal_left(r);

	if (in && !(in & MEMSTATE_JOB_ID) && path_of(in, path) &&
	    ms_cgroup_container_of(path, id, sizeof(id)))
		snprintf(where, sizeof(where), " in container %s", ms_name(id));
	else if (in && in != beside)
		group_words(in, " in ", where, sizeof(where));
	if (r->group != beside)
		group_words(r->group, " of ", whose, sizeof(whose));
	if (r->overcommit != 100 && !r->commit)
		snprintf(more, sizeof(more), ", overcommit %llu %%",
			 (unsigned long long)r->overcommit);
	if (r->pid)
		snprintf(text, size, "%s[%llu]%s wanted %s, ", ms_name(r->comm),
			 (unsigned long long)r->pid, where, ms_size(r->bytes));
	else
		snprintf(text, size, "a process that is not seen from here%s wanted %s, ", where,
			 ms_size(r->bytes));
	size -= strlen(text);
	text += strlen(text);
	/* It was noted a moment later, when others had given back, or it was raised. */
	if (left >= r->bytes)
		snprintf(text, size, "no room was left of ");
	else
		snprintf(text, size, "%s %s left of ", ms_size(left),
			 left == 1 ? "was" : "were");
	size -= strlen(text);
	text += strlen(text);
	snprintf(text, size, "%s %s%s%s", r->commit ? "commit max" : "max", ms_limit_size(r->max),
		 more, whose);
}

/**
 * ms_refusal_clock() - when one was
 * @us:		when, since boot
 * @text:	where to put it: the time, with the day before it unless it is today
 * @size:	room
 */
void ms_refusal_clock(uint64_t us, char *text, size_t size)
{
	time_t now = time(NULL), then = (time_t)ms_refusal_time(us);
	struct tm a, b;

	localtime_r(&now, &a);
	localtime_r(&then, &b);
	strftime(text, size, a.tm_year == b.tm_year && a.tm_yday == b.tm_yday ?
				     "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &b);
}

static void json_group(struct json_object *o, const char *key, uint64_t group)
{
	char path[PATH_MAX + 1];

	json_object_object_add(o, key, group && path_of(group, path) ? ms_json_text(path) : NULL);
}

/**
 * ms_refusal_json() - a refusal for programs
 * @r:	the refusal, or NULL
 * @in:	cgroup id of the group that the process was in; 0: not known
 *
 * Return: an object; NULL: there was none.
 */
struct json_object *ms_refusal_json(const struct ms_refusal *r, uint64_t in)
{
	char path[PATH_MAX + 1], id[64];
	struct json_object *o;

	if (!r || !r->nr)
		return NULL;
	o = json_object_new_object();
	ms_json_add(o, "nr", r->nr);
	ms_json_add(o, "pid", r->pid);
	ms_json_add(o, "inner_pid", r->inner_pid);
	ms_json_add_text(o, "comm", r->comm);
	json_group(o, "path", in);
	json_object_object_add(o, "container", in && path_of(in, path) &&
			       ms_cgroup_container_of(path, id, sizeof(id)) ?
				       ms_json_text(id) : NULL);
	ms_json_add(o, "wanted", r->bytes);
	ms_json_add(o, "left", ms_refusal_left(r));
	json_object_object_add(o, "limit",
			       json_object_new_string(r->commit ? "commit_max" : "max"));
	json_object_object_add(o, "limit_bytes", r->max == MEMSTATE_UNLIMITED ? NULL :
							ms_json_u64(r->max));
	ms_json_add(o, "overcommit", r->overcommit);
	json_group(o, "limit_path", r->group);
	ms_json_add(o, "limit_cgroup_id", r->group);
	ms_json_add(o, "backed", r->backed);
	ms_json_add(o, "charged", r->charged);
	json_object_object_add(o, "reported", json_object_new_boolean(r->reported));
	if (r->first_us)
		ms_json_add(o, "first_time", ms_refusal_time(r->first_us));
	ms_json_add(o, "time", ms_refusal_time(r->at_us));
	json_object_object_add(o, "at", json_object_new_double((double)r->at_us / 1e6));
	return o;
}
