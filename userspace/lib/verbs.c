// SPDX-License-Identifier: MIT
/*
 * The verbs: one legal system step each, the system call and the report in the
 * right order, so that the books never show less than is really held. Going up: the
 * charge, the call, the report. Going down: the call, then the report, which gives
 * the charge back; until free returns nobody else can report the range, for unmapping
 * is what the kernel sees by itself, in its place in the order. The embedded back end
 * does not: there free reports first. The verbs are those of Go's runtime/mem.go.
 */

#include "internal.h"
#include "tally.h"

/* What has moved has moved: its books are kept as long as there is hope for memory. */
#define MOVE_TRIES	100

/* What goes to Ready has been charged. */
static int report(unsigned int from, unsigned int to, unsigned int class_,
		  void *addr, size_t bytes)
{
	struct memstate_record record;

	if ((u64)bytes >> (32 + MEMSTATE_UNIT_SHIFT))
		return -EINVAL;
	record = ms_record_make((uintptr_t)addr, bytes, from, to, class_, 0);
	return memstate_post_record(&record);
}

int ms_unused_report(void *addr, size_t bytes, enum memstate_class class_)
{
	return report(MEMSTATE_READY, MEMSTATE_PREPARED, class_, addr, bytes);
}

static int check(const void *addr, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return !bytes || (((uintptr_t)addr | bytes) & (page - 1)) ? -EINVAL : 0;
}

static void *new_mapping(size_t bytes, int prot, unsigned int state,
			 enum memstate_class class_)
{
	size_t charge = state == MEMSTATE_READY ? bytes : 0;
	long ret;

	if (check(NULL, bytes) || (charge && memstate_charge(charge)))
		return NULL;
	ret = ms_raw6(SYS_mmap, 0, (long)bytes, prot,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ms_raw_failed(ret)) {
		memstate_uncharge(charge);
		return NULL;
	}
	if (report(MEMSTATE_NONE, state, class_, (void *)ret, bytes)) {
		ms_raw_munmap((void *)ret, bytes);
		return NULL;
	}
	return (void *)ret;
}

/**
 * memstate_reserve() - None to Reserved: own address space
 * @bytes:	length
 * @class_:	what it will be held for
 *
 * Context: any.
 * Return: the address; NULL: @bytes is no multiple of the page size, or there is
 * no room, or no back end.
 */
void *memstate_reserve(size_t bytes, enum memstate_class class_)
{
	return new_mapping(bytes, PROT_NONE, MEMSTATE_RESERVED, class_);
}

/**
 * memstate_alloc() - None to Ready: memory to be used at once
 * @bytes:	length
 * @class_:	what it is held for
 *
 * Context: any. Return: as memstate_reserve(); NULL also over a limit: then
 * memstate_refusal() tells whose.
 */
void *memstate_alloc(size_t bytes, enum memstate_class class_)
{
	return new_mapping(bytes, PROT_READ | PROT_WRITE, MEMSTATE_READY, class_);
}

/**
 * memstate_map() - Reserved to Prepared: make accessible
 * @addr:	first byte
 * @bytes:	length
 * @class_:	what it is held for
 *
 * Context: any.
 * Return: 0; -EINVAL: no multiples of the page size; -ENOMEM: from mprotect, with
 * nothing reported.
 */
int memstate_map(void *addr, size_t bytes, enum memstate_class class_)
{
	long ret = check(addr, bytes);

	if (!ret)
		ret = ms_raw3(SYS_mprotect, addr, bytes, PROT_READ | PROT_WRITE);
	return ret ? (int)ret : report(MEMSTATE_RESERVED, MEMSTATE_PREPARED, class_,
				       addr, bytes);
}

/**
 * memstate_used() - Prepared to Ready: about to be touched
 * @addr:	first byte
 * @bytes:	length
 * @class_:	what it is held for
 *
 * Context: any.
 * Return: 0; -EINVAL: no multiples of the page size; -EDQUOT: over a limit, nothing
 * has changed: memstate_refusal() tells whose.
 */
int memstate_used(void *addr, size_t bytes, enum memstate_class class_)
{
	int ret = check(addr, bytes);

	return ret ? ret : memstate_post(MEMSTATE_PREPARED, MEMSTATE_READY, class_, 0,
					 addr, bytes);
}

/**
 * memstate_unused() - Ready to Prepared: give the contents up
 * @addr:	first byte
 * @bytes:	length
 * @class_:	what it is held for
 *
 * Context: any.
 * Return: 0; -EINVAL: no multiples of the page size; what madvise says, with the
 * books as before.
 */
int memstate_unused(void *addr, size_t bytes, enum memstate_class class_)
{
	long ret = check(addr, bytes);

	if (!ret)
		ret = ms_raw3(SYS_madvise, addr, bytes, MADV_DONTNEED);
	return ret ? (int)ret : ms_unused_report(addr, bytes, class_);
}

/**
 * memstate_fault() - any state to Reserved: keep the address space only
 * @addr:	first byte
 * @bytes:	length
 * @class_:	what it is held for
 *
 * Context: any.
 * Return: 0; -EINVAL: no multiples of the page size; -ENOMEM: from mmap, with
 * nothing reported.
 */
