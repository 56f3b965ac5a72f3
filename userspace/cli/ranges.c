// SPDX-License-Identifier: MIT
/*
 * memstate ranges: the ledger of a process; of one that reports nothing its private memory, as
 * the module finds it, and what of it is backed, as the kernel counts it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "grown.h"

#define AT_ONCE	512

static const char help[] =
	"usage: memstate ranges [--json] PID\n\n"
	"Print the ledger of a process: each range with its state and class, as it was\n"
	"reported. Of a process that reports nothing: its private memory as it is observed,\n"
	"with how much of it is backed; that takes root.\n\n"
	"  --json   one JSON document\n"
	"  --help   this text\n";

/**
 * struct mapping - what of a mapping is resident or swapped out
 * @start:	its first byte
 * @backed:	bytes
 */
struct mapping {
	uint64_t start;
	uint64_t backed;
};

/**
 * struct listing - ranges that are printed
 * @list:	where to, or NULL: as text
 * @mappings:	of a process that is observed, in order of addresses
 * @nr:		how many
 */
struct listing {
	struct json_object *list;
	struct mapping *mappings;
	size_t nr;
};

/* By the kernel's own count. What cannot be read is taken for nothing. */
static void read_mappings(struct listing *l, pid_t pid)
{
	FILE *f = ms_process_file(pid, "smaps");
	char *line = NULL, flags[5];
	uint64_t start, end, kib;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &start, &end, flags) == 3) {
			l->mappings = ms_grown(l->mappings, l->nr, sizeof(*l->mappings));
			l->mappings[l->nr++] = (struct mapping) { .start = start };
		} else if (l->nr && (sscanf(line, "Anonymous: %" SCNu64, &kib) == 1 ||
				     sscanf(line, "Swap: %" SCNu64, &kib) == 1)) {
			l->mappings[l->nr - 1].backed += kib * 1024;
		}
	}
	free(line);
	if (f)
		fclose(f);
}

/* Of a range that is observed, which is one mapping or more. */
static uint64_t backed(const struct listing *l, const struct memstate_range *r)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < l->nr; i++)
		if (l->mappings[i].start >= r->start && l->mappings[i].start < r->end)
			sum += l->mappings[i].backed;
	return sum;
}

static void print_range(const struct listing *l, const struct memstate_range *r)
{
	bool observed = r->flags & MEMSTATE_RANGE_OBSERVED;
	struct json_object *o;

	if (!l->list) {
		printf("%012" PRIx64 "-%012" PRIx64 " %10s  %-8s  %-8s%s%s",
		       (uint64_t)r->start, (uint64_t)r->end,
		       ms_size(r->end - r->start), memstate_state_name(r->state),
		       observed ? "-" : memstate_class_name(r->class_),
		       r->flags & MEMSTATE_RANGE_LAZY ? "  lazy" : "",
		       r->flags & MEMSTATE_RANGE_RO ? "  read-only" : "");
		if (observed)
			printf("  observed, backed %s", ms_size(backed(l, r)));
		putchar('\n');
		return;
	}
	o = json_object_new_object();
	ms_json_add(o, "start", r->start);
	ms_json_add(o, "end", r->end);
	json_object_object_add(o, "state", json_object_new_string(
						   memstate_state_name(r->state)));
	json_object_object_add(o, "class", observed ? NULL :
			       json_object_new_string(memstate_class_name(r->class_)));
	json_object_object_add(o, "lazy", json_object_new_boolean(
						  r->flags & MEMSTATE_RANGE_LAZY));
	json_object_object_add(o, "read_only",
			       json_object_new_boolean(r->flags &
						       MEMSTATE_RANGE_RO));
	if (observed)
		ms_json_add(o, "backed", backed(l, r));
	json_object_array_add(l->list, o);
}

/* By the process's own descriptor of the device. Return: 0 or a negative errno. */
static int print_reported(const struct listing *l, int fd)
{
	struct memstate_range ranges[AT_ONCE];
	uint64_t cursor = 0;
	uint32_t done;
	int ret;

	do {
		ret = memstate_ranges_fd(fd, &cursor, ranges, AT_ONCE, &done);
		for (uint32_t i = 0; !ret && i < done; i++)
			print_range(l, &ranges[i]);
	} while (!ret && cursor);
	return ret;
}

/* By a descriptor of the process. Return: 0 or a negative errno. */
static int print_observed(const struct listing *l, int device, int pidfd)
{
	struct memstate_range ranges[AT_ONCE];
	struct memstate_ranges arg = {
		.size = sizeof(arg),
		.ranges = (uintptr_t)ranges,
		.nr = AT_ONCE,
		.scope = MEMSTATE_SCOPE_PROCESS,
		.fd = pidfd,
	};

	do {
		if (ioctl(device, MEMSTATE_IOC_RANGES, &arg))
			return -errno;
		for (uint32_t i = 0; i < arg.done; i++)
			print_range(l, &ranges[i]);
		arg.size = sizeof(arg);
	} while (arg.cursor);
	return 0;
}

static int explain(pid_t pid, bool observed, int ret)
{
	if (observed && (ret == -EACCES || ret == -EPERM))
		ms_err("process %d does not report; to see where its memory lies takes CAP_SYS_PTRACE",
		       pid);
	else if (observed && ret == -ESRCH)
		ms_err("process %d has ended, or is the kernel's", pid);
	else if (observed && (ret == -E2BIG || ret == -EINVAL))
		ms_err("process %d does not report, and the module that is loaded sees only what does",
		       pid);
	else
		ms_err("process %d: %s", pid, ms_error_text(-ret));
	return 1;
}

int memstate_cmd_ranges(int argc, char **argv)
{
	struct listing l = {};
	struct json_object *doc;
	int fd, ret, status;
	bool json, observed;
	pid_t pid;

	pid = ms_one_pid("ranges", help, argc, argv, &json, &status);
	if (pid < 0)
		return status;
	fd = ms_task_handle_quiet(pid);
	observed = fd == -ENXIO;
	if (fd < 0 && !observed)
		fd = ms_task_handle(pid);
	if (fd < 0 && !observed)
		return 1;
	if (json)
		l.list = json_object_new_array();
	if (observed) {
		struct ms_process_fds p;

		ret = ms_process_open(pid, &p);
		if (!ret) {
			read_mappings(&l, pid);
			ret = print_observed(&l, p.device, p.pidfd);
			ms_process_close(&p);
		}
	} else {
		ret = print_reported(&l, fd);
		close(fd);
	}
	free(l.mappings);
	if (ret) {
		json_object_put(l.list);
		return explain(pid, observed, ret);
	}
	if (!json)
		return 0;
	doc = json_object_new_object();
	ms_json_add(doc, "pid", (uint64_t)pid);
	json_object_object_add(doc, "source",
			       json_object_new_string(observed ? "observed" : "reported"));
	json_object_object_add(doc, "ranges", l.list);
	return ms_json_print(doc);
}
