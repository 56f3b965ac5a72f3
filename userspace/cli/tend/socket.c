// SPDX-License-Identifier: MIT
/*
 * Pressure for whoever understands $MEMORY_PRESSURE_WATCH: systemd's protocol, of which a stream
 * socket is one form. A program connects, waits for something to read, and throws it away.
 *
 * Model
 *
 *   One byte is sent to each at pressure, if there is room for it: who has not read the last one
 *   knows already. Nothing is read: what somebody sends stays, and holds up nobody else. So many
 *   connections are kept, of one process and of all, and more are closed.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tend/socket.h"

/* So many come at a time; the others next time. */
#define ACCEPT_MAX	64

static void close_client(struct tend_socket *s, int i)
{
	close(s->clients[i].fd);
	s->clients[i] = s->clients[--s->nr];
}

static void tell_one(const struct tend_client *c)
{
	ssize_t sent = send(c->fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)sent;
}

static bool has_room(const struct tend_socket *s, pid_t pid)
{
	int its = 0;

	for (int i = 0; i < s->nr; i++)
		its += s->clients[i].pid == pid;
	return s->nr < TEND_CLIENTS && its < TEND_CLIENTS_EACH;
}

/* Return: false: nobody is there who wants to, or there is no descriptor for one. */
static bool accept_one(struct tend_socket *s, bool pressed)
{
	/* Of a client it is told alone that it has gone: that need not be asked for. */
	struct epoll_event e = {};
	struct tend_client c;
	struct ucred cred = {};
	socklen_t size = sizeof(cred);

	c.fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (c.fd < 0)
		return errno == ECONNABORTED || errno == EINTR;
	e.data.fd = c.fd;
	if (!getsockopt(c.fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) && has_room(s, cred.pid) &&
	    !epoll_ctl(s->events, EPOLL_CTL_ADD, c.fd, &e)) {
		c.pid = cred.pid;
		s->clients[s->nr++] = c;
		if (pressed)
			tell_one(&c);
	} else {
		close(c.fd);
	}
	return true;
}

/**
 * tend_socket_serve() - let in who has come, and forget who has gone
 * @s:		the socket, or none
 * @pressed:	memory is scarce: who comes is told
 *
 * Context: when @events is readable, and now and then. Waits for nobody.
 */
void tend_socket_serve(struct tend_socket *s, bool pressed)
{
	struct epoll_event gone[ACCEPT_MAX];
	int nr;

	if (s->fd < 0)
		return;
	nr = epoll_wait(s->events, gone, ACCEPT_MAX, 0);
	for (int i = 0; i < nr; i++)
		for (int k = 0; k < s->nr; k++)
			if (s->clients[k].fd == gone[i].data.fd) {
				close_client(s, k);
				break;
			}
	for (int i = 0; i < ACCEPT_MAX && accept_one(s, pressed); i++)
		;
}

/**
 * tend_socket_tell() - memory is scarce
 * @s: the socket, or none
 */
void tend_socket_tell(struct tend_socket *s)
{
	for (int i = 0; i < s->nr; i++)
		tell_one(&s->clients[i]);
}

/* One that was left behind by somebody who was ended goes. Return: 0 or a negative errno. */
static int remove_stale(const struct sockaddr_un *at)
{
	int fd, ret = -EADDRINUSE;
	struct stat st;

	if (lstat(at->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) && errno == ECONNREFUSED)
		ret = unlink(at->sun_path) ? -errno : 0;
	close(fd);
	return ret;
}

/* For programs of any user: the directory says who may. */
static int bind_open_to_all(int fd, const struct sockaddr_un *at)
{
	mode_t before = umask(0111);
	int ret = bind(fd, (const struct sockaddr *)at, sizeof(*at)) ? -errno : 0;

	umask(before);
	return ret;
}

/**
 * tend_socket_open() - be there for those that want to be told
 * @s:		the socket
 * @path:	where
 *
 * Context: of one thread.
 * Return: 0; -ENAMETOOLONG; -EADDRINUSE: somebody serves there; -EEXIST: it is something else; what
 * else the system says. Nothing is left behind then.
 */
int tend_socket_open(struct tend_socket *s, const char *path)
{
	/* An edge: where there is no descriptor for who wants to come it is not told of again. */
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.fd = -1 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct stat st;
	int ret;

	*s = (struct tend_socket) { .fd = -1, .events = -1 };
	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	ret = remove_stale(&at);
	if (ret)
		return ret;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	s->events = epoll_create1(EPOLL_CLOEXEC);
	ret = s->fd < 0 || s->events < 0 ? -errno : bind_open_to_all(s->fd, &at);
	if (!ret) {
		memcpy(s->path, at.sun_path, sizeof(s->path));
		if (lstat(s->path, &st) || listen(s->fd, 64) ||
		    epoll_ctl(s->events, EPOLL_CTL_ADD, s->fd, &e))
			ret = -errno;
		s->inode = st.st_ino;
		s->device = st.st_dev;
	}
	if (ret)
		tend_socket_close(s);
	return ret;
}

/**
 * tend_socket_close() - be there no longer
 * @s: the socket, or none
 */
void tend_socket_close(struct tend_socket *s)
{
	struct stat st;

	while (s->nr)
		close_client(s, s->nr - 1);
	/* What lies there may be another's by now. */
	if (*s->path && !lstat(s->path, &st) && st.st_ino == s->inode && st.st_dev == s->device)
		unlink(s->path);
	*s->path = '\0';
	if (s->fd >= 0)
		close(s->fd);
	if (s->events >= 0)
		close(s->events);
	s->fd = -1;
	s->events = -1;
}

/**
 * tend_is_news() - is there something to tell?
 * @now:	a group's limit, as it is
 * @before:	as it was read before
 *
 * Return: pressure has risen, or something was refused.
 */
bool tend_is_news(const struct memstate_limit *now, const struct memstate_limit *before)
{
	return now->pressure > before->pressure ||
	       now->events[MEMSTATE_EVENT_MAX] != before->events[MEMSTATE_EVENT_MAX] ||
	       now->events[MEMSTATE_EVENT_DENIED] != before->events[MEMSTATE_EVENT_DENIED];
}
