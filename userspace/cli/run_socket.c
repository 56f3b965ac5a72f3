// SPDX-License-Identifier: MIT
/*
 * $MEMORY_PRESSURE_WATCH of a program that has a limit: a socket, in a directory that nobody else
 * can make anything in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "run.h"
#include "tend/socket.h"

static struct tend_socket pressure = { .fd = -1, .events = -1 };
static char directory[64];
static struct memstate_limit before;

/**
 * ms_run_socket_begin() - serve one, and name it in our environment
 *
 * Not where somebody has named another one, or has said that there is to be none. That there is
 * none is no reason not to run a program.
 */
void ms_run_socket_begin(void)
{
	char path[sizeof(directory) + 16];

	if (getenv(TEND_SOCKET_ENV))
		return;
	snprintf(directory, sizeof(directory), "/tmp/memstate-run.XXXXXX");
	if (!mkdtemp(directory)) {
		*directory = '\0';
		return;
	}
	snprintf(path, sizeof(path), "%s/pressure", directory);
	/* Of what it starts some may be of other users. */
	if (chmod(directory, 0711) || tend_socket_open(&pressure, path) ||
	    setenv(TEND_SOCKET_ENV, path, 1)) {
		ms_run_socket_end();
		return;
	}
	unsetenv(TEND_SOCKET_WRITE_ENV);
}

/**
 * ms_run_socket_look() - tell those that listen, if there is something
 * @now: limit of the program's place
 *
 * Context: now and then.
 */
void ms_run_socket_look(const struct memstate_limit *now)
{
	bool more = tend_is_news(now, &before);

	before = *now;
	if (more)
		tend_socket_tell(&pressure);
	tend_socket_serve(&pressure, now->pressure != MEMSTATE_PRESSURE_NONE);
}

/**
 * ms_run_socket_end() - it goes
 */
void ms_run_socket_end(void)
{
	tend_socket_close(&pressure);
	if (*directory)
		rmdir(directory);
	*directory = '\0';
}
