// SPDX-License-Identifier: MIT
/*
 * Access and advice: mprotect, pkey_mprotect, madvise, posix_madvise, process_madvise.
 *
 * Half-way
 *
 *   These calls go from mapping to mapping, and one that fails has been done to those before
 *   the one where it failed; advice goes on behind a hole, too. What was done is told: access
 *   shows in the mappings themselves, and advice stops where smaps says why.
 */
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim.h"

/* What is no descriptor, but oneself: the thread, or all of them (by two numbers). */
#define PIDFD_SELF_FIRST	(-10000)
#define PIDFD_SELF_SECOND	(-10001)
#define PIDFD_SELF_THIRD	(-20000)

#define ACCESS	(PROT_READ | PROT_WRITE | PROT_EXEC)

/**
 * struct reach - how far a call has come
 * @at:		first byte that is not told yet
 * @end:	end of the call's range
 * @how:	prot or advice
 * @call:	which
 */
struct reach {
	u64 at;
	u64 end;
	int how;
	enum ms_call call;
};

/* Has it been done to this mapping? */
static bool was_done(const struct reach *r, const struct ms_mapping *m)
{
	if (r->call == MS_CALL_MPROTECT)
		return m->prot == (r->how & ACCESS);
	switch (r->how) {
	case MADV_FREE:
		return m->anonymous && m->private_ && !(m->flags & MS_MAPPING_PINNED);
	case MADV_DONTNEED:
		return !(m->flags & MS_MAPPING_PINNED);
	case MS_MADV_POPULATE_WRITE:
		return m->prot & PROT_WRITE;
	default:
		return true;
	}
}

static int reach_mapping(const struct ms_mapping *m, void *arg)
{
	struct reach *r = arg;
	bool stops = r->call == MS_CALL_MPROTECT || r->how == MS_MADV_POPULATE_WRITE;
	u64 end = m->end < r->end ? m->end : r->end;

	if (m->end <= r->at)
		return 0;
	if (m->start >= r->end || (m->start > r->at && stops) || !was_done(r, m))
		return 1;
	r->at = m->start > r->at ? m->start : r->at;
	ms_post_call(r->call, r->at, end - r->at, r->how, 0);
	r->at = end;
	return 0;
}

static void tell_half(enum ms_call call, u64 addr, size_t size, int how)
{
	u64 bytes = ms_page_up(size);
	struct reach r = { addr, addr + bytes, how, call };

	if (r.end > addr && r.end <= MS_ADDRESS_END && ms_aligned((void *)addr))
		ms_mappings_walk("/proc/self/smaps", reach_mapping, &r);
}

/* ---- access ------------------------------------------------------------------------- */

static long raw_protect(void *addr, size_t bytes, int prot, int pkey)
{
	/* A kernel without keys that is asked for none. */
	if (pkey == -1)
		return ms_raw3(SYS_mprotect, addr, bytes, prot);
	return ms_raw4(SYS_pkey_mprotect, addr, bytes, prot, pkey);
}

/* Nor is anything done to the first one where a key or an address is wrong. */
static void protect_failed(u64 addr, size_t size, int prot, long ret)
{
	if ((ret == -ENOMEM || ret == -EACCES) && ms_books_work())
		tell_half(MS_CALL_MPROTECT, addr, size, prot);
}

static int find_begin(const struct ms_mapping *m, void *arg)
{
	u64 *addr = arg;

	if (m->end <= *addr)
		return 0;
	if (m->start < *addr)
		*addr = m->start;
	return 1;
}

/* With PROT_GROWSDOWN it goes from where the mapping begins. */
static u64 begin_of(const void *addr, int prot)
{
	u64 begin = (u64)addr;

	if (MS_UNLIKELY(prot & PROT_GROWSDOWN))
		ms_mappings_walk("/proc/self/maps", find_begin, &begin);
	return begin;
}

/*
 * Make a range writable: of what is charged already nothing is known here. With
 * enough credit in hand the whole length is paid, and what was too much comes back
 * when the report is drained; else the books are asked.
 */
static long protect_writable(void *addr, size_t size, int prot, int pkey)
{
	u64 begin = begin_of(addr, prot), bytes = ms_page_up(size) + ((u64)addr - begin);
	struct memstate_record record;
	uint64_t charged;
	bool in_hand;
	long ret;

	if (!ms_page_up(size) || bytes >= MS_PART_BYTES || !ms_aligned(addr) || !ms_books_work())
		return raw_protect(addr, size, prot, pkey);
	in_hand = !memstate_charge_try(bytes);
	if (in_hand)
		charged = bytes;
	else if (memstate_charge_range((void *)begin, bytes, &charged) == -EDQUOT)
		return -ENOMEM;
	ret = raw_protect(addr, size, prot, pkey);
	if (ret) {
		memstate_uncharge(charged);
		protect_failed(begin, bytes, prot, ret);
		return ret;
	}
	ms_sysrule_mprotect(&record, begin, bytes, prot);
	if (in_hand)
		memstate_post_record(&record);
	else
		memstate_apply_paid(&record, 1, &charged, 0);
	ms_special_protected(begin, bytes, prot);
	return 0;
}

