// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Requests that cannot be had leave nothing behind: no address space, nothing Prepared, no
 * metadata; and those that could not be had from a process that has nothing else do not make it
 * give up what it keeps. TAP.
 *
 * huge limit: a limit of 64 MiB is set.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "names.h"
#include "stats.h"
#include "tap.h"

#define MIB	((size_t)1 << 20)
#define GIB	((size_t)1 << 30)
#define TIB	((size_t)1 << 40)
#define TIMES	60

/* Pages of address space. */
static long space(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (!f || fscanf(f, "%ld", &pages) != 1)
		abort();
	fclose(f);
	return pages;
}

static bool refused(size_t size, int way)
{
	void *p = NULL;

	errno = 0;
	switch (way) {
	case 0:
		p = malloc(size);
		break;
	case 1:
		p = calloc(1, size);
		break;
	case 2:
		p = aligned_alloc(4 * MIB, size);
		break;
	default:
		p = realloc(malloc(3 * MIB), size);
	}
	if (p)
		free(p);
	return !p && errno == ENOMEM;
}

static void leaves_nothing(size_t size, const char *name, bool keeps)
{
	struct memstate_malloc_stats before, after;
	int nr = 0;
	long pages;

	/* What is kept for later, to be found again. */
	free(malloc(1 * MIB));
	before = now();
	pages = space();
	for (int i = 0; i < TIMES; i++)
		nr += refused(size, i % 3);
	after = now();
	tap_is(nr, TIMES, "%s is refused", name);
	/* Else what memory is dropped with may have come. */
	if (keeps)
		tap_is(space(), pages, "%s: no address space is left behind", name);
	tap_is(after.reserved_bytes, before.reserved_bytes, "%s: nothing is Reserved", name);
	tap_is(after.mapped_bytes, before.mapped_bytes, "%s: nothing is Prepared", name);
	tap_is(after.metadata_bytes, before.metadata_bytes, "%s: no metadata", name);
	if (keeps)
		tap_is(after.dropped_bytes, before.dropped_bytes, "%s: nothing is dropped for it",
		       name);
}

static void grown_leaves_nothing(size_t size, const char *name)
{
	struct memstate_malloc_stats before, after;
	void *p = malloc(3 * MIB);

	before = now();
	errno = 0;
	tap_ok(p && !realloc(p, size) && errno == ENOMEM, "%s by realloc is refused", name);
	after = now();
	tap_is(after.reserved_bytes, before.reserved_bytes, "%s: nothing is Reserved", name);
	tap_is(after.mapped_bytes, before.mapped_bytes, "%s: nothing is Prepared", name);
	tap_is(after.metadata_bytes, before.metadata_bytes, "%s: no metadata", name);
	free(p);
}

int main(int argc, char **argv)
{
	bool limit = argc > 1 && !strcmp(argv[1], "limit");
	void *p;

	if (!memstate_malloc_stats) {
		tap_skip("this allocator does not tell", "requests that cannot be had");
		return tap_end();
	}
	free(malloc(4 * MIB));
	leaves_nothing(SIZE_MAX / 2, "half of everything", true);
	leaves_nothing(60 * TIB, "60 TiB", true);
	leaves_nothing(10 * TIB, "10 TiB", true);
	grown_leaves_nothing(10 * TIB, "10 TiB");
	if (limit) {
		leaves_nothing(3 * GIB, "3 GiB", true);
		leaves_nothing(100 * MIB, "100 MiB", true);
		p = malloc(40 * MIB);
		leaves_nothing(40 * MIB, "as much again", false);
		grown_leaves_nothing(40 * MIB, "as much again");
		free(p);
	}
	p = malloc(50 * MIB);
	tap_ok(p, "and what can be had can be had");
	free(p);
	tap_is(memstate_malloc_check(), 0, "check: the books are in order");
	return tap_end();
}
