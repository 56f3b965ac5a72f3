// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Each function of the malloc family does what its manual says. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memstate.h>

#include "names.h"
#include "tap.h"

#define MIB ((size_t)1 << 20)

/* Sizes at which something changes: classes, slabs, slices, zones. */
static const size_t edges[] = {
	0, 1, 8, 15, 16, 17, 24, 32, 100, 127, 128, 129, 144, 145, 255, 256, 257, 1000, 1023,
	1024, 1025, 1026, 4095, 4096, 4097, 8192, 16383, 16384, 16385, 20000, 28672, 32767,
	32768, 32769, 40000, 65535, 65536, 65537, 131072, 131073, 1000000, MIB - 1, MIB,
	MIB + 1, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 5 * MIB, 33 * MIB,
};
#define NR_EDGES (sizeof(edges) / sizeof(edges[0]))

static unsigned char pattern(const void *p, size_t size, size_t i)
{
	return (unsigned char)((uintptr_t)p / 16 + size * 7 + i * 13);
}

static void fill(void *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((unsigned char *)p)[i] = pattern(p, size, i);
}

/* The first @n bytes are what was filled in at @was with @size. */
static bool holds(const void *p, size_t n, const void *was, size_t size)
{
	for (size_t i = 0; i < n; i++)
		if (((const unsigned char *)p)[i] != pattern(was, size, i))
			return false;
	return true;
}

static bool zeros(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const char *)p)[i])
			return false;
	return true;
}

static bool aligned(const void *p, size_t align)
{
	return !((uintptr_t)p & (align - 1));
}

/* ---- malloc, free ------------------------------------------------------------- */

static void every_size_gives_a_block_of_its_own(void)
{
	static void *blocks[2200];
	bool distinct = true, aligned16 = true, usable = true, kept = true;

	for (size_t size = 0; size < 2200; size++) {
		void *p = malloc(size);

		aligned16 &= p && aligned(p, 16);
		usable &= malloc_usable_size(p) >= size;
		/* All that is said to be usable may be used. */
		fill(p, malloc_usable_size(p));
		blocks[size] = p;
	}
	for (size_t size = 0; size < 2200; size++) {
		void *p = blocks[size];
		size_t usable_size = malloc_usable_size(p);

		kept &= holds(p, usable_size, p, usable_size);
		distinct &= size == 0 || p != blocks[size - 1];
		free(p);
	}
	tap_ok(aligned16, "malloc: each block is aligned to 16");
	tap_ok(usable, "malloc: the usable size is at least what was asked for");
	tap_ok(kept, "malloc: blocks of 2,200 sizes, filled whole, do not overlap");
	tap_ok(distinct, "malloc: each block is another one");
}

static void edges_and_contents(void)
{
	void *blocks[NR_EDGES];
	bool good = true;

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < NR_EDGES; i++) {
			blocks[i] = malloc(edges[i]);
			good &= blocks[i] && aligned(blocks[i], 16);
			fill(blocks[i], edges[i]);
		}
		for (size_t i = 0; i < NR_EDGES; i++) {
			good &= holds(blocks[i], edges[i], blocks[i], edges[i]);
			free(blocks[i]);
		}
	}
	tap_ok(good, "malloc: sizes about the edges of classes and slices keep their contents");
}

static void classes_waste_little(void)
{
	double worst = 0;
	size_t at = 0;

	for (size_t size = 129; size <= 32768; size++) {
		void *p = malloc(size);
		double waste;

		/* The first ones of a class may be of another. */
		for (int i = 0; i < 8 && malloc_usable_size(p) > size + size / 8; i++) {
			free(p);
			p = malloc(size);
		}
		waste = (double)(malloc_usable_size(p) - size) / (double)size;
		if (waste > worst) {
			worst = waste;
			at = size;
		}
		free(p);
	}
	tap_ok(worst <= 0.125, "malloc: no block above 128 bytes is more than 12.5 %% too large, but the first");
	if (worst > 0.125)
		printf("# %.3f at %zu\n", worst, at);
}

static void powers_of_two_are_aligned(void)
{
	bool good = true;

	for (size_t size = 16; size <= 4096; size *= 2) {
		for (int i = 0; i < 40; i++) {
			void *p = malloc(size);

			good &= aligned(p, size);
			/* Left there, so that others come. */
			if (i % 3)
				free(p);
		}
	}
	tap_ok(good, "malloc: powers of two up to 4 KiB are aligned to themselves");
}

