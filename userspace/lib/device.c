// SPDX-License-Identifier: MIT
/* The device back end: the kernel keeps the books. */

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "internal.h"
#include "tally.h"

#define ENOMEM_TRIES	8
#define RECORDS_AT_ONCE	256

static int dev_fd = -1;
static struct memstate_totals_page *dev_page;
static const u32 *dev_doorbell = &ms_no_doorbell;

/*
 * What a child will report as its own: the ledger as it was when the parent
 * forked. Filled before the fork, used by the child's first transition.
 */
static struct {
	struct memstate_range *ranges;
	u32 nr;
	u32 room;
	bool valid;
} dev_snapshot;

static bool fd_is_device(int fd)
{
	struct stat st, dev;

	return fd >= 0 && !fstat(fd, &st) && S_ISCHR(st.st_mode) &&
	       !stat(MEMSTATE_DEVICE, &dev) && st.st_rdev == dev.st_rdev;
}

static int device_open_fd(void)
{
	long fd = ms_raw4(SYS_openat, AT_FDCWD, MEMSTATE_DEVICE,
			  O_RDWR | O_CLOEXEC, 0);

	return fd < 0 ? (int)fd : ms_raw_fd_up((int)fd);
}

/*
 * An ioctl on our descriptor. If the program has closed it, or has got another
 * file under its number, open the device again: the kernel has one set of books
 * per address space.
 */
static int device_ioctl(unsigned long request, void *arg)
{
	long ret = ms_raw3(SYS_ioctl, dev_fd, request, arg);

	if (ret == -EBADF || ret == -ENOTTY) {
		int fd = device_open_fd();

		if (fd < 0)
			return fd;
		/* The old number is somebody else's now, or nobody's. */
		dev_fd = fd;
		ret = ms_raw3(SYS_ioctl, fd, request, arg);
	}
	return ret < 0 ? (int)ret : 0;
}

static bool has_cas128(void)
{
#ifdef MS_HAVE_CAS128
	unsigned int a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_CMPXCHG16B);
#else
	return false;
#endif
}

static int device_map(struct ms_ring_producer *ring)
{
	struct memstate_query query = { .size = sizeof(query) };
	struct memstate_setup setup = {
		.size = sizeof(setup),
		.flags = MEMSTATE_SETUP_CREDIT,
	};
	long pages, page;
	bool doorbell;
	int ret;

	ret = device_ioctl(MEMSTATE_IOC_QUERY, &query);
	if (ret)
		return ret;
	doorbell = query.features & MEMSTATE_FEATURE_DOORBELL;
	if (doorbell)
		setup.flags |= MEMSTATE_SETUP_DOORBELL;
	ret = device_ioctl(MEMSTATE_IOC_SETUP, &setup);
	if (ret)
		return ret;
	pages = ms_raw6(SYS_mmap, 0, (long)setup.ring_bytes,
			PROT_READ | PROT_WRITE, MAP_SHARED, dev_fd,
			MEMSTATE_OFF_RING);
	if (ms_raw_failed(pages))
		return (int)pages;
	page = ms_raw6(SYS_mmap, 0, (long)setup.totals_bytes, PROT_READ,
		       MAP_SHARED, dev_fd, MEMSTATE_OFF_TOTALS);
	if (ms_raw_failed(page)) {
		ms_raw_munmap((void *)pages, setup.ring_bytes);
		return (int)page;
	}
	dev_page = (struct memstate_totals_page *)page;
	*ring = (struct ms_ring_producer) {
		.tail = &((struct memstate_ring_control *)pages)->tail,
		.head = &dev_page->head,
		.slots = (void *)((char *)pages + setup.records_offset),
		.entries = setup.ring_entries,
	};
	dev_doorbell = doorbell ? &((struct memstate_ring_control *)pages)->doorbell :
				  &ms_no_doorbell;
	ms_lib.doorbell = dev_doorbell;
	ms_lib.credit = &((struct memstate_ring_control *)pages)->credit;
	ms_lib.cas128 = has_cas128();
	ms_lib.unmaps_known = true;
	return 0;
}

/* ---- a child's books ----------------------------------------------------- */

