// SPDX-License-Identifier: MIT
/* Limits, and what is observed, for people and programs: what several commands say of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "files.h"
#include "refusal.h"

static const char *const pressures[] = { "none", "high", "max" };

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
 * ms_pressure_name() - a pressure's name
 * @pressure: MEMSTATE_PRESSURE_*
 *
 * Return: the name.
 */
const char *ms_pressure_name(uint32_t pressure)
{
	return pressure <= MEMSTATE_PRESSURE_MAX ? pressures[pressure] : "?";
}

/**
 * ms_json_limit() - limits as members of an object
 * @o:	the object
 * @l:	the limits
 */
void ms_json_limit(struct json_object *o, const struct memstate_limit *l)
{
	static const char *const events[] = { "high", "max", "denied", "breach", "drift" };
	struct json_object *all = json_object_new_object();
	struct json_object *local = json_object_new_object();

	ms_json_add(o, "cgroup_id", l->group);
	json_object_object_add(o, "high", l->high == MEMSTATE_UNLIMITED ? NULL :
							ms_json_u64(l->high));
	json_object_object_add(o, "max", l->max == MEMSTATE_UNLIMITED ? NULL :
							ms_json_u64(l->max));
	ms_json_add(o, "charged", l->charged);
	ms_json_add(o, "peak", l->peak);
	json_object_object_add(o, "pressure",
			       json_object_new_string(ms_pressure_name(l->pressure)));
	for (int i = 0; i < MEMSTATE_NR_EVENTS; i++) {
		ms_json_add(all, events[i], l->events[i]);
		ms_json_add(local, events[i], l->events_local[i]);
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
			ms_err(MEMSTATE_DEVICE " is not there: the module is not loaded (modprobe memstate)");
		else
			ms_err("%s is gone", what);
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
		ms_err("%s: %s", what, strerror(-ret));
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
 * ms_group_refusal() - the same, understood
 * @group:	its cgroup's id
 * @r:		out: the refusal; nr is 0 where there was none, or it may not be read
 */
void ms_group_refusal(uint64_t group, struct ms_refusal *r)
{
	char text[MS_REFUSAL_TEXT];

	ms_group_refusal_text(group, text, sizeof(text));
	ms_refusal_parse(text, r);
}

/**
 * ms_parse_size() - a size of the command line
 * @command:	name of the command
 * @option:	the option
 * @text:	its value, of one word or two
 * @bytes:	where to put it
 *
 * Return: 0, or the exit status after a message.
 */
int ms_parse_size(const char *command, const char *option, const char *text, uint64_t *bytes)
{
	int ret = memstate_parse_bytes(text, bytes);

	if (!ret)
		return 0;
	return ms_usage_error(command, ret == -ERANGE ?
				       "option '%s': '%s' is too large" :
				       "option '%s': '%s' is not a size (as 512M, 1.5GiB, or max)",
			      option, text);
}

/**
 * ms_percent_arg() - how much may be committed, from the command line
 * @command:	name of the command
 * @text:	the argument
 * @percent:	where to put it
 *
 * Return: 0, or the exit status after a message.
 */
int ms_percent_arg(const char *command, const char *text, uint32_t *percent)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*end == '%')
		end++;
	if (errno || *text < '0' || *text > '9' || *end || value < 100 || value > 10000)
		return ms_usage_error(command, "--overcommit: '%s' is not a percentage from 100 to 10000",
				      text);
	*percent = (uint32_t)value;
	return 0;
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
}
