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

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "audit.h"
#include "call.h"
#include "charge.h"
#include "drain.h"
#include "group.h"
#include "params.h"
#include "task.h"

/* A reference in place of a use: the group may go, the object stays. */
static struct ms_group *group_ref(struct ms_group *group)
{
	if (!IS_ERR_OR_NULL(group)) {
		kobject_get(&group->kobj);
		ms_group_put(group);
	}
	return group;
}

/*
 * The group that a scope means: NULL for a task, or where SCOPE_GROUP finds none. To
 * be given back.
 */
static struct ms_group *file_group(struct ms_file *file, u32 scope, s32 fd,
				   bool make)
{
	struct ms_group *group;
	struct ms_task *task;

	if (scope != MEMSTATE_SCOPE_GROUP && fd)
		return ERR_PTR(-EINVAL);
	switch (scope) {
	case MEMSTATE_SCOPE_TASK:
		return NULL;
	case MEMSTATE_SCOPE_SYSTEM:
		group = ms_group_root;
		break;
	case MEMSTATE_SCOPE_GROUP:
		return group_ref(ms_group_of_fd(fd, make));
	case MEMSTATE_SCOPE_OWN_GROUP:
		task = ms_file_task(file);
		if (IS_ERR_OR_NULL(task))
			return task ? ERR_CAST(task) : ERR_PTR(-ESRCH);
		group = task->group;
		break;
	case MEMSTATE_SCOPE_WATCHED:
		/* Acquire: as in ms_file_events(). */
		group = smp_load_acquire(&file->watched);
		if (!group)
			return NULL;
		break;
	default:
		return ERR_PTR(-EINVAL);
	}
	kobject_get(&group->kobj);
	return group;
}

static void group_unref(struct ms_group *group)
{
	if (group)
		kobject_put(&group->kobj);
}

/* ---- handlers: the structure is private and its flags are checked -------- */

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

static int do_setup(struct ms_file *file, void *arg)
{
	struct memstate_setup *s = arg;
	struct ms_task *task;
	struct ms_books books;
	int ret;

	ret = ms_file_may_report(file);
	if (ret)
		return ret;
	task = file->task;
	if (s->ring_entries && (s->ring_entries < 2 ||
				!is_power_of_2(s->ring_entries) ||
				s->ring_entries > ms_param_ring_entries_max))
		return -EINVAL;

	ret = ms_books_lock(&books, task);
	if (ret)
		return ret;
	ret = ms_task_setup(task, s->ring_entries,
			    s->flags);
	ms_books_unlock(&books);
	if (ret)
		return ret;
	*s = (struct memstate_setup) {
		.ring_entries = task->ring->entries,
		.records_offset = PAGE_SIZE,
		.ring_bytes = ms_ring_bytes(task->ring),
		.totals_bytes = PAGE_SIZE,
	};
	return 0;
}

static int do_shards(struct ms_file *file, void *arg)
{
	struct memstate_shards *s = arg;
	struct ms_task *task;
	struct ms_books books;
	int ret;

	ret = ms_file_may_report(file);
	if (ret)
		return ret;
	task = file->task;
	if (s->nr_shards > ms_param_shards_max)
		return -EINVAL;
	ret = ms_books_lock(&books, task);
	if (ret)
		return ret;
	ret = ms_task_setup_shards(task, s->nr_shards);
	ms_books_unlock(&books);
	if (ret)
		return ret;
	*s = (struct memstate_shards) {
		.nr_shards = task->shards->nr,
		.shard_bytes = sizeof(struct memstate_alloc_shard),
		.shards_bytes = ms_shards_bytes(task->shards),
	};
	return 0;
}

