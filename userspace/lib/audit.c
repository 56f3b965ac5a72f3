// SPDX-License-Identifier: MIT
/*
 * Where books and memory differ: of ledger and mappings the back end knows; resident pages under
 * Reserved are found from pagemap, for both.
 */

#include <fcntl.h>

#include "internal.h"

#define PAGEMAP_PRESENT	((u64)1 << 63)
#define PAGEMAP_SWAPPED	((u64)1 << 62)
#define PAGES_AT_ONCE	512

/* Marks a cursor of the second part; no address has this bit. */
#define CURSOR_RESIDENT	((u64)1 << 63)

static long open_pagemap(pid_t pid)
{
	char path[40], digits[12], *p = path;
	const char *head = "/proc/", *tail = "/pagemap";
	int n = 0;

	while (*head)
		*p++ = *head++;
	if (!pid) {
		for (head = "self"; *head;)
			*p++ = *head++;
	} else {
		for (; pid; pid /= 10)
			digits[n++] = (char)('0' + pid % 10);
		while (n)
			*p++ = digits[--n];
	}
	while (*tail)
		*p++ = *tail++;
	*p = '\0';
	return ms_raw4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

/* Findings for the resident runs of one range. False: no room left. */
static int resident_range(long pagemap, const struct memstate_range *r, u64 from,
			  struct memstate_audit *arg)
{
	u64 page = (u64)sysconf(_SC_PAGESIZE);
	u64 words[PAGES_AT_ONCE];
	u64 addr = from > r->start ? from : r->start, run = 0;

	while (addr < r->end) {
		u64 left = (r->end - addr) / page;
		u64 want = left < PAGES_AT_ONCE ? left : PAGES_AT_ONCE;
		long n = ms_raw4(SYS_pread64, pagemap, words, want * 8,
				 addr / page * 8);

		if (n < 8)
			return n < 0 ? (int)n : -EIO;
		for (u64 i = 0; i < (u64)n / 8; i++, addr += page) {
			bool there = words[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED);

			if (there && !run)
				run = addr;
			if (run && !there) {
				if (!ms_finding_add(arg, r, run, addr,
						    MEMSTATE_AUDIT_RESIDENT))
					return 1;
				run = 0;
			}
		}
		arg->checked_bytes += (u64)n / 8 * page;
	}
	if (run && !ms_finding_add(arg, r, run, r->end, MEMSTATE_AUDIT_RESIDENT))
		return 1;
	return 0;
}

typedef int (*ranges_fn)(int fd, uint64_t *cursor, struct memstate_range *ranges,
			 uint32_t nr, uint32_t *done);

static int audit_resident(int fd, pid_t pid, ranges_fn ranges,
			  struct memstate_audit *arg)
{
	struct memstate_range r[64];
	uint64_t from = arg->cursor, cursor = from;
	long pagemap = open_pagemap(pid);
	u32 done;
	int ret;

	if (pagemap < 0)
		return (int)pagemap;
	arg->cursor = 0;
	do {
		ret = ranges(fd, &cursor, r, 64, &done);
		for (u32 i = 0; !ret && i < done; i++) {
			if (r[i].state == MEMSTATE_RESERVED &&
			    !(r[i].flags & MEMSTATE_RANGE_LAZY))
				ret = resident_range(pagemap, &r[i], from, arg);
		}
	} while (!ret && cursor);
	ms_raw1(SYS_close, pagemap);
	return ret < 0 ? ret : 0;
}

/* The two parts, one after the other, behind one cursor. */
static int audit_both(int fd, pid_t pid, ranges_fn ranges,
		      int (*mappings)(int fd, struct memstate_audit *arg),
		      uint64_t *cursor, struct memstate_finding *findings,
		      uint32_t nr, uint32_t *done)
{
	struct memstate_audit arg = {
		.size = sizeof(arg),
		.cursor = *cursor & ~CURSOR_RESIDENT,
		.findings = (uintptr_t)findings,
		.nr = nr,
	};
	int ret;

	*done = 0;
	if (!nr)
		return -EINVAL;
	if (!(*cursor & CURSOR_RESIDENT)) {
		ret = mappings(fd, &arg);
		if (ret)
			return ret;
		*done = arg.done;
		*cursor = arg.cursor ? arg.cursor : CURSOR_RESIDENT;
		return 0;
	}
	ret = audit_resident(fd, pid, ranges, &arg);
	if (ret)
		return ret;
	*done = arg.done;
	*cursor = arg.cursor ? arg.cursor | CURSOR_RESIDENT : 0;
	return 0;
}

static int mappings_fd(int fd, struct memstate_audit *arg)
{
	return (int)ms_raw3(SYS_ioctl, fd, MEMSTATE_IOC_AUDIT, arg);
}

/**
 * memstate_audit_fd() - audit the task that a descriptor is bound to
 * @fd:		of the device
 * @pid:	the task's process, for its page map; 0: this one
 * @cursor:	in: where to begin, 0 at first; out: where to go on, 0 at the end
 * @findings:	room for @nr findings
 * @nr:		at least 1
 * @done:	how many there are; may be 0 before the end
 *
 * Context: any.
 * Return: 0; -EBADF; -ENOTTY; -EINVAL: no room; -ESRCH: the task is gone;
 * -EACCES, -EPERM: its page map may not be read; -ENOMEM.
 */
int memstate_audit_fd(int fd, pid_t pid, uint64_t *cursor,
		      struct memstate_finding *findings, uint32_t nr,
		      uint32_t *done)
{
	return audit_both(fd, pid, memstate_ranges_fd, mappings_fd, cursor,
			  findings, nr, done);
}

static int ranges_self(int fd, uint64_t *cursor, struct memstate_range *ranges,
		       uint32_t nr, uint32_t *done)
{
	(void)fd;
	return memstate_ranges(cursor, ranges, nr, done);
}

static int mappings_self(int fd, struct memstate_audit *arg)
{
	(void)fd;
	return ms_lib.ops->audit(arg);
}

/**
 * memstate_audit() - audit this process
 * @cursor:	in: where to begin, 0 at first; out: where to go on, 0 at the end
 * @findings:	room for @nr findings
 * @nr:		at least 1
 * @done:	how many there are; may be 0 before the end
 *
 * Context: any. Return: as memstate_audit_fd(); -ENODEV.
 */
int memstate_audit(uint64_t *cursor, struct memstate_finding *findings,
		   uint32_t nr, uint32_t *done)
{
	int ret = ms_lib_ready();

	return ret ? ret : audit_both(-1, 0, ranges_self, mappings_self, cursor,
				      findings, nr, done);
}
