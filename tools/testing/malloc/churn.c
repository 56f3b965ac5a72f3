// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A working set that fits in 90 % of a limit is hardly ever refused, however long it churns, in
 * sizes of all kinds and by threads that free for each other; and a limit that is lowered meanwhile is followed. TAP.
 *
 * churn ROUNDS SEED THREADS: to be run with a limit of 128 MiB. What may be refused is what lies free
 * as shorter blocks only, or in slabs of another thread that lives.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <memstate.h>

#include "names.h"
#include "tap.h"

#define MIB	((size_t)1 << 20)
#define MAX	(128 * MIB)
#define LOWER	(64 * MIB)
#define THREADS	8	/* at most */
#define SOME	20	/* of so many one may be refused */

extern __typeof__(memstate_malloc_stats) memstate_malloc_stats __attribute__((weak));
extern __typeof__(memstate_malloc_check) memstate_malloc_check __attribute__((weak));
extern __typeof__(memstate_totals) memstate_totals __attribute__((weak));
extern __typeof__(memstate_totals_charged) memstate_totals_charged __attribute__((weak));
extern __typeof__(memstate_self_limit) memstate_self_limit __attribute__((weak));

/* One table for all threads: a slot is exchanged, so who frees a block is mostly another one. */
#define SLOTS	(1 << 19)
static struct slot {
	unsigned char *p;
	size_t size;
} slots[SLOTS];
static pthread_mutex_t locks[64];

static size_t live, live_max, refused, damaged;
static uint64_t seed;
static long rounds;
static int threads_nr;

static uint64_t random_of(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* Mostly small, a few of some pages, and now and then one of up to 256 KiB. */
static size_t size_of(uint64_t *state)
{
	uint64_t r = random_of(state);

	if (r % 16384 == 0)
		return (size_t)(r >> 20) % (MIB / 4) + 1;
	if (r % 512 == 0)
		return (size_t)(r >> 20) % 10000 + 1000;
	return (size_t)(r >> 20) % 700 + 1;
}

static size_t add_live(size_t more)
{
	return __atomic_add_fetch(&live, more, __ATOMIC_RELAXED);
}

static void put(struct slot *slot, unsigned char *p, size_t size)
{
	if (p) {
		p[0] = (unsigned char)size;
		p[size - 1] = (unsigned char)(size >> 8);
	}
	slot->p = p;
	slot->size = size;
}

static void drop(struct slot *slot)
{
	unsigned char last = (unsigned char)(slot->size >> 8);

	if (!slot->p)
		return;
	if ((slot->size > 1 && slot->p[0] != (unsigned char)slot->size) ||
	    slot->p[slot->size - 1] != last)
		__atomic_add_fetch(&damaged, 1, __ATOMIC_RELAXED);
	add_live(-malloc_usable_size(slot->p));
	free(slot->p);
	slot->p = NULL;
}

/* What lives stays below @live_max, as the allocator rounds sizes. */
static void *churn(void *arg)
{
	uint64_t state = seed + (uintptr_t)arg * 7919;

	for (long i = 0; i < rounds; i++) {
		uint32_t at = (uint32_t)(random_of(&state) % SLOTS);
		size_t size = size_of(&state);
		struct slot *slot = &slots[at];
		unsigned char *p;

		pthread_mutex_lock(&locks[at % 64]);
		drop(slot);
		/* Room is taken before it is used. */
		if (add_live(size + size / 8 + 16384) <= live_max) {
			p = malloc(size);
			refused += !p;
			put(slot, p, size);
			add_live((p ? malloc_usable_size(p) : 0) - (size + size / 8 + 16384));
		} else {
			add_live(-(size + size / 8 + 16384));
		}
		pthread_mutex_unlock(&locks[at % 64]);
	}
	return NULL;
}

static void churn_all(void)
{
	pthread_t threads[THREADS];

	for (uintptr_t t = 0; t < (uintptr_t)threads_nr; t++)
		if (pthread_create(&threads[t], NULL, churn, (void *)t))
			abort();
	for (int t = 0; t < threads_nr; t++)
		pthread_join(threads[t], NULL);
}

static size_t charged(void)
{
	struct memstate_totals totals;

	if (memstate_totals(&totals, 0))
		abort();
	return memstate_totals_charged(&totals);
}

static void drop_down_to(size_t bytes)
{
	for (int i = 0; i < SLOTS && live > bytes; i++)
		drop(&slots[i]);
}

int main(int argc, char **argv)
{
	size_t above, few;

	if (!memstate_malloc_stats || argc < 4) {
		tap_skip("this allocator does not tell", "a working set at a limit");
		return tap_end();
	}
	rounds = atol(argv[1]);
	seed = strtoull(argv[2], NULL, 0);
	threads_nr = atoi(argv[3]);
	if (threads_nr < 1 || threads_nr > THREADS)
		return 2;
	few = (size_t)(rounds * threads_nr / SOME);
	for (int i = 0; i < 64; i++)
		pthread_mutex_init(&locks[i], NULL);
	live_max = MAX / 10 * 9;
	churn_all();
	printf("# %zu MiB live, %zu charged\n", live / MIB, charged() / MIB);
	tap_ok(live > live_max / 10 * 9, "the working set has grown to what it may be");
	tap_ok(refused <= few, "at 90 %% of the limit as few of %ld requests are refused as may be (%zu, %zu)",
	       rounds * threads_nr, refused, few);
	tap_is(memstate_self_limit(LOWER, LOWER), 0, "the limit is lowered to half of that");
	above = charged();
	tap_ok(!malloc(8 * MIB), "what is beyond it is refused at once");
	/* Some of it is freed all over the place, and used again. */
	drop_down_to(live_max / 10 * 9);
	churn_all();
	tap_ok(charged() <= above, "while there is more than that no more is taken (%zu, %zu MiB)",
	       above / MIB, charged() / MIB);
	drop_down_to(0);
	free(malloc(MIB));
	tap_ok(charged() <= LOWER, "when all was freed it is followed (%zu MiB)", charged() / MIB);
	live_max = LOWER / 10 * 9;
	refused = 0;
	churn_all();
	printf("# %zu MiB live, %zu charged\n", live / MIB, charged() / MIB);
	tap_ok(live > live_max / 10 * 9, "the working set has grown to 90 %% of that");
	tap_ok(refused <= few, "nor are more refused then (%zu)", refused);
	tap_ok(charged() <= LOWER, "nor more charged");
	tap_is(damaged, 0, "each block had what was written to it");
	drop_down_to(0);
	tap_is(memstate_malloc_check(), 0, "check: the books are in order");
	return tap_end();
}
