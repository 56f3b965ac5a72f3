// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A program that takes no for an answer: each request may be refused, with ENOMEM, and
 * what it has keeps its contents. To be run with system calls made to fail, or under a
 * limit. Exits with 0, and says how often it was refused.
 *
 * faults limit BYTES: there is a limit of so many bytes, which must be met, and must give
 * way again when something is freed.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "names.h"

#define MIB ((size_t)1 << 20)
#define NR 400

static unsigned char *blocks[NR];
static size_t sizes[NR];
static unsigned int refused;

static void must(int cond, const char *what)
{
	if (cond)
		return;
	dprintf(2, "faults: %s\n", what);
	_exit(1);
}

static void *may_fail(void *p)
{
	if (!p) {
		must(errno == ENOMEM, "refused, but errno is not ENOMEM");
		refused++;
	}
	return p;
}

/*
 * All of the first page, some of each up to 64 KiB, and then one in so many: there are hundreds
 * of runs, and to touch pages is what takes their time.
 */
static size_t next(size_t k)
{
	return k + (k < 4096 ? 1 : k < 65536 ? 997 : 65521);
}

static void look(int i)
{
	for (size_t k = 0; k < sizes[i]; k = next(k))
		must(blocks[i][k] == (unsigned char)(i + k), "contents were lost");
}

static void fill(int i)
{
	for (size_t k = 0; k < sizes[i]; k = next(k))
		blocks[i][k] = (unsigned char)(i + k);
}

static void go_through(void)
{
	static const size_t some[] = { 20, 500, 3000, 30000, 100000, MIB, 3 * MIB };

	for (int i = 0; i < NR; i++) {
		errno = 0;
		sizes[i] = some[i % 7] + (size_t)i;
		blocks[i] = may_fail(i % 3 ? malloc(sizes[i]) : calloc(1, sizes[i]));
		if (!blocks[i])
			sizes[i] = 0;
		fill(i);
		if (i % 5 == 4 && blocks[i - 1]) {
			size_t size = sizes[i - 1] * 2;
			void *p;

			errno = 0;
			p = may_fail(realloc(blocks[i - 1], size));
			if (p) {
				blocks[i - 1] = p;
				look(i - 1);
				sizes[i - 1] = size;
				fill(i - 1);
			}
		}
		if (i % 10 == 9) {
			look(i - 5);
			free(blocks[i - 5]);
			blocks[i - 5] = NULL;
			sizes[i - 5] = 0;
		}
		if (i % 100 == 99)
			malloc_trim(0);
	}
	for (int i = 0; i < NR; i++) {
		look(i);
		free(blocks[i]);
		blocks[i] = NULL;
	}
}

static void meet_limit(size_t limit, size_t size)
{
	size_t nr = 0, room = limit / size + 1;
	void **p = malloc(room * sizeof(*p));

	must(p != NULL, "no room for the list itself");
	errno = 0;
	while (nr < room && (p[nr] = malloc(size))) {
		memset(p[nr], 1, size);
		nr++;
	}
	must(nr < room, "the limit was not met");
	must(errno == ENOMEM, "at the limit errno is not ENOMEM");
	must(nr * size > limit / 2, "refused long before the limit");
	/* Half of it back, and there is room for something of another size. */
	for (size_t i = nr / 2; i < nr; i++)
		free(p[i]);
	p[nr / 2] = malloc(limit / 4);
	must(p[nr / 2] != NULL, "nothing can be had after half was freed");
	memset(p[nr / 2], 1, limit / 4);
	for (size_t i = 0; i <= nr / 2; i++)
		free(p[i]);
	free(p);
}

/*
 * A block of some MiB that has been moved and then was refused grows as soon as there is room
 * for what it is to have more: it is never in memory twice, which would be beyond the limit.
 */
static void grow_after_refusal(size_t limit)
{
	size_t size = limit / 4, more = limit / 8 * 3, most = limit / 8 * 7;
	unsigned char *rest, *p, *next_to_it, *q;

	if (size < 8 * MIB)
		return;
	rest = malloc(limit / 16 * 9);
	p = malloc(size / 2);
	next_to_it = malloc(size / 2);
	must(rest && p && next_to_it, "no room below the limit");
	p = realloc(p, size);
	must(p != NULL, "no room to grow below the limit");
	p[0] = 1;
	p[size - 1] = 2;
	errno = 0;
	must(!realloc(p, more) && errno == ENOMEM, "more than the limit was given");
	free(rest);
	free(next_to_it);
	malloc_trim(0);
	q = realloc(p, most);
	must(q != NULL, "refused once, and never to grow again");
	must(q[0] == 1 && q[size - 1] == 2, "contents were lost when it grew");
	free(q);
}

int main(int argc, char **argv)
{
	size_t limit;

	dprintf(1, "begun\n");
	if (argc > 2 && !strcmp(argv[1], "limit")) {
		limit = strtoul(argv[2], NULL, 10);
		meet_limit(limit, 100);
		meet_limit(limit, 5000);
		meet_limit(limit, 300000);
		meet_limit(limit, 100);
		grow_after_refusal(limit);
		return 0;
	}
	go_through();
	go_through();
	dprintf(1, "refused %u\n", refused);
	return 0;
}
