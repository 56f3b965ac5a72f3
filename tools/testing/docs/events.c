// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Each of the tracepoints, again and again, until it is ended: for those who watch. It prints a
 * line when it has come round.
 *
 * It runs in a cgroup whose max is below WANTED_BYTES and whose high is below half of
 * that.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memstate.h>

#define WANTED_BYTES	((size_t)16 << 20)
#define STEP_BYTES	((size_t)1 << 20)

static int fail(const char *what, int error)
{
	fprintf(stderr, "events: %s: %s\n", what, strerror(-error));
	return 1;
}

/* unmap: memory is freed, which is not reported; open and close: a child has books. */
static int come_and_go(void)
{
	void *place = memstate_reserve(STEP_BYTES, MEMSTATE_OTHER);
	int status = 0;
	pid_t pid;

	if (!place || memstate_sync() || memstate_free(place, STEP_BYTES))
		return -ENOMEM;
	pid = fork();
	if (!pid)
		_exit(-memstate_sync());
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return status ? -ECHILD : 0;
}

int main(void)
{
	/* A length of 0 is malformed. */
	const struct memstate_record malformed = { .w0 = MEMSTATE_READY << MEMSTATE_TO_SHIFT };
	char *arena;
	int ret;

	if (memstate_backend() != MEMSTATE_BACKEND_DEVICE)
		return fail("no device", -ENXIO);
	arena = memstate_reserve(WANTED_BYTES, MEMSTATE_HEAP);
	if (!arena)
		return fail("reserve", -ENOMEM);
	ret = memstate_map(arena, WANTED_BYTES, MEMSTATE_HEAP);
	if (ret)
		return fail("map", ret);
	for (;;) {
		size_t ready = 0;

		/* transition, charge, pressure; in the end deny */
		do {
			ret = memstate_used(arena + ready, STEP_BYTES, MEMSTATE_HEAP);
			if (!ret)
				ready += STEP_BYTES;
		} while (!ret && ready < WANTED_BYTES);
		if (ret != -EDQUOT)
			return fail("the limit was not met", ret);
		/* drift: what it says of its own memory is wrong */
		ret = memstate_post(MEMSTATE_RESERVED, MEMSTATE_PREPARED, MEMSTATE_HEAP, 0,
				    arena, STEP_BYTES);
		if (ret)
			return fail("post", ret);
		memstate_post_record(&malformed);
		ret = memstate_unused(arena + STEP_BYTES, ready - STEP_BYTES, MEMSTATE_HEAP);
		if (ret)
			return fail("unused", ret);
		ret = come_and_go();
		if (ret)
			return fail("a child", ret);
		memstate_sync();
		memstate_trim();
		if (puts("round") < 0 || fflush(stdout))
			return fail("telling", -errno);
		/* Others are to have the processor: nobody waits for that. */
		usleep(50000);
	}
}
