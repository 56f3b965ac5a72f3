// SPDX-License-Identifier: MIT
/*
 * What the C library calls these figures: mallinfo2() and so on, of all threads, also of those
 * that are gone. The C library's own would tell of its own malloc, which has nothing.
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>

#include <memstate.h>
#include <memstate-malloc.h>

#include "names.h"

/* Slabs and what is idle are its arena, where a large block is a mapping. */
struct figures {
	uint64_t arena;
	uint64_t in_use;
	uint64_t large;
	uint64_t nr_large;
	uint64_t idle;
};

static struct figures now(void)
{
	struct memstate_malloc_stats stats;
	struct figures f = { 0 };

	if (memstate_malloc_stats(&stats))
		return f;
	f.arena = stats.ready_bytes - stats.large_bytes;
	f.in_use = stats.data_bytes - stats.large_bytes;
	/* Other threads went on meanwhile. */
	if (f.in_use > f.arena)
		f.in_use = f.arena;
	f.large = stats.large_bytes;
	f.nr_large = stats.large_count;
	f.idle = stats.idle_bytes;
	return f;
}

#if __GLIBC_PREREQ(2, 33)
EXPORT struct mallinfo2 NAME(mallinfo2)(void)
{
	struct figures f = now();

	return (struct mallinfo2) {
		.arena = f.arena,
		.hblks = f.nr_large,
		.hblkhd = f.large,
		.uordblks = f.in_use,
		.fordblks = f.arena - f.in_use,
		.keepcost = f.idle,
	};
}
#endif

static int most(uint64_t value)
{
	return value < INT_MAX ? (int)value : INT_MAX;
}

EXPORT struct mallinfo NAME(mallinfo)(void)
{
	struct figures f = now();

	return (struct mallinfo) {
		.arena = most(f.arena),
		.hblks = most(f.nr_large),
		.hblkhd = most(f.large),
		.uordblks = most(f.in_use),
		.fordblks = most(f.arena - f.in_use),
		.keepcost = most(f.idle),
	};
}

static void size_of_all(FILE *to, const char *type, uint64_t bytes)
{
	fprintf(to, "<system type=\"%s\" size=\"%llu\"/>\n", type, (unsigned long long)bytes);
}

static void total(FILE *to, const char *type, uint64_t count, uint64_t bytes)
{
	fprintf(to, "<total type=\"%s\" count=\"%llu\" size=\"%llu\"/>\n", type,
		(unsigned long long)count, (unsigned long long)bytes);
}

/* In the C library's form, in which one heap has them all; and the classes, in use and free. */
EXPORT int NAME(malloc_info)(int options, FILE *to)
{
	struct memstate_malloc_class class_;
	struct memstate_malloc_stats stats;
	struct memstate_totals totals;
	struct figures f;

	if (options)
		return EINVAL;
	if (memstate_malloc_stats(&stats))
		return ENOMEM;
	f = now();
	fputs("<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n</sizes>\n", to);
	total(to, "fast", 0, 0);
	total(to, "rest", 0, f.arena - f.in_use);
	size_of_all(to, "current", f.arena);
	fputs("</heap>\n", to);
	total(to, "fast", 0, 0);
	total(to, "rest", 0, f.arena - f.in_use);
	total(to, "mmap", f.nr_large, f.large);
	size_of_all(to, "current", f.arena);
	if (!memstate_totals(&totals, 0))
		size_of_all(to, "max", totals.peak_ready);
	fprintf(to, "<aspace type=\"total\" size=\"%llu\"/>\n<aspace type=\"mprotect\" size=\"%llu\"/>\n",
		(unsigned long long)stats.reserved_bytes, (unsigned long long)stats.mapped_bytes);
	fprintf(to, "<memstate idle=\"%llu\" metadata=\"%llu\" heaps=\"%llu\" orphans=\"%llu\">\n",
		(unsigned long long)f.idle, (unsigned long long)stats.metadata_bytes,
		(unsigned long long)stats.heaps, (unsigned long long)stats.orphans);
	for (unsigned int c = 0; !memstate_malloc_class(c, &class_); c++)
		if (class_.allocated_count)
			fprintf(to, "<class size=\"%u\" allocated=\"%llu\" freed=\"%llu\"/>\n",
				class_.block_bytes, (unsigned long long)class_.allocated_count,
				(unsigned long long)class_.freed_count);
	fputs("</memstate>\n</malloc>\n", to);
	return ferror(to) ? EIO : 0;
}

EXPORT void NAME(malloc_stats)(void)
{
	memstate_malloc_stats_print(2, "text");
}
