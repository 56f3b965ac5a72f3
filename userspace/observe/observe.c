// SPDX-License-Identifier: MIT
/*
 * The observe shim: reports what a program that does not know of memstate does
 * with its address space.
 *
 * Model
 *
 *   By LD_PRELOAD it stands in for libc's mmap, mmap64, munmap, mprotect,
 *   pkey_mprotect, madvise, posix_madvise, mremap and sbrk. Each makes the system call
 *   itself and posts what the rules (lib/sysrules.h) make of it. It needs no
 *   constructor and no dlsym(), so calls that come early are like any other. What
 *   libc and the loader map for themselves does not come by here.
 *
 * Order
 *
 *   What makes memory Ready is charged before the call and reported after it; a
 *   call over a limit fails with ENOMEM. mprotect to no access and advice are
 *   reported after the call and leave the charge where it is (lazy), so the books
 *   never show less than is held. Unmapping the kernel sees by itself, in its place
 *   in the order; the embedded back end does not, so there it is reported before the
 *   call, because another thread may get the addresses before that returns. mremap
 *   takes the old range out of the books before the call and keeps its charge for
 *   where it arrives.
 *
 *   But for that it must not break a program: where memstate does not work it says so once,
 *   unless MEMSTATE_QUIET is set, and only makes the calls.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "report.h"
#include "sysrules.h"
#include "tally_table.h"

#define PUBLIC	__attribute__((visibility("default")))

/* Pieces of a range that fit on the stack. */
#define PIECES_FEW	64

/* What addresses there are, unless a program asks for those of five levels of page tables. */
#define USUAL_BYTES	((u64)1 << 47)

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

/* ---- limits --------------------------------------------------------------------- */

/* False: over a limit. What could not be asked about is not refused. */
static bool charge(u64 bytes)
{
	return !bytes || !books_work() || memstate_charge(bytes) != -EDQUOT;
}

/* ---- mmap, munmap ----------------------------------------------------------- */

/* Bytes that a mapping makes Ready by the rules. */
static u64 mmap_charge(size_t size, int prot, int flags)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u64 bytes = ms_page_up(size);
	u32 nr;

	if (!bytes || bytes > ADDRESS_END)
		return 0;
	nr = ms_sysrule_mmap(records, 0, ms_page_up(1), prot, flags);
	return nr && ((records[0].w0 >> MEMSTATE_TO_SHIFT) & MEMSTATE_FIELD_MASK) ==
			     MEMSTATE_READY ? bytes : 0;
}

static long mmap_over(void *addr, size_t size, int prot, int flags, int fd,
		      off_t offset);

PUBLIC void *mmap(void *addr, size_t bytes, int prot, int flags, int fd,
		  off_t offset)
{
	u64 charged = mmap_charge(bytes, prot, flags);
	long ret;

	/* What it replaces may be what makes it too much. */
	if (!charge(charged))
		return pointer_result(flags & MAP_FIXED ?
			mmap_over(addr, bytes, prot, flags, fd, offset) : -ENOMEM);
	ret = ms_raw6(SYS_mmap, (long)addr, (long)bytes, prot, flags, fd, offset);
	if (!ms_raw_failed(ret))
		post_call(CALL_MMAP, (u64)ret, bytes, prot, flags);
	else if (charged)
		memstate_uncharge(charged);
	return pointer_result(ret);
}

PUBLIC void *mmap64(void *addr, size_t bytes, int prot, int flags, int fd,
		    off64_t offset)
{
	return mmap(addr, bytes, prot, flags, fd, offset);
}

/* Does the back end learn of unmappings from the kernel? */
static bool unmaps_known(void)
{
	return memstate_backend() == MEMSTATE_BACKEND_DEVICE;
}

/* Somebody wants the last figures of this process, whenever they are the last. */
static bool tallied;

__attribute__((constructor)) static void look_for_tally(void)
{
	tallied = getenv(MS_TALLY_ENV);
}

