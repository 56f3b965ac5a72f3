// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What the shim tells of memory that only the kernel has the state of (what fork leaves out or
 * empties, droppable memory, guard pages), and of calls that fail half-way. TAP.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memstate.h>

#include "tap.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK	18
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif
#define GUARD_INSTALL	102
#define GUARD_REMOVE	103
#define DROPPABLE	0x08
#define RW		(PROT_READ | PROT_WRITE)
#define HUGE		(2UL << 20)

static size_t page;

/* Pages in each state. */
struct books {
	long reserved;
	long prepared;
	long ready;
};

static struct books read_books(void)
{
	struct memstate_totals t = {};

	if (memstate_totals(&t, 0))
		return (struct books) { -1, -1, -1 };
	return (struct books) {
		(long)(memstate_totals_state(&t, MEMSTATE_RESERVED) / page),
		(long)(memstate_totals_state(&t, MEMSTATE_PREPARED) / page),
		(long)(memstate_totals_state(&t, MEMSTATE_READY) / page),
	};
}

static bool differ_by(const struct books *before, long reserved, long prepared, long ready)
{
	struct books now = read_books();

	now.reserved -= before->reserved;
	now.prepared -= before->prepared;
	now.ready -= before->ready;
	if (now.reserved == reserved && now.prepared == prepared && now.ready == ready)
		return true;
	printf("# reserved %ld, prepared %ld, ready %ld; wanted %ld, %ld, %ld\n", now.reserved,
	       now.prepared, now.ready, reserved, prepared, ready);
	fflush(stdout);
	return false;
}

static char *map(size_t pages, int prot, int flags)
{
	char *p = mmap(NULL, pages * page, prot, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		printf("Bail out! mmap: %s\n", strerror(errno));
		exit(1);
	}
	return p;
}

