// SPDX-License-Identifier: MIT
/* Limits, and what is observed, for people and programs: what several commands say of them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "cli.h"
#include "files.h"
#include "refusal.h"

/**
 * ms_limit_size() - a limit for a table
 * @limit: bytes, or MEMSTATE_UNLIMITED
 *
 * Return: a text that stays valid for the next fourteen calls.
 */
const char *ms_limit_size(uint64_t limit)
{
	return limit == MEMSTATE_UNLIMITED ? "max" : ms_size(limit);
}

/**
 * ms_json_limit() - limits as members of an object
 * @o:	the object
 * @l:	the limits
 */
void ms_json_limit(struct json_object *o, const struct memstate_limit *l)
{
	struct json_object *all = json_object_new_object();
	struct json_object *local = json_object_new_object();

	ms_json_add(o, "cgroup_id", l->group);
	ms_json_bounds(o, l);
	for (int i = 0; i < MEMSTATE_NR_EVENTS; i++) {
		ms_json_add(all, ms_event_names[i], l->events[i]);
		ms_json_add(local, ms_event_names[i], l->events_local[i]);
	}
	json_object_object_add(o, "events", all);
	json_object_object_add(o, "events_local", local);
}

/**
 * ms_limit_error() - why limits could not be read or set
 * @what:	the cgroup
 * @ret:	negative errno
 *
 * Return: the exit status.
 */
int ms_limit_error(const char *what, int ret)
{
	switch (ret) {
	case -ENOENT:
		if (access(MEMSTATE_DEVICE, F_OK))
			ms_err(MS_NO_MODULE, MEMSTATE_DEVICE);
		else
			ms_err("%s: the cgroup is gone", what);
		break;
	case -EPERM:
		ms_err("%s: setting its limits takes CAP_SYS_RESOURCE, or the right to write to the directory above",
		       what);
		break;
	case -EROFS:
		ms_err("%s: mounted read-only here", what);
		break;
	case -EBADF:
		ms_err("%s: not a cgroup v2 directory", what);
		break;
	default:
		ms_err("%s: %s", what, ms_error_text(-ret));
		break;
	}
	return 1;
}

/**
 * ms_group_refusal_text() - the last request that a group has refused
 * @group:	its cgroup's id
 * @text:	where to put it, as the module tells it, which escapes what is in it; empty: there
 *		was none, or it may not be read
 * @size:	room
 */
void ms_group_refusal_text(uint64_t group, char *text, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), SYSFS_DIR "/groups/%llu/last_refusal",
		 (unsigned long long)group);
	if (ms_file_text(AT_FDCWD, path, text, size) <= 0)
		*text = '\0';
	text[strcspn(text, "\n")] = '\0';
}

/**
 * ms_is_unenforced() - is it observed, and yet no limit in force for what reports nothing?
 * @w: what is observed of a group; zero where the module knows nothing of it
 *
 * So it is where the module's hooks were taken away.
 *
 * Return: whether.
 */
bool ms_is_unenforced(const struct memstate_observe *w)
{
	return w->on && !w->enforced;
}

/**
 * ms_commit_max() - what all programs of a group may commit
 * @w: what is observed of it; zero where the module knows nothing of it
 *
 * Return: bytes, or MEMSTATE_UNLIMITED, also of a module that knows no such limit.
 */
uint64_t ms_commit_max(const struct memstate_observe *w)
{
	return w->size < sizeof(*w) ? MEMSTATE_UNLIMITED : w->commit_max;
}

/**
 * ms_json_observe() - what is observed, as members of an object
 * @o:	the object
 * @w:	what is observed
 */
void ms_json_observe(struct json_object *o, const struct memstate_observe *w)
{
	json_object_object_add(o, "on", json_object_new_boolean((json_bool)w->on));
	json_object_object_add(o, "enforced", json_object_new_boolean((json_bool)w->enforced));
	ms_json_add(o, "overcommit", w->overcommit);
	ms_json_add(o, "nr_tasks", w->spaces);
	ms_json_add(o, "commit", w->commit);
	ms_json_add(o, "backed", w->backed);
	ms_json_add(o, "inherited", w->inherited);
	ms_json_add(o, "pending", w->pending);
	ms_json_add(o, "breached", w->breached);
	json_object_object_add(o, "trust", json_object_new_boolean((json_bool)w->trust));
	ms_json_add(o, "nr_reporting", w->reports);
	ms_json_add(o, "excess", w->excess);
	ms_json_add_limit(o, "commit_max", ms_commit_max(w));
}

/**
 * ms_json_memory() - what the memory controller counts, as members of an object
 * @o:	the object
 * @m:	what it counts
 */
void ms_json_memory(struct json_object *o, const struct ms_cgroup_memory *m)
{
	ms_json_add_known(o, "anon", m->anon);
	ms_json_add_known(o, "file", m->file);
	ms_json_add_known(o, "shmem", m->shmem);
	ms_json_add_known(o, "swap", m->swap);
	ms_json_add_known(o, "kernel", m->kernel);
	ms_json_add_known(o, "sock", m->sock);
	ms_json_add_known(o, "current", m->current);
	ms_json_add_limit(o, "max", m->max);
}
