// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device by io_uring: the calls of call.c, and a record in an SQE.
 *
 * Model
 *
 *   A request is tried where it is submitted, and answered there if nothing has to be
 *   waited for; else io_uring gives it to a worker, which may wait as an ioctl does. A
 *   request that was tried has changed nothing, so that the worker can begin anew. A
 *   worker that waits for room is woken by the signal with which io_uring cancels it.
 *   Nothing outlives its request: there is nothing to cancel here, and nothing to wait
 *   for when a ring or a task ends.
 *
 *   Whose books they are is told by the address space: that of the submitter, of the
 *   worker that works for him, and of the thread that polls his ring, is the same.
 *
 * Races
 *
 *   What an SQE carries may lie in shared memory: it is loaded once, copied, checked,
 *   then used. Between a try and the worker it may change, to no harm: the worker
 *   checks what it finds.
 */
#include <linux/uaccess.h>

#include "call.h"
#include "compat.h"
#include "charge.h"
#include "records.h"
#include "uring.h"

/* Words that an SQE carries, and how many more one of 128 bytes has. */
#define SQE_WORDS	2
#define SQE128_WORDS	8

/* An SQE of 128 bytes has room for what we do not know of. */
static bool uring_rest_is_zero(const u64 *words, unsigned int issue_flags)
{
	u64 rest = 0;
	u32 i;

	if (issue_flags & IO_URING_F_SQE128)
		for (i = SQE_WORDS; i < SQE_WORDS + SQE128_WORDS; i++)
			rest |= READ_ONCE(words[i]);
	return !rest;
}

/* Returns what it has given up, in units, with HOLD. */
static int uring_report(struct ms_file *file, struct memstate_record record,
			bool nowait)
{
	u32 flags = record.w1 >> 32;
	struct ms_terms terms = {
		.strict = true,
		.hold = flags & MEMSTATE_TRANSITION_HOLD,
	};
	u32 done = 0;
	int ret;

	/* To begin books one may have to wait. */
	if (nowait && !ms_file_bound(file))
		return -EAGAIN;
	ret = ms_file_may_report(file);
	if (ret)
		return ret;
	record.w1 = (u32)record.w1;
	/* What is given up is the result, and fits. */
	if ((flags & ~MEMSTATE_TRANSITION_HOLD) ||
	    (terms.hold && record.w1 > S32_MAX))
		return -EINVAL;
	ret = nowait ? ms_records_try(file->task, &record, &terms) :
		       ms_records_apply(file->task, &record, 1, &done, &terms);
	return ret ?: terms.paid >> MEMSTATE_UNIT_SHIFT;
}

/**
 * ms_uring_cmd() - IORING_OP_URING_CMD on the device
 * @cmd:		the request
 * @issue_flags:	IO_URING_F_*
 *
 * Context: process; may sleep, with IO_URING_F_NONBLOCK not for long.
 * Return: 0, a negative errno, or -EIOCBQUEUED: it has been completed; -EAGAIN: to be
 * given to a worker, only with IO_URING_F_NONBLOCK.
 */
int ms_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct ms_file *file = ms_file_of(cmd->file);
	const u64 *words = ms_uring_payload(cmd);
	u64 w0 = READ_ONCE(words[0]), w1 = READ_ONCE(words[1]);
	bool nowait = issue_flags & IO_URING_F_NONBLOCK;
	int ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	if (!uring_rest_is_zero(words, issue_flags))
		return -EINVAL;
	if (cmd->cmd_op == MEMSTATE_URING_REPORT)
		ret = uring_report(file, (struct memstate_record){ w0, w1 }, nowait);
	else if (w1)
		ret = -EINVAL;
	else
		ret = ms_call_uring(file, cmd->cmd_op, u64_to_user_ptr(w0), nowait);
	if (ret <= 0)
		return ret;
	/* 6.1 forgets a positive result that a worker returns. */
	ms_uring_done(cmd, ret, issue_flags);
	return -EIOCBQUEUED;
}