static void too_much(void)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 15, SIZE_MAX / 2,
					(size_t)PTRDIFF_MAX + 1, (size_t)1 << 47 };
	volatile size_t size;
	bool good = true;
	void *p;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size = sizes[i];
		errno = 0;
		p = malloc(size);
		good &= !p && errno == ENOMEM;
		errno = 0;
		p = calloc(1, size);
		good &= !p && errno == ENOMEM;
		errno = 0;
		p = memalign(64, size);
		good &= !p && errno == ENOMEM;
	}
	tap_ok(good, "sizes that no machine has give NULL and ENOMEM");

	p = malloc(100);
	fill(p, 100);
	size = SIZE_MAX - 4096;
	errno = 0;
	tap_ok(!realloc(p, size) && errno == ENOMEM && holds(p, 100, p, 100),
	       "realloc that fails gives ENOMEM and leaves the block as it is");
	size = SIZE_MAX / 4 + 2;
	errno = 0;
	tap_ok(!calloc(size, 4) && errno == ENOMEM, "calloc whose product overflows gives ENOMEM");
	errno = 0;
	tap_ok(!reallocarray(p, size, 8) && errno == ENOMEM && holds(p, 100, p, 100),
	       "reallocarray whose product overflows gives ENOMEM and leaves the block");
	free(p);
}

static void errno_is_left_alone(void)
{
	bool good = true;

	for (size_t i = 0; i < NR_EDGES; i++) {
		void *p;

		errno = 4711;
		p = malloc(edges[i]);
		p = realloc(p, edges[i] + 5000);
		good &= errno == 4711;
		free(p);
		good &= errno == 4711;
		free(NULL);
	}
	tap_ok(good && errno == 4711, "errno is left alone where nothing failed");
}

/* ---- calloc ------------------------------------------------------------------------ */

static void calloc_gives_zeros(void)
{
	bool good = true;

	for (size_t i = 0; i < NR_EDGES; i++) {
		for (int round = 0; round < 4; round++) {
			unsigned char *p = calloc(1, edges[i]);

			good &= p && zeros(p, edges[i]);
			memset(p, 0xa5, edges[i]);
			free(p);
		}
	}
	tap_ok(good, "calloc: zeros, also where something was before");
}

/* ---- realloc ------------------------------------------------------------------------ */

static void realloc_keeps_contents(void)
{
	bool good = true;

	for (size_t i = 0; i < NR_EDGES; i++) {
		for (size_t j = 0; j < NR_EDGES; j++) {
			size_t from = edges[i], to = edges[j] ? edges[j] : 1;
			void *p = malloc(from), *was = p;

			if (from > 6 * MIB && to > 6 * MIB && i != j)
				goto next;
			fill(p, from);
			p = realloc(p, to);
			good &= p && aligned(p, 16) && malloc_usable_size(p) >= to &&
				holds(p, from < to ? from : to, was, from);
			memset(p, 1, to);
next:
			free(p);
		}
	}
	tap_ok(good, "realloc: from each size to each other, contents kept");
}

static void realloc_edges(void)
{
	void *p = realloc(NULL, 100);

	tap_ok(p && malloc_usable_size(p) >= 100, "realloc of NULL is malloc");
	tap_ok(!realloc(p, 0), "realloc to nothing frees");
	p = malloc(1000);
	tap_ok(realloc(p, 900) == p, "realloc to a little less gives the same block");
	free(p);
}

static void realloc_grows_a_big_block_in_place(void)
{
	size_t size = 4 * MIB;
	char *p = malloc(size), *was = p;
	int moves = 0;

	memset(p, 7, size);
	for (int i = 0; i < 60; i++) {
		size += 256 << 10;
		p = realloc(p, size);
		moves += p != was;
		was = p;
		p[size - 1] = 7;
	}
	tap_ok(moves <= 6, "realloc: a big block that grows by steps rarely moves (%d)", moves);
	free(p);
}

/* ---- aligned ----------------------------------------------------------------------- */

