// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A program with nothing of ours in it, static, that does with memory what it is told on
 * its standard input: a letter and a number of KiB in each line. It answers each by a line
 * with a number: 1 done, 0 refused, or what was asked for.
 *
 *   m  map so much        M  map and touch so much       t  touch all that is mapped
 *   z  malloc and touch   u  unmap the last one          d  MADV_DONTNEED the last one
 *   v  MADV_FREE it       r  reserve so much (PROT_NONE) w  make so much of it writable, touched
 *   p  fill: map and touch so much at a time until refused; how many bytes that was
 *   f  fork, the child goes on and the parent waits      F  likewise, the parent ends
 *   x  exec itself                                       h  start so many threads that touch 230 KiB
 *                                                        of their stacks each; how many could
 *   c  bytes of its private writable mappings, by smaps  b  bytes that are backed, likewise
 *   C  as c, with mappings that grow down
 *   e  bytes of its private anonymous mappings that it may not write
 *   n  call itself something that would be two lines of a log
 *   a  take all access from the last one                 A  make it writable
 *   X  likewise, and executable                          s  make it so long, perhaps elsewhere
 *   N  map with MAP_NORESERVE                            g  map so that it may grow down
 *   o  move the end of the heap up by so much            k  fork a child, that ends at once
 *   V  vfork one                                         T  start a thread, that stays
 *   L  allow so much address space by RLIMIT_AS          R  some random steps, as many as KiB
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAPS	4096

static struct {
	char *at;
	size_t bytes;
} maps[MAPS];

static int nr_maps;
static char *reserved;
static size_t writable;

static int touch(char *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 4096)
		at[i] = 1;
	return 1;
}

static int map_with(size_t bytes, int flags)
{
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (at == MAP_FAILED || nr_maps == MAPS)
		return 0;
	maps[nr_maps].at = at;
	maps[nr_maps++].bytes = bytes;
	return 1;
}

static int map(size_t bytes)
{
	return map_with(bytes, 0);
}

static int map_touch(size_t bytes)
{
	return map(bytes) && touch(maps[nr_maps - 1].at, bytes);
}

static long fill(size_t bytes)
{
	long sum = 0;

	while (map_touch(bytes))
		sum += bytes;
	return sum;
}

static int allocate(size_t bytes)
{
	char *at = malloc(bytes);

	return at && touch(at, bytes);
}

static int reserve(size_t bytes)
{
	reserved = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			-1, 0);
	writable = 0;
	return reserved != MAP_FAILED;
}

static int make_writable(size_t bytes)
{
	if (mprotect(reserved + writable, bytes, PROT_READ | PROT_WRITE))
		return 0;
	touch(reserved + writable, bytes);
	writable += bytes;
	return 1;
}

static int advise(int advice)
{
	return !madvise(maps[nr_maps - 1].at, maps[nr_maps - 1].bytes, advice);
}

static int unmap(void)
{
	nr_maps--;
	return !munmap(maps[nr_maps].at, maps[nr_maps].bytes);
}

/* Of private writable mappings their lengths, of all what is backed, of reservations their lengths. */
enum sum { LENGTHS, WRITABLE, BACKED, RESERVED };

static long smaps(enum sum what)
{
	static char line[512];
	unsigned long from, to;
	char flags[8];
	long bytes = 0, sum = 0, inode, kib;
	FILE *f = fopen("/proc/self/smaps", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %7s %*x %*s %ld", &from, &to, flags, &inode) == 4) {
			bytes = to - from;
			if (what == RESERVED && !inode && flags[1] == '-' && flags[3] == 'p' &&
			    !strchr(line, '['))
				sum += bytes;
		} else if (what <= WRITABLE && !strncmp(line, "VmFlags:", 8) &&
			   strstr(line, " wr") && !strstr(line, " sh") &&
			   (what == WRITABLE || !strstr(line, " gd")))
			sum += bytes;
		else if (what == BACKED && (sscanf(line, "Anonymous: %ld", &kib) == 1 ||
				      sscanf(line, "Swap: %ld", &kib) == 1))
			sum += kib * 1024;
	}
	if (f)
		fclose(f);
	return sum;
}

/* Touches its stack, says so by a pipe, and stays. */
static void *thread(void *arg)
{
	char stack[230 << 10];

	touch(stack, sizeof(stack));
	if (write(*(int *)arg, stack, 1) == 1)
		pause();
	return NULL;
}

static long threads(long most)
{
	pthread_t t;
	int ends[2];
	char done;
	long n;

	if (pipe(ends))
		return -1;
	for (n = 0; n < most; n++)
		if (pthread_create(&t, NULL, thread, &ends[1]) ||
		    read(ends[0], &done, 1) != 1)
			break;
	return n;
}

static void born(int parent_waits)
{
	pid_t pid = fork();

	if (pid < 0)
		_exit(3);
	if (!pid)
		return;
	if (parent_waits)
		waitpid(pid, NULL, 0);
	_exit(0);
}

