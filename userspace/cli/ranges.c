// SPDX-License-Identifier: MIT
/* memstate ranges: the ledger of a process. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define AT_ONCE	512

static const char help[] =
	"usage: memstate ranges [--json] PID\n\n"
	"Print the ledger of a process: each range with its state and class, as it was\n"
	"reported.\n\n"
	"  --json   one JSON document\n"
	"  --help   this text\n";

static void print_range(const struct memstate_range *r, struct json_object *list)
{
	struct json_object *o;

	if (!list) {
		printf("%012" PRIx64 "-%012" PRIx64 " %10s  %-8s  %-8s%s%s\n",
		       (uint64_t)r->start, (uint64_t)r->end,
		       ms_size(r->end - r->start), memstate_state_name(r->state),
		       memstate_class_name(r->class_),
		       r->flags & MEMSTATE_RANGE_LAZY ? "  lazy" : "",
		       r->flags & MEMSTATE_RANGE_RO ? "  read-only" : "");
		return;
	}
	o = json_object_new_object();
	ms_json_add(o, "start", r->start);
	ms_json_add(o, "end", r->end);
	json_object_object_add(o, "state", json_object_new_string(
						   memstate_state_name(r->state)));
	json_object_object_add(o, "class", json_object_new_string(
						   memstate_class_name(r->class_)));
	json_object_object_add(o, "lazy", json_object_new_boolean(
						  r->flags & MEMSTATE_RANGE_LAZY));
	json_object_object_add(o, "read_only",
			       json_object_new_boolean(r->flags &
						       MEMSTATE_RANGE_RO));
	json_object_array_add(list, o);
}

int memstate_cmd_ranges(int argc, char **argv)
{
	struct memstate_range ranges[AT_ONCE];
	struct json_object *list = NULL, *doc;
	uint64_t cursor = 0;
	int fd, ret, status;
	uint32_t done;
	bool json;
	pid_t pid;

	pid = ms_one_pid("ranges", help, argc, argv, &json, &status);
	if (pid < 0)
		return status;
	fd = ms_task_handle(pid);
	if (fd < 0)
		return 1;
	if (json)
		list = json_object_new_array();
	do {
		ret = memstate_ranges_fd(fd, &cursor, ranges, AT_ONCE, &done);
		for (uint32_t i = 0; !ret && i < done; i++)
			print_range(&ranges[i], list);
	} while (!ret && cursor);
	close(fd);
	if (ret) {
		ms_err("process %d: %s", pid, strerror(-ret));
		return 1;
	}
	if (!list)
		return 0;
	doc = json_object_new_object();
	ms_json_add(doc, "pid", (uint64_t)pid);
	json_object_object_add(doc, "ranges", list);
	return ms_json_print(doc);
}
