// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * launch COMMAND...: run it and say on standard error, behind "launch:", its wait status,
 * seconds of wall, user and system time, the most memory that it or one of its children had
 * resident (bytes), and its page faults. PRELOAD in the environment becomes LD_PRELOAD,
 * NO_HUGE=1 takes huge pages away from it.
 *
 * Small and static: a child counts as its own what its parent had resident before exec.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	const char *preload = getenv("PRELOAD");
	struct rusage usage;
	double began = now();
	int status;
	pid_t pid;

	if (argc < 2) {
		fprintf(stderr, "usage: launch COMMAND...\n");
		return 2;
	}
	pid = fork();
	if (!pid) {
		if (preload && *preload)
			setenv("LD_PRELOAD", preload, 1);
		if (getenv("NO_HUGE"))
			prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
		execvp(argv[1], argv + 1);
		fprintf(stderr, "launch: %s: %s\n", argv[1], strerror(errno));
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
		perror("launch");
		return 1;
	}
	fprintf(stderr, "launch: %d %.6f %.6f %.6f %lld %ld\n", status, now() - began,
		seconds(usage.ru_utime), seconds(usage.ru_stime),
		(long long)usage.ru_maxrss * 1024, usage.ru_minflt);
	return status ? 1 : 0;
}