static int protect(int access)
{
	return !mprotect(maps[nr_maps - 1].at, maps[nr_maps - 1].bytes, access);
}

static int resize(size_t bytes)
{
	char *at = mremap(maps[nr_maps - 1].at, maps[nr_maps - 1].bytes, bytes, MREMAP_MAYMOVE);

	if (at == MAP_FAILED)
		return 0;
	maps[nr_maps - 1].at = at;
	maps[nr_maps - 1].bytes = bytes;
	return 1;
}

static int heap_up(size_t bytes)
{
	return sbrk((intptr_t)bytes) != (void *)-1;
}

static int child_ends(pid_t pid)
{
	if (!pid)
		_exit(0);
	return pid > 0 && waitpid(pid, NULL, 0) == pid;
}

static int address_space(size_t bytes)
{
	struct rlimit limit = { bytes, bytes };

	return !setrlimit(RLIMIT_AS, &limit);
}

/* The same number as ever: what it does at which step does not matter, that it differs does. */
static unsigned int dice(void)
{
	static unsigned int seed;

	seed = (seed ? seed : (unsigned int)getpid()) * 1664525 + 1013904223;
	return seed >> 8;
}

static void child_grows(size_t bytes)
{
	pid_t pid = fork();

	if (!pid) {
		map(bytes);
		if (dice() % 2)
			execl("/proc/self/exe", "observe_prog", "end", NULL);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* What can be refused may be. */
static long step(void)
{
	size_t bytes = (1 + dice() % 1024) * 4096;

	switch (dice() % 8) {
	case 0:
	case 1:
		return map(bytes);
	case 2:
		return map_with(bytes, MAP_NORESERVE);
	case 3:
		return !nr_maps || unmap();
	case 4:
		return !nr_maps || protect(PROT_NONE);
	case 5:
		return !nr_maps || protect(PROT_READ | PROT_WRITE | (dice() % 2 ? PROT_EXEC : 0));
	case 6:
		return heap_up((dice() % 2 ? bytes : -bytes) / 16);
	default:
		child_grows(bytes);
		return 1;
	}
}

static long steps(long n)
{
	while (n--) {
		step();
		while (nr_maps > 32)
			unmap();
	}
	while (nr_maps)
		unmap();
	return 1;
}

static long done(char what, size_t bytes)
{
	switch (what) {
	case 'm':
		return map(bytes);
	case 'M':
		return map_touch(bytes);
	case 't':
		for (int i = 0; i < nr_maps; i++)
			touch(maps[i].at, maps[i].bytes);
		return 1;
	case 'z':
		return allocate(bytes);
	case 'u':
		return unmap();
	case 'd':
		return advise(MADV_DONTNEED);
	case 'v':
		return advise(MADV_FREE);
	case 'r':
		return reserve(bytes);
	case 'w':
		return make_writable(bytes);
	case 'p':
		return fill(bytes);
	case 'f':
	case 'F':
		born(what == 'f');
		return 1;
	case 'n':
		return !prctl(PR_SET_NAME, "a\"b\nc\\d");
	case 'h':
		return threads(bytes / 1024);
	case 'c':
		return smaps(LENGTHS);
	case 'C':
		return smaps(WRITABLE);
	case 'b':
		return smaps(BACKED);
	case 'e':
		return smaps(RESERVED);
	case 'a':
		return protect(PROT_NONE);
	case 'A':
		return protect(PROT_READ | PROT_WRITE);
	case 'X':
		return protect(PROT_READ | PROT_WRITE | PROT_EXEC);
	case 's':
		return resize(bytes);
	case 'N':
		return map_with(bytes, MAP_NORESERVE);
	case 'g':
		return map_with(bytes, MAP_GROWSDOWN);
	case 'o':
		return heap_up(bytes);
	case 'k':
		return child_ends(fork());
	case 'V':
		return child_ends(vfork());
	case 'T':
		return threads(1);
	case 'L':
		return address_space(bytes);
	case 'R':
		return steps((long)(bytes / 1024));
	default:
		return -1;
	}
}

int main(int argc, char **argv)
{
	char line[64], answer[32];
	long kib;
	ssize_t n;

	/* What one touch makes is a page, wherever it lies. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	if (argc > 1 && !strcmp(argv[1], "end"))
		return 0;
	if (argc > 1)
		dprintf(1, "1\n");
	/* A command a line, and never two before the answer. */
	while ((n = read(0, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		kib = atol(line + 1);
		if (line[0] == 'x') {
			execl("/proc/self/exe", argv[0], "again", NULL);
			_exit(2);
		}
		n = snprintf(answer, sizeof(answer), "%ld\n", done(line[0], (size_t)kib * 1024));
		if (write(1, answer, n) != n)
			return 1;
	}
	return 0;
}
