// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Workloads of one thread. */
#include <stdlib.h>
#include <string.h>

#include "workloads.h"

#define MIB ((size_t)1 << 20)

static struct {
	void *p;
	size_t size;
} *live;
static size_t nr_live;

static void live_new(size_t nr)
{
	live = calloc(nr, sizeof(*live));
	nr_live = nr;
}

static void live_set(size_t i, size_t size)
{
	if (live[i].p)
		put(live[i].p, live[i].size);
	live[i].p = size ? get(size) : NULL;
	live[i].size = size;
}

static void live_drop(void)
{
	for (size_t i = 0; i < nr_live; i++)
		if (live[i].p)
			put(live[i].p, live[i].size);
	free(live);
	live = NULL;
	nr_live = 0;
}

/* Batches of one size, freed in the order of allocation, in reverse, and by turns. */
static void small(void)
{
	enum { NR = 4000 };
	static void *p[NR];

	for (int round = 0; round < 1100; round++) {
		for (size_t size = 8; size <= 500; size += 8 + size / 4) {
			for (int i = 0; i < NR; i++)
				p[i] = get(size);
			for (int i = 0; i < NR; i++)
				put(p[round % 3 == 0 ? i : round % 3 == 1 ? NR - 1 - i :
				      (i % 2) * (NR / 2) + i / 2], size);
		}
	}
}

static void sizes(void)
{
	uint64_t rng = SEED;

	live_new(40000);
	for (int i = 0; i < 24000000; i++) {
		uint64_t r = draw(&rng);
		unsigned int magnitude = 3 + (r >> 40) % 9;

		live_set(r % nr_live, 1 + (r >> 16 & ((1u << magnitude) - 1)));
	}
}

static void big(void)
{
	uint64_t rng = SEED;

	live_new(20);
	for (int i = 0; i < 1200; i++) {
		size_t at = draw(&rng) % nr_live;
		size_t size = MIB / 2 + draw(&rng) % (25 * MIB - MIB / 2);

		for (size_t k = MIB / 4; k < live[at].size; k += MIB / 4)
			if (((char *)live[at].p)[k] != 1)
				failed("a page has lost its contents: the test");
		live_set(at, size);
		for (size_t k = 4096; k < size; k += 4096)
			((char *)live[at].p)[k] = 1;
	}
}

/* A cache whose entries grow larger from phase to phase, and then smaller again. */
static void frag(void)
{
	static const size_t phases[] = { 60, 200, 700, 2500, 300, 90 };
	uint64_t rng = SEED;

	live_new(120000);
	for (size_t phase = 0; phase < 6; phase++) {
		size_t mean = phases[phase], bytes = 40 * MIB / mean;

		for (size_t i = 0; i < 1500000; i++) {
			size_t at = draw(&rng) % nr_live;

			/* So that about 40 MiB live, whatever the size. */
			live_set(at, draw(&rng) % nr_live < bytes ?
					     mean / 2 + draw(&rng) % mean : 0);
		}
	}
}

static void grow(void)
{
	enum { NR = 300 };
	static char *v[NR];
	size_t size[NR];
	char *one = NULL;

	for (int round = 0; round < 12; round++) {
		for (int i = 0; i < NR; i++) {
			v[i] = NULL;
			size[i] = 16;
		}
		for (int step = 0; step < 60; step++) {
			for (int i = 0; i < NR; i++) {
				size_t old = size[i];

				size[i] += old / (2 + (size_t)i % 7) + 8;
				if (size[i] > 200000)
					continue;
				v[i] = realloc(v[i], size[i]);
				if (!v[i])
					failed("realloc");
				/* To be kept: the first byte, and what was the last one. */
				if (!step)
					v[i][0] = (char)i;
				else if (v[i][0] != (char)i || v[i][old - 1] != (char)step)
					failed("realloc has lost contents: the test");
				v[i][size[i] - 1] = (char)(step + 1);
			}
		}
		for (int i = 0; i < NR; i++)
			free(v[i]);
		for (size_t n = MIB; n < 120 * MIB; n += n / 8) {
			one = realloc(one, n);
			if (!one)
				failed("realloc");
			if (n > MIB && one[MIB - 1] != 1)
				failed("realloc has lost contents: the test");
			memset(one + n - n / 9, 1, n / 9);
		}
		free(one);
		one = NULL;
	}
}

/* Of depth 14: the sum over d of d * 2^(14 - d). */
#define TREE_SUM	32752

struct node {
	struct node *left, *right;
	long value;
};

static struct node *tree_new(int depth)
{
	struct node *n = malloc(sizeof(*n));

	if (!n)
		failed("malloc");
	n->value = depth;
	n->left = depth ? tree_new(depth - 1) : NULL;
	n->right = depth ? tree_new(depth - 1) : NULL;
	return n;
}

static long tree_free(struct node *n)
{
	long sum;

	if (!n)
		return 0;
	sum = n->value + tree_free(n->left) + tree_free(n->right);
	free(n);
	return sum;
}

static void tree(void)
{
	struct node *lasting = tree_new(17);

	for (int i = 0; i < 2200; i++) {
		struct node *n = tree_new(14);

		if (tree_free(n) != TREE_SUM)
			failed("a tree does not add up");
	}
	tree_free(lasting);
}

/* Words that live shortly, and some that are kept in a dictionary. */
static void strings(void)
{
	uint64_t rng = SEED;
	char *word = NULL, *line;

	live_new(1 << 16);
	for (int i = 0; i < 24000000; i++) {
		size_t n = 4 + draw(&rng) % 28;

		word = malloc(n + 1);
		line = malloc(n * 3 + 20);
		if (!word || !line)
			failed("malloc");
		memset(word, 'a' + i % 26, n);
		word[n] = '\0';
		memcpy(line, word, n + 1);
		if (i % 16 == 0)
			live_set(draw(&rng) % nr_live, n + 1);
		if (line[n - 1] != word[n - 1] || line[n])
			failed("a string has lost its contents: the test");
		free(line);
		free(word);
	}
}

const struct workload workloads_single[] = {
	{ .name = "small", .run = small,
	  .about = "one thread, small objects, batches freed in three orders" },
	{ .name = "sizes", .run = sizes, .drop = live_drop,
	  .about = "one thread, 1 to 2,000 bytes, a random live set" },
	{ .name = "big", .run = big, .drop = live_drop,
	  .about = "one thread, 0.5 to 25 MiB, every page touched" },
	{ .name = "frag", .run = frag, .drop = live_drop,
	  .about = "one thread, a live set whose sizes shift over time" },
	{ .name = "grow", .run = grow,
	  .about = "one thread, vectors that grow by realloc, and a huge one" },
	{ .name = "tree", .run = tree,
	  .about = "one thread, binary trees, and one that lasts" },
	{ .name = "strings", .run = strings, .drop = live_drop,
	  .about = "one thread, short strings and a dictionary" },
	{ 0 }
};
