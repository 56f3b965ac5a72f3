// SPDX-License-Identifier: MIT
/*
 * Memory of which only the kernel knows where it is: what fork leaves out or empties, what
 * may be dropped, guard pages.
 *
 * Model
 *
 *   The books have no state for it, and few programs have it. So it is not written down a
 *   second time: who has given such advice once asks the kernel where it matters, by smaps
 *   for what mappings are (VmFlags) and by pagemap for which pages are guards. Programs
 *   without it pay for the comparison of a word.
 */
#include <pthread.h>
#include <unistd.h>

#include "shim.h"

/* Of an entry of pagemap, from Linux 6.15 on; before it guards cannot be told from others. */
#define PAGEMAP_GUARD	((u64)1 << 58)
#define PAGEMAP_ENTRIES	512

static u32 used;

/* No guard was ever made below or above; [1] ends. */
static u64 guards[2] = { ~(u64)0, 0 };

struct span {
	u64 start;
	u64 end;
};

/* Return: false: nothing of the mapping lies within. */
static bool clip(const struct span *s, const struct ms_mapping *m, struct span *part)
{
	part->start = m->start > s->start ? m->start : s->start;
	part->end = m->end < s->end ? m->end : s->end;
	return part->start < part->end;
}

/**
 * ms_special_used() - from now on there may be such memory
 * @kind:	MS_SPECIAL_*
 *
 * Context: any; before the call that makes it so.
 */
void ms_special_used(u32 kind)
{
	if ((__atomic_load_n(&used, __ATOMIC_RELAXED) & kind) != kind)
		__atomic_fetch_or(&used, kind, __ATOMIC_RELAXED);
}

static bool have(u32 kind)
{
	return MS_UNLIKELY(__atomic_load_n(&used, __ATOMIC_RELAXED) & kind);
}

static void widen(u64 *bound, u64 value, bool up)
{
	u64 seen = __atomic_load_n(bound, __ATOMIC_RELAXED);

	while ((up ? value > seen : value < seen) &&
	       !__atomic_compare_exchange_n(bound, &seen, value, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

/**
 * ms_special_guards() - guard pages will be made
 * @addr:	first byte
 * @bytes:	length, any
 *
 * Context: any; before the call that makes them.
 */
void ms_special_guards(u64 addr, u64 bytes)
{
	widen(&guards[0], addr, false);
	widen(&guards[1], addr + ms_page_up(bytes), true);
	ms_special_used(MS_SPECIAL_GUARD);
}

/* Guard pages of a range stay what they are. */
static void tell_guards(u64 addr, u64 bytes)
{
	u64 page = ms_page_up(1), low = __atomic_load_n(&guards[0], __ATOMIC_RELAXED);
	u64 high = __atomic_load_n(&guards[1], __ATOMIC_RELAXED), end = addr + bytes;
	u64 entries[PAGEMAP_ENTRIES], from = 0;
	long fd, n;

	addr = addr > low ? addr : low;
	end = end < high ? end : high;
	if (addr >= end)
		return;
	fd = ms_raw4(SYS_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return;
	while (addr < end) {
		u64 want = (end - addr) / page;

		want = want < PAGEMAP_ENTRIES ? want : PAGEMAP_ENTRIES;
		n = ms_raw4(SYS_pread64, fd, entries, want * sizeof(entries[0]),
			    addr / page * sizeof(entries[0]));
		if (n < (long)sizeof(entries[0]))
			break;
		for (u64 i = 0; i < (u64)n / sizeof(entries[0]); i++, addr += page) {
			if (entries[i] & PAGEMAP_GUARD) {
				from = from ? from : addr;
			} else if (from) {
				ms_post_call(MS_CALL_MADVISE, from, addr - from,
					     MS_MADV_GUARD_INSTALL, 0);
				from = 0;
			}
		}
	}
	if (from)
		ms_post_call(MS_CALL_MADVISE, from, addr - from, MS_MADV_GUARD_INSTALL, 0);
	ms_raw1(SYS_close, fd);
}

static int tell_droppable(const struct ms_mapping *m, void *arg)
{
	struct span part;

	if (m->flags & MS_MAPPING_DROPPABLE && clip(arg, m, &part))
		ms_post_call(MS_CALL_DROPPABLE, part.start, part.end - part.start, 0, 0);
	return 0;
}

/**
 * ms_special_protected() - access to a range was changed, and told
 * @addr:	first byte
 * @bytes:	length, whole pages
 * @prot:	PROT_*
 *
 * Context: any.
 */
void ms_special_protected(u64 addr, u64 bytes, int prot)
{
	struct span s = { addr, addr + bytes };

	if (have(MS_SPECIAL_DROPPABLE) && prot & PROT_WRITE)
		ms_mappings_walk("/proc/self/smaps", tell_droppable, &s);
	if (have(MS_SPECIAL_GUARD))
		tell_guards(addr, bytes);
}

/* What is Reserved and may be written was a guard. */
static int tell_unguarded(const struct ms_mapping *m, void *arg)
{
	struct span part;

	if (!(m->prot & PROT_WRITE) || !m->private_ || !m->anonymous || !clip(arg, m, &part))
		return 0;
	ms_post_call(MS_CALL_UNGUARD, part.start, part.end - part.start, 0, 0);
	return tell_droppable(m, arg);
}

/**
 * ms_special_unguarded() - guard pages of a range are none any more
 * @addr:	first byte
 * @bytes:	length, whole pages
 *
 * Context: any.
 */
void ms_special_unguarded(u64 addr, u64 bytes)
{
	struct span s = { addr, addr + bytes };

	ms_mappings_walk("/proc/self/smaps", tell_unguarded, &s);
}

/* ---- fork ------------------------------------------------------------------------ */

/* @arg: where the mapping before this one ends. */
static int tell_child(const struct ms_mapping *m, void *arg)
{
	struct span *gone = arg, all = { m->start, m->end };

	gone->end = m->start;
	if (gone->start < gone->end)
		ms_post_call(MS_CALL_MUNMAP, gone->start, gone->end - gone->start, 0, 0);
	gone->start = m->end;
	if (!(m->flags & MS_MAPPING_WIPEONFORK) || !m->private_ || !m->anonymous)
		return 0;
	if (have(MS_SPECIAL_GUARD))
		tell_unguarded(m, &all);
	ms_post_call(MS_CALL_MADVISE, m->start, m->end - m->start, MADV_DONTNEED, 0);
	return 0;
}

/* The child's books are its parent's: without what it has not, and with what is empty. */
static void fork_child(void)
{
	struct span gone = {};

	if (have(MS_SPECIAL_FORK) && ms_books_work())
		ms_mappings_walk("/proc/self/smaps", tell_child, &gone);
}

/* After libmemstate's own, which is there before us: in a child it comes first. */
__attribute__((constructor)) static void begin(void)
{
	pthread_atfork(NULL, NULL, fork_child);
}