static void alignments(void)
{
	static const size_t sizes[] = { 0, 1, 7, 16, 48, 100, 1000, 5000, 20000, 33000,
					70000, MIB, 3 * MIB };
	bool good = true, kept = true;

	for (size_t align = 8; align <= 4 * MIB; align *= 2) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			void *p = NULL, *q, *r;

			good &= !posix_memalign(&p, align, sizes[i]) && aligned(p, align) &&
				malloc_usable_size(p) >= sizes[i];
			q = aligned_alloc(align, sizes[i]);
			r = memalign(align, sizes[i]);
			good &= q && aligned(q, align) && r && aligned(r, align);
			fill(p, sizes[i]);
			fill(q, sizes[i]);
			fill(r, sizes[i]);
			kept &= holds(p, sizes[i], p, sizes[i]) &&
				holds(q, sizes[i], q, sizes[i]);
			free(p);
			r = realloc(r, sizes[i] + 100);
			free(q);
			free(r);
		}
	}
	tap_ok(good, "posix_memalign, aligned_alloc, memalign: aligned from 8 to 4 MiB");
	tap_ok(kept, "aligned blocks do not overlap");
}

static void bad_alignments(void)
{
	static const size_t bad[] = { 0, 1, 2, 4, 3, 24, 48, 100, SIZE_MAX };
	void *p = &p;
	bool good = true;

	errno = 4711;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		good &= posix_memalign(&p, bad[i], 100) == EINVAL && p == &p;
	tap_ok(good && errno == 4711,
	       "posix_memalign: EINVAL for what is no power of two, nothing else touched");
	tap_ok(posix_memalign(&p, 64, SIZE_MAX - 100) == ENOMEM && p == &p && errno == 4711,
	       "posix_memalign: ENOMEM, nothing else touched");
	errno = 0;
	p = aligned_alloc(48, 100);
	tap_ok(!p && errno == EINVAL, "aligned_alloc: EINVAL for what is no power of two");
	errno = 0;
	p = memalign((SIZE_MAX >> 1) + 2, 100);
	tap_ok(!p && errno == EINVAL, "memalign: EINVAL beyond the largest power of two");
	p = memalign(48, 100);
	tap_ok(p && aligned(p, 64), "memalign: the next power of two, as in glibc");
	free(p);
}

static void whole_pages(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p = valloc(100), *q = pvalloc(page + 1), *r = pvalloc(0);

	tap_ok(p && aligned(p, page), "valloc: aligned to a page");
	tap_ok(q && aligned(q, page) && malloc_usable_size(q) >= 2 * page,
	       "pvalloc: whole pages");
	tap_ok(r && malloc_usable_size(r) >= page, "pvalloc of nothing: a page");
	free(p);
	free(q);
	free(r);
}

static void the_rest(void)
{
	tap_is(malloc_usable_size(NULL), 0, "malloc_usable_size(NULL) is 0");
	if (!free_sized || !free_aligned_sized || !cfree) {
		tap_skip("this allocator does not have them", "free_sized and cfree");
		return;
	}
	for (size_t i = 0; i < NR_EDGES; i++) {
		free_sized(malloc(edges[i]), edges[i]);
		free_aligned_sized(aligned_alloc(64, edges[i]), 64, edges[i]);
		cfree(calloc(1, edges[i]));
	}
	free_sized(NULL, 10);
	tap_ok(1, "free_sized, free_aligned_sized and cfree free");
}

/* ---- what only this allocator tells -------------------------------------------------- */

extern __typeof__(memstate_malloc_stats) memstate_malloc_stats __attribute__((weak));
extern __typeof__(memstate_alloc_totals) memstate_alloc_totals __attribute__((weak));
extern __typeof__(memstate_malloc_check) memstate_malloc_check __attribute__((weak));
extern __typeof__(memstate_malloc_scavenge) memstate_malloc_scavenge __attribute__((weak));
extern __typeof__(memstate_malloc_class) memstate_malloc_class __attribute__((weak));
extern __typeof__(memstate_malloc_set) memstate_malloc_set __attribute__((weak));
extern __typeof__(memstate_malloc_get) memstate_malloc_get __attribute__((weak));

static int mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	int nr = 0, c;

	while ((c = fgetc(f)) != EOF)
		nr += c == '\n';
	fclose(f);
	return nr;
}

static long peak_mib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss >> 10;
}

