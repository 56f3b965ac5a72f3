// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A program on jemalloc with the example's hooks preloaded: books and jemalloc's own
 * statistics are the same, whatever the program does. "hooks [MAX_MIB]"; "hooks 0": at the
 * start only.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jemalloc/jemalloc.h>
#include <memstate.h>

#include "tap.h"

#define MIB	((size_t)1 << 20)
#define BLOCKS	20000

static void *blocks[BLOCKS];
static size_t page;

static size_t stat_of(const char *name)
{
	uint64_t epoch = 1;
	size_t size = sizeof(epoch), value = 0;

	mallctl("epoch", &epoch, &size, &epoch, size);
	size = sizeof(value);
	if (mallctl(name, &value, &size, NULL, 0))
		tap_ok(0, "jemalloc knows %s", name);
	return value;
}

static void purge(void)
{
	mallctl("arena.4096.purge", NULL, NULL, NULL, 0);
}

static uint64_t nr_findings(void)
{
	struct memstate_finding f[8];
	uint64_t cursor = 0, nr = 0;
	uint32_t done = 0;

	do {
		if (memstate_audit(&cursor, f, 8, &done))
			return ~0ull;
		nr += done;
	} while (cursor);
	return nr;
}

/*
 * Active and dirty extents, and metadata, are Ready; retained ones Prepared, but for what
 * of the first mapping has not been in use yet (@early): that is retained and committed.
 */
static void agree(const char *when, bool early)
{
	size_t mapped = stat_of("stats.mapped"), retained = stat_of("stats.retained");
	size_t extents = (stat_of("stats.arenas.4096.pactive") +
			  stat_of("stats.arenas.4096.pdirty")) * page;
	struct memstate_totals t;
	uint64_t ready, prepared;
	char line[MEMSTATE_LINE_MAX];

	memstate_totals(&t, 0);
	ready = memstate_totals_state(&t, MEMSTATE_READY);
	prepared = memstate_totals_state(&t, MEMSTATE_PREPARED);
	printf("# %s: %s\n", when, memstate_format_line(line, sizeof(line), &t));
	printf("# %s: stats: active %zu resident %zu mapped %zu retained %zu metadata %zu\n", when,
	       stat_of("stats.active"), stat_of("stats.resident"), mapped, retained,
	       stat_of("stats.metadata"));
	tap_is(ready + prepared, mapped + retained, "%s: Ready + Prepared = mapped + retained", when);
	if (early) {
		tap_ok(ready >= mapped && ready - mapped <= 4 * MIB,
		       "%s: Ready is mapped, and what is left of jemalloc's first extent", when);
	} else {
		tap_is(ready, mapped, "%s: Ready = mapped", when);
		tap_is(prepared, retained, "%s: Prepared = retained", when);
	}
	tap_is(t.bytes[MEMSTATE_READY - 1][MEMSTATE_METADATA], mapped - extents,
	       "%s: class metadata = mapped without extents", when);
	tap_is(memstate_totals_state(&t, MEMSTATE_RESERVED), 0, "%s: nothing is Reserved", when);
	tap_is(t.prepared_lazy + t.reserved_lazy, 0, "%s: nothing is lazy", when);
	tap_ok(stat_of("stats.resident") <= ready, "%s: no more is resident than Ready", when);
	tap_is(t.drift + t.rejected, 0, "%s: no drift, nothing rejected", when);
	tap_is(nr_findings(), 0, "%s: an audit finds nothing", when);
}

static int fill(void)
{
	int i;

	for (i = 0; i < BLOCKS; i++) {
		size_t bytes = (size_t)(i * 37 % 9000 + 1);

		blocks[i] = i % 100 ? malloc(bytes) : calloc(1, 20 * bytes);
		if (!blocks[i])
			break;
		memset(blocks[i], i, bytes);
	}
	return i;
}

static void empty(int nr, int step)
{
	for (int i = 0; i < nr; i += step) {
		free(blocks[i]);
		blocks[i] = NULL;
	}
}

static void *churn(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;
	static const size_t sizes[] = { 10, 1000, 20000, 300000, 3000000 };
	void *mine[64] = { NULL };

	for (int i = 0; i < 4000; i++) {
		int slot = rand_r(&seed) % 64;
		size_t bytes = sizes[rand_r(&seed) % 5];

		free(mine[slot]);
		mine[slot] = rand_r(&seed) % 8 ? malloc(bytes) : aligned_alloc(1 << 16, 1 << 18);
		if (mine[slot])
			memset(mine[slot], 1, 10);
		if (i % 500 == 0)
			purge();
	}
	for (int i = 0; i < 64; i++)
		free(mine[i]);
	return NULL;
}

