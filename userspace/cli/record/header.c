// SPDX-License-Identifier: MIT
/* The first line of a recording. */
#include <sys/utsname.h>
#include <time.h>

#include "cli.h"
#include "recorder.h"

static struct json_object *target_object(const struct ms_recorder *r)
{
	struct json_object *o = json_object_new_object(), *argv;
	char name[32];

	if (r->argv) {
		argv = json_object_new_array();
		for (char **arg = r->argv; *arg; arg++)
			json_object_array_add(argv, ms_json_text(*arg));
		json_object_object_add(o, "argv", argv);
		ms_json_add(o, "pid", (uint64_t)r->launch.pid);
	}
	if (r->cgroup.fd >= 0) {
		ms_json_add_text(o, "kind", "group");
		ms_json_add_text(o, "path", r->cgroup.path);
		ms_json_add(o, "cgroup_id", r->cgroup.id);
	} else if (r->source.pid) {
		ms_json_add_text(o, "kind", "process");
		if (!r->argv) {
			ms_process_name(r->pid, name, sizeof(name));
			ms_json_add(o, "pid", (uint64_t)r->pid);
			ms_json_add_text(o, "name", name);
		}
	} else {
		ms_json_add_text(o, "kind", "system");
	}
	return o;
}

/**
 * ms_recorder_header() - the first line: when, where and what
 * @r: the recording, begun
 *
 * Return: as ms_record_add().
 */
int ms_recorder_header(struct ms_recorder *r)
{
	struct json_object *o = ms_record_header("record");
	char text[40];
	struct utsname u;
	struct timespec t;
	struct tm tm;

	if (!uname(&u))
		ms_json_add_text(o, "kernel", u.release);
	/* A program may have run for a moment already. */
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec = (time_t)((double)t.tv_sec + (double)t.tv_nsec / 1e9 - (ms_now() - r->start));
	gmtime_r(&t.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	ms_json_add_text(o, "start", text);
	ms_json_add_text(o, "clock", "monotonic");
	ms_json_add_text(o, "time_unit", "s");
	snprintf(text, sizeof(text), "%.6f", r->start);
	json_object_object_add(o, "start_clock", json_object_new_double_s(r->start, text));
	snprintf(text, sizeof(text), "%g", r->interval);
	json_object_object_add(o, "interval", json_object_new_double_s(r->interval, text));
	json_object_object_add(o, "transitions", json_object_new_boolean(!!r->trace));
	json_object_object_add(o, "target", target_object(r));
	return ms_record_add(r->file, o);
}
