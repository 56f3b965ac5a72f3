// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A program that has forbidden itself, on pain of death, all system calls but those that a C
 * library's malloc makes goes on: also threads that allocate only then, blocks of megabytes and
 * gigabytes, and memory that is dropped. TAP; the verdict is the process's end.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "names.h"
#include "tap.h"

#define KIB		((size_t)1 << 10)
#define MIB		((size_t)1 << 20)
#define THREADS		4
#define ROUNDS		10
#define BLOCKS		3000

#define ALLOW(nr)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), \
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static struct sock_filter rules[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	ALLOW(SYS_brk), ALLOW(SYS_mmap), ALLOW(SYS_munmap), ALLOW(SYS_mremap),
	ALLOW(SYS_mprotect), ALLOW(SYS_madvise), ALLOW(SYS_futex), ALLOW(SYS_write),
	ALLOW(SYS_clock_gettime), ALLOW(SYS_clock_nanosleep), ALLOW(SYS_nanosleep),
	ALLOW(SYS_getrandom), ALLOW(SYS_rt_sigprocmask), ALLOW(SYS_exit), ALLOW(SYS_exit_group),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

static pthread_barrier_t barrier;

static int forbid(void)
{
	struct sock_fprog program = { sizeof(rules) / sizeof(rules[0]), rules };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

static size_t size_of(int i)
{
	return i % 500 == 0 ? 3 * MIB + (size_t)i : i % 50 == 0 ? 100 * KIB : 100 + (size_t)i * 37 % 5000;
}

static void *work(void *arg)
{
	static void *blocks[THREADS][BLOCKS];
	void **mine = blocks[(intptr_t)arg];

	/* What the C library does for a thread is done. */
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	for (int r = 0; r < ROUNDS; r++) {
		for (int i = 0; i < BLOCKS; i++) {
			mine[i] = malloc(size_of(i));
			if (mine[i])
				memset(mine[i], 1, size_of(i) < 4096 ? size_of(i) : 4096);
		}
		for (int i = 0; i < BLOCKS; i += 2)
			free(mine[i]);
		malloc_trim(0);
		for (int i = 1; i < BLOCKS; i += 2)
			mine[i] = realloc(mine[i], size_of(i) * 2);
		pthread_barrier_wait(&barrier);
		/* The next one's. */
		for (int i = 1; i < BLOCKS; i += 2)
			free(blocks[((intptr_t)arg + 1) % THREADS][i]);
		pthread_barrier_wait(&barrier);
	}
	free(malloc(2048 * MIB));
	free(malloc((size_t)10 << 40));
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void child(void)
{
	pthread_t thread;

	free(malloc(10));
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (intptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&thread, NULL, work, (void *)i))
			_exit(1);
	pthread_barrier_wait(&barrier);
	if (forbid())
		_exit(77);
	for (int i = 0; i < 2 + 2 * ROUNDS; i++)
		pthread_barrier_wait(&barrier);
	_exit(0);
}

int main(void)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		child();
	if (waitpid(pid, &status, 0) != pid)
		status = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		tap_skip("no filters of system calls here", "under a filter that kills");
	else
		tap_is(status, 0, "under a filter that kills the allocator lives");
	return tap_end();
}
