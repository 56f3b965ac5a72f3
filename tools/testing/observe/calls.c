// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Every call that the observe shim stands in for, with what must come of it:
 * results, errno, and (by strace, see compare.py) the books.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define P	4096UL
#define PAGES(n) ((n) * P)

#define MUST(x) do {							\
	if (!(x)) {							\
		fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__,	\
			__LINE__, #x, errno);				\
		exit(1);						\
	}								\
} while (0)

static char *map(void *at, size_t bytes, int prot, int flags)
{
	char *p = mmap(at, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	MUST(p != MAP_FAILED);
	return p;
}

static void ranges(void)
{
	char *p = map(NULL, PAGES(64), PROT_NONE, MAP_NORESERVE);

	MUST(map(p + PAGES(4), PAGES(4), PROT_READ | PROT_WRITE, MAP_FIXED) ==
	     p + PAGES(4));
	MUST(mmap(p + PAGES(10), PAGES(2), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	MUST(!mprotect(p + PAGES(20), PAGES(8), PROT_READ | PROT_WRITE));
	MUST(!mprotect(p + PAGES(22), PAGES(2), PROT_NONE));
	MUST(!mprotect(p + PAGES(24), PAGES(1), PROT_READ));
	MUST(!mprotect(p + PAGES(25), PAGES(1), PROT_READ | PROT_EXEC));
	MUST(!pkey_mprotect(p + PAGES(30), PAGES(2), PROT_READ | PROT_WRITE, -1));
	MUST(!munmap(p + PAGES(40), PAGES(3)));
	MUST(!munmap(p + PAGES(50), PAGES(2) + 1));
	map(NULL, PAGES(3), PROT_READ | PROT_WRITE, MAP_STACK);
}

static void advice(void)
{
	char *p = map(NULL, PAGES(32), PROT_READ | PROT_WRITE, 0);

	MUST(!madvise(p, PAGES(4), MADV_DONTNEED));
	MUST(!madvise(p + PAGES(8), PAGES(4), MADV_FREE));
	MUST(!madvise(p + PAGES(16), PAGES(4), MADV_WILLNEED));
	MUST(!mprotect(p + PAGES(9), PAGES(1), PROT_READ | PROT_WRITE));
	MUST(!mprotect(p + PAGES(24), PAGES(4), PROT_NONE));
	MUST(!madvise(p + PAGES(24), PAGES(2), MADV_DONTNEED));
	MUST(!posix_madvise(p + PAGES(28), PAGES(1), POSIX_MADV_DONTNEED));
	errno = 7;
	MUST(posix_madvise(p + 1, PAGES(1), POSIX_MADV_NORMAL) == EINVAL);
	MUST(errno == 7);
}

static void moves(void)
{
	char *p = map(NULL, PAGES(16), PROT_READ | PROT_WRITE, 0), *q, *to;

	MUST(!madvise(p + PAGES(2), PAGES(2), MADV_FREE));
	to = map(NULL, PAGES(64), PROT_NONE, 0);
	q = mremap(p, PAGES(16), PAGES(24), MREMAP_MAYMOVE | MREMAP_FIXED, to);
	MUST(q == to);
	MUST(mremap(q, PAGES(24), PAGES(8), 0) == q);
	p = map(NULL, PAGES(8), PROT_READ, 0);
	MUST(mremap(p, PAGES(8), PAGES(12), MREMAP_MAYMOVE) != MAP_FAILED);
	p = map(NULL, PAGES(8), PROT_READ | PROT_WRITE, 0);
	q = mremap(p, PAGES(8), PAGES(8), MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	MUST(q != MAP_FAILED && q != p);
}

static void failures(void)
{
	char *p = map(NULL, PAGES(4), PROT_READ | PROT_WRITE, 0);

	MUST(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	     MAP_FAILED && errno == EINVAL);
	MUST(munmap(p + 1, PAGES(1)) == -1 && errno == EINVAL);
	MUST(munmap(p, 0) == -1 && errno == EINVAL);
	/* Too long for the address space, and its low bits are one page. */
	MUST(munmap(p, (1UL << 60) + P) == -1 && errno == EINVAL);
	/* An address of 57 bits that no program has, with five levels of page tables either. */
	MUST(munmap(p, 1UL << 56) == -1 && errno == EINVAL);
	MUST(mprotect(p + 1, P, PROT_READ) == -1 && errno == EINVAL);
	MUST(madvise(p, P, 12345) == -1 && errno == EINVAL);
	MUST(mremap(p, PAGES(4), PAGES(8), 0xff) == MAP_FAILED && errno == EINVAL);
	MUST(mremap(p, PAGES(4), 1UL << 46, MREMAP_MAYMOVE) == MAP_FAILED &&
	     errno == ENOMEM);
	p[0] = 1;
	errno = 7;
	MUST(!madvise(p, PAGES(1), MADV_DONTNEED) && errno == 7);
}

static void *hammer(void *arg)
{
	for (int i = 0; i < 200; i++) {
		char *p = map(NULL, PAGES(8), PROT_NONE, 0);

		MUST(!mprotect(p, PAGES(4), PROT_READ | PROT_WRITE));
		MUST(!madvise(p, PAGES(2), MADV_DONTNEED));
		MUST(!munmap(p, PAGES(8)));
	}
	map(NULL, PAGES(5), PROT_READ | PROT_WRITE, 0);
	return arg;
}

static void threads(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		MUST(!pthread_create(&t[i], NULL, hammer, NULL));
	for (int i = 0; i < 4; i++)
		MUST(!pthread_join(t[i], NULL));
}

static void child(void)
{
	char *p = map(NULL, PAGES(16), PROT_READ | PROT_WRITE, 0);
	int status;
	pid_t pid = fork();

	MUST(pid >= 0);
	if (!pid) {
		MUST(!munmap(p, PAGES(4)));
		map(NULL, PAGES(7), PROT_NONE, 0);
		exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid && !status);
	MUST(!madvise(p, PAGES(1), MADV_DONTNEED));
}

int main(void)
{
	ranges();
	advice();
	moves();
	failures();
	threads();
	child();
	return 0;
}
