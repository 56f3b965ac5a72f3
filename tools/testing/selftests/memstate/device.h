/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The device as the tests use it: by the ABI alone, without the library. */
#ifndef DEVICE_H
#define DEVICE_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../soon.h"
#include "ring.h"
#include "rules.h"

#define PAGE		4096UL
#define SYSFS		"/sys/class/misc/memstate/"
#define REC		ms_record_make

struct dev {
	int fd;
	struct memstate_setup setup;
	struct ms_ring_producer ring;
	struct memstate_totals_page *page;
};

/* Iterations, as many as this kernel is given time for. */
static inline unsigned long scaled(unsigned long n)
{
	const char *percent = getenv("MEMSTATE_TEST_SCALE");

	return percent ? n * strtoul(percent, NULL, 10) / 100 : n;
}

/* An ioctl's result as a negative errno. */
static inline int dev_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

/* @flags: MEMSTATE_SETUP_* */
static inline int dev_map_with(struct dev *d, uint32_t entries, uint32_t flags)
{
	char *pages;

	d->setup = (struct memstate_setup) {
		.size = sizeof(d->setup), .flags = flags, .ring_entries = entries };
	if (dev_ioctl(d->fd, MEMSTATE_IOC_SETUP, &d->setup))
		return -errno;
	pages = mmap(NULL, d->setup.ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		     d->fd, MEMSTATE_OFF_RING);
	d->page = mmap(NULL, d->setup.totals_bytes, PROT_READ, MAP_SHARED, d->fd,
		       MEMSTATE_OFF_TOTALS);
	if (pages == MAP_FAILED || d->page == MAP_FAILED) {
		int error = errno;

		/* One mapping would keep the books. */
		if (pages != MAP_FAILED)
			munmap(pages, d->setup.ring_bytes);
		if (d->page != MAP_FAILED)
			munmap(d->page, d->setup.totals_bytes);
		return -error;
	}
	d->ring = (struct ms_ring_producer) {
		.tail = &((struct memstate_ring_control *)pages)->tail,
		.head = &d->page->head,
		.slots = (void *)(pages + d->setup.records_offset),
		.entries = d->setup.ring_entries,
	};
	return 0;
}

static inline int dev_map(struct dev *d, uint32_t entries)
{
	return dev_map_with(d, entries, 0);
}

static inline int dev_open_with(struct dev *d, uint32_t entries, uint32_t flags)
{
	memset(d, 0, sizeof(*d));
	d->fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	return d->fd < 0 ? -errno : dev_map_with(d, entries, flags);
}

static inline int dev_open(struct dev *d, uint32_t entries)
{
	return dev_open_with(d, entries, 0);
}

static inline void dev_close(struct dev *d)
{
	munmap(d->ring.tail, d->setup.ring_bytes);
	munmap(d->page, d->setup.totals_bytes);
	close(d->fd);
}

static inline int dev_sync(struct dev *d, struct memstate_sync *out)
{
	struct memstate_sync arg = { .size = sizeof(arg) };
	int ret = dev_ioctl(d->fd, MEMSTATE_IOC_SYNC, &arg);

	if (out)
		*out = arg;
	return ret;
}

/* Post; drains when the ring is full. */
static inline void dev_post(struct dev *d, struct memstate_record rec)
{
	u32 pos;

	while (!ms_ring_claim(&d->ring, &pos)) {
		dev_sync(d, NULL);
		sched_yield();
	}
	ms_ring_publish(&d->ring, pos, &rec);
}

static inline int dev_apply(struct dev *d, const struct memstate_record *rec,
			    uint32_t nr, uint32_t *done)
{
	struct memstate_transition arg = {
		.size = sizeof(arg), .records = (uintptr_t)rec, .nr = nr };
	int ret = dev_ioctl(d->fd, MEMSTATE_IOC_TRANSITION, &arg);

	if (done)
		*done = arg.done;
	return ret;
}

static inline int dev_apply1(struct dev *d, struct memstate_record rec)
{
	return dev_apply(d, &rec, 1, NULL);
}

static inline struct memstate_totals fd_totals(int fd, uint32_t scope)
{
	struct memstate_get_totals arg = { .size = sizeof(arg), .scope = scope };

	if (dev_ioctl(fd, MEMSTATE_IOC_TOTALS, &arg))
		memset(&arg.totals, 0xff, sizeof(arg.totals));
	return arg.totals;
}

static inline struct memstate_totals dev_totals(struct dev *d)
{
	return fd_totals(d->fd, MEMSTATE_SCOPE_TASK);
}

static inline u64 totals_all(const struct memstate_totals *t)
{
	return ms_totals_state(t, MEMSTATE_RESERVED) +
	       ms_totals_state(t, MEMSTATE_PREPARED) +
	       ms_totals_state(t, MEMSTATE_READY);
}

