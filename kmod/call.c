// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may be asked of an open file: the calls, by ioctl or by io_uring.
 *
 * Model
 *
 *   A call's structure is copied in whole, checked, handed to a handler, and copied
 *   out as far as the caller knows it. Whoever holds a file may read the books of the
 *   task it is bound to; only the task itself may report, charge, set up its ring and
 *   its statistics shards. What is about a group, or the system, needs no books.
 */

#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "call.h"
#include "handlers.h"
#include "observing.h"
#include "params.h"

static int do_query(struct ms_file *file, void *arg)
{
	struct memstate_query *q = arg;

	if (q->__reserved)
		return -EINVAL;
	*q = (struct memstate_query) {
		.abi_version = MEMSTATE_ABI_VERSION,
		.page_size = PAGE_SIZE,
		.features = MEMSTATE_FEATURE_LIMITS | MEMSTATE_FEATURE_SHARDS |
			    MEMSTATE_FEATURE_DOORBELL |
			    (ms_observing_can() ? MEMSTATE_FEATURE_OBSERVE : 0) |
			    (ms_observing_jobs() ? MEMSTATE_FEATURE_JOBS : 0) |
			    (IS_ENABLED(CONFIG_IO_URING) ? MEMSTATE_FEATURE_URING : 0),
		.credit_batch = ms_param_credit_batch,
		.groups_max = READ_ONCE(ms_param_groups_max),
		.shards_max = ms_param_shards_max,
		.ring_entries_default = ms_param_ring_entries,
		.ring_entries_max = ms_param_ring_entries_max,
		.ranges_max = READ_ONCE(ms_param_ranges_max),
		.records_max = ms_param_records_max,
		.unmaps_max = ms_param_unmaps_max,
	};
	return 0;
}

/* Where a call stands below. */
#define NR(cmd)		(_IOC_NR(cmd) - _IOC_NR(MEMSTATE_IOC_QUERY))

/*
 * What each call takes. Each structure begins with __u32 size, __u32 flags, of
 * which @flags are known. A caller that knows less than @size_min, what the first
 * version had, is no caller of any version. @uring: it can be had by io_uring;
 * @at_once: what then answers where nothing may be waited for, or says -EAGAIN with
 * nothing changed.
 */
static const struct ms_call {
	unsigned int cmd;
	u32 size;
	u32 size_min;
	u32 flags;
	bool out_on_error;
	bool uring;
	int (*handler)(struct ms_file *file, void *arg);
	int (*at_once)(struct ms_file *file, void *arg);
} ms_calls[] = {
	[NR(MEMSTATE_IOC_QUERY)] = {
		MEMSTATE_IOC_QUERY, sizeof(struct memstate_query), 48,
		.handler = do_query,
	},
	[NR(MEMSTATE_IOC_SETUP)] = {
		MEMSTATE_IOC_SETUP, sizeof(struct memstate_setup), 32,
		MEMSTATE_SETUP_CREDIT | MEMSTATE_SETUP_DOORBELL, .handler = ms_call_setup,
	},
	[NR(MEMSTATE_IOC_SYNC)] = {
		MEMSTATE_IOC_SYNC, sizeof(struct memstate_sync), 32,
		.uring = true, .handler = ms_call_sync,
	},
	[NR(MEMSTATE_IOC_TRANSITION)] = {
		MEMSTATE_IOC_TRANSITION, sizeof(struct memstate_transition), 24,
		MEMSTATE_TRANSITION_HOLD | MEMSTATE_TRANSITION_INHERITED,
		.out_on_error = true, .uring = true, .handler = ms_call_transition,
	},
	[NR(MEMSTATE_IOC_TOTALS)] = {
		MEMSTATE_IOC_TOTALS, sizeof(struct memstate_get_totals), 296,
		MEMSTATE_TOTALS_LAST | MEMSTATE_TOTALS_PARTIAL,
		.uring = true, .handler = ms_call_totals, .at_once = ms_try_totals,
	},
	[NR(MEMSTATE_IOC_RANGES)] = {
		MEMSTATE_IOC_RANGES, sizeof(struct memstate_ranges), 40,
		.handler = ms_call_ranges,
	},
	[NR(MEMSTATE_IOC_AUDIT)] = {
		MEMSTATE_IOC_AUDIT, sizeof(struct memstate_audit), 40,
		.handler = ms_call_audit,
	},
	[NR(MEMSTATE_IOC_CHARGE)] = {
		MEMSTATE_IOC_CHARGE, sizeof(struct memstate_charge), 48,
		MEMSTATE_CHARGE_WAIT | MEMSTATE_CHARGE_RANGE | MEMSTATE_CHARGE_TRIM,
		.out_on_error = true, .uring = true,
		.handler = ms_call_charge, .at_once = ms_try_charge,
	},
	[NR(MEMSTATE_IOC_LIMIT_SET)] = {
		MEMSTATE_IOC_LIMIT_SET, sizeof(struct memstate_limit), 168,
		MEMSTATE_LIMIT_REPORTS, .handler = ms_call_limit_set,
	},
	[NR(MEMSTATE_IOC_LIMIT_GET)] = {
		MEMSTATE_IOC_LIMIT_GET, sizeof(struct memstate_limit), 168,
		MEMSTATE_LIMIT_RESET_PEAK, .uring = true, .handler = ms_call_limit_get,
	},
	[NR(MEMSTATE_IOC_WATCH)] = {
		MEMSTATE_IOC_WATCH, sizeof(struct memstate_watch), 16,
		.handler = ms_call_watch,
	},
	[NR(MEMSTATE_IOC_SHARDS)] = {
		MEMSTATE_IOC_SHARDS, sizeof(struct memstate_shards), 24,
		.handler = ms_call_shards,
	},
	[NR(MEMSTATE_IOC_PENDING)] = {
		MEMSTATE_IOC_PENDING, sizeof(struct memstate_pending), 8,
		.handler = ms_call_pending,
	},
	[NR(MEMSTATE_IOC_ALLOC)] = {
		MEMSTATE_IOC_ALLOC, sizeof(struct memstate_alloc), 216,
		.handler = ms_call_alloc,
	},
	[NR(MEMSTATE_IOC_OBSERVE)] = {
		MEMSTATE_IOC_OBSERVE, sizeof(struct memstate_observe), 80,
		.handler = ms_call_observe,
	},
	[NR(MEMSTATE_IOC_JOB)] = {
		MEMSTATE_IOC_JOB, sizeof(struct memstate_job), 48,
		.handler = ms_call_job,
	},
	[NR(MEMSTATE_IOC_REFUSAL)] = {
		MEMSTATE_IOC_REFUSAL, sizeof(struct memstate_last_refusal), 112,
		.handler = ms_call_refusal,
	},
};