/* Each page says whose it is, and which. */
static void pages_mark(unsigned int *p, size_t from, size_t size, unsigned int who)
{
	for (size_t k = from / 4096; k < size / 4096; k++)
		p[k * 1024] = (unsigned int)k << 4 | who;
}

static int pages_marked(const unsigned int *p, size_t size, unsigned int who)
{
	for (size_t k = 0; k < size / 4096; k++)
		if (p[k * 1024] != ((unsigned int)k << 4 | who))
			return 0;
	return 1;
}

/* Neighbours that grow in turn, with one that shrinks: none can do it where it is. */
static void realloc_moves_big_blocks(void)
{
	enum { NR = 6 };
	unsigned int *p[NR];
	size_t size[NR], more;
	int before, good = 1;

	memstate_malloc_scavenge();
	before = mappings();
	for (int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < NR; i++) {
			size[i] = 2 * MIB + i * 50000;
			p[i] = malloc(size[i]);
			pages_mark(p[i], 0, size[i], i);
		}
		for (int step = 0; step < 9; step++) {
			for (unsigned int i = 0; i < NR; i++) {
				more = size[i] + size[i] / (2 + i % 3);
				p[i] = realloc(p[i], more);
				good &= p[i] && pages_marked(p[i], size[i], i);
				pages_mark(p[i], 0, more, i);
				size[i] = more;
			}
			size[step % NR] /= 3;
			p[step % NR] = realloc(p[step % NR], size[step % NR]);
			good &= pages_marked(p[step % NR], size[step % NR], (unsigned int)step % NR);
			if (step % 3 == 2)
				memstate_malloc_scavenge();
		}
		for (int i = 0; i < NR; i++)
			free(p[i]);
	}
	tap_ok(good, "realloc: big blocks without room keep their contents");
	memstate_malloc_scavenge();
	tap_ok(mappings() <= before + 8, "realloc: what has moved leaves no mappings behind (%d, %d)",
	       before, mappings());
	p[0] = calloc(1, 64 * MIB);
	for (size_t k = 0; k < 64 * MIB / sizeof(int); k += 1024)
		good &= !p[0][k];
	tap_ok(good, "calloc: zeros where moved blocks were");
	free(p[0]);
	tap_ok(!memstate_malloc_check(), "realloc: the figures are right after moves");
}

/* One that has grown among the small ones goes to the big ones when it leaves its place. */
static void realloc_changes_zones(void)
{
	enum { NR = 64 };
	size_t size = MIB, near = (size_t)4 << 30;
	unsigned int *p, *fences[NR], *big = malloc(8 * MIB);
	intptr_t far;
	int nr = 0;

	memstate_malloc_scavenge();
	p = malloc(size);
	pages_mark(p, 0, size, 1);
	far = (char *)p - (char *)big;
	tap_ok((size_t)(far < 0 ? -far : far) > near, "malloc: 1 MiB is elsewhere than 8 MiB");
	/* Until it has grown where it is beyond where the others begin. */
	while (size < 3 * MIB) {
		p = realloc(p, size + MIB / 4);
		pages_mark(p, size, size + MIB / 4, 1);
		size += MIB / 4;
	}
	/* Until one lies behind it. */
	do
		fences[nr] = malloc(MIB);
	while ((char *)fences[nr++] != (char *)p + size && nr < NR);
	p = realloc(p, 16 * MIB);
	far = (char *)p - (char *)big;
	tap_ok(pages_marked(p, size, 1) && (size_t)(far < 0 ? -far : far) < near,
	       "realloc: to 16 MiB is there too, contents kept");
	while (nr)
		free(fences[--nr]);
	free(p);
	free(big);
}

static void realloc_has_a_big_block_once(void)
{
	size_t size = 64 * MIB;
	unsigned int *p, *fence;
	long before, after;

	memstate_malloc_scavenge();
	p = malloc(size);
	fence = malloc(2 * MIB);
	pages_mark(p, 0, size, 1);
	before = peak_mib();
	for (; size < 256 * MIB; size += 32 * MIB) {
		p = realloc(p, size + 32 * MIB);
		pages_mark(p, size, size + 32 * MIB, 1);
	}
	after = peak_mib();
	tap_ok(pages_marked(p, size, 1), "realloc: to 256 MiB, contents kept");
	tap_ok(after - before < 220, "realloc: never twice in memory (%ld MiB for 192 more)",
	       after - before);
	free(fence);
	free(p);
}

