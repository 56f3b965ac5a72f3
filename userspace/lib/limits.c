// SPDX-License-Identifier: MIT
/*
 * Limits: charging before memory becomes Ready, and who may know and set what.
 *
 * Model
 *
 *   With credit in hand a charge is one atomic operation; else a call. A refusal is
 *   kept for the thread that met it, so that its text can name the group.
 *
 *   Where a limit is in force some credit is kept back, the *reserve*: after the
 *   first refusal that the program was told of, small requests are served from it,
 *   so that it can unwind, log and exit.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* The reserve: no more than this, nor than a part of the limit. */
#define RESERVE_BYTES	((u64)256 << 10)
#define RESERVE_PART	64

static __thread struct memstate_refusal refusal
	__attribute__((tls_model("initial-exec")));
static __thread bool refused __attribute__((tls_model("initial-exec")));

/* Take from a word of bytes, all or none. */
static bool take(u64 *word, u64 bytes)
{
	u64 seen = ms_load64(word);

	do {
		if (seen < bytes)
			return false;
	} while (!__atomic_compare_exchange_n(word, &seen, seen - bytes, true,
					      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return true;
}

/* Keep some of the credit that has just come back, where there is a limit. */
static void reserve_fill(void)
{
	u64 want = RESERVE_BYTES, max;

	if (!ms_lib.credit || ms_load64(&ms_lib_state->reserve))
		return;
	max = ms_lib.ops->max();
	if (max == MEMSTATE_UNLIMITED)
		return;
	if (want > max / RESERVE_PART)
		want = max / RESERVE_PART & ~(u64)(MEMSTATE_UNIT - 1);
	if (want && take(ms_lib.credit, want))
		ms_fetch_add64(&ms_lib_state->reserve, want);
}

static int charge_refused(const struct memstate_charge *arg, u64 bytes)
{
	if (__atomic_load_n(&ms_lib_state->refused, __ATOMIC_RELAXED) &&
	    take(&ms_lib_state->reserve, bytes))
		return 0;
	__atomic_store_n(&ms_lib_state->refused, 1, __ATOMIC_RELAXED);
	refused = true;
	refusal = (struct memstate_refusal) {
		.group = arg->refused_by,
		.wanted = bytes,
		.room = arg->room,
	};
	return -EDQUOT;
}

static int charge_call(u64 bytes, u32 flags, u64 timeout_ns, u64 addr,
		       uint64_t *charged)
{
	struct memstate_charge arg = {
		.size = sizeof(arg),
		.flags = flags,
		.bytes = bytes,
		.addr = addr,
		.timeout_ns = timeout_ns,
	};
	int ret = ms_lib.ops->charge(&arg);

	if (ret == -EDQUOT) {
		ret = charge_refused(&arg, bytes);
	} else if (!ret) {
		bytes = arg.bytes;
		__atomic_store_n(&ms_lib_state->refused, 0, __ATOMIC_RELAXED);
		reserve_fill();
	}
	if (!ret)
		*charged = bytes;
	return ret;
}

/**
 * memstate_charge() - be allowed to make memory Ready
 * @bytes: how much, a multiple of the page size
 *
 * To be followed by the system call and by memstate_post_record() of that length, or
 * by memstate_uncharge().
 *
 * Context: any, signal handlers included.
 * Return: 0; -EDQUOT: over a limit: memstate_refusal() tells whose; -EINVAL: no
 * multiple of the page size; -ENODEV.
 */
int memstate_charge(size_t bytes)
{
	int ret = ms_lib_ready();
	uint64_t charged;

	if (MS_UNLIKELY(ret))
		return ret;
	if (MS_LIKELY(ms_lib.credit)) {
		if (MS_LIKELY(take(ms_lib.credit, bytes)))
			return 0;
	} else if (!ms_lib.limited) {
		return 0;
	}
	return bytes ? charge_call(bytes, 0, 0, 0, &charged) : 0;
}

/**
 * memstate_charge_try() - the same from credit in hand only
 * @bytes: how much
 *
 * Context: any; no system call. Return: 0; -EAGAIN: there is not enough; -ENODEV.
 */
int memstate_charge_try(size_t bytes)
{
	int ret = ms_lib_ready();

	if (ret)
		return ret;
	if (ms_lib.credit)
		return take(ms_lib.credit, bytes) ? 0 : -EAGAIN;
	return ms_lib.limited ? -EAGAIN : 0;
}

/**
 * memstate_charge_wait() - be allowed to make memory Ready, or wait for it
 * @bytes:	how much, a multiple of the page size
 * @timeout_ns:	for how long at the most
 *
 * Context: process. Return: as memstate_charge(); -EINTR: a signal was handled; -ENOSPC:
 * too many wait for that limit already.
 */
int memstate_charge_wait(size_t bytes, uint64_t timeout_ns)
{
	int ret = ms_lib_ready();
	uint64_t charged;

	if (ret)
		return ret;
	if (ms_lib.credit ? take(ms_lib.credit, bytes) : !ms_lib.limited)
		return 0;
	return charge_call(bytes, MEMSTATE_CHARGE_WAIT, timeout_ns, 0, &charged);
}

/**
 * memstate_charge_range() - charge what it takes to make Ready what is there
 * @addr:	first byte
 * @bytes:	length
 * @charged:	how much that was; for memstate_apply_paid()
 *
 * For who does not know in which states a range is.
 *
 * Context: any. Return: as memstate_charge().
 */
int memstate_charge_range(const void *addr, size_t bytes, uint64_t *charged)
{
	int ret = ms_lib_ready();

	*charged = 0;
	if (ret || (!ms_lib.credit && !ms_lib.limited))
		return ret;
	return charge_call(bytes, MEMSTATE_CHARGE_RANGE, 0, (uintptr_t)addr, charged);
}

/**
 * memstate_uncharge() - give a charge back that was not used
 * @bytes: how much
 *
 * Context: any.
 */
void memstate_uncharge(size_t bytes)
{
	if (!bytes || ms_lib_ready())
		return;
	if (ms_lib.credit)
		ms_fetch_add64(ms_lib.credit, bytes);
	else if (ms_lib.limited)
		ms_lib.ops->uncharge(bytes);
}

/**
 * memstate_trim() - give all unused credit back to the group, the reserve too
 *
 * Context: any. Return: 0; -ENODEV.
 */
int memstate_trim(void)
{
	struct memstate_charge arg = {
		.size = sizeof(arg),
		.flags = MEMSTATE_CHARGE_TRIM,
	};
	int ret = ms_lib_ready();

	if (ret)
		return ret;
	memstate_uncharge(__atomic_exchange_n(&ms_lib_state->reserve, 0,
					      __ATOMIC_SEQ_CST));
	return ms_lib.ops->charge(&arg);
}

static char *put(char *to, const char *end, const char *text)
{
	while (*text && to < end)
		*to++ = *text++;
	*to = '\0';
	return to;
}

static char *put_number(char *to, const char *end, u64 value)
{
	char digits[24];
	int n = sizeof(digits) - 1;

	digits[n] = '\0';
	do {
		digits[--n] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return put(to, end, digits + n);
}

/**
 * memstate_refusal() - the last refusal that this thread has met
 * @out: where to put it, or NULL
 *
 * Context: any. Return: a text for people that stays valid until the next call; NULL:
 * there was none.
 */
const char *memstate_refusal(struct memstate_refusal *out)
{
	static __thread char text[128] __attribute__((tls_model("initial-exec")));
	char *p = text, *end = text + sizeof(text) - 1;

	if (!refused)
		return NULL;
	if (out)
		*out = refusal;
	if (refusal.group) {
		bool job = refusal.group & MEMSTATE_JOB_ID;

		p = put(p, end, job ? "over the limit of job " : "over the limit of cgroup ");
		p = put_number(p, end, refusal.group & ~MEMSTATE_JOB_ID);
	} else {
		p = put(p, end, "over the process's own limit");
	}
	p = put(p, end, ": ");
	p = put_number(p, end, refusal.wanted);
	p = put(p, end, " bytes wanted, ");
	p = put_number(p, end, refusal.room);
	put(p, end, " left");
	return text;
}

/**
 * memstate_pressure() - how near a limit is
 *
 * Context: any; with the device a load. Return: MEMSTATE_PRESSURE_*.
 */
unsigned int memstate_pressure(void)
{
	return ms_lib_ready() ? MEMSTATE_PRESSURE_NONE : ms_lib.ops->pressure();
}

/**
 * memstate_self_limit() - limit this process and its children
 * @high:	bytes, or MEMSTATE_UNLIMITED
 * @max:	bytes, or MEMSTATE_UNLIMITED
 *
 * Each process has the limit for itself. It can only be lowered, but for those who
 * have CAP_SYS_RESOURCE.
 *
 * Context: process. Return: 0; -EPERM: it would be raised; -ENODEV.
 */
int memstate_self_limit(uint64_t high, uint64_t max)
{
	int ret = ms_lib_ready();

	if (!ret)
		ret = ms_lib.ops->limit(MEMSTATE_LIMIT_HIGH | MEMSTATE_LIMIT_MAX, high,
					max);
	if (!ret) {
		ms_lib.high = high;
		ms_lib.max = max;
		if (!ms_lib.credit)
			ms_lib.limited = (high & max) != MEMSTATE_UNLIMITED;
	}
	return ret;
}

/* ---- groups: by a descriptor of one's own, whatever the back end ----------------- */

static int device_once(void)
{
	return (int)ms_raw4(SYS_openat, AT_FDCWD, MEMSTATE_DEVICE,
			    O_RDWR | O_CLOEXEC, 0);
}

static uint32_t scope_of(int *cgroup_fd)
{
	int which = *cgroup_fd;

	if (which >= 0)
		return MEMSTATE_SCOPE_GROUP;
	*cgroup_fd = 0;
	switch (which) {
	case MEMSTATE_OWN_TASK:
		return MEMSTATE_SCOPE_TASK;
	case MEMSTATE_OWN_GROUP:
		return MEMSTATE_SCOPE_OWN_GROUP;
	case MEMSTATE_SYSTEM:
		return MEMSTATE_SCOPE_SYSTEM;
	default:
		return ~0u;
	}
}

static int once(unsigned long request, void *arg)
{
	long fd = device_once(), ret;

	if (fd < 0)
		return (int)fd;
	ret = ms_raw3(SYS_ioctl, fd, request, arg);
	ms_raw1(SYS_close, fd);
	return (int)ret;
}

/**
 * memstate_limit_set() - set the limits of a group
 * @cgroup_fd:	descriptor of the cgroup's directory, or MEMSTATE_OWN_TASK,
 *		MEMSTATE_OWN_GROUP, MEMSTATE_SYSTEM
 * @set:	which: MEMSTATE_LIMIT_HIGH, MEMSTATE_LIMIT_MAX
 * @high:	bytes, or MEMSTATE_UNLIMITED
 * @max:	bytes, or MEMSTATE_UNLIMITED
 *
 * Of a group for what is reported alone: MEMSTATE_LIMIT_REPORTS. memstate_limit_apply() is for
 * any program.
 *
 * Context: process. Return: 0; -ENOENT: no device; else as MEMSTATE_IOC_LIMIT_SET:
 * -EPERM, -EROFS, -EBADF, -EINVAL.
 */
int memstate_limit_set(int cgroup_fd, unsigned int set, uint64_t high, uint64_t max)
{
	struct memstate_limit arg = {
		.size = sizeof(arg),
		.scope = scope_of(&cgroup_fd),
		.fd = cgroup_fd,
		.set = set,
		.high = high,
		.max = max,
	};

	if (arg.scope != MEMSTATE_SCOPE_TASK && set & MEMSTATE_LIMIT_MAX)
		arg.flags = MEMSTATE_LIMIT_REPORTS;
	return once(MEMSTATE_IOC_LIMIT_SET, &arg);
}

/**
 * memstate_limit_apply() - set the limits of a group, for any program
 * @cgroup_fd:	as for memstate_limit_set()
 * @limit:	@size, as the caller knows it, @flags: 0 or MEMSTATE_LIMIT_REPORTS, @set, and what
 *		that names
 *
 * With a max and without MEMSTATE_LIMIT_REPORTS programs that report nothing are observed from
 * then on, where the kernel can be hooked.
 *
 * Context: process. Return: as memstate_limit_set().
 */
int memstate_limit_apply(int cgroup_fd, struct memstate_limit *limit)
{
	limit->scope = scope_of(&cgroup_fd);
	limit->fd = cgroup_fd;
	return once(MEMSTATE_IOC_LIMIT_SET, limit);
}

/**
 * memstate_limit_get() - the limits of a group
 * @cgroup_fd:	as for memstate_limit_set()
 * @limit:	where to put them
 *
 * Context: any. Return: 0; -ENOENT: no device; -EBADF; -EINVAL.
 */
int memstate_limit_get(int cgroup_fd, struct memstate_limit *limit)
{
	*limit = (struct memstate_limit) {
		.size = sizeof(*limit),
		.scope = scope_of(&cgroup_fd),
		.fd = cgroup_fd,
	};
	return once(MEMSTATE_IOC_LIMIT_GET, limit);
}

/**
 * memstate_group_totals() - the books of a group
 * @cgroup_fd:	as for memstate_limit_set()
 * @totals:	where to put them
 * @flags:	MEMSTATE_TOTALS_LAST: without draining the tasks first
 *
 * Context: any. Return: 0; -ENOENT: no device; -EBADF; -EINVAL.
 */
int memstate_group_totals(int cgroup_fd, struct memstate_totals *totals,
			  unsigned int flags)
{
	struct memstate_get_totals arg = {
		.size = sizeof(arg),
		.flags = flags,
		.scope = scope_of(&cgroup_fd),
		.fd = cgroup_fd,
	};
	int ret = once(MEMSTATE_IOC_TOTALS, &arg);

	if (!ret)
		*totals = arg.totals;
	return ret;
}

/**
 * memstate_group_alloc_totals() - what the allocators of a group count
 * @cgroup_fd:	as for memstate_limit_set()
 * @alloc:	where to put the sums over the group's tasks; see
 *		memstate_alloc_totals()
 *
 * Context: any. Return: 0; -ENOENT: no device; -ENOTTY: the kernel has no shards;
 * -EBADF; -EINVAL.
 */
int memstate_group_alloc_totals(int cgroup_fd, struct memstate_alloc *alloc)
{
	*alloc = (struct memstate_alloc) {
		.size = sizeof(*alloc),
		.scope = scope_of(&cgroup_fd),
		.fd = cgroup_fd,
	};
	return once(MEMSTATE_IOC_ALLOC, alloc);
}

/**
 * memstate_group_observe() - observe programs that report nothing, or see what is seen of them
 * @cgroup_fd:	as for memstate_limit_set(), but for MEMSTATE_OWN_TASK
 * @observe:	in: @size, as the caller knows it, @set, and what that names; out: what is so
 *
 * Context: process. Return: 0; -ENOENT: no device; -ENOTTY: the module knows nothing of it;
 * -EOPNOTSUPP: this kernel cannot be hooked, or the module was told not to; -EBUSY: another
 * module or a livepatch changes what is to be hooked; -EPERM, -EROFS, -EBADF, -EINVAL.
 */
int memstate_group_observe(int cgroup_fd, struct memstate_observe *observe)
{
	observe->scope = scope_of(&cgroup_fd);
	observe->fd = cgroup_fd;
	return once(MEMSTATE_IOC_OBSERVE, observe);
}

/**
 * memstate_group_refusal() - the last request for memory that a group has refused
 * @cgroup_fd:	as for memstate_limit_set(), but for MEMSTATE_OWN_TASK
 * @refusal:	where to put it; its nr is 0 where there was none
 *
 * Context: process. Return: 0; -ENOENT: no device; -ENOTTY: the module knows nothing of it;
 * -EACCES, -EBADF, -EINVAL.
 */
int memstate_group_refusal(int cgroup_fd, struct memstate_last_refusal *refusal)
{
	*refusal = (struct memstate_last_refusal) {
		.size = sizeof(*refusal),
		.scope = scope_of(&cgroup_fd),
		.fd = cgroup_fd,
	};
	return once(MEMSTATE_IOC_REFUSAL, refusal);
}

/**
 * memstate_watch_open() - be told of events of a group
 * @cgroup_fd: as for memstate_limit_set()
 *
 * Context: process.
 * Return: a descriptor to poll for EPOLLPRI, and EPOLLHUP when the group is gone; to
 * be closed; -ENOENT: no device; -EBADF; -EINVAL; -ENFILE.
 */
int memstate_watch_open(int cgroup_fd)
{
	struct memstate_watch arg = {
		.size = sizeof(arg),
		.scope = scope_of(&cgroup_fd),
		.fd = cgroup_fd,
	};
	long fd = device_once(), ret;

	if (fd < 0)
		return (int)fd;
	ret = ms_raw3(SYS_ioctl, fd, MEMSTATE_IOC_WATCH, &arg);
	if (ret)
		ms_raw1(SYS_close, fd);
	return ret ? (int)ret : (int)fd;
}

/**
 * memstate_watch_read() - what has become of a watched group
 * @fd:		from memstate_watch_open()
 * @limit:	where to put limits, charge and event counts
 *
 * Context: process. Return: 0; -EBADF; -ENOTTY: not such a descriptor.
 */
int memstate_watch_read(int fd, struct memstate_limit *limit)
{
	*limit = (struct memstate_limit) {
		.size = sizeof(*limit),
		.scope = MEMSTATE_SCOPE_WATCHED,
	};
	return (int)ms_raw3(SYS_ioctl, fd, MEMSTATE_IOC_LIMIT_GET, limit);
}

/**
 * memstate_watch_refusal() - the last request for memory that was refused in a watched group
 * @fd:		from memstate_watch_open(), or memstate_job()
 * @refusal:	as for memstate_group_refusal()
 *
 * Context: process. Return: 0; -EBADF; -EINVAL: a task is watched, or nothing; -ENOTTY: not such
 * a descriptor, or the module knows nothing of it.
 */
int memstate_watch_refusal(int fd, struct memstate_last_refusal *refusal)
{
	*refusal = (struct memstate_last_refusal) {
		.size = sizeof(*refusal),
		.scope = MEMSTATE_SCOPE_WATCHED,
	};
	return (int)ms_raw3(SYS_ioctl, fd, MEMSTATE_IOC_REFUSAL, refusal);
}