static inline u64 dev_state(struct dev *d, u32 state)
{
	struct memstate_totals t = dev_totals(d);

	return ms_totals_state(&t, state);
}

/* Totals from the mapped page, without a system call. */
static inline void page_read(const struct memstate_totals_page *p,
			     struct memstate_totals *t)
{
	u32 seq;

	do {
		while ((seq = ms_load32_acquire(&p->seq)) & 1)
			ms_relax();
		/* May be torn; then seq has moved. */
		memcpy(t, (const void *)&p->totals, sizeof(*t));
		ms_rmb();
	} while (ms_load32(&p->seq) != seq);
}

static inline struct memstate_totals page_totals(const struct memstate_totals_page *p)
{
	struct memstate_totals t;

	page_read(p, &t);
	return t;
}

/* The whole ledger; *nr of them. To be freed. */
static inline struct memstate_range *dev_ranges(int fd, uint32_t *nr)
{
	struct memstate_ranges arg = { .size = sizeof(arg) };
	struct memstate_range *list = NULL;

	*nr = 0;
	do {
		list = realloc(list, (*nr + 1024) * sizeof(*list));
		arg.ranges = (uintptr_t)(list + *nr);
		arg.nr = 1024;
		if (dev_ioctl(fd, MEMSTATE_IOC_RANGES, &arg)) {
			free(list);
			*nr = 0;
			return NULL;
		}
		*nr += arg.done;
	} while (arg.cursor);
	return list;
}

/* Do the totals follow from the ranges? */
static inline bool totals_match(const struct memstate_totals *t,
				const struct memstate_range *r, uint32_t nr)
{
	struct memstate_totals sum = {};

	for (uint32_t i = 0; i < nr; i++) {
		u64 bytes = r[i].end - r[i].start;

		sum.bytes[r[i].state - 1][r[i].class_] += bytes;
		if (r[i].flags & MEMSTATE_RANGE_LAZY)
			*(r[i].state == MEMSTATE_RESERVED ? &sum.reserved_lazy :
							    &sum.prepared_lazy) += bytes;
	}
	return !memcmp(sum.bytes, t->bytes, sizeof(sum.bytes)) &&
	       sum.reserved_lazy == t->reserved_lazy &&
	       sum.prepared_lazy == t->prepared_lazy && nr == t->ranges &&
	       t->ready_direct == ms_totals_charged(&sum);
}

static inline bool books_are_consistent(struct dev *d)
{
	uint32_t nr;
	struct memstate_range *r = dev_ranges(d->fd, &nr);
	struct memstate_totals t = dev_totals(d);
	bool ok = totals_match(&t, r, nr);

	free(r);
	return ok;
}

/* The number behind @key, which begins a line of a file; "": its first. -1: there is none. */
static inline long long file_value(const char *path, const char *key)
{
	size_t length = strlen(key);
	long long value = -1;
	char line[128], *at;
	FILE *f = fopen(path, "r");

	while (f && value < 0 && fgets(line, sizeof(line), f)) {
		at = line + length;
		if (!strncmp(line, key, length) && (!length || strspn(at, ": \t")) &&
		    sscanf(at + strspn(at, ": \t"), "%lld", &value) != 1)
			value = -1;
	}
	if (f)
		fclose(f);
	return value;
}

static inline long long sysfs_value(const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), SYSFS "%s", name);
	return file_value(path, "");
}

/* What fdinfo says of a descriptor: the number after @key; -1: it does not. */
static inline long long fdinfo_value(int fd, const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return file_value(path, key);
}

/* The file of a task's books, of which this is the serial number. */
static inline const char *books_path(long long serial)
{
	static char path[64];

	snprintf(path, sizeof(path), SYSFS "tasks/%lld", serial);
	return path;
}

/* The line @key of that file, of the books that a descriptor is bound to; -1: there is none. */
static inline long long books_value(const struct dev *d, const char *key)
{
	return file_value(books_path(fdinfo_value(d->fd, "memstate-books")), key);
}

/* Is there such text in the first pages of what /proc has on a thread? */
static inline bool task_file_has(pid_t pid, pid_t tid, const char *name, const char *text)
{
	char path[64], buffer[8192];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buffer, sizeof(buffer) - 1);
		close(fd);
	}
	buffer[n > 0 ? n : 0] = '\0';
	return strstr(buffer, text);
}

/* Wait until nobody but @tasks tasks have books: closing is not always at once. */
static inline bool wait_for_tasks(long long tasks)
{
	return soon(sysfs_value("nr_tasks") == tasks);
}

/* Wait until a descriptor hangs up, as that of books does when they are closed. */
static inline bool hangs_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, SOON_MS) == 1 && (p.revents & POLLHUP);
}

/* Wait for a child's end: how it came about, as of waitpid(). */
static inline int join(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

static inline char *anon(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static inline u64 rnd(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

#endif /* DEVICE_H */