/* Blocks of each class, counted by hand, against what the allocator says. */
static void statistics_are_exact(void)
{
	struct memstate_malloc_stats before, with, after;
	static void *blocks[NR_EDGES][40];
	uint64_t bytes = 0, count = 0;

	memstate_malloc_stats(&before);
	for (size_t i = 0; i < NR_EDGES - 1; i++) {
		for (int j = 0; j < 40; j++) {
			blocks[i][j] = malloc(edges[i]);
			bytes += malloc_usable_size(blocks[i][j]);
			count++;
		}
	}
	memstate_malloc_stats(&with);
	tap_is(with.allocated_count - before.allocated_count, count,
	       "stats: every block that was allocated is counted");
	tap_is(with.allocated_bytes - before.allocated_bytes, bytes,
	       "stats: so are its bytes");
	tap_is(with.data_bytes - before.data_bytes, bytes,
	       "stats: data is what is in use");
	tap_is(with.ready_bytes, with.data_bytes + with.frag_bytes + with.idle_bytes,
	       "stats: Ready is data, fragmentation and idle");
	/* Every third one, so that slabs stay full but for some. */
	for (size_t i = 0; i < NR_EDGES - 1; i++) {
		for (int j = 0; j < 40; j += 3) {
			bytes -= malloc_usable_size(blocks[i][j]);
			count--;
			free(blocks[i][j]);
		}
	}
	memstate_malloc_stats(&after);
	tap_is(after.data_bytes - before.data_bytes, bytes,
	       "stats: what was freed in full slabs is counted, too");
	tap_is(after.allocated_count - after.freed_count -
		       (before.allocated_count - before.freed_count), count,
	       "stats: blocks in use, likewise");
	tap_is(memstate_malloc_check(), 0, "check: the books are in order");
	for (size_t i = 0; i < NR_EDGES - 1; i++)
		for (int j = 0; j < 40; j++)
			if (j % 3)
				free(blocks[i][j]);
	memstate_malloc_stats(&after);
	tap_is(after.data_bytes, before.data_bytes, "stats: at the end it is as before");
	tap_is(memstate_malloc_check(), 0, "check: the books are in order then");
}

/* What outsiders read of the shards, and what the allocator finds by looking everywhere. */
static void direct_and_consistent_totals_agree(void)
{
	struct memstate_malloc_stats stats;
	struct memstate_alloc alloc;
	static void *blocks[30000];
	bool good = true, ready = true;

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 30000; i++)
			if (i % 4 != round || round == 0)
				blocks[i] = malloc((size_t)i * 7 % 3000 + (i % 500 ? 0 : 200000));
		if (memstate_malloc_stats(&stats) || memstate_alloc_totals(&alloc))
			good = false;
		if (!alloc.nr_shards) {
			tap_skip("without accounting", "shards: agree with the statistics");
			return;
		}
		good &= alloc.counters[MEMSTATE_ALLOC_BYTES] == stats.allocated_bytes &&
			alloc.counters[MEMSTATE_ALLOC_COUNT] == stats.allocated_count &&
			alloc.counters[MEMSTATE_FREE_BYTES] == stats.freed_bytes &&
			alloc.counters[MEMSTATE_FREE_COUNT] == stats.freed_count &&
			alloc.counters[MEMSTATE_IN_USE + MEMSTATE_HEAP] == stats.data_bytes;
		ready &= alloc.counters[MEMSTATE_SLAB_BYTES] +
				 alloc.counters[MEMSTATE_IDLE_BYTES] == stats.ready_bytes &&
			 alloc.counters[MEMSTATE_IDLE_BYTES] == stats.idle_bytes;
		if (!ready)
			printf("# slab %llu, idle %llu; ready %llu, idle %llu\n",
			       (unsigned long long)alloc.counters[MEMSTATE_SLAB_BYTES],
			       (unsigned long long)alloc.counters[MEMSTATE_IDLE_BYTES],
			       (unsigned long long)stats.ready_bytes,
			       (unsigned long long)stats.idle_bytes);
		for (int i = 0; i < 30000; i++)
			if (i % 4 != round + 1 || round == 3)
				free(blocks[i]);
		if (round == 1)
			memstate_malloc_scavenge();
	}
	tap_ok(good, "shards: at rest what outsiders read is what was counted directly");
	tap_ok(ready, "shards: so are the bytes in slabs, and those that are idle");
}

