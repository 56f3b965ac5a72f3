// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kcov.h>

#include "actor.h"
#include "coverage.h"

#define THREADS		(ACTORS * COVERAGE_THREADS)
#define ENTRIES		(32UL * 1024)
#define TEXT_MAX	(1UL << 20)	/* bytes of the module's code */
#define PAIRS		(1UL << 20)

static u64 *buffers[THREADS];
static u64 text;
static u8 block_seen[TEXT_MAX];
static u8 pair_seen[PAIRS];
static u32 nr_blocks;

/* Make a buffer for each thread. Returns 0, or -1 where the kernel has no coverage. */
int coverage_init(void)
{
	void *at;
	int fd;
	u32 i;

	for (i = 0; i < THREADS; i++) {
		fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
		if (fd < 0 || dup3(fd, COVERAGE_FD + i, O_CLOEXEC) < 0)
			return -1;
		close(fd);
		fd = COVERAGE_FD + i;
		if (ioctl(fd, KCOV_INIT_TRACE, ENTRIES))
			return -1;
		at = mmap(NULL, ENTRIES * sizeof(u64), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (at == MAP_FAILED)
			return -1;
		madvise(at, ENTRIES * sizeof(u64), MADV_DONTFORK);
		buffers[i] = at;
	}
	return 0;
}

/* Look where the module's code is. */
void coverage_module_loaded(void)
{
	FILE *f = fopen("/sys/module/memstate/sections/.text", "r");
	unsigned long at = 0;

	if (f && fscanf(f, "%lx", &at) != 1)
		at = 0;
	if (f)
		fclose(f);
	text = at;
}

/* The calling thread writes into a buffer from now on. */
void coverage_of_thread(u32 which)
{
	ioctl(COVERAGE_FD + which, KCOV_ENABLE, KCOV_TRACE_PC);
}

/* Forget what is in the buffers. */
void coverage_begin(void)
{
	u32 i;

	for (i = 0; i < THREADS && buffers[i]; i++)
		__atomic_store_n(buffers[i], 0, __ATOMIC_RELAXED);
}

static u32 look_at(u64 pc, u64 before)
{
	u64 pair = pc * 0x9e3779b97f4a7c15 ^ before * 0xbf58476d1ce4e5b9;
	u32 new = 0;

	if (!block_seen[pc]) {
		block_seen[pc] = 1;
		nr_blocks++;
		new++;
	}
	pair = (pair ^ pair >> 29) % PAIRS;
	if (!pair_seen[pair]) {
		pair_seen[pair] = 1;
		new++;
	}
	return new;
}

/*
 * Look through the buffers, whose threads have ended. Returns how much there is that was not
 * there before.
 */
u32 coverage_end(void)
{
	u64 pc, before, nr, i;
	u32 t, new = 0;

	for (t = 0; t < THREADS && buffers[t]; t++) {
		nr = __atomic_load_n(buffers[t], __ATOMIC_RELAXED);
		before = 0;
		for (i = 1; i <= nr && i < ENTRIES; i++) {
			pc = buffers[t][i] - text;
			if (pc >= TEXT_MAX)
				continue;
			new += look_at(pc, before);
			before = pc;
		}
	}
	return new;
}

/* How many different blocks have run. Returns their number. */
u32 coverage_blocks(void)
{
	return nr_blocks;
}

/* Write down where they are, from the beginning of the module's code on. */
void coverage_write(const char *path)
{
	FILE *f = fopen(path, "w");
	u32 i;

	if (!f)
		return;
	for (i = 0; i < TEXT_MAX; i++)
		if (block_seen[i])
			fprintf(f, "%x\n", i);
	fclose(f);
}
