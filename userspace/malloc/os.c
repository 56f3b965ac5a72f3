// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "knobs.h"
#include "lock.h"
#include "os.h"
#include "raw.h"

__thread bool ms_in_fork __attribute__((tls_model("initial-exec")));

/* From this size on the system is asked what it thinks of it. */
#define ASK_FROM	((size_t)1 << 30)

/* What the library may have in hand, and is in no books, is less. */
#define CREDIT_MAX	((size_t)1 << 20)

void *ms_os_room_find(size_t bytes, size_t align)
{
	size_t more = align > ms_os_page() ? align : 0, head;
	long ret = ms_raw6(SYS_mmap, 0, (long)(bytes + more), PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (ms_raw_failed(ret))
		return NULL;
	head = -(uintptr_t)ret & (align - 1);
	if (head)
		ms_os_leave((void *)ret, head);
	if (more > head)
		ms_os_leave((char *)ret + head + bytes, more - head);
	return (char *)ret + head;
}

void ms_os_leave(void *addr, size_t bytes)
{
	ms_raw_munmap(addr, bytes);
}

int ms_os_keep(void *addr, size_t bytes, enum memstate_class class_)
{
	int ret;

	if (!ms_knobs.accounting)
		return 0;
	ret = memstate_post(MEMSTATE_NONE, MEMSTATE_RESERVED, class_, 0, addr, bytes);
	/* No back end keeps books: then without. */
	if (ret && memstate_backend() == MEMSTATE_BACKEND_NONE) {
		ms_knobs.accounting = false;
		return 0;
	}
	return ret;
}

int ms_os_extend(void *addr, size_t bytes, enum memstate_class class_)
{
	long ret = ms_raw6(SYS_mmap, (long)addr, (long)bytes, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
			   -1, 0);

	if (ms_raw_failed(ret))
		return (int)ret;
	/* A kernel before 4.17 takes the address for a wish. */
	if ((void *)ret != addr) {
		ms_os_leave((void *)ret, bytes);
		return -EEXIST;
	}
	ret = ms_os_keep(addr, bytes, class_);
	if (ret)
		ms_os_leave(addr, bytes);
	return (int)ret;
}

void ms_os_release(void *addr, size_t bytes)
{
	if (!ms_knobs.accounting || memstate_free(addr, bytes) == -ENODEV)
		ms_os_leave(addr, bytes);
}

int ms_os_map(void *addr, size_t bytes, enum memstate_class class_)
{
	if (ms_knobs.accounting)
		return memstate_map(addr, bytes, class_);
	return (int)ms_raw3(SYS_mprotect, addr, bytes, PROT_READ | PROT_WRITE);
}

int ms_os_unmap(void *addr, size_t bytes, enum memstate_class class_)
{
	long ret;

	if (ms_knobs.accounting)
		return memstate_fault(addr, bytes, class_);
	ret = ms_raw6(SYS_mmap, (long)addr, (long)bytes, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	return ms_raw_failed(ret) ? (int)ret : 0;
}

/*
 * Our reservations are not counted by the system's overcommit, so it would give us anything. What
 * it would say to anybody else it says of a mapping that is counted. Where RLIMIT_AS was set from
 * the beginning there may be no place for that, which says nothing.
 */
static bool system_refuses(size_t bytes)
{
	long ret;

	if (bytes < ASK_FROM || ms_os_address_limit() != SIZE_MAX)
		return false;
	ret = ms_raw6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ms_raw_failed(ret))
		return true;
	ms_raw_munmap((void *)ret, bytes);
	return false;
}

int ms_os_room(size_t bytes)
{
	struct memstate_totals totals;
	struct memstate_refusal why;
	int ret;

	if (system_refuses(bytes))
		return -E2BIG;
	if (!ms_knobs.accounting)
		return 0;
	ret = memstate_charge(bytes);
	if (ret == -EDQUOT) {
		if (memstate_refusal(&why) && !memstate_totals(&totals, 0) &&
		    bytes > why.room + memstate_totals_charged(&totals) + CREDIT_MAX)
			return -E2BIG;
		return -EDQUOT;
	}
	/*
	 * Who asked is about to charge it: it stays in hand until then. What was not charged
	 * may not: without books there is memory all the same.
	 */
	if (!ret)
		memstate_uncharge(bytes);
	return 0;
}

int ms_os_used(void *addr, size_t bytes, enum memstate_class class_)
{
	if (!ms_knobs.accounting)
		return 0;
	return memstate_post(MEMSTATE_PREPARED, MEMSTATE_READY, class_, 0, addr, bytes);
}

static int unused(void *addr, size_t bytes, enum memstate_class class_)
{
	if (ms_knobs.accounting)
		return memstate_unused(addr, bytes, class_);
	return (int)ms_raw3(SYS_madvise, addr, bytes, MADV_DONTNEED);
}

/* Kept for ever; in a child it finds out by itself. */
static struct memstate_batch *batch;

void ms_os_unused_many(struct ms_os_range *ranges, uint32_t nr, enum memstate_class class_)
{
	/* Not named, without memory for it, or without books: one by one. */
	if (ms_knobs.batch && ms_knobs.accounting && nr > 1 && !batch)
		memstate_batch_open(&batch, MS_OS_MANY, MEMSTATE_BATCH_AUTO);
	if (!ms_knobs.accounting || nr == 1 || !batch) {
		for (uint32_t i = 0; i < nr; i++)
			ranges[i].error = unused(ranges[i].addr, ranges[i].bytes, class_);
		return;
	}
	for (uint32_t i = 0; i < nr; i++)
		memstate_batch_unused(batch, ranges[i].addr, ranges[i].bytes, class_);
	memstate_batch_submit(batch);
	for (uint32_t i = 0; i < nr; i++)
		ranges[i].error = memstate_batch_result(batch, i);
}

int ms_os_move(void *from, size_t from_bytes, void *to, size_t to_bytes,
	       enum memstate_class class_)
{
	long ret;

	if (ms_knobs.accounting)
		return memstate_move(from, from_bytes, to, to_bytes, class_);
	ret = ms_raw5(SYS_mremap, from, from_bytes, to_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	return ms_raw_failed(ret) ? (int)ret : 0;
}

int ms_os_renew(void *addr, size_t bytes, enum memstate_class class_, bool hole, bool huge)
{
	long ret = ms_raw6(SYS_mmap, (long)addr, (long)bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
				   (hole ? MAP_FIXED_NOREPLACE : MAP_FIXED), -1, 0);

	if (ms_raw_failed(ret))
		return (int)ret;
	/* A kernel before 4.17 takes the address for a wish. */
	if ((void *)ret != addr) {
		ms_raw_munmap((void *)ret, bytes);
		return -EEXIST;
	}
	if (huge)
		ms_os_huge(addr, bytes);
	if (ms_knobs.accounting)
		memstate_post(hole ? MEMSTATE_NONE : MEMSTATE_ANY, MEMSTATE_PREPARED, class_, 0,
			      addr, bytes);
	return 0;
}

void ms_os_huge(void *addr, size_t bytes)
{
	ms_raw3(SYS_madvise, addr, bytes, MADV_HUGEPAGE);
}

static size_t memory, address_limit = SIZE_MAX;

void ms_os_begin(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	struct rlimit as;

	memory = pages > 0 ? (size_t)pages * ms_os_page() : 0;
	if (!getrlimit(RLIMIT_AS, &as) && as.rlim_cur != RLIM_INFINITY)
		address_limit = as.rlim_cur;
}

size_t ms_os_memory(void)
{
	return memory;
}

size_t ms_os_address_limit(void)
{
	return address_limit;
}

bool ms_os_pressed(void)
{
	return ms_knobs.accounting && memstate_pressure() != MEMSTATE_PRESSURE_NONE;
}

uint32_t ms_os_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint32_t)((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
}

/* The finalizer of splitmix64 (Steele et al. 2014). */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

uintptr_t ms_os_random(void)
{
	const uint64_t *given = (const uint64_t *)getauxval(AT_RANDOM);
	static uint64_t calls;
	struct timespec t;
	uint64_t value = 0;

	if (ms_raw3(SYS_getrandom, &value, sizeof(value), GRND_NONBLOCK) ==
	    sizeof(value))
		return (uintptr_t)value;
	/*
	 * What the kernel gave are the C library's secrets, the stack protector's and that of
	 * pointers: neither can be told from what is made of both, the place and the time.
	 */
	clock_gettime(CLOCK_MONOTONIC, &t);
	value = mix((uintptr_t)&value ^ (uint64_t)t.tv_nsec << 32 ^ (uint64_t)t.tv_sec ^ ++calls);
	if (given)
		value = mix(value ^ given[0]) ^ mix(mix(value) ^ given[1]);
	return (uintptr_t)mix(value + 0x9e3779b97f4a7c15u);
}

size_t ms_os_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}
