// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A program for recorders: steps SEED N [MILLISECONDS [CHILDREN]]: N transitions of all
 * kinds at random, and unmappings that nobody reports, the same ones for a seed; then
 * it stands still for so long. Without MILLISECONDS, or below 0: until there is a line of
 * input, then once more, and to the end of its input. Each child does the same.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memstate.h>

#define PAGES	1024UL
#define PAGE	4096UL

static unsigned long long state;

static unsigned long roll(unsigned long below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned long)(state % below);
}

/* Reports alone: the memory itself stays as it is. */
static void step(char *area)
{
	unsigned long first = roll(PAGES), pages = 1 + roll(PAGES - first < 64 ? PAGES - first : 64);
	unsigned int to = (unsigned int)roll(6), flags = 0;
	char *addr = area + first * PAGE;

	if (roll(40) == 0) {
		/* Behind the library's back; the kernel finds out. */
		munmap(addr, pages * PAGE);
		mmap(addr, pages * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		return;
	}
	if ((to == MEMSTATE_RESERVED || to == MEMSTATE_PREPARED) && roll(2))
		flags |= MEMSTATE_LAZY;
	if (roll(4) == 0)
		flags |= MEMSTATE_KEEP_CLASS;
	if (memstate_post(MEMSTATE_ANY, to, (unsigned int)roll(8), flags, addr, pages * PAGE))
		exit(3);
}

int main(int argc, char **argv)
{
	int nr = argc > 2 ? atoi(argv[2]) : 0, wait_ms = argc > 3 ? atoi(argv[3]) : -1;
	int children = argc > 4 ? atoi(argv[4]) : 0;
	struct pollfd input = { .fd = 0, .events = POLLIN };
	char *area, byte;

	if (!nr)
		return 2;
	state = strtoull(argv[1], NULL, 10) * 2654435761ULL + 1;
	while (children-- > 0) {
		if (!fork()) {
			state += (unsigned long long)children + 99;
			break;
		}
	}
	area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return 3;
	do {
		for (int i = 0; i < nr; i++)
			step(area);
		/* Ready in the end, so that there is something to be seen. */
		if (memstate_post(MEMSTATE_ANY, MEMSTATE_READY, MEMSTATE_HEAP, 0, area, 4 * PAGE) ||
		    memstate_sync())
			return 3;
		printf("%d ready\n", getpid());
		fflush(stdout);
		poll(&input, wait_ms < 0, wait_ms);
	} while (wait_ms < 0 && read(0, &byte, 1) == 1);
	while (wait(NULL) > 0)
		;
	return 7;
}
