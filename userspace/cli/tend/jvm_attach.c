// SPDX-License-Identifier: MIT
/*
 * The attach socket of HotSpot, by which jcmd speaks to it.
 *
 * A JVM opens the socket /tmp/.java_pidN when it gets SIGQUIT and finds a file /tmp/.attach_pidN
 * of its own user; N is its number in its own namespace. SIGQUIT ends whoever does not catch
 * it, as a JVM with -Xrs does not: it is sent only where the kernel says that it is caught. A
 * connection takes one command, of five words that end in zeros, and answers with a number, a
 * newline, and text until its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tend/jvm.h"

/* It is waited so long for the socket: as often, and so many microseconds more each time. */
#define OPEN_TRIES	60
#define OPEN_PAUSE	2000

/* Neither leads anywhere by a link. */
#define RESOLVE		(RESOLVE_NO_SYMLINKS)

/* ---- a command ------------------------------------------------------------------------- */

/* Return: the number before the text, which stays alone; a negative errno. */
static int read_answer(struct tend_jvm_peer *j, int fd)
{
	size_t have = 0;
	ssize_t n;
	char *end;
	long code;

	while ((n = recv(fd, j->answer + have, sizeof(j->answer) - 1 - have, 0)) > 0) {
		have += (size_t)n;
		if (have == sizeof(j->answer) - 1)
			return -EMSGSIZE;
	}
	if (n < 0)
		return -errno;
	j->answer[have] = '\0';
	code = strtol(j->answer, &end, 10);
	if (end == j->answer || *end != '\n' || code < 0 || code > 255)
		return -EPROTO;
	memmove(j->answer, end + 1, strlen(end + 1) + 1);
	return (int)code;
}

/**
 * tend_jvm_ask() - have it do something
 * @j:		it, attached to
 * @command:	what
 * @first:	an argument, or ""
 * @second:	likewise
 *
 * Return: what it answers, 0: it has done so; a negative errno.
 */
int tend_jvm_ask(struct tend_jvm_peer *j, const char *command, const char *first,
		 const char *second)
{
	const char *const words[] = { "1", command, first, second, "" };
	int fd = tend_connect_in(j->root, j->name, RESOLVE, j->peer), ret = 0;

	if (fd < 0)
		return fd;
	for (int i = 0; !ret && i < 5; i++)
		ret = tend_send_all(fd, words[i], strlen(words[i]) + 1);
	if (!ret)
		ret = read_answer(j, fd);
	close(fd);
	return ret;
}

/* ---- the socket ------------------------------------------------------------------------ */

static bool is_there(const struct tend_jvm_peer *j)
{
	int fd = tend_open_in(j->root, j->name, O_PATH, RESOLVE);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/**
 * tend_jvm_attach() - have it open the socket
 * @j: it
 *
 * Context: in a child that is no more than it is. Return: 0; -ETIMEDOUT: it does not; another
 * negative errno.
 */
int tend_jvm_attach(const struct tend_jvm_peer *j)
{
	char name[48];
	int fd, tmp, ret = -ETIMEDOUT;

	if (is_there(j))
		return 0;
	tmp = tend_open_in(j->root, "tmp", O_PATH | O_DIRECTORY, RESOLVE);
	if (tmp < 0)
		return tmp;
	snprintf(name, sizeof(name), ".attach_pid%d", j->peer->inner);
	fd = tend_open_in(tmp, name, O_WRONLY | O_CREAT | O_EXCL, RESOLVE);
	/* Where there is one already somebody else is at it: that will do for us. */
	if (fd < 0 && fd != -EEXIST) {
		close(tmp);
		return fd;
	}
	if (syscall(SYS_pidfd_send_signal, j->peer->pidfd, SIGQUIT, NULL, 0))
		ret = -errno;
	for (useconds_t i = 0; ret == -ETIMEDOUT && i < OPEN_TRIES; i++) {
		if (is_there(j))
			ret = 0;
		else
			usleep(i * OPEN_PAUSE);
	}
	/* One that was left behind by whoever was ended goes as well. */
	if (fd >= 0 || !ret)
		unlinkat(tmp, name, 0);
	if (fd >= 0)
		close(fd);
	close(tmp);
	return ret;
}