static long protect(void *addr, size_t size, int prot, int pkey)
{
	u64 begin, bytes;
	long ret;

	if (prot & PROT_WRITE)
		return protect_writable(addr, size, prot, pkey);
	begin = begin_of(addr, prot);
	bytes = ms_page_up(size) + ((u64)addr - begin);
	ret = raw_protect(addr, size, prot, pkey);
	if (ret) {
		protect_failed(begin, bytes, prot, ret);
	} else {
		ms_post_call(MS_CALL_MPROTECT, begin, bytes, prot, 0);
		ms_special_protected(begin, bytes, prot);
	}
	return ret;
}

PUBLIC int mprotect(void *addr, size_t bytes, int prot)
{
	return ms_int_result(protect(addr, bytes, prot, -1));
}

PUBLIC int pkey_mprotect(void *addr, size_t bytes, int prot, int pkey)
{
	return ms_int_result(protect(addr, bytes, prot, pkey));
}

/* ---- advice ------------------------------------------------------------------------- */

/* What it makes special is so before anybody can see it. */
static void will_advise(u64 addr, size_t size, int advice)
{
	switch (advice) {
	case MADV_DONTFORK:
	case MS_MADV_WIPEONFORK:
		ms_special_used(MS_SPECIAL_FORK);
		break;
	case MS_MADV_GUARD_INSTALL:
		ms_special_guards(addr, size);
		break;
	default:
		break;
	}
}

static void advised(u64 addr, size_t size, int advice, long ret)
{
	switch (ret) {
	case 0:
		if (advice == MS_MADV_GUARD_REMOVE)
			ms_special_unguarded(addr, ms_page_up(size));
		else
			ms_post_call(MS_CALL_MADVISE, addr, size, advice, 0);
		break;
	case -ENOMEM:
		if (advice == MS_MADV_GUARD_REMOVE)
			ms_special_unguarded(addr, ms_page_up(size));
		else if (advice != MS_MADV_COLLAPSE && ms_books_work())
			tell_half(MS_CALL_MADVISE, addr, size, advice);
		break;
	case -EINVAL:
		/* Of others it says that this kernel knows them not. */
		if ((advice == MADV_DONTNEED || advice == MADV_FREE) && ms_books_work())
			tell_half(MS_CALL_MADVISE, addr, size, advice);
		break;
	default:
		break;
	}
}

/* Guard pages that go are Ready again: paid for as with mprotect, as far as they are known. */
static long remove_guards(void *addr, size_t size)
{
	u64 bytes = ms_page_up(size);
	uint64_t charged = 0;
	long ret;

	if (bytes && bytes < MS_PART_BYTES && ms_aligned(addr) && ms_books_work() &&
	    memstate_charge_range(addr, bytes, &charged) == -EDQUOT)
		return -ENOMEM;
	ret = ms_raw3(SYS_madvise, addr, size, MS_MADV_GUARD_REMOVE);
	memstate_uncharge(charged);
	return ret;
}

static long advise(void *addr, size_t bytes, int advice)
{
	long ret;

	will_advise((u64)addr, bytes, advice);
	if (advice == MS_MADV_GUARD_REMOVE)
		ret = remove_guards(addr, bytes);
	else
		ret = ms_raw3(SYS_madvise, addr, bytes, advice);
	advised((u64)addr, bytes, advice, ret);
	return ret;
}

PUBLIC int madvise(void *addr, size_t bytes, int advice)
{
	return ms_int_result(advise(addr, bytes, advice));
}

PUBLIC int posix_madvise(void *addr, size_t bytes, int advice)
{
	/* libc ignores it, because POSIX does not let it destroy anything. */
	if (advice == POSIX_MADV_DONTNEED)
		return 0;
	return (int)-advise(addr, bytes, advice);
}

/* Is it oneself? */
static bool is_self(int pidfd)
{
	char path[64], text[512];
	const char *pid;
	long fd, n;
	int value;

	if (pidfd == PIDFD_SELF_FIRST || pidfd == PIDFD_SELF_SECOND || pidfd == PIDFD_SELF_THIRD)
		return true;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	fd = ms_raw4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	n = ms_raw3(SYS_read, fd, text, sizeof(text) - 1);
	ms_raw1(SYS_close, fd);
	text[n > 0 ? n : 0] = '\0';
	pid = strstr(text, "\nPid:\t");
	return pid && sscanf(pid, "\nPid:\t%d", &value) == 1 &&
	       value == (int)ms_raw0(SYS_getpid);
}

PUBLIC ssize_t process_madvise(int pidfd, const struct iovec *iov, size_t nr, int advice,
			       unsigned int flags)
{
	bool self = is_self(pidfd);
	long ret;
	u64 left;

	for (size_t i = 0; self && i < nr; i++)
		will_advise((u64)iov[i].iov_base, iov[i].iov_len, advice);
	ret = ms_raw5(SYS_process_madvise, pidfd, iov, nr, advice, flags);
	if (ms_raw_failed(ret)) {
		errno = (int)-ret;
		return -1;
	}
	left = (u64)ret;
	for (size_t i = 0; self && left && i < nr; i++) {
		u64 bytes = iov[i].iov_len < left ? iov[i].iov_len : left;

		advised((u64)iov[i].iov_base, bytes, advice, 0);
		left -= bytes;
	}
	return ret;
}