static void scavenging(void)
{
	struct memstate_malloc_stats stats;
	size_t dropped;
	char *p = malloc(20 * MIB);

	memset(p, 1, 20 * MIB);
	free(p);
	memstate_malloc_stats(&stats);
	tap_ok(stats.idle_bytes >= 20 * MIB, "stats: what was just freed is idle");
	dropped = memstate_malloc_scavenge();
	tap_ok(dropped >= 20 * MIB, "scavenge: drops what is idle");
	memstate_malloc_stats(&stats);
	tap_is(stats.idle_bytes, 0, "scavenge: nothing is idle then");
	p = malloc(20 * MIB);
	tap_ok(zeros(p, 20 * MIB), "scavenge: what was dropped comes back as zeros");
	free(p);
	tap_ok(malloc_trim(0) == 1, "malloc_trim: says that it gave something back");
}

/* A page that the program has locked, and freed, stays as it was: nobody can drop it. */
static void locked_memory_is_not_dropped(void)
{
	enum { NR = 256 };
	struct memstate_malloc_stats stats;
	char *blocks[NR], *p = malloc(MIB);
	char *page = (char *)(((uintptr_t)p + 4095) & -(uintptr_t)4096);
	bool found = false, good = true;
	int nr = 0;

	memset(p, 1, MIB);
	if (mlock(page, 4096)) {
		tap_ok(0, "mlock: a page can be locked");
		return;
	}
	free(p);
	memstate_malloc_scavenge();
	memstate_malloc_stats(&stats);
	tap_ok(stats.idle_bytes >= 4096, "scavenge: what is locked is idle still");
	/* Until there is one that lies where that was. */
	while (nr < NR && !found) {
		blocks[nr] = calloc(1, MIB);
		found = blocks[nr] <= page && page < blocks[nr] + MIB;
		good &= zeros(blocks[nr++], MIB);
	}
	tap_ok(found && good, "calloc: zeros where locked memory was (block %d)", nr);
	munlock(page, 4096);
	while (nr)
		free(blocks[--nr]);
}

static void settings(void)
{
	struct memstate_malloc_class class_;
	int64_t was, value;
	unsigned int nr = 0;

	while (!memstate_malloc_class(nr, &class_))
		nr++;
	tap_is(nr, 72, "class: there are 72");
	tap_is(memstate_malloc_class(72, &class_), -EINVAL, "class: EINVAL beyond the last");
	tap_is(memstate_malloc_get("decay_ms", &was), 0, "get: decay_ms is known");
	tap_is(memstate_malloc_get("colour", &value), -ENOENT, "get: ENOENT for what is not");
	tap_is(memstate_malloc_set("colour", 1), -ENOENT, "set: ENOENT for what is not");
	tap_is(memstate_malloc_set("decay_ms", -2), -EINVAL, "set: EINVAL for no such time");
	tap_is(memstate_malloc_set("decay_ms", 0), 0, "set: decay_ms 0");
	free(memset(malloc(3 * MIB), 1, 3 * MIB));
	{
		struct memstate_malloc_stats stats;

		memstate_malloc_stats(&stats);
		tap_ok(stats.idle_bytes < MIB, "decay_ms 0: what is freed is dropped at once");
	}
	memstate_malloc_set("decay_ms", was);
}

int main(void)
{
	every_size_gives_a_block_of_its_own();
	edges_and_contents();
	powers_of_two_are_aligned();
	too_much();
	errno_is_left_alone();
	calloc_gives_zeros();
	realloc_keeps_contents();
	realloc_edges();
	alignments();
	bad_alignments();
	whole_pages();
	the_rest();
	if (memstate_malloc_stats) {
		classes_waste_little();
		realloc_grows_a_big_block_in_place();
		realloc_has_a_big_block_once();
		realloc_changes_zones();
		realloc_moves_big_blocks();
		statistics_are_exact();
		direct_and_consistent_totals_agree();
		scavenging();
		locked_memory_is_not_dropped();
		settings();
	}
	return tap_end();
}