static int do_sync(struct ms_file *file, void *arg)
{
	struct memstate_sync *s = arg;
	struct ms_task *task;
	struct ms_drain drain;
	int ret;

	ret = ms_file_may_report(file);
	if (ret)
		return ret;
	task = file->task;
	if (!ms_task_ring(task))
		return -ENXIO;
	ret = ms_drain_own(task, &drain);
	if (ret)
		return ret;
	*s = (struct memstate_sync) {
		.head = READ_ONCE(task->head),
		.drained = drain.drained,
		.rejected = drain.rejected,
		.error = drain.error,
		.error_pos = drain.error_pos,
	};
	s->pending = ms_ring_tail(task->ring, s->head) - s->head;
	return 0;
}

static int do_transition(struct ms_file *file, void *arg)
{
	struct memstate_transition *t = arg;
	struct ms_terms terms = {
		.paid = t->paid,
		.strict = !(t->flags & MEMSTATE_TRANSITION_INHERITED),
		.hold = t->flags & MEMSTATE_TRANSITION_HOLD,
		.inherited = t->flags & MEMSTATE_TRANSITION_INHERITED,
	};
	struct memstate_record *records;
	int ret;

	ret = ms_file_may_report(file);
	if (ret)
		return ret;
	t->done = 0;
	t->refused_by = 0;
	if (!t->nr || t->nr > ms_param_records_max)
		return -EINVAL;

	records = kvmalloc_array(t->nr, sizeof(*records), GFP_KERNEL_ACCOUNT);
	if (!records)
		return -ENOMEM;
	if (copy_from_user(records, u64_to_user_ptr(t->records),
			   t->nr * sizeof(*records)))
		ret = -EFAULT;
	else
		ret = ms_drain_records(file->task, records, t->nr, &t->done,
				       &terms);
	t->paid = terms.paid;
	t->refused_by = terms.refused_by;
	kvfree(records);
	return ret;
}

static int do_pending(struct ms_file *file, void *arg)
{
	u32 *bell;
	int ret;

	ret = ms_file_may_report(file);
	if (ret)
		return ret;
	bell = ms_ring_bell(ms_task_ring(file->task));
	if (!bell)
		return -ENXIO;
	ms_pending_listen(&file->task->pending, bell);
	return 0;
}

static int task_totals(struct ms_task *task, struct memstate_get_totals *t, bool nowait)
{
	int ret = ms_drain_totals(task, &t->totals, t->flags & MEMSTATE_TOTALS_LAST, nowait);

	if (ret > 0)
		t->flags |= MEMSTATE_TOTALS_PARTIAL;
	return min(ret, 0);
}

static int do_totals(struct ms_file *file, void *arg)
{
	struct memstate_get_totals *t = arg;
	struct ms_group *group = file_group(file, t->scope, t->fd, false);
	struct ms_task *task = NULL;

	if (IS_ERR(group))
		return PTR_ERR(group);
	/* Who asks again with what he was given means the same. */
	t->flags &= ~MEMSTATE_TOTALS_PARTIAL;
	if (!group && t->scope != MEMSTATE_SCOPE_GROUP)
		task = ms_file_task(file);
	if (IS_ERR(task))
		return PTR_ERR(task);
	ms_file_seen(file);
	if (task)
		return task_totals(task, t, false);
	memset(&t->totals, 0, sizeof(t->totals));
	if (!group)
		return 0;
	if (!(t->flags & MEMSTATE_TOTALS_LAST) && ms_drain_group(group))
		t->flags |= MEMSTATE_TOTALS_PARTIAL;
	ms_group_totals(group, &t->totals);
	group_unref(group);
	return 0;
}

/* Of the task itself, where nobody else has its books open. */
static int try_totals(struct ms_file *file, void *arg)
{
	struct memstate_get_totals *t = arg;
	struct ms_task *task = ms_file_bound(file);
	int ret;

	if (t->scope != MEMSTATE_SCOPE_TASK || t->fd || !task)
		return -EAGAIN;
	t->flags &= ~MEMSTATE_TOTALS_PARTIAL;
	ret = task_totals(task, t, true);
	if (!ret)
		ms_file_seen(file);
	return ret;
}

