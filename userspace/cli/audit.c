// SPDX-License-Identifier: MIT
/* memstate audit: where ledger and mappings differ. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define AT_ONCE	512

static const char help[] =
	"usage: memstate audit [--json] PID\n\n"
	"Compare what a process has reported with its mappings. Exit status 1 if they\n"
	"differ anywhere.\n\n"
	"  unmapped      recorded, but there is no mapping\n"
	"  not-writable  Ready, but the mapping cannot be written\n"
	"  resident      Reserved, yet pages are resident\n\n"
	"  --json   one JSON document\n"
	"  --help   this text\n";

static const char *kind_name(uint32_t kind)
{
	switch (kind) {
	case MEMSTATE_AUDIT_UNMAPPED:
		return "unmapped";
	case MEMSTATE_AUDIT_NOT_WRITABLE:
		return "not-writable";
	case MEMSTATE_AUDIT_RESIDENT:
		return "resident";
	default:
		return "?";
	}
}

static void print_finding(const struct memstate_finding *f,
			  struct json_object *list)
{
	struct json_object *o;

	if (!list) {
		printf("%012" PRIx64 "-%012" PRIx64 " %10s  %-12s  %-8s  %s\n",
		       (uint64_t)f->start, (uint64_t)f->end,
		       ms_size(f->end - f->start), kind_name(f->kind),
		       memstate_state_name(f->state),
		       memstate_class_name(f->class_));
		return;
	}
	o = json_object_new_object();
	ms_json_add(o, "start", f->start);
	ms_json_add(o, "end", f->end);
	json_object_object_add(o, "kind",
			       json_object_new_string(kind_name(f->kind)));
	json_object_object_add(o, "state", json_object_new_string(
						   memstate_state_name(f->state)));
	json_object_object_add(o, "class", json_object_new_string(
						   memstate_class_name(f->class_)));
	json_object_array_add(list, o);
}

int memstate_cmd_audit(int argc, char **argv)
{
	struct memstate_finding findings[AT_ONCE];
	struct json_object *list = NULL, *doc;
	uint64_t cursor = 0, found = 0;
	int fd, ret, status;
	uint32_t done;
	bool json;
	pid_t pid;

	pid = ms_one_pid("audit", help, argc, argv, &json, &status);
	if (pid < 0)
		return status;
	fd = ms_task_handle(pid);
	if (fd < 0)
		return 1;
	if (json)
		list = json_object_new_array();
	do {
		ret = memstate_audit_fd(fd, pid, &cursor, findings, AT_ONCE, &done);
		for (uint32_t i = 0; !ret && i < done; i++)
			print_finding(&findings[i], list);
		found += done;
	} while (!ret && cursor);
	close(fd);
	if (ret) {
		ms_err("process %d: %s", pid, ms_error_text(-ret));
		return 1;
	}
	if (list) {
		doc = json_object_new_object();
		ms_json_add(doc, "pid", (uint64_t)pid);
		json_object_object_add(doc, "findings", list);
		ret = ms_json_print(doc);
	} else {
		printf("%" PRIu64 " differences\n", found);
	}
	return ret || found ? 1 : 0;
}