/* What the kernel has seen by itself is in the books when they are read next: now. */
static void unmap_seen(void)
{
	if (MS_UNLIKELY(tallied) && unmaps_known())
		memstate_sync();
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

/* Too many mappings: it is still there, and only its mappings know how. */
static void restore(u64 addr, size_t bytes)
{
	struct restore r = { addr, addr + ms_page_up(bytes) };

	ms_mappings_walk("/proc/self/maps", restore_mapping, &r);
}

/*
 * Told before it is done, as another thread may get the same addresses at once. A range that no
 * usual address space has is told only after it: it is refused, and then nothing is gone, or it
 * is all that this process has.
 */
PUBLIC int munmap(void *addr, size_t bytes)
{
	bool report = aligned(addr) && !unmaps_known();
	bool unusual = bytes >= USUAL_BYTES || (u64)addr >= USUAL_BYTES - bytes;
	long ret;

	if (report && !unusual)
		post_call(CALL_MUNMAP, (u64)addr, bytes, 0, 0);
	ret = ms_raw2(SYS_munmap, addr, bytes);
	if (!ret)
		unmap_seen();
	if (report && unusual && !ret)
		post_call(CALL_MUNMAP, (u64)addr, bytes, 0, 0);
	else if (report && !unusual && ret == -ENOMEM)
		restore((u64)addr, bytes);
	return int_result(ret);
}

/* ---- mprotect, madvise ------------------------------------------------------ */

static long raw_protect(void *addr, size_t bytes, int prot, int pkey)
{
	/* A kernel without keys that is asked for none. */
	if (pkey == -1)
		return ms_raw3(SYS_mprotect, addr, bytes, prot);
	return ms_raw4(SYS_pkey_mprotect, addr, bytes, prot, pkey);
}

/*
 * Make a range writable: of what is charged already nothing is known here. With
 * enough credit in hand the whole length is paid, and what was too much comes back
 * when the report is drained; else the books are asked.
 */
static long protect_writable(void *addr, size_t size, int prot, int pkey)
{
	struct memstate_record record;
	u64 bytes = ms_page_up(size);
	uint64_t charged;
	bool in_hand;
	long ret;

	if (!bytes || bytes >= PART_BYTES || !aligned(addr) || !books_work())
		return raw_protect(addr, size, prot, pkey);
	in_hand = !memstate_charge_try(bytes);
	if (in_hand)
		charged = bytes;
	else if (memstate_charge_range(addr, bytes, &charged) == -EDQUOT)
		return -ENOMEM;
	ret = raw_protect(addr, size, prot, pkey);
	if (ret) {
		memstate_uncharge(charged);
		return ret;
	}
	ms_sysrule_mprotect(&record, (u64)addr, bytes, prot);
	if (in_hand)
		memstate_post_record(&record);
	else
		memstate_apply_paid(&record, 1, &charged, 0);
	return 0;
}

static long protect(void *addr, size_t bytes, int prot, int pkey)
{
	long ret;

	if (prot & PROT_WRITE)
		return protect_writable(addr, bytes, prot, pkey);
	ret = raw_protect(addr, bytes, prot, pkey);
	if (!ret)
		post_call(CALL_MPROTECT, (u64)addr, bytes, prot, 0);
	return ret;
}

PUBLIC int mprotect(void *addr, size_t bytes, int prot)
{
	return int_result(protect(addr, bytes, prot, -1));
}

PUBLIC int pkey_mprotect(void *addr, size_t bytes, int prot, int pkey)
{
	return int_result(protect(addr, bytes, prot, pkey));
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

/*
 * Put pieces into the books at @addr, those that still fit, and what was appended.
 * @paid: what was charged for them; what is left goes back.
 */
static void pieces_put(const struct pieces *p, u64 old, u64 addr, u64 old_bytes,
		       u64 bytes, uint64_t *paid)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u32 i, nr;

	for (i = 0; i < p->nr; i++) {
		struct memstate_range r = p->list[i];

		if (r.start - old >= bytes)
			break;
		if (r.end - old > bytes)
			r.end = old + bytes;
		nr = ms_sysrule_piece(records, &r, addr + (r.start - old));
		memstate_apply_paid(records, nr, paid, MEMSTATE_TRANSITION_HOLD);
	}
	if (bytes > old_bytes && p->nr &&
	    p->list[p->nr - 1].end == old + old_bytes) {
		nr = ms_sysrule_growth(records, &p->list[p->nr - 1],
				       addr + old_bytes, bytes - old_bytes);
		memstate_apply_paid(records, nr, paid, MEMSTATE_TRANSITION_HOLD);
	}
}

/* Bytes of a range that are charged. */
static u64 pieces_charged(const struct pieces *p)
{
	u64 sum = 0;

	for (u32 i = 0; i < p->nr; i++)
		if (p->list[i].state == MEMSTATE_READY ||
		    (p->list[i].flags & MEMSTATE_RANGE_LAZY))
			sum += p->list[i].end - p->list[i].start;
	return sum;
}

/* mmap over what is charged already: that takes only the difference. */
static long mmap_over(void *addr, size_t size, int prot, int flags, int fd,
		      off_t offset)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u64 start = (u64)addr, bytes = ms_page_up(size), old, more;
	uint64_t paid = 0;
	struct pieces p;
	long ret = -ENOMEM;

	if (!aligned(addr) || !pieces_read(&p, start, start + bytes))
		return -ENOMEM;
	old = pieces_charged(&p);
	more = bytes > old ? bytes - old : 0;
	if (!old || !charge(more))
		goto out;

	ms_sysrule_munmap(records, start, bytes);
	memstate_apply_paid(records, 1, &paid, MEMSTATE_TRANSITION_HOLD);
	ret = ms_raw6(SYS_mmap, (long)addr, (long)size, prot, flags, fd, offset);
	if (ms_raw_failed(ret)) {
		pieces_put(&p, start, start, bytes, bytes, &paid);
		paid += more;
	} else {
		paid += more;
		memstate_apply_paid(records,
				    ms_sysrule_mmap(records, (u64)ret, bytes, prot, flags),
				    &paid, MEMSTATE_TRANSITION_HOLD);
	}
	memstate_uncharge(paid);
out:
	pieces_free(&p);
	return ret;
}