static int do_alloc(struct ms_file *file, void *arg)
{
	struct memstate_alloc *a = arg;
	u32 scope = a->scope;
	s32 fd = a->fd;
	struct ms_task *task = NULL;
	struct ms_group *group;
	int ret = 0;

	if (a->__reserved)
		return -EINVAL;
	group = file_group(file, scope, fd, false);
	if (IS_ERR(group))
		return PTR_ERR(group);
	if (!group && scope != MEMSTATE_SCOPE_GROUP)
		task = ms_file_task(file);
	if (IS_ERR(task))
		return PTR_ERR(task);
	if (group)
		ret = ms_shards_of_group(group, a);
	else if (task)
		ret = ms_shards_of_task(task, a);
	else
		memset(a, 0, sizeof(*a));
	group_unref(group);
	a->scope = scope;
	a->fd = fd;
	return ret;
}

static int do_charge(struct ms_file *file, void *arg)
{
	struct memstate_charge *c = arg;
	bool trim = c->flags & MEMSTATE_CHARGE_TRIM;
	int ret;

	ret = ms_file_may_report(file);
	if (ret)
		return ret;
	if (trim && c->flags != MEMSTATE_CHARGE_TRIM)
		return -EINVAL;
	if (trim != !c->bytes || !PAGE_ALIGNED(c->bytes | c->addr) ||
	    c->bytes >= TASK_SIZE_MAX)
		return -EINVAL;
	if (c->addr && !(c->flags & MEMSTATE_CHARGE_RANGE))
		return -EINVAL;
	if (c->timeout_ns && !(c->flags & MEMSTATE_CHARGE_WAIT))
		return -EINVAL;
	c->refused_by = 0;
	c->room = 0;
	return ms_charge_request(file->task, c);
}

/* A request without frills, and there is room. */
static int try_charge(struct ms_file *file, void *arg)
{
	struct memstate_charge *c = arg;

	if (c->flags || c->addr || c->timeout_ns || !c->bytes ||
	    !PAGE_ALIGNED(c->bytes) || c->bytes >= TASK_SIZE_MAX)
		return -EAGAIN;
	if (ms_file_may_report(file) || !ms_charge_fast(file->task, c->bytes))
		return -EAGAIN;
	c->refused_by = 0;
	c->room = 0;
	return 0;
}

/* A task's own limits only go down. */
static int limit_set_own(struct ms_file *file, const struct memstate_limit *l)
{
	struct ms_level *own;
	int ret;

	ret = ms_file_may_report(file);
	if (ret)
		return ret;
	own = &file->task->limit;
	if (capable(CAP_SYS_RESOURCE))
		ms_limits_set(own, l->set, l->high, l->max);
	else if (!ms_limits_lower(own, l->set, l->high, l->max))
		return -EPERM;
	ms_charge_show(file->task);
	return 0;
}

static int do_limit_set(struct ms_file *file, void *arg)
{
	struct memstate_limit *l = arg;
	struct ms_group *group;

	if (!l->set || (l->set & ~(MEMSTATE_LIMIT_HIGH | MEMSTATE_LIMIT_MAX)) ||
	    l->scope == MEMSTATE_SCOPE_WATCHED)
		return -EINVAL;
	if (l->scope == MEMSTATE_SCOPE_GROUP)
		group = group_ref(ms_group_to_limit(l->fd));
	else
		group = file_group(file, l->scope, l->fd, true);
	if (IS_ERR(group))
		return PTR_ERR(group);
	if (!group)
		return limit_set_own(file, l);
	/* Without a directory there is nothing else to go by. */
	if (l->scope != MEMSTATE_SCOPE_GROUP && !capable(CAP_SYS_RESOURCE)) {
		group_unref(group);
		return -EPERM;
	}
	ms_limits_set(&group->limit, l->set, l->high, l->max);
	group_unref(group);
	return 0;
}

/* The file's own peak is of what it last began anew for. */
static void file_peak_moves(struct ms_file *file, struct ms_group *group)
{
	if (file->peak_group == group)
		return;
	ms_limits_peak_end(&file->peak);
	group_unref(file->peak_group);
	if (group)
		kobject_get(&group->kobj);
	file->peak_group = group;
}

