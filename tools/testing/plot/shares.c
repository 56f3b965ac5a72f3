// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * shares: two processes with one address space, and so with one set of books. "shares not": a
 * child with an address space of its own, that has inherited the descriptor of its parent's books,
 * in which a megabyte has lost its write access.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memstate.h>

static int child(void *arg)
{
	(void)arg;
	return pause();
}

int main(int argc, char **argv)
{
	static char stack[1 << 16] __attribute__((aligned(16)));
	size_t bytes = 1 << 20;
	char *p = memstate_alloc(2 * bytes, MEMSTATE_HEAP);
	pid_t pid;

	(void)argv;
	if (!p)
		return 1;
	if (argc > 1) {
		if (memstate_post(MEMSTATE_MAPPED, MEMSTATE_KEEP_RO, MEMSTATE_HEAP,
				  MEMSTATE_KEEP_CLASS, p, bytes))
			return 1;
		/* By no function of the library's, which would see to it that it has none. */
		pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
		if (!pid)
			_exit(child(NULL));
	} else {
		pid = clone(child, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	}
	if (pid < 0)
		return 1;
	printf("child %d\n", pid);
	fflush(stdout);
	return waitpid(pid, NULL, 0) != pid;
}
