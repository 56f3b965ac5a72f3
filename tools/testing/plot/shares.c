// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Two processes with one address space, and so with one set of books. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memstate.h>

static int child(void *arg)
{
	(void)arg;
	return pause();
}

int main(void)
{
	static char stack[1 << 16] __attribute__((aligned(16)));
	pid_t pid;

	if (!memstate_alloc(1 << 20, MEMSTATE_HEAP))
		return 1;
	pid = clone(child, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	if (pid < 0)
		return 1;
	printf("child %d\n", pid);
	fflush(stdout);
	return waitpid(pid, NULL, 0) != pid;
}
