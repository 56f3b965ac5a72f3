// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * limit BYTES: calls that the observe shim stands in for, under a limit of so many bytes, which
 * refuses what is beyond it and takes nothing for what does not come about. TAP.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

static size_t limit;

static char *map(void *at, size_t bytes)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0);

	return mmap(at, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
}

static void beyond_the_limit(void)
{
	char *half = map(NULL, limit / 2);

	tap_ok(half != MAP_FAILED, "mmap: half of the limit can be had");
	errno = 0;
	tap_ok(map(NULL, limit) == MAP_FAILED && errno == ENOMEM,
	       "mmap: ENOMEM beyond the limit");
	errno = 0;
	tap_ok(mremap(half, limit / 2, limit * 2, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM,
	       "mremap: ENOMEM beyond it");
	errno = 0;
	tap_ok(sbrk((intptr_t)limit) == (void *)-1 && errno == ENOMEM, "sbrk: ENOMEM beyond it");
	tap_ok(!munmap(half, limit / 2), "munmap: gives it back");
}

/* There is no room where it is: the kernel says no, each time. */
static void failed_growth_costs_nothing(void)
{
	size_t part = limit / 8;
	char *all = map(NULL, 2 * part), *most;
	int failed = 0;

	tap_ok(all != MAP_FAILED && !munmap(all + part, part) &&
		       mmap(all + part, part, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			    0) == all + part, "mmap: two neighbours");
	for (int i = 0; i < 100; i++)
		failed += mremap(all, part, 2 * part, 0) == MAP_FAILED && errno == ENOMEM;
	tap_is(failed, 100, "mremap: ENOMEM where there is no room to grow");
	most = map(NULL, limit / 2);
	tap_ok(most != MAP_FAILED, "mremap: what has failed a hundred times has taken nothing");
	munmap(most, limit / 2);
	munmap(all, 2 * part);
}

static void over_ones_own(void)
{
	size_t most = limit / 4 * 3;
	char *p = map(NULL, most);

	tap_ok(p != MAP_FAILED, "mmap: most of the limit can be had");
	if (p == MAP_FAILED)
		return;
	memset(p, 1, most);
	tap_ok(map(p, most) == p && !*p, "mmap: anew in its place takes no more of the limit");
	munmap(p, most);
}

int main(int argc, char **argv)
{
	limit = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	if (!limit)
		return 2;
	beyond_the_limit();
	failed_growth_costs_nothing();
	over_ones_own();
	return tap_end();
}
