// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What free blocks' links are stored with. Who knows where two blocks are and reads what is in them
 * can tell it; who reads one block only must not, and it must not be a secret of somebody else's.
 * TAP.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/auxv.h>

#include "names.h"
#include "tap.h"

#define SIZE	1000
#define NR	200

extern __typeof__(memstate_malloc_stats) memstate_malloc_stats __attribute__((weak));

static uintptr_t *blocks[NR];
static volatile uintptr_t words[NR];

/* The first word of each when all are free: a link to the one that was freed before it. */
static void look(void)
{
	for (int i = 0; i < NR; i++)
		blocks[i] = malloc(SIZE);
	for (int i = 0; i < NR; i++)
		free(blocks[i]);
	for (int i = 0; i < NR; i++)
		words[i] = *(volatile uintptr_t *)blocks[i];
}

/* The one that most links give, whatever slabs these are of. */
static uintptr_t secret(void)
{
	uintptr_t best = 0;
	int most = 0;

	for (int i = 1; i < NR; i++) {
		uintptr_t here = words[i] ^ (uintptr_t)blocks[i - 1];
		int nr = 0;

		for (int k = 1; k < NR; k++)
			nr += (words[k] ^ (uintptr_t)blocks[k - 1]) == here;
		if (nr > most) {
			most = nr;
			best = here;
		}
	}
	tap_ok(most > NR / 2, "links are stored with one secret: %d of %d", most, NR - 1);
	return best;
}

int main(void)
{
	const uintptr_t *given = (const uintptr_t *)getauxval(AT_RANDOM);
	bool bare = false;
	uintptr_t it;

	if (!memstate_malloc_stats) {
		tap_skip("this is another allocator", "the secret");
		return tap_end();
	}
	look();
	it = secret();
	for (int i = 0; i < NR; i++)
		bare |= words[i] == it;
	tap_ok(!bare, "in no free block it stands by itself");
	tap_ok(it != given[0] && it != given[1] && it != (given[0] ^ given[1]),
	       "it is none of the C library's");
	return tap_end();
}
