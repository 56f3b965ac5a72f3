/* SPDX-License-Identifier: MIT */
/*
 * What a system call means of a program that does not know of memstate.
 *
 * These rules are the product's definition for such programs. They are stated
 * once, here, as records; memstate replay applies them to a log, the observe shim
 * posts them. A rule is given the arguments of a call that succeeded.
 *
 *   - Accounted are private anonymous mappings, and in a log the brk heap. Shared
 *     and file-backed mappings are not, and replace what was below them.
 *   - mmap: writable is Ready, else Reserved. munmap: None.
 *   - mprotect: writable is Ready; no access Reserved, lazy; read or execute only:
 *     the state as it was.
 *   - MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE: Ready becomes Prepared,
 *     lazy. The first two give back the charge of what is without access.
 *   - MADV_POPULATE_WRITE: Prepared becomes Ready; MADV_COLLAPSE: likewise, of whole
 *     huge pages.
 *   - MAP_DROPPABLE: Prepared where it is writable, always.
 *   - Guard pages are Reserved as long as they are there, whatever access is given to
 *     what they are in; afterwards Ready, if it is writable.
 *   - fork: MADV_DONTFORK is left out, MADV_WIPEONFORK dropped, guard pages with it.
 *   - mremap: see struct ms_pieces.
 *   - Class: stack with MAP_STACK, code once executable, else heap.
 */
#ifndef MS_SYSRULES_H
#define MS_SYSRULES_H

#include <stdbool.h>

#include "port.h"
#include <linux/memstate.h>

/* What headers may not know yet. */
#define MS_MADV_WIPEONFORK	18
#define MS_MADV_KEEPONFORK	19
#define MS_MADV_POPULATE_WRITE	23
#define MS_MADV_DONTNEED_LOCKED	24
#define MS_MADV_COLLAPSE	25
#define MS_MADV_GUARD_INSTALL	102
#define MS_MADV_GUARD_REMOVE	103
#define MS_MAP_DROPPABLE	0x08

/* No call but mremap makes more records than this. */
#define MS_SYSRULE_RECORDS	2

u32 ms_sysrule_mmap(struct memstate_record *out, u64 addr, u64 bytes, int prot,
		    int flags);
u32 ms_sysrule_munmap(struct memstate_record *out, u64 addr, u64 bytes);
u32 ms_sysrule_mprotect(struct memstate_record *out, u64 addr, u64 bytes,
			int prot);
u32 ms_sysrule_madvise(struct memstate_record *out, u64 addr, u64 bytes,
		       int advice);

u32 ms_sysrule_unguard(struct memstate_record *out, u64 addr, u64 bytes);
u32 ms_sysrule_droppable(struct memstate_record *out, u64 addr, u64 bytes);

/* The pieces that mremap takes along arrive one by one. */
u32 ms_sysrule_piece(struct memstate_record *out,
		     const struct memstate_range *piece, u64 addr);
u32 ms_sysrule_growth(struct memstate_record *out,
		      const struct memstate_range *last, u64 addr, u64 bytes);
u32 ms_sysrule_brk(struct memstate_record *out, u64 from, u64 to);

u64 ms_page_up(u64 bytes);
u64 ms_sysrule_mapped(u64 bytes, int flags);

#endif /* MS_SYSRULES_H */
