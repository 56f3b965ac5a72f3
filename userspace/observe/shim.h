/* SPDX-License-Identifier: MIT */
/* What the shim's files share: telling the books of a call. */
#ifndef MS_SHIM_H
#define MS_SHIM_H

#include "internal.h"
#include "sysrules.h"

#define PUBLIC	__attribute__((visibility("default")))

/* A record holds less than 16 TiB; shadow memory is longer, and goes in parts. */
#define MS_PART_BYTES	((u64)1 << 43)

/* No address space is longer: such a call fails, and must not be reported. */
#define MS_ADDRESS_END	((u64)1 << 57)

enum ms_call {
	MS_CALL_MMAP,
	MS_CALL_MUNMAP,
	MS_CALL_MPROTECT,
	MS_CALL_MADVISE,
	MS_CALL_UNGUARD,
	MS_CALL_DROPPABLE,
};

/* ---- post.c ----------------------------------------------------------------------- */

bool ms_books_work(void);
void ms_post(const struct memstate_record *records, u32 nr);
void ms_post_call(enum ms_call call, u64 addr, u64 size, int how, int flags);
bool ms_charge(u64 bytes);
void *ms_pointer_result(long ret);
int ms_int_result(long ret);
bool ms_aligned(const void *addr);

/* ---- special.c --------------------------------------------------------------------- */

/* Memory of which only the kernel knows where it is. */
#define MS_SPECIAL_FORK		1	/* that fork leaves out, or empties */
#define MS_SPECIAL_DROPPABLE	2
#define MS_SPECIAL_GUARD	4

void ms_special_used(u32 kind);
void ms_special_guards(u64 addr, u64 bytes);
void ms_special_protected(u64 addr, u64 bytes, int prot);
void ms_special_unguarded(u64 addr, u64 bytes);

/* ---- remap.c ----------------------------------------------------------------------- */

long ms_mmap_over(void *addr, size_t size, int prot, int flags, int fd, off_t offset);

#endif /* MS_SHIM_H */
