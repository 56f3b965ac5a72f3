// SPDX-License-Identifier: MIT
/*
 * The observe shim: reports what a program that does not know of memstate does
 * with its address space.
 *
 * Model
 *
 *   By LD_PRELOAD it stands in for libc's mmap, mmap64, munmap, shmat and sbrk (here),
 *   mprotect, pkey_mprotect, madvise, posix_madvise and process_madvise (protect.c), and
 *   mremap (remap.c). Each makes the system call itself and posts what the rules
 *   (lib/sysrules.h) make of it. It needs no dlsym(), and no constructor for that, so
 *   calls that come early are like any other. What libc and the loader map for themselves
 *   does not come by here.
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
#include <sys/shm.h>

#include "report.h"
#include "shim.h"
#include "tally_table.h"

/* What addresses there are, unless a program asks for those of five levels of page tables. */
#define USUAL_BYTES	((u64)1 << 47)

/* ---- mmap, munmap ----------------------------------------------------------- */

/* Bytes that a mapping makes Ready by the rules. */
static u64 mmap_charge(size_t size, int prot, int flags)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u64 bytes = ms_sysrule_mapped(size, flags);
	u32 nr;

	if (!bytes || bytes > MS_ADDRESS_END)
		return 0;
	nr = ms_sysrule_mmap(records, 0, ms_page_up(1), prot, flags);
	return nr && ((records[0].w0 >> MEMSTATE_TO_SHIFT) & MEMSTATE_FIELD_MASK) ==
			     MEMSTATE_READY ? bytes : 0;
}

PUBLIC void *mmap(void *addr, size_t bytes, int prot, int flags, int fd,
		  off_t offset)
{
	u64 charged = mmap_charge(bytes, prot, flags);
	long ret;

	if ((flags & MAP_TYPE) == MS_MAP_DROPPABLE)
		ms_special_used(MS_SPECIAL_DROPPABLE);
	/* What it replaces may be what makes it too much. */
	if (!ms_charge(charged))
		return ms_pointer_result(flags & MAP_FIXED ?
			ms_mmap_over(addr, bytes, prot, flags, fd, offset) : -ENOMEM);
	ret = ms_raw6(SYS_mmap, (long)addr, (long)bytes, prot, flags, fd, offset);
	if (!ms_raw_failed(ret))
		ms_post_call(MS_CALL_MMAP, (u64)ret, ms_sysrule_mapped(bytes, flags), prot,
			     flags);
	else if (charged)
		memstate_uncharge(charged);
	return ms_pointer_result(ret);
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
		ms_post_call(MS_CALL_MMAP, start, end - start, m->prot,
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
	bool report = ms_aligned(addr) && !unmaps_known();
	bool unusual = bytes >= USUAL_BYTES || (u64)addr >= USUAL_BYTES - bytes;
	long ret;

	if (report && !unusual)
		ms_post_call(MS_CALL_MUNMAP, (u64)addr, bytes, 0, 0);
	ret = ms_raw2(SYS_munmap, addr, bytes);
	if (!ret)
		unmap_seen();
	if (report && unusual && !ret)
		ms_post_call(MS_CALL_MUNMAP, (u64)addr, bytes, 0, 0);
	else if (report && !unusual && ret == -ENOMEM)
		restore((u64)addr, bytes);
	return ms_int_result(ret);
}

/* ---- shmat ---------------------------------------------------------------------- */

/* What is shared is not accounted; with SHM_REMAP it takes the place of what may be. */
PUBLIC void *shmat(int id, const void *addr, int flags)
{
	long ret = ms_raw3(SYS_shmat, id, addr, flags);
	struct shmid_ds ds;

	if (ms_raw_failed(ret) || !(flags & SHM_REMAP))
		return ms_pointer_result(ret);
	if (unmaps_known())
		unmap_seen();
	else if (!shmctl(id, IPC_STAT, &ds))
		ms_post_call(MS_CALL_MUNMAP, (u64)ret, ds.shm_segsz, 0, 0);
	return (void *)ret;
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
		ms_post(&record, 1);
	if (increment > 0 && !ms_charge(bytes)) {
		errno = ENOMEM;
		return (void *)-1;
	}
	if (brk((void *)to)) {
		if (increment > 0)
			memstate_uncharge(bytes);
		else if (!unmaps_known() && ms_sysrule_brk(&record, to, from))
			ms_post(&record, 1);
		return (void *)-1;
	}
	if (increment > 0 && ms_sysrule_brk(&record, from, to))
		ms_post(&record, 1);
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
