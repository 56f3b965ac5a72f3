// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The device by io_uring: requests of all kinds, linked, cancelled, left alone. */
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/io_uring.h>

#include "actor.h"
#include "ioctl.h"

#define QUEUE		16
#define URINGS		2

/* A ring of each width of SQEs, made when first needed. */
static struct uring {
	int fd;
	bool wide;
	char *rings;
	char *sqes;
	struct io_uring_params p;
} urings[URINGS] = { { .fd = -1 }, { .fd = -1 } };

static int uring_make(struct run *r, struct uring *u, bool wide)
{
	static const u32 flags[] = {
		0, 0, IORING_SETUP_SQPOLL, IORING_SETUP_COOP_TASKRUN,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	};
	struct io_uring_params p = { .flags = PICK(r, flags) | (wide ? IORING_SETUP_SQE128 : 0),
				     .sq_thread_idle = 5 };
	size_t sq, cq;
	int fd;

	fd = syscall(SYS_io_uring_setup, QUEUE, &p);
	if (fd < 0)
		return -errno;
	sq = p.sq_off.array + p.sq_entries * sizeof(u32);
	cq = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	u->wide = wide;
	u->p = p;
	u->rings = mmap(NULL, sq > cq ? sq : cq, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			IORING_OFF_SQ_RING);
	u->sqes = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe) << wide,
		       PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	if (u->rings == MAP_FAILED || u->sqes == MAP_FAILED) {
		close(fd);
		return -ENOMEM;
	}
	u->fd = fd;
	return 0;
}

static void fill(struct run *r, struct uring *u, struct io_uring_sqe *sqe)
{
	static const u8 other[] = { IORING_OP_MADVISE, IORING_OP_CLOSE, IORING_OP_POLL_ADD,
				    IORING_OP_ASYNC_CANCEL, IORING_OP_READ, IORING_OP_LINK_TIMEOUT };
	static const u8 flags[] = { 0, 0, 0, IOSQE_ASYNC, IOSQE_IO_LINK, IOSQE_IO_HARDLINK,
				    IOSQE_IO_DRAIN, IOSQE_ASYNC | IOSQE_IO_LINK };
	static struct __kernel_timespec soon = { .tv_nsec = 1000000 };
	struct memstate_uring_call call = {};
	struct memstate_record rec;
	u32 cmd = MEMSTATE_URING_REPORT;

	memset(sqe, 0, sizeof(*sqe) << u->wide);
	sqe->fd = actor_fd(r);
	sqe->flags = PICK(r, flags);
	sqe->user_data = pick(r, 4);
	switch (pick(r, 8)) {
	case 0:
		sqe->opcode = PICK(r, other);
		if (sqe->opcode == IORING_OP_MADVISE) {
			sqe->addr = pick_address(r);
			sqe->len = pick_pages(r) * PAGE;
			sqe->fadvise_advice = MADV_DONTNEED;
		} else if (sqe->opcode == IORING_OP_POLL_ADD) {
			sqe->poll32_events = 2; /* POLLPRI */
		} else if (sqe->opcode == IORING_OP_ASYNC_CANCEL) {
			sqe->addr = pick(r, 4);
		} else if (sqe->opcode == IORING_OP_LINK_TIMEOUT) {
			sqe->addr = (u64)&soon;
			sqe->len = 1;
		}
		return;
	case 1:
	case 2:
	case 3:
		rec = pick_record(r);
		rec.w1 |= (u64)(once(r, 8) ? pick(r, 4) : pick(r, 2)) << 32;
		memcpy(sqe->cmd, &rec, sizeof(rec));
		break;
	default:
		call.arg = (u64)pick_uring_call(r, &cmd);
		call.__reserved = once(r, 16);
		memcpy(sqe->cmd, &call, sizeof(call));
		break;
	}
	if (u->wide && once(r, 8))
		((u8 *)sqe)[64 + pick(r, 64)] = 1;
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->cmd_op = once(r, 16) ? (u32)pick_odd(r) : cmd;
}

/* One request more, and by now and then all that there are so far are submitted. */
long call_uring(struct run *r)
{
	u32 which = pick(r, URINGS), nr = 1 + pick(r, 2), flags = 0, wait = 0, i, tail;
	struct uring *u = &urings[which];
	struct io_uring_params *p = &u->p;
	char *rings;

	if (u->fd < 0 && uring_make(r, u, which))
		return -EINVAL;
	rings = u->rings;
	for (i = 0; i < nr; i++) {
		tail = *(u32 *)(rings + p->sq_off.tail);
		fill(r, u, (void *)(u->sqes + (tail % QUEUE * sizeof(struct io_uring_sqe) << u->wide)));
		((u32 *)(rings + p->sq_off.array))[tail % QUEUE] = tail % QUEUE;
		__atomic_store_n((u32 *)(rings + p->sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	}
	if (p->flags & IORING_SETUP_SQPOLL)
		flags |= IORING_ENTER_SQ_WAKEUP;
	if (once(r, 3)) {
		flags |= IORING_ENTER_GETEVENTS;
		/* At the worst until the round is over. */
		wait = once(r, 32);
	}
	/* What has been completed is taken, whatever it is. */
	__atomic_store_n((u32 *)(rings + p->cq_off.head), *(volatile u32 *)(rings + p->cq_off.tail),
			 __ATOMIC_RELEASE);
	if (once(r, 24)) {
		close(u->fd);
		u->fd = -1;
		return 0;
	}
	return result(syscall(SYS_io_uring_enter, u->fd, nr, wait, flags, NULL, 0));
}
