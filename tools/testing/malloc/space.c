// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Address space: little at first, and more as it is needed, so that mlockall() and a RLIMIT_AS that is
 * set later meet what is used; and what happens where somebody else is in the way. TAP.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "names.h"
#include "stats.h"
#include "tap.h"

#define MIB	((size_t)1 << 20)
#define NOBODY	65534

/* What the kernel counts, bytes. */
static size_t space(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t pages;

	if (!f || fscanf(f, "%zu", &pages) != 1)
		abort();
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	int c, n = 0;

	while (f && (c = getc(f)) != EOF)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

/* In a child, which says by its exit status whether it went well. */
static bool in_child(bool (*fn)(void))
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(!fn());
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static void limit(int resource, size_t bytes)
{
	struct rlimit r = { bytes, bytes };

	if (setrlimit(resource, &r))
		abort();
}

/* ---- mlockall -------------------------------------------------------------------------- */

/* In what Debian lets everybody lock. */
static bool locks_all(void)
{
	struct rlimit r;
	char *p;

	if (getrlimit(RLIMIT_MEMLOCK, &r) || r.rlim_cur > 8 * MIB)
		limit(RLIMIT_MEMLOCK, 8 * MIB);
	if (!getuid() && setuid(NOBODY))
		return false;
	if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
		printf("# mlockall: %m, with %zu KiB of address space\n", space() >> 10);
		return false;
	}
	p = malloc(200000);
	if (p)
		memset(p, 1, 200000);
	free(p);
	return p;
}

/* ---- RLIMIT_AS ------------------------------------------------------------------------- */

static void *allocate_some(void *arg)
{
	*(void **)arg = malloc(100);
	return NULL;
}

static bool lives_under_a_later_limit(void)
{
	enum { NR = 300 };
	static void *p[NR];
	void *of_thread = NULL;
	pthread_t thread;
	size_t room;
	int had = 0;

	limit(RLIMIT_AS, 200 * MIB);
	/* Of which there are some already, and a thread's stack. */
	room = (200 * MIB - space()) / MIB - 8;
	if (pthread_create(&thread, NULL, allocate_some, &of_thread) ||
	    pthread_join(thread, NULL) || !of_thread)
		return false;
	free(of_thread);
	while (had < NR && (p[had] = malloc(MIB)))
		memset(p[had++], 1, MIB);
	printf("# %d of %zu MiB\n", had, room);
	for (int i = 0; i < had; i++)
		free(p[i]);
	/* All but what is known of it. */
	return had >= (int)(room - room / 16) && had <= (int)room && !memstate_malloc_check();
}

/* ---- growing --------------------------------------------------------------------------- */

#define SIZE	2000
#define NR	(300 * MIB / SIZE)

static void *blocks[NR];
static size_t nr_blocks;

static void take(size_t bytes)
{
	for (size_t i = 0; i < bytes / SIZE && nr_blocks < NR; i++) {
		blocks[nr_blocks] = malloc(SIZE);
		if (!blocks[nr_blocks])
			abort();
		memset(blocks[nr_blocks], (int)(nr_blocks % 251), SIZE);
		nr_blocks++;
	}
}

static bool give_all(void)
{
	bool good = true;

	for (size_t i = 0; i < nr_blocks; i++) {
		const unsigned char *p = blocks[i];

		good &= p[0] == i % 251 && p[SIZE - 1] == i % 251;
		free(blocks[i]);
	}
	nr_blocks = 0;
	return good;
}

static void grows_in_place(void)
{
	struct memstate_malloc_stats stats;
	int before = mappings();

	take(200 * MIB);
	stats = now();
	tap_ok(mappings() <= before + 4, "grown by 200 MiB it has as many mappings (%d, %d)", before,
	       mappings());
	tap_ok(stats.reserved_bytes <= 2 * stats.mapped_bytes + 8 * MIB,
	       "what is Reserved is twice what is accessible at most (%zu, %zu MiB)",
	       (size_t)stats.reserved_bytes / MIB, (size_t)stats.mapped_bytes / MIB);
	tap_ok(give_all(), "and blocks keep their contents");
}

/* Where what lies about an address, and what follows it without a gap, ends. */
static uintptr_t end_of(const void *p)
{
	FILE *f = fopen("/proc/self/maps", "r");
	uintptr_t from, to, end = 0;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx", &from, &to) != 2)
			abort();
		if (((uintptr_t)p >= from && (uintptr_t)p < to) || (end && from == end))
			end = to;
	}
	if (f)
		fclose(f);
	return end;
}

static void others_in_the_way(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *other;
	int before;

	take(20 * MIB);
	before = mappings();
	other = mmap((void *)end_of(blocks[nr_blocks - 1]), page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (other == MAP_FAILED) {
		tap_ok(0, "a page where the heap would grow: %m");
		return;
	}
	memset(other, 77, page);
	take(250 * MIB);
	tap_ok(other[0] == 77 && other[page - 1] == 77, "what lies in the way is left as it is");
	tap_ok(mappings() <= before + 24, "and there is one more place (%d, %d mappings)", before,
	       mappings());
	tap_ok(give_all(), "blocks keep their contents there, too");
	tap_is(memstate_malloc_check(), 0, "check: the books are in order");
	munmap(other, page);
}

/* ---- huge pages ------------------------------------------------------------------------ */

static size_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t pages;

	if (!f || fscanf(f, "%*u %zu", &pages) != 1)
		abort();
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* As the machine has it set, all memory may have huge pages, asked for or not. */
static bool always_huge(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
	char text[64] = "";

	if (f && !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	return strstr(text, "[always]");
}

static void sparse_blocks_cost_what_they_touch(void)
{
	enum { SPARSE = 50 };
	char *p[SPARSE];
	size_t before;

	if (always_huge()) {
		tap_skip("the system gives huge pages to all", "blocks that are sparsely used");
		return;
	}
	memstate_malloc_scavenge();
	before = resident();
	for (int i = 0; i < SPARSE; i++) {
		p[i] = malloc(8 * MIB);
		p[i][0] = 1;
		p[i][4 * MIB] = 1;
	}
	tap_ok(resident() - before < 4 * MIB, "fifty blocks of 8 MiB, two pages used of each: %zu KiB",
	       (resident() - before) >> 10);
	for (int i = 0; i < SPARSE; i++)
		free(p[i]);
}

int main(void)
{
	void *p;

	if (!memstate_malloc_stats) {
		tap_skip("this allocator does not tell", "address space");
		return tap_end();
	}
	free(malloc(100));
	tap_ok(space() < 8 * MIB, "a small program is small (%zu KiB)", space() >> 10);
	tap_ok(in_child(locks_all), "and may lock itself in 8 MiB, and allocate then");
	p = malloc(40 * MIB);
	tap_ok(space() < 100 * MIB, "one of 40 MiB is twice that at most (%zu KiB)", space() >> 10);
	free(p);
	tap_ok(in_child(lives_under_a_later_limit),
	       "RLIMIT_AS of 200 MiB, set later, leaves most of that to threads and blocks");
	sparse_blocks_cost_what_they_touch();
	grows_in_place();
	others_in_the_way();
	return tap_end();
}
