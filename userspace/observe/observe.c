// SPDX-License-Identifier: MIT
/*
 * The observe shim: reports what a program that does not know of memstate does
 * with its address space.
 *
 * Model
 *
 *   By LD_PRELOAD it stands in for libc's mmap, mmap64, munmap, mprotect,
 *   pkey_mprotect, madvise, posix_madvise and mremap. Each makes the system call
 *   itself and posts what the rules (lib/sysrules.h) make of it. It needs no
 *   constructor and no dlsym(), so calls that come early are like any other. What
 *   libc and the loader map for themselves does not come by here.
 *
 * Order
 *
 *   What gives addresses back (munmap, the old range of mremap) is reported
 *   before the call, because another thread may get them before the call
 *   returns. All else is reported after it: mprotect to no access and advice
 *   leave the charge where it is (lazy), so the books never show less than is
 *   held, and a call that fails has changed nothing.
 *
 *   It must not break a program: where memstate does not work it says so once,
 *   unless MEMSTATE_QUIET is set, and only makes the calls.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "report.h"
#include "sysrules.h"

#define PUBLIC	__attribute__((visibility("default")))

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif

/* Pieces of a range that fit on the stack. */
#define PIECES_FEW	64

/* The core's port wants one; libmemstate has its own, which is not exported. */
void ms_warn(const char *cond, const char *file, int line)
{
	(void)cond;
	(void)file;
	(void)line;
	abort();
}

static bool books_work(void)
{
	static int told;
	const char *text = "memstate: not accounted: ", *why;

	if (MS_LIKELY(memstate_backend() != MEMSTATE_BACKEND_NONE))
		return true;
	if (!__atomic_exchange_n(&told, 1, __ATOMIC_RELAXED) &&
	    !getenv("MEMSTATE_QUIET")) {
		why = memstate_error();
		ms_raw3(SYS_write, 2, text, strlen(text));
		ms_raw3(SYS_write, 2, why, strlen(why));
		ms_raw3(SYS_write, 2, "\n", 1);
	}
	return false;
}

static void post(const struct memstate_record *records, u32 nr)
{
	if (!books_work())
		return;
	for (u32 i = 0; i < nr; i++)
		memstate_post_record(&records[i]);
}

/* A system call's result as libc gives it. */
static void *pointer_result(long ret)
{
	if (!ms_raw_failed(ret))
		return (void *)ret;
	errno = (int)-ret;
	return MAP_FAILED;
}

static int int_result(long ret)
{
	if (ret >= 0)
		return (int)ret;
	errno = (int)-ret;
	return -1;
}

static bool aligned(const void *addr)
{
	return !((uintptr_t)addr & ((uintptr_t)sysconf(_SC_PAGESIZE) - 1));
}

/* A record holds less than 16 TiB; shadow memory is longer, and goes in parts. */
#define PART_BYTES	((u64)1 << 43)

/* No address space is longer: such a call fails, and must not be reported. */
#define ADDRESS_END	((u64)1 << 57)

enum call { CALL_MMAP, CALL_MUNMAP, CALL_MPROTECT, CALL_MADVISE };

/* Post what the rules make of a call. @how: prot or advice. */
static void post_call(enum call call, u64 addr, size_t size, int how, int flags)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u64 bytes = ms_page_up(size), part;
	u32 nr = 0;

	if (addr > ADDRESS_END || bytes > ADDRESS_END - addr)
		return;
	for (; bytes; bytes -= part, addr += part) {
		part = bytes < PART_BYTES ? bytes : PART_BYTES;
		switch (call) {
		case CALL_MMAP:
			nr = ms_sysrule_mmap(records, addr, part, how, flags);
			break;
		case CALL_MUNMAP:
			nr = ms_sysrule_munmap(records, addr, part);
			break;
		case CALL_MPROTECT:
			nr = ms_sysrule_mprotect(records, addr, part, how);
			break;
		case CALL_MADVISE:
			nr = ms_sysrule_madvise(records, addr, part, how);
			break;
		}
		post(records, nr);
	}
}