static void threads(void)
{
	pthread_t t[4];

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churn, (void *)(i + 1));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

/* While other threads are in the middle of it. */
static bool forks(void)
{
	pthread_t t[2];
	bool good = true;

	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, churn, (void *)(i + 10));
	for (int i = 0; i < 20; i++) {
		int status;
		pid_t pid = fork();

		if (!pid) {
			struct memstate_totals totals;
			void *p;

			alarm(600);
			p = malloc(3 * MIB);
			if (p)
				memset(p, 1, 3 * MIB);
			memstate_totals(&totals, 0);
			_exit(!p || totals.drift ||
			      memstate_totals_state(&totals, MEMSTATE_READY) < 3 * MIB);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			good = false;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	return good;
}

/*
 * From here on mappings lie in a GiB where none was, so that jemalloc's index of addresses wants
 * memory for each extent. By itself that happens to one process in fifteen.
 */
static void another_gib(void)
{
	void *p = mmap(NULL, 4096 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	tap_ok(p != MAP_FAILED, "4 GiB of address space are taken");
}

static void limit(size_t max)
{
	struct memstate_totals t;
	size_t retained;
	void *p;
	int nr;

	tap_ok(!memstate_self_limit(MEMSTATE_UNLIMITED, max), "limited to %zu MiB", max / MIB);
	purge();
	nr = fill();
	tap_ok(nr < BLOCKS && !blocks[nr], "malloc returns NULL (after %d blocks)", nr);
	tap_ok(memstate_refusal(NULL), "as was refused: %s", memstate_refusal(NULL));
	memstate_totals(&t, 0);
	tap_ok(memstate_totals_charged(&t) <= max, "%llu bytes are held",
	       (unsigned long long)memstate_totals_charged(&t));
	agree("at the limit", false);
	another_gib();
	retained = stat_of("stats.retained");
	for (int i = 0; i < 1000; i++) {
		p = malloc(max);
		if (p)
			break;
	}
	tap_ok(!p, "a block as large as the limit is refused, a thousand times");
	tap_ok(stat_of("stats.retained") - retained < 4 * max,
	       "and address space does not grow with each");
	agree("refused", false);
	empty(nr, 1);
	purge();
	agree("given back", false);
	p = calloc(1, max / 2);
	tap_ok(p, "a block of half the limit");
	free(p);
	purge();
}

int main(int argc, char **argv)
{
	char *p;

	setvbuf(stdout, malloc(1 << 16), _IOLBF, 1 << 16);
	page = (size_t)sysconf(_SC_PAGESIZE);
	printf("# back end %s\n", memstate_backend_name());
	agree("at first", true);
	if (argc > 1 && !atoi(argv[1]))
		return tap_end();
	if (argc > 1) {
		tap_ok(fill() == BLOCKS, "without a limit all is given");
		empty(BLOCKS, 1);
		limit((size_t)atoi(argv[1]) * MIB);
		return tap_end();
	}
	fill();
	agree("filled", false);
	empty(BLOCKS, 2);
	agree("every other block given back", false);
	purge();
	agree("purged", false);
	empty(BLOCKS, 1);
	purge();
	agree("empty", false);
	p = malloc(50 * MIB);
	agree("a large block", false);
	p = realloc(p, 90 * MIB);
	agree("larger", false);
	p = realloc(p, 10 * MIB);
	purge();
	agree("smaller", false);
	free(p);
	purge();
	p = calloc(1, 50 * MIB);
	for (size_t i = 0; p && i < 50 * MIB; i += page)
		if (p[i]) {
			tap_ok(0, "zeroes at %zu", i);
			break;
		}
	free(p);
	p = aligned_alloc(8 * MIB, 24 * MIB);
	tap_is((uintptr_t)p % (8 * MIB), 0, "aligned to 8 MiB");
	agree("aligned", false);
	free(p);
	threads();
	purge();
	agree("after threads", false);
	tap_ok(forks(), "children have books, and memory");
	purge();
	agree("after forks", false);
	return tap_end();
}
