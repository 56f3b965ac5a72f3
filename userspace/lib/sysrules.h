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
 *   - MADV_POPULATE_WRITE: Prepared becomes Ready.
 *   - mremap: see struct ms_pieces.
 *   - Class: stack with MAP_STACK, code once executable, else heap.
 */
#ifndef MS_SYSRULES_H
#define MS_SYSRULES_H

#include <stdbool.h>

#include "port.h"
#include <linux/memstate.h>

/* No call but mremap makes more records than this. */
#define MS_SYSRULE_RECORDS	2

u32 ms_sysrule_mmap(struct memstate_record *out, u64 addr, u64 bytes, int prot,
		    int flags);
u32 ms_sysrule_munmap(struct memstate_record *out, u64 addr, u64 bytes);
u32 ms_sysrule_mprotect(struct memstate_record *out, u64 addr, u64 bytes,
			int prot);
u32 ms_sysrule_madvise(struct memstate_record *out, u64 addr, u64 bytes,
		       int advice);

/* The pieces that mremap takes along arrive one by one. */
u32 ms_sysrule_piece(struct memstate_record *out,
		     const struct memstate_range *piece, u64 addr);
u32 ms_sysrule_growth(struct memstate_record *out,
		      const struct memstate_range *last, u64 addr, u64 bytes);
u32 ms_sysrule_brk(struct memstate_record *out, u64 from, u64 to);

u64 ms_page_up(u64 bytes);

#endif /* MS_SYSRULES_H */