/* Of a child by fork: its books against @before. */
static bool child_differs_by(const struct books *before, long reserved, long prepared, long ready)
{
	int status = 1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(differ_by(before, reserved, prepared, ready) ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static void left_out_by_fork(void)
{
	struct books before = read_books();
	char *p = map(16, RW, MAP_PRIVATE);

	tap_ok(child_differs_by(&before, 0, 0, 16), "fork: the child has its parent's memory");
	tap_is(madvise(p, 8 * page, MADV_DONTFORK), 0, "MADV_DONTFORK");
	tap_ok(child_differs_by(&before, 0, 0, 8), "is not in the child's books");
	tap_is(madvise(p, 4 * page, MADV_DOFORK), 0, "MADV_DOFORK");
	tap_ok(child_differs_by(&before, 0, 0, 12), "is there again");
	tap_is(madvise(p + 8 * page, 2 * page, MADV_WIPEONFORK), 0, "MADV_WIPEONFORK");
	tap_ok(child_differs_by(&before, 0, 2, 10), "is Prepared in the child");
	tap_ok(differ_by(&before, 0, 0, 16), "and all as it was in the parent");
	munmap(p, 16 * page);
	tap_ok(child_differs_by(&before, 0, 0, 0), "what was unmapped is nowhere");
}

static void droppable(void)
{
	struct books before = read_books();
	char *p = mmap(NULL, 8 * page, RW, DROPPABLE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		tap_skip("this kernel has none", "MAP_DROPPABLE");
		return;
	}
	tap_ok(differ_by(&before, 0, 8, 0), "MAP_DROPPABLE is Prepared");
	tap_ok(!mprotect(p, 4 * page, PROT_NONE) && differ_by(&before, 4, 4, 0),
	       "without access Reserved");
	tap_ok(!mprotect(p, 4 * page, RW) && differ_by(&before, 0, 8, 0), "and Prepared again");
	tap_ok(child_differs_by(&before, 0, 8, 0), "so it is in a child");
	munmap(p, 8 * page);
}

static void guards(void)
{
	struct books before = read_books();
	char *p = map(16, RW, MAP_PRIVATE);

	if (madvise(p, 4 * page, GUARD_INSTALL)) {
		tap_skip("this kernel has none", "guard pages");
		tap_ok(differ_by(&before, 0, 0, 16), "which tells nothing");
		munmap(p, 16 * page);
		return;
	}
	tap_ok(differ_by(&before, 4, 0, 12), "guard pages are Reserved");
	tap_ok(child_differs_by(&before, 4, 0, 12), "in a child, too");
	tap_ok(!mprotect(p, 8 * page, PROT_NONE) && differ_by(&before, 8, 0, 8),
	       "access to them is taken");
	if (!mprotect(p, 8 * page, RW) && differ_by(&before, 4, 0, 12))
		tap_ok(true, "and given: they are guards still");
	else
		tap_skip("this kernel has none", "and given: they are guards still");
	madvise(p, 4 * page, GUARD_INSTALL);
	tap_ok(!madvise(p, 2 * page, GUARD_REMOVE) && differ_by(&before, 2, 0, 14),
	       "what is none any more is Ready");
	tap_is(madvise(p, 16 * page, MADV_WIPEONFORK), 0, "MADV_WIPEONFORK");
	tap_ok(child_differs_by(&before, 0, 16, 0), "a child finds no guards where it is wiped");
	munmap(p, 16 * page);
}

static void populated(void)
{
	struct books before = read_books();
	char *p = map(3 * HUGE / page, RW, MAP_PRIVATE), *huge;

	huge = (char *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	madvise(p, 3 * HUGE, MADV_DONTNEED);
	tap_ok(differ_by(&before, 0, 3 * HUGE / page, 0), "MADV_DONTNEED: Prepared");
	if (madvise(p, 4 * page, MADV_POPULATE_WRITE)) {
		tap_skip("this kernel has none", "MADV_POPULATE_WRITE");
	} else {
		tap_ok(differ_by(&before, 0, 3 * HUGE / page - 4, 4), "MADV_POPULATE_WRITE: Ready");
		madvise(p, 4 * page, MADV_DONTNEED);
	}
	memset(huge, 1, page);
	if (madvise(huge, HUGE + page, 25))
		tap_skip("this kernel has none", "MADV_COLLAPSE");
	else
		tap_ok(differ_by(&before, 0, 2 * HUGE / page, HUGE / page),
		       "MADV_COLLAPSE: whole huge pages are Ready");
	munmap(p, 3 * HUGE);
}

static void half_way(void)
{
	struct books before = read_books();
	char *p = map(16, RW, MAP_PRIVATE);
	void *file;

	munmap(p + 8 * page, 2 * page);
	errno = 0;
	tap_ok(mprotect(p + 4 * page, 8 * page, PROT_NONE) == -1 && errno == ENOMEM,
	       "mprotect over a hole: ENOMEM");
	tap_ok(differ_by(&before, 4, 0, 10), "and done up to it");
	tap_ok(mprotect(p, 12 * page, RW) == -1 && differ_by(&before, 0, 0, 14), "so it is back");
	errno = 0;
	tap_ok(madvise(p + 4 * page, 8 * page, MADV_DONTNEED) == -1 && errno == ENOMEM,
	       "MADV_DONTNEED over a hole: ENOMEM");
	tap_ok(differ_by(&before, 0, 6, 8), "and done on both sides of it");
	file = mmap(p + 8 * page, 2 * page, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	errno = 0;
	tap_ok(file != MAP_FAILED && madvise(p, 16 * page, MADV_FREE) == -1 && errno == EINVAL,
	       "MADV_FREE over what is shared: EINVAL");
	tap_ok(differ_by(&before, 0, 10, 4), "and done up to it");
	if (mlock(p + 12 * page, page)) {
		tap_skip("this kernel has none", "MADV_DONTNEED over what is locked");
	} else {
		errno = 0;
		tap_ok(madvise(p + 10 * page, 6 * page, MADV_DONTNEED) == -1 && errno == EINVAL,
		       "MADV_DONTNEED over what is locked: EINVAL");
		tap_ok(differ_by(&before, 0, 10, 4), "and done up to it");
	}
	errno = 0;
	tap_ok(madvise(p + 1, page, MADV_DONTNEED) == -1 && errno == EINVAL &&
		       differ_by(&before, 0, 10, 4), "what is not aligned changes nothing");
	munmap(p, 16 * page);
}

static void on_oneself(void)
{
	struct books before = read_books();
	char *p = map(8, RW, MAP_PRIVATE);
	struct iovec iov[] = { { p, 2 * page }, { p + 4 * page, page } };
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0 || process_madvise(fd, iov, 2, MADV_DONTNEED, 0) != (ssize_t)(3 * page))
		tap_skip("this kernel has none", "process_madvise on oneself");
	else
		tap_ok(differ_by(&before, 0, 3, 5), "process_madvise on oneself is advice, too");
	close(fd);
	munmap(p, 8 * page);
}

static void replaced(void)
{
	struct books before = read_books();
	char *p = map(8, RW, MAP_PRIVATE);
	int id = shmget(IPC_PRIVATE, 2 * page, IPC_CREAT | 0600);

	if (id < 0) {
		tap_skip("this kernel has none", "shmat over what was mapped");
	} else {
		tap_ok(shmat(id, p + 2 * page, SHM_REMAP) == p + 2 * page &&
			       differ_by(&before, 0, 0, 6), "shmat takes the place of what was there");
		shmctl(id, IPC_RMID, NULL);
	}
	munmap(p, 8 * page);
}

static void from_the_beginning(void)
{
	struct books before = read_books();
	char *p = map(8, RW, MAP_PRIVATE | MAP_GROWSDOWN);

	tap_ok(!mprotect(p + 4 * page, page, PROT_NONE | PROT_GROWSDOWN) &&
		       differ_by(&before, 5, 0, 3),
	       "PROT_GROWSDOWN goes from where the mapping begins");
	munmap(p, 8 * page);
}

static void of_huge_pages(void)
{
	struct books before = read_books();
	char *p = mmap(NULL, HUGE + page, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (p == MAP_FAILED) {
		tap_skip("this kernel has none", "MAP_HUGETLB");
		return;
	}
	tap_ok(differ_by(&before, 0, 0, 2 * HUGE / page), "MAP_HUGETLB: whole huge pages");
	tap_ok(!munmap(p, 2 * HUGE) && differ_by(&before, 0, 0, 0), "all of which go");
}

int main(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	left_out_by_fork();
	droppable();
	guards();
	populated();
	half_way();
	on_oneself();
	replaced();
	from_the_beginning();
	of_huge_pages();
	return tap_end();
}