/* The head of every structure. */
struct ms_call_head {
	u32 size;
	u32 flags;
};

union ms_call_arg {
	struct ms_call_head head;
	struct memstate_query query;
	struct memstate_setup setup;
	struct memstate_sync sync;
	struct memstate_transition transition;
	struct memstate_get_totals totals;
	struct memstate_ranges ranges;
	struct memstate_audit audit;
	struct memstate_charge charge;
	struct memstate_limit limit;
	struct memstate_watch watch;
	struct memstate_shards shards;
	struct memstate_alloc alloc;
	struct memstate_pending pending;
	struct memstate_observe observe;
	struct memstate_job job;
	struct memstate_last_refusal refusal;
};

static const struct ms_call *call_find(unsigned int cmd)
{
	u32 nr = NR(cmd);
	const struct ms_call *call;

	if (nr >= ARRAY_SIZE(ms_calls))
		return NULL;
	call = &ms_calls[array_index_nospec(nr, ARRAY_SIZE(ms_calls))];
	return call->cmd == cmd ? call : NULL;
}

static long call_run(const struct ms_call *call,
		     int (*handler)(struct ms_file *file, void *arg),
		     struct ms_file *file, void __user *user)
{
	union ms_call_arg arg;
	u32 size;
	int ret, out;

	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < call->size_min)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	memset(&arg, 0, sizeof(arg));
	ret = copy_struct_from_user(&arg, call->size, user, size);
	if (ret)
		return ret;
	if (arg.head.flags & ~call->flags)
		return -EINVAL;

	ret = handler(file, &arg);
	if (ret == -EAGAIN || (ret && !call->out_on_error))
		return ret;
	/* What is restarted is given what it was given before. */
	arg.head.size = ret == -ERESTARTNOHAND ? size : call->size;
	out = copy_to_user(user, &arg, min(size, call->size)) ? -EFAULT : 0;
	return ret ?: out;
}

/*
 * What is asked for most is answered at once, where it can be: then nothing in the
 * caller's structure changes. False: the long way.
 */
static bool charge_at_once(struct ms_file *file, void __user *user)
{
	struct memstate_charge c;

	if (copy_from_user(&c, user, sizeof(c)))
		return false;
	return c.size == sizeof(c) && !c.refused_by && !c.room &&
	       !ms_try_charge(file, &c);
}

/**
 * ms_call() - what the ioctl does
 * @file:	the file
 * @cmd:	MEMSTATE_IOC_*
 * @arg:	its structure
 *
 * Context: process; may sleep. Return: 0; -ENOTTY: no such call; -EFAULT, -E2BIG,
 * -EINVAL: the structure; else what the call says.
 */
long ms_call(struct ms_file *file, unsigned int cmd, void __user *arg)
{
	const struct ms_call *call;

	if (cmd == MEMSTATE_IOC_CHARGE && charge_at_once(file, arg))
		return 0;
	call = call_find(cmd);
	return call ? call_run(call, call->handler, file, arg) : -ENOTTY;
}

/**
 * ms_call_uring() - the same for io_uring
 * @file:	the file
 * @cmd:	MEMSTATE_IOC_*
 * @arg:	its structure
 * @nowait:	nothing may be waited for
 *
 * Context: process; may sleep, without @nowait for long. Return: as ms_call(), but
 * -EOPNOTSUPP: no such call here; -EAGAIN: only with @nowait, with nothing changed.
 */
long ms_call_uring(struct ms_file *file, unsigned int cmd, void __user *arg,
		   bool nowait)
{
	const struct ms_call *call = call_find(cmd);
	long ret;

	if (!call || !call->uring)
		return -EOPNOTSUPP;
	if (!nowait) {
		/* There is nobody to restart it: a worker's signal is to cancel it. */
		ret = call_run(call, call->handler, file, arg);
		return ret == -ERESTARTNOHAND ? -EINTR : ret;
	}
	/* To begin books one may have to wait. */
	if (!ms_file_bound(file))
		return -EAGAIN;
	return call->at_once ? call_run(call, call->at_once, file, arg) : -EAGAIN;
}