/* ---- mmap, munmap ----------------------------------------------------------- */

PUBLIC void *mmap(void *addr, size_t bytes, int prot, int flags, int fd,
		  off_t offset)
{
	long ret = ms_raw6(SYS_mmap, (long)addr, (long)bytes, prot, flags, fd,
			   offset);

	if (!ms_raw_failed(ret))
		post_call(CALL_MMAP, (u64)ret, bytes, prot, flags);
	return pointer_result(ret);
}

PUBLIC void *mmap64(void *addr, size_t bytes, int prot, int flags, int fd,
		    off64_t offset)
{
	return mmap(addr, bytes, prot, flags, fd, offset);
}

struct restore {
	u64 start;
	u64 end;
};

static int restore_mapping(const struct ms_mapping *m, void *arg)
{
	const struct restore *r = arg;
	u64 start = m->start > r->start ? m->start : r->start;
	u64 end = m->end < r->end ? m->end : r->end;

	if (start < end && m->private_ && m->anonymous)
		post_call(CALL_MMAP, start, end - start, m->prot,
			  MAP_PRIVATE | MAP_ANONYMOUS);
	return 0;
}

PUBLIC int munmap(void *addr, size_t bytes)
{
	long ret;

	if (aligned(addr))
		post_call(CALL_MUNMAP, (u64)addr, bytes, 0, 0);
	ret = ms_raw2(SYS_munmap, addr, bytes);
	/* Too many mappings: it is still there, and only its mappings know how. */
	if (ret == -ENOMEM && aligned(addr)) {
		struct restore r = { (u64)addr, (u64)addr + ms_page_up(bytes) };

		ms_mappings_walk("/proc/self/maps", restore_mapping, &r);
	}
	return int_result(ret);
}

/* ---- mprotect, madvise ------------------------------------------------------ */

PUBLIC int mprotect(void *addr, size_t bytes, int prot)
{
	long ret = ms_raw3(SYS_mprotect, addr, bytes, prot);

	if (!ret)
		post_call(CALL_MPROTECT, (u64)addr, bytes, prot, 0);
	return int_result(ret);
}

PUBLIC int pkey_mprotect(void *addr, size_t bytes, int prot, int pkey)
{
	long ret = ms_raw4(SYS_pkey_mprotect, addr, bytes, prot, pkey);

	/* A kernel without keys, asked for none: as libc does. */
	if (ret == -ENOSYS && pkey == -1)
		return mprotect(addr, bytes, prot);
	if (!ret)
		post_call(CALL_MPROTECT, (u64)addr, bytes, prot, 0);
	return int_result(ret);
}

static long advise(void *addr, size_t bytes, int advice)
{
	long ret = ms_raw3(SYS_madvise, addr, bytes, advice);

	if (!ret)
		post_call(CALL_MADVISE, (u64)addr, bytes, advice, 0);
	return ret;
}

PUBLIC int madvise(void *addr, size_t bytes, int advice)
{
	return int_result(advise(addr, bytes, advice));
}

PUBLIC int posix_madvise(void *addr, size_t bytes, int advice)
{
	/* libc ignores it, because POSIX does not let it destroy anything. */
	if (advice == POSIX_MADV_DONTNEED)
		return 0;
	return (int)-advise(addr, bytes, advice);
}

/* ---- mremap ------------------------------------------------------------------ */

/**
 * struct pieces - what the books say of a range
 * @list:	the pieces, in order, clipped to the range
 * @nr:		how many
 * @room:	how many fit
 * @few:	where they stand if they are few
 */
struct pieces {
	struct memstate_range *list;
	u32 nr;
	u32 room;
	struct memstate_range few[PIECES_FEW];
};

static void pieces_free(struct pieces *p)
{
	if (p->list != p->few)
		ms_raw_munmap(p->list, p->room * sizeof(*p->list));
}

