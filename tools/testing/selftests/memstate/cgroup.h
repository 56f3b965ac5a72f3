/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Cgroups and limits as the tests use them. */
#ifndef CGROUP_H
#define CGROUP_H

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "device.h"

#define CGROUPS		"/sys/fs/cgroup/"
#define MIB		(1024UL * 1024)

static inline bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return ok;
}

/* A cgroup below the root, and its directory's descriptor. -errno on failure. */
static inline int cg_make(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), CGROUPS "%s", name);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static inline int cg_remove(const char *name)
{
	char path[256];
	int error;

	snprintf(path, sizeof(path), CGROUPS "%s", name);
	/* Who was killed is not out of it at once. */
	soon((error = rmdir(path) ? errno : 0) != EBUSY);
	return error == ENOENT ? 0 : -error;
}

static inline bool cg_enter(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), CGROUPS "%s/cgroup.procs", name);
	return write_text(path, "0");
}

static inline u64 cg_id(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

/* For what is reported: who reads the charge of a group finds what its tasks have said alone. */
static inline int limit_set_scope(int dev, u32 scope, int fd, u32 set, u64 high,
				  u64 max)
{
	bool group = scope != MEMSTATE_SCOPE_TASK && set & MEMSTATE_LIMIT_MAX;
	struct memstate_limit l = {
		.size = sizeof(l), .flags = group ? MEMSTATE_LIMIT_REPORTS : 0,
		.scope = scope, .fd = fd, .set = set, .high = high, .max = max };

	return dev_ioctl(dev, MEMSTATE_IOC_LIMIT_SET, &l);
}

static inline int limit_max(int dev, int cg, u64 max)
{
	return limit_set_scope(dev, MEMSTATE_SCOPE_GROUP, cg, MEMSTATE_LIMIT_MAX, 0,
			       max);
}

static inline int limit_high(int dev, int cg, u64 high)
{
	return limit_set_scope(dev, MEMSTATE_SCOPE_GROUP, cg, MEMSTATE_LIMIT_HIGH,
			       high, 0);
}

/* Have a group observed, or not; with nothing in @set only ask. */
static inline int observe_set_scope(int dev, u32 scope, int fd, u32 set, u32 on)
{
	struct memstate_observe w = {
		.size = sizeof(w), .scope = scope, .fd = fd, .set = set, .on = on };

	return dev_ioctl(dev, MEMSTATE_IOC_OBSERVE, &w);
}

static inline int observe_group(int dev, int cg, u32 on)
{
	return observe_set_scope(dev, MEMSTATE_SCOPE_GROUP, cg, MEMSTATE_OBSERVE_ON, on);
}

static inline struct memstate_limit limit_get(int dev, u32 scope, int fd, u32 flags)
{
	struct memstate_limit l = {
		.size = sizeof(l), .flags = flags, .scope = scope, .fd = fd };

	if (dev_ioctl(dev, MEMSTATE_IOC_LIMIT_GET, &l))
		memset(&l, 0xff, sizeof(l));
	return l;
}

static inline struct memstate_limit group_limit(int dev, int cg)
{
	return limit_get(dev, MEMSTATE_SCOPE_GROUP, cg, 0);
}

static inline struct memstate_totals group_totals(int dev, int cg)
{
	struct memstate_get_totals arg = {
		.size = sizeof(arg), .scope = MEMSTATE_SCOPE_GROUP, .fd = cg };

	if (dev_ioctl(dev, MEMSTATE_IOC_TOTALS, &arg))
		memset(&arg.totals, 0xff, sizeof(arg.totals));
	return arg.totals;
}

static inline int dev_charge(struct dev *d, u64 bytes, u32 flags, u64 timeout_ns,
			     struct memstate_charge *out)
{
	struct memstate_charge arg = {
		.size = sizeof(arg), .flags = flags, .bytes = bytes,
		.timeout_ns = timeout_ns };
	int ret = dev_ioctl(d->fd, MEMSTATE_IOC_CHARGE, &arg);

	if (out)
		*out = arg;
	return ret;
}

static inline u64 dev_trim(struct dev *d)
{
	struct memstate_charge c;

	return dev_charge(d, 0, MEMSTATE_CHARGE_TRIM, 0, &c) ? -1UL : c.bytes;
}

static inline u64 *dev_credit(const struct dev *d)
{
	return &((struct memstate_ring_control *)d->ring.tail)->credit;
}

/* Open with a ring that keeps to the credit protocol. */
static inline int dev_open_credit(struct dev *d, uint32_t entries)
{
	struct memstate_setup s = {
		.size = sizeof(s), .flags = MEMSTATE_SETUP_CREDIT,
		.ring_entries = entries };
	char *pages;

	memset(d, 0, sizeof(*d));
	d->fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	if (d->fd < 0 || dev_ioctl(d->fd, MEMSTATE_IOC_SETUP, &s))
		return -errno;
	d->setup = s;
	pages = mmap(NULL, s.ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd,
		     MEMSTATE_OFF_RING);
	d->page = mmap(NULL, s.totals_bytes, PROT_READ, MAP_SHARED, d->fd,
		       MEMSTATE_OFF_TOTALS);
	if (pages == MAP_FAILED || d->page == MAP_FAILED)
		return -errno;
	d->ring = (struct ms_ring_producer) {
		.tail = &((struct memstate_ring_control *)pages)->tail,
		.head = &d->page->head,
		.slots = (void *)(pages + s.records_offset),
		.entries = s.ring_entries,
	};
	return 0;
}

/* Take from credit in hand. */
static inline bool credit_take(const struct dev *d, u64 bytes)
{
	u64 *word = dev_credit(d), seen = __atomic_load_n(word, __ATOMIC_RELAXED);

	do {
		if (seen < bytes)
			return false;
	} while (!__atomic_compare_exchange_n(word, &seen, seen - bytes, true,
					      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return true;
}

/* As a program goes to Ready: credit in hand, or CHARGE; then the record. */
static inline int dev_ready(struct dev *d, u64 addr, u64 bytes)
{
	int ret = credit_take(d, bytes) ? 0 : dev_charge(d, bytes, 0, 0, NULL);

	if (!ret)
		dev_post(d, REC(addr, bytes, MEMSTATE_ANY, MEMSTATE_READY, 0, 0));
	return ret;
}

/* Direct and consistent agree, and what is charged is held or credit (I4). */
static inline bool charge_is_exact(struct dev *d)
{
	struct memstate_totals t = dev_totals(d);

	return t.ready_direct == ms_totals_charged(&t) &&
	       t.ready_direct + *dev_credit(d) ==
	       t.charged + t.inherited + t.breached;
}

static inline long long group_file(u64 id, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "groups/%llu/%s", (unsigned long long)id, name);
	return sysfs_value(path);
}

static inline bool group_exists(u64 id)
{
	char path[128];

	snprintf(path, sizeof(path), SYSFS "groups/%llu", (unsigned long long)id);
	return !access(path, F_OK);
}

static inline bool wait_for_group_gone(u64 id)
{
	return soon(!group_exists(id));
}

/*
 * Does a thread of the process wait inside the module, as one does until there is room? Also
 * one that io_uring has started for it.
 */
static inline bool waits_for_room(pid_t pid)
{
	struct dirent *thread;
	bool waits = false;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && !waits && (thread = readdir(dir))) {
		pid_t tid = atoi(thread->d_name);

		/* S, as it is D while it waits for a lock. */
		waits = tid && task_file_has(pid, tid, "stack", "[memstate]") &&
			task_file_has(pid, tid, "status", "\nState:\tS");
	}
	if (dir)
		closedir(dir);
	return waits;
}

static inline int nr_groups(void)
{
	DIR *dir = opendir(SYSFS "groups");
	int n = -2;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* fork() into a cgroup; the child does not outlive its parent. */
static inline pid_t cg_child(const char *name)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!cg_enter(name))
		_exit(101);
	return 0;
}

#endif /* CGROUP_H */
