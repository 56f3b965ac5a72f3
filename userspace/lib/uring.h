/* SPDX-License-Identifier: MIT */
/* An io_uring that drops ranges: see uring.c. */
#ifndef MS_URING_H
#define MS_URING_H

#include <linux/io_uring.h>

#include "internal.h"

/* Of a drop: its completion has not been seen, and will not come. */
#define MS_URING_UNSEEN		INT32_MIN

/* An SQE of MADVISE has 32 bits for the length on kernels before 6.11. */
#define MS_URING_BYTES_MAX	((size_t)0xfffff000u)

/**
 * struct ms_drop - ranges next to each other that are dropped by one call
 * @addr:	first byte
 * @bytes:	length
 * @first:	index of the first of its ranges in the batch
 * @nr:		how many
 * @class_:	enum memstate_class
 * @report:	what became of the report: units given up, or a negative errno
 * @advice:	what became of the madvise: 0 or a negative errno
 */
struct ms_drop {
	void *addr;
	size_t bytes;
	u32 first;
	u32 nr;
	u32 class_;
	int report;
	int advice;
};

/**
 * struct ms_uring - a ring of this process's own
 * @fd:		its descriptor, -1: none
 * @epoch:	whose it is: ms_state's at that time
 * @reports:	file 0 is the device
 * @drops_max:	how many fit in at once
 * @entries:	of the submission queue
 * @dev:	what tells the descriptor from another one under the same number
 * @ino:	likewise
 * @rings:	mapping of both queues
 * @rings_bytes: its length
 * @sqes:	mapping of the entries
 * @sq_head:	the kernel's
 * @sq_tail:	ours
 * @cq_head:	ours
 * @cq_tail:	the kernel's
 * @cqes:	the completions
 * @cq_mask:	from a position to its place
 */
struct ms_uring {
	int fd;
	u32 epoch;
	bool reports;
	u32 drops_max;
	u32 entries;
	u64 dev;
	u64 ino;
	void *rings;
	size_t rings_bytes;
	struct io_uring_sqe *sqes;
	const u32 *sq_head;
	u32 *sq_tail;
	u32 *cq_head;
	const u32 *cq_tail;
	const struct io_uring_cqe *cqes;
	u32 cq_mask;
};

MS_HIDDEN int ms_uring_open(struct ms_uring *ring, u32 drops, int device_fd);
MS_HIDDEN void ms_uring_close(struct ms_uring *ring);
MS_HIDDEN bool ms_uring_usable(const struct ms_uring *ring);
MS_HIDDEN int ms_uring_run(struct ms_uring *ring, struct ms_drop *drops, u32 nr);

#endif /* MS_URING_H */
