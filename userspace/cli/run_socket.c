// SPDX-License-Identifier: MIT
/*
 * $MEMORY_PRESSURE_WATCH of a program that has a limit: a socket, in a directory that nobody else
 * can make anything in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli.h"
#include "run.h"
#include "tend/socket.h"

static struct tend_socket pressure = { .fd = -1, .events = -1 };
static char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
static struct memstate_limit before;

/* One in a directory of its own below @place. Return: 0 or a negative errno, with nothing there. */
static int begin_below(const char *place)
{
	char path[sizeof(directory) + 16];
	int ret;

	if (snprintf(directory, sizeof(directory), "%s/memstate-run.XXXXXX", place) >=
	    (int)sizeof(directory)) {
		*directory = '\0';
		return -ENAMETOOLONG;
	}
	if (!mkdtemp(directory)) {
		*directory = '\0';
		return -errno;
	}
	snprintf(path, sizeof(path), "%s/pressure", directory);
	/* Of what it starts some may be of other users. */
	ret = chmod(directory, 0711) ? -errno : tend_socket_open(&pressure, path);
	if (!ret && setenv(TEND_SOCKET_ENV, path, 1))
		ret = -ENOMEM;
	if (ret)
		ms_run_socket_end();
	return ret;
}

/**
 * ms_run_socket_begin() - serve one, and name it in our environment
 * @why:	out: why there is none, a text
 * @size:	room
 *
 * Not where somebody has named another one, or has said that there is to be none. That there is
 * none is no reason not to run a program. It is in TMPDIR, else in /tmp, else in /dev/shm: where
 * the one is read-only or full the other may not be.
 *
 * Return: false: there is none, though it was wanted.
 */
bool ms_run_socket_begin(char *why, size_t size)
{
	const char *const places[] = { getenv("TMPDIR"), "/tmp", "/dev/shm" };
	int ret;

	if (getenv(TEND_SOCKET_ENV))
		return true;
	*why = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!places[i] || !*places[i])
			continue;
		ret = begin_below(places[i]);
		if (!ret) {
			unsetenv(TEND_SOCKET_WRITE_ENV);
			return true;
		}
		/* The first is where it should have been. */
		if (!*why)
			snprintf(why, size, "%s: %s", ms_name(places[i]), ms_error_text(-ret));
	}
	return false;
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