static bool pieces_grow(struct pieces *p)
{
	size_t bytes = 2 * p->room * sizeof(*p->list);
	struct memstate_range *list = ms_raw_mmap(bytes);

	if (!list)
		return false;
	memcpy(list, p->list, p->nr * sizeof(*list));
	pieces_free(p);
	p->list = list;
	p->room *= 2;
	return true;
}

/* False: the books cannot be read. */
static bool pieces_read(struct pieces *p, u64 start, u64 end)
{
	uint64_t cursor = start;
	uint32_t done, i;

	p->list = p->few;
	p->nr = 0;
	p->room = PIECES_FEW;
	do {
		if (p->nr == p->room && !pieces_grow(p))
			return false;
		if (memstate_ranges(&cursor, p->list + p->nr, p->room - p->nr,
				    &done))
			return false;
		for (i = 0; i < done; i++) {
			struct memstate_range *r = &p->list[p->nr];

			if (r->start >= end)
				return true;
			if (r->start < start)
				r->start = start;
			if (r->end > end)
				r->end = end;
			p->nr++;
		}
	} while (cursor);
	return true;
}

static void post_piece(const struct memstate_range *piece, u64 addr)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];

	post(records, ms_sysrule_piece(records, piece, addr));
}

/* The pieces arrive at @addr, those that still fit, and what was appended. */
static void pieces_arrive(const struct pieces *p, u64 old, u64 addr,
			  u64 old_bytes, u64 bytes)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u32 i;

	/* Whatever was there has been replaced. */
	post(records, ms_sysrule_munmap(records, addr, bytes));
	for (i = 0; i < p->nr; i++) {
		struct memstate_range r = p->list[i];

		if (r.start - old >= bytes)
			break;
		if (r.end - old > bytes)
			r.end = old + bytes;
		post_piece(&r, addr + (r.start - old));
	}
	if (bytes > old_bytes && p->nr &&
	    p->list[p->nr - 1].end == old + old_bytes)
		post(records, ms_sysrule_growth(records, &p->list[p->nr - 1],
						addr + old_bytes,
						bytes - old_bytes));
}

static void pieces_restore(const struct pieces *p)
{
	for (u32 i = 0; i < p->nr; i++)
		post_piece(&p->list[i], p->list[i].start);
}

static long remap(void *old, size_t old_size, size_t size, int flags, void *to)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u64 old_bytes = ms_page_up(old_size), bytes = ms_page_up(size);
	u64 from = (u64)old;
	struct pieces p;
	long ret;

	if (!old_bytes || !bytes || !aligned(old) || !books_work() ||
	    !pieces_read(&p, from, from + old_bytes))
		return ms_raw5(SYS_mremap, old, old_size, size, flags, to);

	post(records, ms_sysrule_munmap(records, from, old_bytes));
	ret = ms_raw5(SYS_mremap, old, old_size, size, flags, to);
	if (ms_raw_failed(ret)) {
		pieces_restore(&p);
	} else {
		pieces_arrive(&p, from, (u64)ret, old_bytes, bytes);
		if (flags & MREMAP_DONTUNMAP) {
			pieces_restore(&p);
			post(records, ms_sysrule_madvise(records, from, old_bytes,
							 MADV_DONTNEED));
		}
	}
	pieces_free(&p);
	return ret;
}

PUBLIC void *mremap(void *old, size_t old_size, size_t size, int flags, ...)
{
	void *to = NULL;
	va_list args;

	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		va_start(args, flags);
		to = va_arg(args, void *);
		va_end(args);
	}
	return pointer_result(remap(old, old_size, size, flags, to));
}

/* ---- the end ------------------------------------------------------------------ */

PUBLIC __attribute__((noreturn)) void _exit(int status)
{
	ms_report_at_exit();
	for (;;)
		ms_raw1(SYS_exit_group, status);
}

PUBLIC __attribute__((noreturn)) void _Exit(int status)
{
	_exit(status);
}

__attribute__((destructor)) static void at_exit(void)
{
	ms_report_at_exit();
}
