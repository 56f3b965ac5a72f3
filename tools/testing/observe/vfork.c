// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Ends by _exit() in a child that has its parent's memory, and in one that has its own; before that
 * it is there for a number of seconds, if one is given.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	pid_t pid;

	if (argc > 1)
		usleep((useconds_t)(atof(argv[1]) * 1e6));
	pid = vfork();
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
