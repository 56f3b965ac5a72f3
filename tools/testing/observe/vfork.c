// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Ends by _exit() in a child that has its parent's memory, and in one that has its own. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(3);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		return 1;
	pid = fork();
	if (!pid)
		_exit(3);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		return 1;
	return mmap(NULL, 51 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}
