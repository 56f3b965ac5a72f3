// SPDX-License-Identifier: MIT
/*
 * Telling the books of a call. Where memstate does not work it is said once, unless
 * MEMSTATE_QUIET is set, and nothing is told.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim.h"

/* The core's port wants one; libmemstate has its own, which is not exported. */
void ms_warn(const char *cond, const char *file, int line)
{
	(void)cond;
	(void)file;
	(void)line;
	abort();
}

bool ms_books_work(void)
{
	static int told;
	const char *text = "memstate: not accounted: ", *why;

	if (MS_LIKELY(memstate_backend() != MEMSTATE_BACKEND_NONE))
		return true;
	why = memstate_error();
	/* There is none yet. */
	if (!*why)
		return false;
	if (!__atomic_exchange_n(&told, 1, __ATOMIC_RELAXED) &&
	    !getenv("MEMSTATE_QUIET")) {
		ms_raw3(SYS_write, 2, text, strlen(text));
		ms_raw3(SYS_write, 2, why, strlen(why));
		ms_raw3(SYS_write, 2, "\n", 1);
	}
	return false;
}

void ms_post(const struct memstate_record *records, u32 nr)
{
	if (!ms_books_work())
		return;
	for (u32 i = 0; i < nr; i++)
		memstate_post_record(&records[i]);
}

/* A system call's result as libc gives it. */
void *ms_pointer_result(long ret)
{
	if (!ms_raw_failed(ret))
		return (void *)ret;
	errno = (int)-ret;
	return MAP_FAILED;
}

int ms_int_result(long ret)
{
	if (ret >= 0)
		return (int)ret;
	errno = (int)-ret;
	return -1;
}

bool ms_aligned(const void *addr)
{
	return !((uintptr_t)addr & ((uintptr_t)sysconf(_SC_PAGESIZE) - 1));
}

/* Post what the rules make of a call. @how: prot or advice. */
void ms_post_call(enum ms_call call, u64 addr, u64 size, int how, int flags)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u64 bytes = ms_page_up(size), part;
	u32 nr = 0;

	if (addr > MS_ADDRESS_END || bytes > MS_ADDRESS_END - addr)
		return;
	for (; bytes; bytes -= part, addr += part) {
		part = bytes < MS_PART_BYTES ? bytes : MS_PART_BYTES;
		switch (call) {
		case MS_CALL_MMAP:
			nr = ms_sysrule_mmap(records, addr, part, how, flags);
			break;
		case MS_CALL_MUNMAP:
			nr = ms_sysrule_munmap(records, addr, part);
			break;
		case MS_CALL_MPROTECT:
			nr = ms_sysrule_mprotect(records, addr, part, how);
			break;
		case MS_CALL_MADVISE:
			nr = ms_sysrule_madvise(records, addr, part, how);
			break;
		case MS_CALL_UNGUARD:
			nr = ms_sysrule_unguard(records, addr, part);
			break;
		case MS_CALL_DROPPABLE:
			nr = ms_sysrule_droppable(records, addr, part);
			break;
		}
		ms_post(records, nr);
	}
}

/* ---- limits --------------------------------------------------------------------- */

/* False: over a limit. What could not be asked about is not refused. */
bool ms_charge(u64 bytes)
{
	return !bytes || !ms_books_work() || memstate_charge(bytes) != -EDQUOT;
}