static int do_limit_get(struct ms_file *file, void *arg)
{
	struct memstate_limit *l = arg;
	bool reset = l->flags & MEMSTATE_LIMIT_RESET_PEAK;
	struct ms_task *task = NULL;
	struct ms_group *group;

	if (l->set)
		return -EINVAL;
	group = file_group(file, l->scope, l->fd, reset);
	if (IS_ERR(group))
		return PTR_ERR(group);
	if (!group && l->scope != MEMSTATE_SCOPE_GROUP)
		task = ms_file_task(file);
	if (IS_ERR(task))
		return PTR_ERR(task);
	ms_file_seen(file);
	if (!group && !task) {
		/* Nobody has reported in it, and nobody has limited it. */
		*l = (struct memstate_limit) {
			.high = MEMSTATE_UNLIMITED,
			.max = MEMSTATE_UNLIMITED,
			.lowest_high = MEMSTATE_UNLIMITED,
			.lowest_max = MEMSTATE_UNLIMITED,
		};
		return 0;
	}
	memset(l, 0, sizeof(*l));
	mutex_lock(&file->lock);
	if (reset)
		file_peak_moves(file, group);
	if (group)
		ms_group_limits(group, &file->peak, reset, l);
	else
		ms_limits_read(&task->limit, &file->peak, reset, l);
	mutex_unlock(&file->lock);
	group_unref(group);
	return 0;
}

static int do_watch(struct ms_file *file, void *arg)
{
	struct memstate_watch *w = arg;
	struct ms_group *group;
	struct ms_task *task;
	int ret = 0;

	if (w->scope == MEMSTATE_SCOPE_WATCHED)
		return -EINVAL;
	group = file_group(file, w->scope, w->fd, true);
	if (IS_ERR(group))
		return PTR_ERR(group);
	task = group ? NULL : ms_file_task(file);
	if (!group && IS_ERR_OR_NULL(task))
		return task ? PTR_ERR(task) : -ESRCH;
	mutex_lock(&file->lock);
	if (!file->watched)
		/* Release: pairs with the acquire in ms_file_events(). */
		smp_store_release(&file->watched, group);
	else if (file->watched != group)
		ret = -EBUSY;
	else
		group_unref(group);
	mutex_unlock(&file->lock);
	if (ret)
		group_unref(group);
	ms_file_seen(file);
	return ret;
}

/* Collect ranges from the cursor on: one view, as the lock is held. */
static int ranges_collect(struct ms_task *task, struct memstate_ranges *r,
			  struct memstate_range *ranges, u32 nr)
{
	struct ms_books books;
	u64 addr = r->cursor;
	int ret;

	r->cursor = 0;
	r->done = 0;
	r->transitions = 0;
	ret = task ? ms_books_begin(&books, task) : -ESRCH;
	if (ret)
		return ret == -ESRCH ? 0 : ret;
	while (ms_ledger_next(&task->ledger, addr, &ranges[r->done])) {
		addr = ranges[r->done].end;
		if (++r->done == nr) {
			struct memstate_range more;

			if (ms_ledger_next(&task->ledger, addr, &more))
				r->cursor = addr;
			break;
		}
	}
	r->transitions = task->totals.transitions + task->totals.unmaps;
	ms_books_unlock(&books);
	return 0;
}

static int do_ranges(struct ms_file *file, void *arg)
{
	struct memstate_ranges *r = arg;
	u32 nr = min(r->nr, ms_param_records_max);
	struct memstate_range *ranges;
	struct ms_task *task;
	int ret;

	if (!nr)
		return -EINVAL;
	task = ms_file_task(file);
	if (IS_ERR(task))
		return PTR_ERR(task);
	ranges = kvmalloc_array(nr, sizeof(*ranges), GFP_KERNEL_ACCOUNT);
	if (!ranges)
		return -ENOMEM;
	ms_file_seen(file);
	ret = ranges_collect(task, r, ranges, nr);
	if (!ret && copy_to_user(u64_to_user_ptr(r->ranges), ranges,
				 r->done * sizeof(*ranges)))
		ret = -EFAULT;
	kvfree(ranges);
	return ret;
}

