// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What aligned blocks cost: their size, not their alignment. TAP. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "names.h"
#include "tap.h"

#define KIB	((size_t)1 << 10)
#define MIB	((size_t)1 << 20)
#define NR	100
#define SLICE	(16 * KIB)

extern __typeof__(memstate_malloc_stats) memstate_malloc_stats __attribute__((weak));
extern __typeof__(memstate_malloc_check) memstate_malloc_check __attribute__((weak));

static void *blocks[NR];

static uint64_t ready(void)
{
	struct memstate_malloc_stats stats;

	malloc_trim(0);
	if (memstate_malloc_stats(&stats))
		abort();
	return stats.ready_bytes;
}

static void costs_its_size(size_t align, size_t size, size_t most)
{
	uint64_t before = ready();
	bool aligned = true, large_enough = true;

	for (int i = 0; i < NR; i++) {
		if (posix_memalign(&blocks[i], align, size))
			abort();
		aligned &= !((uintptr_t)blocks[i] & (align - 1));
		large_enough &= malloc_usable_size(blocks[i]) >= size;
		memset(blocks[i], i, size);
	}
	tap_ok(aligned && large_enough, "%zu bytes aligned to %zu KiB are", size, align / KIB);
	tap_ok(ready() - before <= NR * most + MIB, "and take no more than %zu KiB each, %llu KiB",
	       most / KIB, (unsigned long long)(ready() - before) / KIB / NR);
	for (int i = 0; i < NR; i++)
		free(blocks[i]);
	tap_ok(ready() <= before + MIB, "which is free afterwards");
}

/* Between two that are far apart there is room for others. */
static void gaps_are_used(void)
{
	struct memstate_malloc_stats before, after;
	void *between[NR];

	for (int i = 0; i < NR; i++)
		if (posix_memalign(&blocks[i], MIB, 100))
			abort();
	memstate_malloc_stats(&before);
	for (int i = 0; i < NR; i++)
		between[i] = malloc(500 * KIB);
	memstate_malloc_stats(&after);
	tap_is(after.mapped_bytes, before.mapped_bytes, "what lies between them is used");
	for (int i = 0; i < NR; i++) {
		free(blocks[i]);
		free(between[i]);
	}
}

static void *volatile sink;

int main(void)
{
	if (!memstate_malloc_stats) {
		tap_skip("this allocator does not tell", "what aligned blocks cost");
		return tap_end();
	}
	costs_its_size(64, 100, KIB);
	costs_its_size(4 * KIB, 100, 4 * KIB);
	costs_its_size(16 * KIB, 20000, 32 * KIB);
	costs_its_size(64 * KIB, 100, SLICE);
	costs_its_size(MIB, 0, SLICE);
	costs_its_size(2 * MIB, 4096, SLICE);
	costs_its_size(2 * MIB, 2 * MIB + 1, 2 * MIB + SLICE);
	gaps_are_used();
	errno = 0;
	sink = aligned_alloc((size_t)1 << 46, 1);
	tap_ok(!sink && errno == ENOMEM, "an alignment that cannot be had is refused");
	tap_is(memstate_malloc_check(), 0, "check: the books are in order");
	return tap_end();
}