static int snapshot_room(u32 nr)
{
	size_t bytes = nr * sizeof(*dev_snapshot.ranges);
	size_t old = dev_snapshot.room * sizeof(*dev_snapshot.ranges);
	void *p;

	if (nr <= dev_snapshot.room)
		return 0;
	p = old ? ms_raw_mremap(dev_snapshot.ranges, old, bytes) :
		  ms_raw_mmap(bytes);
	if (!p)
		return -ENOMEM;
	dev_snapshot.ranges = p;
	dev_snapshot.room = nr;
	return 0;
}

/* Read the whole ledger behind a descriptor. */
static int snapshot_take(int fd)
{
	uint64_t cursor = 0;
	uint32_t done;
	int ret;

	dev_snapshot.nr = 0;
	dev_snapshot.valid = false;
	do {
		ret = snapshot_room(dev_snapshot.nr + RECORDS_AT_ONCE);
		if (ret)
			return ret;
		ret = memstate_ranges_fd(fd, &cursor,
					 dev_snapshot.ranges + dev_snapshot.nr,
					 RECORDS_AT_ONCE, &done);
		if (ret)
			return ret;
		dev_snapshot.nr += done;
		if (cursor && dev_snapshot.nr + RECORDS_AT_ONCE > dev_snapshot.room) {
			ret = snapshot_room(dev_snapshot.room * 2);
			if (ret)
				return ret;
		}
	} while (cursor);
	dev_snapshot.valid = true;
	return 0;
}

static int device_apply(const struct memstate_record *records, uint32_t nr,
			uint32_t *done, uint64_t *paid, unsigned int flags)
{
	struct memstate_transition arg;
	int ret = 0;

	*done = 0;
	while (!ret && *done < nr) {
		u32 left = nr - *done;

		arg = (struct memstate_transition) {
			.size = sizeof(arg),
			.flags = flags,
			.records = (uintptr_t)(records + *done),
			.nr = left < RECORDS_AT_ONCE ? left : RECORDS_AT_ONCE,
			.paid = *paid,
		};
		/* What one part has left the next may need. */
		if (left > RECORDS_AT_ONCE)
			arg.flags |= MEMSTATE_TRANSITION_HOLD;
		ret = device_ioctl(MEMSTATE_IOC_TRANSITION, &arg);
		*done += arg.done;
		*paid = arg.paid;
	}
	ms_tally_put(NULL);
	return ret;
}

static int device_charge(struct memstate_charge *arg)
{
	return device_ioctl(MEMSTATE_IOC_CHARGE, arg);
}

static int device_limit(uint32_t set, uint64_t high, uint64_t max)
{
	struct memstate_limit arg = {
		.size = sizeof(arg),
		.scope = MEMSTATE_SCOPE_TASK,
		.set = set,
		.high = high,
		.max = max,
	};

	return device_ioctl(MEMSTATE_IOC_LIMIT_SET, &arg);
}

static unsigned int device_pressure(void)
{
	return ms_load32(&dev_page->pressure);
}

static uint64_t device_max(void)
{
	return ms_load64((const u64 *)&dev_page->max);
}

/* Report what the child has inherited; what it has not, the audit finds. */
static int snapshot_report(void)
{
	struct memstate_record records[2];
	struct memstate_finding findings[64];
	struct memstate_audit audit = {
		.size = sizeof(audit), .findings = (uintptr_t)findings, .nr = 64,
	};
	uint64_t paid = 0;
	uint32_t done, i, nr;
	int ret;

	for (i = 0; i < dev_snapshot.nr; i++) {
		const struct memstate_range *r = &dev_snapshot.ranges[i];
		bool lazy = r->flags & MEMSTATE_RANGE_LAZY;

		nr = 0;
		records[nr++] = ms_record_make(r->start, r->end - r->start,
					       MEMSTATE_NONE, r->state, r->class_,
					       lazy ? MEMSTATE_LAZY : 0);
		if (r->flags & MEMSTATE_RANGE_RO)
			records[nr++] = ms_record_make(r->start, r->end - r->start,
						       MEMSTATE_MAPPED,
						       MEMSTATE_KEEP_RO, r->class_,
						       0);
		ret = device_apply(records, nr, &done, &paid,
				   MEMSTATE_TRANSITION_INHERITED);
		if (ret)
			return ret;
	}
	do {
		ret = device_ioctl(MEMSTATE_IOC_AUDIT, &audit);
		for (i = 0; !ret && i < audit.done; i++) {
			if (findings[i].kind != MEMSTATE_AUDIT_UNMAPPED)
				continue;
			records[0] = ms_record_make(findings[i].start,
						    findings[i].end -
							    findings[i].start,
						    MEMSTATE_ANY, MEMSTATE_NONE,
						    0, 0);
			ret = device_apply(records, 1, &nr, &paid, 0);
		}
	} while (!ret && audit.cursor);
	return ret;
}

