// SPDX-License-Identifier: MIT
/* memstate scan: an estimate for a process that does not report. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char help[] =
	"usage: memstate scan [--json] PID\n\n"
	"Estimate the states of a process that does not report, from its smaps. Private\n"
	"anonymous mappings, the heap and the stacks count, nothing else:\n\n"
	"  Reserved   no access\n"
	"  Ready      resident or swapped, and not given back by MADV_FREE\n"
	"  Prepared   the rest: accessible and not backed, or given back\n\n"
	"Only the process itself knows which of its resident memory is in use; this is\n"
	"what can be observed from outside.\n\n"
	"  --json   one JSON document\n"
	"  --help   this text\n";

struct estimate {
	uint64_t reserved;
	uint64_t prepared;
	uint64_t ready;
	uint64_t mappings;
};

/* One mapping of smaps, as far as it has been read. */
struct entry {
	bool counts;
	bool access;
	uint64_t size;
	uint64_t rss;
	uint64_t lazy_free;
	uint64_t swap;
};

static void entry_add(struct estimate *e, const struct entry *m)
{
	uint64_t ready = m->rss + m->swap;

	if (!m->counts)
		return;
	e->mappings++;
	ready -= m->lazy_free < ready ? m->lazy_free : ready;
	if (!m->access) {
		e->reserved += m->size;
	} else {
		e->ready += ready;
		e->prepared += m->size > ready ? m->size - ready : 0;
	}
}

/* The head of a mapping: start-end rwxp offset dev inode [name] */
static bool entry_begin(const char *line, struct entry *m)
{
	char prot[5], name[16] = "";
	unsigned long long start, end, inode;

	if (sscanf(line, "%llx-%llx %4s %*s %*s %llu %15s", &start, &end, prot,
		   &inode, name) < 4)
		return false;
	*m = (struct entry) {
		.counts = prot[3] == 'p' && !inode &&
			  (!*name || !strcmp(name, "[heap]") ||
			   !strncmp(name, "[anon", 5) || !strncmp(name, "[stack", 6)),
		.access = prot[0] == 'r' || prot[1] == 'w' || prot[2] == 'x',
		.size = end - start,
	};
	return true;
}

static void entry_line(const char *line, struct entry *m)
{
	unsigned long long kb;

	if (sscanf(line, "Rss: %llu kB", &kb) == 1)
		m->rss = kb * 1024;
	else if (sscanf(line, "LazyFree: %llu kB", &kb) == 1)
		m->lazy_free = kb * 1024;
	else if (sscanf(line, "Swap: %llu kB", &kb) == 1)
		m->swap = kb * 1024;
}

static int scan(pid_t pid, struct estimate *e)
{
	struct entry m = {};
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *f;
	int ret;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (getline(&line, &size, f) > 0) {
		struct entry next;

		if (entry_begin(line, &next)) {
			entry_add(e, &m);
			m = next;
		} else {
			entry_line(line, &m);
		}
	}
	entry_add(e, &m);
	ret = ferror(f) ? -EIO : 0;
	free(line);
	fclose(f);
	return ret;
}

int memstate_cmd_scan(int argc, char **argv)
{
	struct estimate e = {};
	struct json_object *doc;
	char name[32];
	pid_t pid;
	int ret, status;
	bool json;

	pid = ms_one_pid("scan", help, argc, argv, &json, &status);
	if (pid < 0)
		return status;
	if (!ms_process_exists(pid)) {
		ms_err("no process %d", pid);
		return 1;
	}
	ret = scan(pid, &e);
	if (ret) {
		ms_err("process %d: %s", pid, strerror(-ret));
		return 1;
	}
	ms_process_name(pid, name, sizeof(name));
	if (!json) {
		printf("%-8s %-16s %12s %12s %12s   observed (estimate)\n", "PID",
		       "COMMAND", "RESERVED", "PREPARED", "READY");
		printf("%-8d %-16s %12s %12s %12s\n", pid, ms_name(name),
		       ms_size(e.reserved), ms_size(e.prepared), ms_size(e.ready));
		return 0;
	}
	doc = json_object_new_object();
	ms_json_add(doc, "pid", (uint64_t)pid);
	json_object_object_add(doc, "command", ms_json_text(name));
	json_object_object_add(doc, "source", json_object_new_string("observed"));
	ms_json_add(doc, "reserved", e.reserved);
	ms_json_add(doc, "prepared", e.prepared);
	ms_json_add(doc, "ready", e.ready);
	ms_json_add(doc, "mappings", e.mappings);
	return ms_json_print(doc);
}
