// SPDX-License-Identifier: MIT
/* Waiting by epoll, asking by ioctl. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent.h"

/*
 * Groups and other files in one 64-bit word: a group's address is even.
 */
#define FD_DATA(fd)	((uint64_t)(fd) << 1 | 1)

static int epoll_fd = -1;
static const struct way_user *user;

static int way_open(const struct way_user *calls, const char **why)
{
	user = calls;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	*why = "epoll";
	return epoll_fd < 0 ? -errno : 0;
}

static int add_to_epoll(int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int way_add_fd(int fd)
{
	return add_to_epoll(fd, EPOLLIN, FD_DATA(fd));
}

/*
 * TOTALS before LIMIT_GET: each tells the file that its reader has seen what has happened,
 * and only the latter says what that was.
 */
static void ask(struct group *group)
{
	int ret = 0;

	agent_question(group);
	if (ioctl(group->fd, MEMSTATE_IOC_TOTALS, &group->totals))
		ret = -errno;
	if (ioctl(group->fd, MEMSTATE_IOC_LIMIT_GET, &group->limit))
		ret = -errno;
	user->answered(group, ret);
}

static int way_add(struct group *group)
{
	int ret = add_to_epoll(group->fd, EPOLLPRI, (uintptr_t)group);

	if (!ret)
		ask(group);
	return ret;
}

static int way_wait(void)
{
	struct epoll_event events[64];
	int nr = epoll_wait(epoll_fd, events, 64, -1);

	if (nr < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < nr; i++) {
		struct group *group = (struct group *)(uintptr_t)events[i].data.u64;

		if (events[i].data.u64 & 1) {
			user->readable((int)(events[i].data.u64 >> 1));
			continue;
		}
		ask(group);
		/* The last of it has been told. Closing takes it out of the set. */
		if (events[i].events & (EPOLLHUP | EPOLLERR))
			user->gone(group);
	}
	return 0;
}

static void way_close(void)
{
	close(epoll_fd);
}

const struct way agent_epoll = {
	.name = "epoll",
	.open = way_open,
	.add_fd = way_add_fd,
	.add = way_add,
	.wait = way_wait,
	.close = way_close,
};