static int device_open(struct ms_ring_producer *ring, bool inherited)
{
	int ret;

	if (inherited) {
		bool ours = fd_is_device(dev_fd);

		/* The parent's, if no handler took a snapshot (raw clone). */
		if (!dev_snapshot.valid && ours)
			snapshot_take(dev_fd);
		if (ours)
			ms_raw1(SYS_close, dev_fd);
	}
	ret = device_open_fd();
	if (ret < 0)
		return ret;
	dev_fd = ret;
	ret = device_map(ring);
	if (!ret && (ms_lib.high & ms_lib.max) != MEMSTATE_UNLIMITED)
		ret = device_limit(MEMSTATE_LIMIT_HIGH | MEMSTATE_LIMIT_MAX,
				   ms_lib.high, ms_lib.max);
	if (!ret && inherited && dev_snapshot.valid)
		ret = snapshot_report();
	if (ret) {
		ms_raw1(SYS_close, dev_fd);
		dev_fd = -1;
		ms_lib.credit = NULL;
	}
	dev_snapshot.valid = false;
	return ret;
}

static void device_fork(int when)
{
	int ret, fd;

	if (when == 1)
		dev_snapshot.valid = false;
	if (when != 0)
		return;
	ret = snapshot_take(dev_fd);
	if (ret != -EBADF && ret != -ENOTTY)
		return;
	/* As in device_ioctl(): a daemon closes all before it forks. */
	fd = device_open_fd();
	if (fd >= 0) {
		dev_fd = fd;
		snapshot_take(fd);
	}
}

/* ---- operations ----------------------------------------------------------- */

static int device_sync(void)
{
	struct memstate_sync arg;
	int ret, tries = 0;

	do {
		arg = (struct memstate_sync) { .size = sizeof(arg) };
		ret = device_ioctl(MEMSTATE_IOC_SYNC, &arg);
	} while (ret == -ENOMEM && ++tries < ENOMEM_TRIES);
	ms_tally_put(NULL);
	return ret;
}

/* Whatever it says: a reader of the group sees it a little later then. */
static void device_pending(void)
{
	struct memstate_pending arg = { .size = sizeof(arg) };

	if (!ms_tally_mine || ms_load32(dev_doorbell))
		device_ioctl(MEMSTATE_IOC_PENDING, &arg);
	if (ms_tally_mine)
		device_sync();
}

static int get_totals(int fd, u32 scope, int cgroup, u32 flags,
		      struct memstate_totals *totals)
{
	struct memstate_get_totals arg = {
		.size = sizeof(arg),
		.flags = flags,
		.scope = scope,
		.fd = cgroup,
	};
	int ret = fd < 0 ? device_ioctl(MEMSTATE_IOC_TOTALS, &arg) :
		  (int)ms_raw3(SYS_ioctl, fd, MEMSTATE_IOC_TOTALS, &arg);

	if (!ret)
		*totals = arg.totals;
	return ret;
}

static int device_totals(struct memstate_totals *totals)
{
	return get_totals(-1, MEMSTATE_SCOPE_TASK, 0, 0, totals);
}

static int device_system(struct memstate_totals *totals)
{
	return get_totals(-1, MEMSTATE_SCOPE_SYSTEM, 0, 0, totals);
}

static int device_last(struct memstate_totals *totals)
{
	u32 seq;

	do {
		/* Pairs with the kernel's release of seq. */
		while ((seq = ms_load32_acquire(&dev_page->seq)) & 1)
			ms_relax();
		/* May be torn; then seq has moved. Words one by one cost thrice. */
		memcpy(totals, &dev_page->totals, sizeof(*totals));
		ms_rmb();
	} while (ms_load32(&dev_page->seq) != seq);
	return 0;
}