int memstate_fault(void *addr, size_t bytes, enum memstate_class class_)
{
	long ret = check(addr, bytes);

	if (ret)
		return (int)ret;
	ret = ms_raw6(SYS_mmap, (long)addr, (long)bytes, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		      0);
	if (ms_raw_failed(ret))
		return (int)ret;
	return report(MEMSTATE_ANY, MEMSTATE_RESERVED, class_, addr, bytes);
}

/**
 * memstate_move() - a Ready range goes to another place, perhaps longer
 * @from:	first byte of one mapping; None afterwards
 * @from_bytes:	length
 * @to:		first byte of where to; Prepared before, Ready afterwards
 * @to_bytes:	length, at least @from_bytes; the two do not overlap
 * @class_:	what both are held for
 *
 * Nothing is copied: the pages move by mremap, and their charge, which is held meanwhile, with
 * them; Ready is less by so much for that moment. The mapping is not merged with its new
 * neighbours; a process may have some ten thousand.
 *
 * Context: any.
 * Return: 0; -EINVAL: no multiples of the page size, shorter, or overlapping; -EDQUOT: over
 * a limit; -ENODEV; what mremap and the books say (-EFAULT: not one mapping; -ENOMEM, -ENOSPC); on
 * error all is as before, but that the target may be None after -ENOMEM from mremap.
 */
int memstate_move(void *from, size_t from_bytes, void *to, size_t to_bytes,
		  enum memstate_class class_)
{
	struct memstate_record record;
	uint64_t paid = 0, more = to_bytes - from_bytes;
	long ret = check(from, from_bytes);
	int tries = 0;

	if (!ret)
		ret = check(to, to_bytes);
	if (ret || to_bytes < from_bytes || (u64)to_bytes >> (32 + MEMSTATE_UNIT_SHIFT))
		return -EINVAL;
	ret = memstate_charge(more);
	if (ret)
		return (int)ret;
	/* The kernel reports both places unmapped: first out, then in. */
	record = ms_record_make((uintptr_t)from, from_bytes, MEMSTATE_READY, MEMSTATE_NONE,
				class_, 0);
	ret = memstate_apply_paid(&record, 1, &paid, MEMSTATE_TRANSITION_HOLD);
	if (ret)
		goto uncharge;
	ret = ms_raw5(SYS_mremap, from, from_bytes, to_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	if (ms_raw_failed(ret)) {
		record = ms_record_make((uintptr_t)from, from_bytes, MEMSTATE_NONE,
					MEMSTATE_READY, class_, 0);
	} else {
		record = ms_record_make((uintptr_t)to, to_bytes, MEMSTATE_ANY, MEMSTATE_READY,
					class_, 0);
		paid += more;
		more = 0;
		ret = 0;
	}
	while (memstate_apply_paid(&record, 1, &paid, 0) == -ENOMEM && ++tries < MOVE_TRIES)
		ms_post_wait(tries);
	/* Zero, unless the books have no room for it: then it is found by an audit. */
	more += paid;
uncharge:
	memstate_uncharge(more);
	return (int)ret;
}

static int free_reported(void *addr, size_t bytes)
{
	long ret = report(MEMSTATE_MAPPED, MEMSTATE_NONE, 0, addr, bytes);

	if (ret)
		return (int)ret;
	ret = ms_raw2(SYS_munmap, addr, bytes);
	if (ret)
		report(MEMSTATE_NONE, MEMSTATE_READY, MEMSTATE_OTHER, addr, bytes);
	return (int)ret;
}

/**
 * memstate_free() - any state to None
 * @addr:	first byte
 * @bytes:	length
 *
 * Context: any.
 * Return: 0; -EINVAL: no multiples of the page size; -ENODEV; -ENOMEM: from munmap:
 * the memory is still held, with the books as before, or (embedded) Ready, class
 * other, in them.
 */
int memstate_free(void *addr, size_t bytes)
{
	int ret = check(addr, bytes);

	if (!ret)
		ret = ms_lib_ready();
	if (ret)
		return ret;
	if (!ms_lib.unmaps_known)
		return free_reported(addr, bytes);
	ret = (int)ms_raw2(SYS_munmap, addr, bytes);
	/* The kernel knows, and would tell somebody who asks; but nobody asks the dead. */
	if (MS_UNLIKELY(ms_tally_mine))
		ms_lib.ops->sync();
	return ret;
}

/**
 * memstate_mmap_unaccounted() - memory that appears in no book
 * @bytes: length
 *
 * Context: any. Return: the address, NULL on failure.
 */
void *memstate_mmap_unaccounted(size_t bytes)
{
	return bytes ? ms_raw_mmap(bytes) : NULL;
}

/**
 * memstate_munmap_unaccounted() - give it back
 * @addr:	from memstate_mmap_unaccounted()
 * @bytes:	length
 *
 * Context: any. Return: 0 or what munmap says.
 */
int memstate_munmap_unaccounted(void *addr, size_t bytes)
{
	return (int)ms_raw2(SYS_munmap, addr, bytes);
}
