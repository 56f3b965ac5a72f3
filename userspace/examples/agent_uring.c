// SPDX-License-Identifier: MIT
/*
 * Waiting and asking by io_uring.
 *
 * Model
 *
 *   Each group has one poll, which is *multishot*: it completes each time that something
 *   happens, and stays. What has happened is asked by URING_CMD on the same file. All
 *   groups of which completions tell at once are asked about with one submission, where
 *   epoll takes two system calls for each.
 *
 *   Between a question and its answer the group's structures belong to the kernel, so a
 *   group goes when its poll has ended and its answers have come.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <fcntl.h>
#include <unistd.h>

#include <liburing.h>

#include "agent.h"

#define ENTRIES		512

/* user_data: what it is about, and in the lower bits which request it was. */
enum request { POLL_GROUP, POLL_FD, TOTALS, LIMIT, CANCEL };
#define REQUEST_MASK	7

static struct io_uring ring;
static const struct way_user *user;
static struct group *to_ask;
static unsigned long nr_answers, nr_submissions;

static int way_open(const struct way_user *calls, const char **why)
{
	struct memstate_query query = { .size = sizeof(query) };
	int fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	struct io_uring_probe *probe;
	int ret;

	user = calls;
	*why = MEMSTATE_DEVICE;
	if (fd < 0)
		return -errno;
	ret = ioctl(fd, MEMSTATE_IOC_QUERY, &query) ? -errno : 0;
	close(fd);
	if (ret)
		return ret;
	*why = "the module does not know it";
	if (!(query.features & MEMSTATE_FEATURE_URING))
		return -EOPNOTSUPP;
	/* ENOSYS: not in this kernel; EPERM: switched off, see kernel.io_uring_disabled. */
	*why = "io_uring_setup";
	ret = io_uring_queue_init(ENTRIES, &ring, 0);
	if (ret)
		return ret;
	*why = "the kernel has no IORING_OP_URING_CMD";
	probe = io_uring_get_probe_ring(&ring);
	if (!probe || !io_uring_opcode_supported(probe, IORING_OP_URING_CMD))
		ret = -EOPNOTSUPP;
	io_uring_free_probe(probe);
	if (ret)
		io_uring_queue_exit(&ring);
	return ret;
}

/* Make room for requests that are to be submitted together. */
static int room_for(unsigned int nr)
{
	int ret = 0;

	if (io_uring_sq_space_left(&ring) < nr) {
		ret = io_uring_submit(&ring);
		nr_submissions++;
	}
	return ret < 0 ? ret : 0;
}

static int poll_for(int fd, unsigned int events, uint64_t data)
{
	struct io_uring_sqe *sqe;
	int ret = room_for(1);

	if (ret)
		return ret;
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_poll_multishot(sqe, fd, events);
	sqe->user_data = data;
	return 0;
}

static int way_add_fd(int fd)
{
	return poll_for(fd, POLLIN, (uint64_t)fd << 3 | POLL_FD);
}

static int arm(struct group *group)
{
	int ret = poll_for(group->fd, POLLPRI, (uintptr_t)group | POLL_GROUP);

	group->armed = !ret;
	return ret;
}

/* Once for as many completions as there are. */
static void want(struct group *group)
{
	if (group->asked || group->again) {
		group->again = true;
		return;
	}
	group->again = true;
	group->next = to_ask;
	to_ask = group;
}

static int way_add(struct group *group)
{
	int ret = arm(group);

	if (!ret)
		want(group);
	return ret;
}

static struct io_uring_sqe *command(struct group *group, unsigned int request, void *arg,
				    enum request which)
{
	struct memstate_uring_call call = { .arg = (uintptr_t)arg };
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, group->fd, NULL, 0, 0);
	sqe->cmd_op = request;
	memcpy(sqe->cmd, &call, sizeof(call));
	sqe->user_data = (uintptr_t)group | which;
	return sqe;
}

/* In this order, as with epoll, so the second is linked to the first. */
static int ask(struct group *group)
{
	int ret = room_for(2);

	if (ret)
		return ret;
	group->again = false;
	group->asked = 2;
	agent_question(group);
	command(group, MEMSTATE_IOC_TOTALS, &group->totals, TOTALS)->flags |= IOSQE_IO_LINK;
	command(group, MEMSTATE_IOC_LIMIT_GET, &group->limit, LIMIT);
	return 0;
}

/* The group is gone: have its poll end. */
static int cancel(struct group *group)
{
	struct io_uring_sqe *sqe;
	int ret = room_for(1);

	if (ret)
		return ret;
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_poll_remove(sqe, (uintptr_t)group | POLL_GROUP);
	sqe->user_data = CANCEL;
	return 0;
}

static void put(struct group *group)
{
	if (group->gone && !group->armed && !group->asked && !group->again)
		user->gone(group);
}

static int polled(struct group *group, const struct io_uring_cqe *cqe)
{
	int ret = 0;

	group->armed = cqe->flags & IORING_CQE_F_MORE;
	if (cqe->res == -ECANCELED) {
		put(group);
		return 0;
	}
	if (cqe->res < 0 || cqe->res & (POLLHUP | POLLERR)) {
		if (!group->gone && group->armed)
			ret = cancel(group);
		group->gone = true;
	} else if (!group->armed) {
		/* It ends by itself where completions do not fit. */
		ret = arm(group);
	}
	want(group);
	return ret;
}

static void answered(struct group *group, enum request which, int error)
{
	group->asked--;
	if (which == LIMIT) {
		nr_answers++;
		user->answered(group, error);
	}
	if (group->asked)
		return;
	if (group->again) {
		group->again = false;
		want(group);
	}
	put(group);
}

static int completed(const struct io_uring_cqe *cqe)
{
	struct group *group = (struct group *)(uintptr_t)(cqe->user_data & ~(uint64_t)REQUEST_MASK);
	enum request which = cqe->user_data & REQUEST_MASK;
	int fd = (int)(cqe->user_data >> 3), ret = 0;

	switch (which) {
	case POLL_GROUP:
		return polled(group, cqe);
	case POLL_FD:
		user->readable(fd);
		if (!(cqe->flags & IORING_CQE_F_MORE))
			ret = way_add_fd(fd);
		return ret;
	case TOTALS:
	case LIMIT:
		answered(group, which, cqe->res);
		break;
	case CANCEL:
		break;
	}
	return 0;
}

static int way_wait(void)
{
	struct io_uring_cqe *cqe;
	struct group *group;
	int ret;

	while ((group = to_ask)) {
		to_ask = group->next;
		ret = ask(group);
		if (ret)
			return ret;
	}
	ret = io_uring_submit_and_wait(&ring, 1);
	nr_submissions++;
	if (ret < 0 && ret != -EINTR && ret != -EBUSY)
		return ret;
	while (!io_uring_peek_cqe(&ring, &cqe)) {
		struct io_uring_cqe copy = *cqe;

		io_uring_cqe_seen(&ring, cqe);
		ret = completed(&copy);
		if (ret)
			return ret;
	}
	return 0;
}

static void way_close(void)
{
	io_uring_queue_exit(&ring);
	fprintf(stderr, "agent: %lu answers by %lu submissions\n", nr_answers, nr_submissions);
}

const struct way agent_uring = {
	.name = "io_uring",
	.open = way_open,
	.add_fd = way_add_fd,
	.add = way_add,
	.wait = way_wait,
	.close = way_close,
};
