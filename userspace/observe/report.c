// SPDX-License-Identifier: MIT
/*
 * A last line of figures, where there is no memstate run to leave them to (lib/tally_table.h):
 * with MEMSTATE_REPORT=PATH in the environment each process appends one JSON object to that
 * file when it exits. One that is killed, or replaces itself by exec, or may not open the file
 * by then, leaves none.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memstate.h>

#include "raw.h"
#include "report.h"

/* The process's name, without what would need escaping in JSON. */
static void get_comm(char *comm, size_t size)
{
	long fd = ms_raw4(SYS_openat, AT_FDCWD, "/proc/self/comm",
			  O_RDONLY | O_CLOEXEC, 0);
	long n = fd < 0 ? -1 : ms_raw3(SYS_read, fd, comm, size - 1);

	if (fd >= 0)
		ms_raw1(SYS_close, fd);
	comm[n > 0 ? n : 0] = '\0';
	for (char *p = comm; *p; p++) {
		if (*p == '\n')
			*p = '\0';
		else if (*p < ' ' || *p == '"' || *p == '\\' || *p == 127)
			*p = '?';
	}
}

/*
 * The process that this memory belongs to; a child by fork finds it wiped, one by vfork, which has
 * its parent's memory, finds its parent's number. NULL: no such page.
 */
static long *owner;

__attribute__((constructor)) static void report_begin(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	long *page = getenv("MEMSTATE_REPORT") ? ms_raw_mmap(size) : NULL;

	if (!page)
		return;
	/* Before 4.14 there is none. */
	if (ms_raw3(SYS_madvise, page, size, MADV_WIPEONFORK)) {
		ms_raw_munmap(page, size);
		return;
	}
	*page = ms_raw0(SYS_getpid);
	owner = page;
}

static bool is_borrowed(void)
{
	return owner && *owner && *owner != ms_raw0(SYS_getpid);
}

/**
 * ms_report_at_exit() - append the line, if one is wanted
 *
 * Not for who ends in its parent's memory: the line is the parent's, and still to come.
 *
 * Context: any; once per process.
 */
void ms_report_at_exit(void)
{
	static int done;
	const char *path = getenv("MEMSTATE_REPORT");
	struct memstate_totals t;
	char line[768], comm[32];
	long fd;
	int n;

	if (!path || !*path || is_borrowed() || __atomic_exchange_n(&done, 1, __ATOMIC_RELAXED))
		return;
	if (memstate_totals(&t, 0))
		return;
	get_comm(comm, sizeof(comm));
	n = snprintf(line, sizeof(line),
		     "{\"pid\":%ld,\"comm\":\"%s\",\"backend\":\"%s\","
		     "\"reserved\":%llu,\"reserved_lazy\":%llu,"
		     "\"prepared\":%llu,\"prepared_lazy\":%llu,"
		     "\"ready\":%llu,\"ready_direct\":%llu,\"peak_ready\":%llu,"
		     "\"transitions\":%llu,\"drift\":%llu,\"rejected\":%llu,"
		     "\"ranges\":%llu}\n",
		     ms_raw0(SYS_getpid), comm, memstate_backend_name(),
		     (unsigned long long)memstate_totals_state(&t, MEMSTATE_RESERVED),
		     t.reserved_lazy,
		     (unsigned long long)memstate_totals_state(&t, MEMSTATE_PREPARED),
		     t.prepared_lazy,
		     (unsigned long long)memstate_totals_state(&t, MEMSTATE_READY),
		     t.ready_direct, t.peak_ready, t.transitions, t.drift,
		     t.rejected, t.ranges);
	fd = ms_raw4(SYS_openat, AT_FDCWD, path,
		     O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	/* One write of less than a page to a file opened for appending. */
	ms_raw3(SYS_write, fd, line, n);
	ms_raw1(SYS_close, fd);
}
