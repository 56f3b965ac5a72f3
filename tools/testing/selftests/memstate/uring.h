/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The device by io_uring, as the tests use it. */
#ifndef URING_H
#define URING_H

#include <liburing.h>

#include "cgroup.h"

#define HOLD	((u64)MEMSTATE_TRANSITION_HOLD << 32)

/* A completion's result that did not come. */
#define NO_CQE	(-100000)

/**
 * struct uring - a ring whose only file is the device
 * @ring:	the ring
 * @fd:		the device, or its index among the registered files
 * @flags:	IOSQE_* of each request
 * @wide:	SQEs have 128 bytes
 */
struct uring {
	struct io_uring ring;
	int fd;
	unsigned int flags;
	bool wide;
};

static inline int uring_open(struct uring *u, int fd, unsigned int setup,
			     unsigned int flags)
{
	struct io_uring_params p = { .flags = setup, .sq_thread_idle = 50 };
	int ret = io_uring_queue_init_params(64, &u->ring, &p);

	if (ret)
		return ret;
	u->flags = flags;
	u->wide = setup & IORING_SETUP_SQE128;
	u->fd = fd;
	if (flags & IOSQE_FIXED_FILE) {
		u->fd = 0;
		ret = io_uring_register_files(&u->ring, &fd, 1);
	}
	return ret;
}

/* The next SQE, zeroed, for this file. liburing 2.3 knows nothing of URING_CMD. */
static inline struct io_uring_sqe *uring_sqe(struct uring *u, unsigned int cmd_op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	memset(sqe, 0, u->wide ? 128 : 64);
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = u->fd;
	sqe->cmd_op = cmd_op;
	sqe->flags = u->flags;
	return sqe;
}

static inline struct io_uring_sqe *uring_report(struct uring *u,
						struct memstate_record rec)
{
	struct io_uring_sqe *sqe = uring_sqe(u, MEMSTATE_URING_REPORT);

	memcpy(sqe->cmd, &rec, sizeof(rec));
	return sqe;
}

static inline struct io_uring_sqe *uring_call(struct uring *u, unsigned int cmd_op,
					      void *arg)
{
	struct io_uring_sqe *sqe = uring_sqe(u, cmd_op);
	struct memstate_uring_call call = { .arg = (uintptr_t)arg };

	memcpy(sqe->cmd, &call, sizeof(call));
	return sqe;
}

/* How a link goes on; MADVISE takes no file. */
static inline struct io_uring_sqe *uring_madvise(struct uring *u, void *addr,
						 size_t bytes)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	memset(sqe, 0, u->wide ? 128 : 64);
	io_uring_prep_madvise(sqe, addr, bytes, MADV_DONTNEED);
	return sqe;
}

/* Wait for a completion; to be marked as seen. */
static inline int uring_cqe(struct uring *u, struct io_uring_cqe **cqe)
{
	struct __kernel_timespec limit = { .tv_sec = SOON_S };
	int ret;

	do {
		ret = io_uring_wait_cqe_timeout(&u->ring, cqe, &limit);
	} while (ret == -EINTR);
	return ret;
}

/* Submit all that is queued and wait for @nr completions: their results, by user_data. */
static inline int uring_wait(struct uring *u, int *res, unsigned int nr)
{
	struct io_uring_cqe *cqe;
	int ret;

	for (unsigned int i = 0; i < nr; i++)
		res[i] = NO_CQE;
	ret = io_uring_submit(&u->ring);
	for (unsigned int i = 0; ret >= 0 && i < nr; i++) {
		ret = uring_cqe(u, &cqe);
		if (ret)
			break;
		if (cqe->user_data < nr)
			res[cqe->user_data] = cqe->res;
		io_uring_cqe_seen(&u->ring, cqe);
	}
	return ret < 0 ? ret : 0;
}

/* One request, submitted and waited for. */
static inline int uring_one(struct uring *u)
{
	int res, ret = uring_wait(u, &res, 1);

	return ret ? ret : res;
}

#endif /* URING_H */