static int device_ranges(struct memstate_ranges *arg)
{
	return device_ioctl(MEMSTATE_IOC_RANGES, arg);
}

static int device_audit(struct memstate_audit *arg)
{
	return device_ioctl(MEMSTATE_IOC_AUDIT, arg);
}

static int device_shards(struct ms_shard_set *set)
{
	struct memstate_query query = { .size = sizeof(query) };
	struct memstate_shards arg = { .size = sizeof(arg) };
	long pages;
	int ret;

	/* An older kernel does not know the ioctl, which looks like a lost descriptor. */
	ret = device_ioctl(MEMSTATE_IOC_QUERY, &query);
	if (!ret && !(query.features & MEMSTATE_FEATURE_SHARDS))
		ret = -ENOSYS;
	if (!ret)
		ret = device_ioctl(MEMSTATE_IOC_SHARDS, &arg);
	if (!ret && arg.shard_bytes != sizeof(*set->shards))
		ret = -ENOSYS;
	if (ret)
		return ret;
	pages = ms_raw6(SYS_mmap, 0, (long)arg.shards_bytes, PROT_READ | PROT_WRITE,
			MAP_SHARED, dev_fd, MEMSTATE_OFF_SHARDS);
	if (ms_raw_failed(pages))
		return (int)pages;
	*set = (struct ms_shard_set) {
		.shards = (struct memstate_alloc_shard *)pages,
		.nr = arg.nr_shards,
		.gen = &dev_page->alloc_gen,
	};
	return 0;
}

static int device_alloc(struct memstate_alloc *arg)
{
	return device_ioctl(MEMSTATE_IOC_ALLOC, arg);
}

/* By an ioctl, so that a descriptor that was lost is opened again. */
static int device_uring(void)
{
	struct memstate_query query = { .size = sizeof(query) };
	int ret = device_ioctl(MEMSTATE_IOC_QUERY, &query);

	if (!ret && !(query.features & MEMSTATE_FEATURE_URING))
		ret = -EOPNOTSUPP;
	return ret ? ret : dev_fd;
}

const struct ms_ops ms_device_ops = {
	.name = "device",
	.open = device_open,
	.sync = device_sync,
	.pending = device_pending,
	.apply = device_apply,
	.charge = device_charge,
	.limit = device_limit,
	.pressure = device_pressure,
	.max = device_max,
	.totals = device_totals,
	.last = device_last,
	.system = device_system,
	.ranges = device_ranges,
	.audit = device_audit,
	.shards = device_shards,
	.alloc = device_alloc,
	.uring = device_uring,
	.fork = device_fork,
};

/**
 * memstate_totals_fd() - the totals of the task that a descriptor is bound to
 * @fd:		of the device, perhaps handed over by another process
 * @totals:	where to put them; zero when that task is gone
 *
 * Context: any. Return: 0; -EBADF; -ENOTTY: not the device.
 */
int memstate_totals_fd(int fd, struct memstate_totals *totals)
{
	return fd < 0 ? -EBADF : get_totals(fd, MEMSTATE_SCOPE_TASK, 0, 0, totals);
}

/**
 * memstate_ranges_fd() - the ledger of the task that a descriptor is bound to
 * @fd:		of the device
 * @cursor:	in: where to begin, 0 at first; out: where to go on, 0 at the end
 * @ranges:	room for @nr ranges
 * @nr:		at least 1
 * @done:	how many there are
 *
 * Context: any. Return: 0; -EBADF; -ENOTTY; -EINVAL: no room; -ENOMEM.
 */
int memstate_ranges_fd(int fd, uint64_t *cursor, struct memstate_range *ranges,
		       uint32_t nr, uint32_t *done)
{
	struct memstate_ranges arg = {
		.size = sizeof(arg),
		.cursor = *cursor,
		.ranges = (uintptr_t)ranges,
		.nr = nr,
	};
	int ret = (int)ms_raw3(SYS_ioctl, fd, MEMSTATE_IOC_RANGES, &arg);

	*done = ret ? 0 : arg.done;
	if (!ret)
		*cursor = arg.cursor;
	return ret;
}