/* What growing by mremap will make Ready. */
static u64 growth_charge(const struct pieces *p, u64 old_end, u64 more)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u32 nr;

	if (!p->nr || p->list[p->nr - 1].end != old_end)
		return 0;
	nr = ms_sysrule_growth(records, &p->list[p->nr - 1], old_end, ms_page_up(1));
	return nr && ((records[0].w0 >> MEMSTATE_TO_SHIFT) & MEMSTATE_FIELD_MASK) ==
			     MEMSTATE_READY ? more : 0;
}

static long remap_pieces(struct pieces *p, u64 from, u64 old_bytes, u64 bytes,
			 int flags, void *to)
{
	struct memstate_record record;
	uint64_t paid = 0, kept = 0;
	u64 more = 0;
	long ret;

	if (bytes > old_bytes)
		more = growth_charge(p, from + old_bytes, bytes - old_bytes);
	/* A copy, too: the old range stays, without its contents, and its charge. */
	if (flags & MREMAP_DONTUNMAP)
		kept = pieces_charged(p);
	if (!charge(more + kept))
		return -ENOMEM;

	ms_sysrule_munmap(&record, from, old_bytes);
	memstate_apply_paid(&record, 1, &paid, MEMSTATE_TRANSITION_HOLD);
	ret = ms_raw5(SYS_mremap, from, old_bytes, bytes, flags, to);
	if (ms_raw_failed(ret)) {
		pieces_put(p, from, from, old_bytes, old_bytes, &paid);
		memstate_uncharge(more + kept);
	} else {
		/* Whatever was at the new place has been replaced. */
		ms_sysrule_munmap(&record, (u64)ret, bytes);
		memstate_apply_paid(&record, 1, &(uint64_t){ 0 }, 0);
		paid += more + kept;
		pieces_put(p, from, (u64)ret, old_bytes, bytes, &paid);
		if (flags & MREMAP_DONTUNMAP) {
			pieces_put(p, from, from, old_bytes, old_bytes, &paid);
			post(&record, ms_sysrule_madvise(&record, from, old_bytes,
							 MADV_DONTNEED));
		}
	}
	memstate_uncharge(paid);
	return ret;
}

static long remap(void *old, size_t old_size, size_t size, int flags, void *to)
{
	u64 old_bytes = ms_page_up(old_size), bytes = ms_page_up(size);
	struct pieces p;
	long ret;

	if (!old_bytes || !bytes || !aligned(old) || !books_work() ||
	    !pieces_read(&p, (u64)old, (u64)old + old_bytes))
		return ms_raw5(SYS_mremap, old, old_size, size, flags, to);
	ret = remap_pieces(&p, (u64)old, old_bytes, bytes, flags, to);
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

/* ---- sbrk ---------------------------------------------------------------------- */

/*
 * Allocators fall back to it when mmap fails. libc's own malloc does not come by here.
 * The break is moved by libc's brk(), which remembers where it is.
 */
static void *move_break(intptr_t increment)
{
	u64 from = (u64)ms_raw1(SYS_brk, 0), to = from + (u64)increment;
	u64 bytes = ms_page_up(to) - ms_page_up(from);
	struct memstate_record record;

	if (!increment)
		return (void *)from;
	if (increment < 0 && !unmaps_known() && ms_sysrule_brk(&record, from, to))
		post(&record, 1);
	if (increment > 0 && !charge(bytes)) {
		errno = ENOMEM;
		return (void *)-1;
	}
	if (brk((void *)to)) {
		if (increment > 0)
			memstate_uncharge(bytes);
		else if (!unmaps_known() && ms_sysrule_brk(&record, to, from))
			post(&record, 1);
		return (void *)-1;
	}
	if (increment > 0 && ms_sysrule_brk(&record, from, to))
		post(&record, 1);
	else
		unmap_seen();
	return (void *)from;
}

PUBLIC void *sbrk(intptr_t increment)
{
	return move_break(increment);
}

void *__sbrk(intptr_t increment);
PUBLIC void *__sbrk(intptr_t increment)
{
	return move_break(increment);
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
