// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * To be preloaded: LATER_S seconds have passed at once when there is the file that LATER names.
 * What would be over by its time is over when a test says so.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LATER_S	600

int clock_gettime(clockid_t id, struct timespec *t)
{
	const char *name = getenv("LATER");
	int ret = (int)syscall(SYS_clock_gettime, id, t);

	if (!ret && id == CLOCK_MONOTONIC && name && !access(name, F_OK))
		t->tv_sec += LATER_S;
	return ret;
}