static int do_audit(struct ms_file *file, void *arg)
{
	struct memstate_audit *a = arg;
	u32 given = a->nr;
	struct memstate_finding *findings;
	struct ms_task *task;
	int ret;

	a->nr = min(given, ms_param_records_max);
	if (!a->nr)
		return -EINVAL;
	task = ms_file_task(file);
	if (IS_ERR_OR_NULL(task))
		return task ? PTR_ERR(task) : -ESRCH;
	findings = kvmalloc_array(a->nr, sizeof(*findings), GFP_KERNEL_ACCOUNT);
	if (!findings)
		return -ENOMEM;
	a->done = 0;
	a->checked_bytes = 0;
	ret = ms_audit(task, a, findings);
	if (!ret && copy_to_user(u64_to_user_ptr(a->findings), findings,
				 a->done * sizeof(*findings)))
		ret = -EFAULT;
	a->nr = given;
	kvfree(findings);
	return ret;
}

/* ---- dispatch ------------------------------------------------------------ */

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
	{ MEMSTATE_IOC_QUERY, sizeof(struct memstate_query), 48,
	  .handler = do_query },
	{ MEMSTATE_IOC_SETUP, sizeof(struct memstate_setup), 32,
	  MEMSTATE_SETUP_CREDIT | MEMSTATE_SETUP_DOORBELL, .handler = do_setup },
	{ MEMSTATE_IOC_SYNC, sizeof(struct memstate_sync), 32,
	  .uring = true, .handler = do_sync },
	{ MEMSTATE_IOC_TRANSITION, sizeof(struct memstate_transition), 24,
	  MEMSTATE_TRANSITION_HOLD | MEMSTATE_TRANSITION_INHERITED,
	  .out_on_error = true, .uring = true, .handler = do_transition },
	{ MEMSTATE_IOC_TOTALS, sizeof(struct memstate_get_totals), 296,
	  MEMSTATE_TOTALS_LAST | MEMSTATE_TOTALS_PARTIAL,
	  .uring = true, .handler = do_totals, .at_once = try_totals },
	{ MEMSTATE_IOC_RANGES, sizeof(struct memstate_ranges), 40,
	  .handler = do_ranges },
	{ MEMSTATE_IOC_AUDIT, sizeof(struct memstate_audit), 40,
	  .handler = do_audit },
	{ MEMSTATE_IOC_CHARGE, sizeof(struct memstate_charge), 48,
	  MEMSTATE_CHARGE_WAIT | MEMSTATE_CHARGE_RANGE | MEMSTATE_CHARGE_TRIM,
	  .out_on_error = true, .uring = true,
	  .handler = do_charge, .at_once = try_charge },
	{ MEMSTATE_IOC_LIMIT_SET, sizeof(struct memstate_limit), 168,
	  .handler = do_limit_set },
	{ MEMSTATE_IOC_LIMIT_GET, sizeof(struct memstate_limit), 168,
	  MEMSTATE_LIMIT_RESET_PEAK, .uring = true, .handler = do_limit_get },
	{ MEMSTATE_IOC_WATCH, sizeof(struct memstate_watch), 16,
	  .handler = do_watch },
	{ MEMSTATE_IOC_SHARDS, sizeof(struct memstate_shards), 24,
	  .handler = do_shards },
	{ MEMSTATE_IOC_PENDING, sizeof(struct memstate_pending), 8,
	  .handler = do_pending },
	{ MEMSTATE_IOC_ALLOC, sizeof(struct memstate_alloc), 216,
	  .handler = do_alloc },
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
};

static const struct ms_call *call_find(unsigned int cmd)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ms_calls); i++)
		if (ms_calls[i].cmd == cmd)
			return &ms_calls[i];
	return NULL;
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
	       !try_charge(file, &c);
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
