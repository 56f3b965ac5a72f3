// SPDX-License-Identifier: GPL-2.0-only
/* What is asked of books: a task's, a group's, the system's. */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "alloc.h"
#include "audit.h"
#include "drain.h"
#include "group.h"
#include "file.h"
#include "handlers.h"
#include "life.h"
#include "mappings.h"
#include "observed.h"
#include "observed_group.h"
#include "params.h"
#include "process.h"
#include "records.h"

int ms_call_setup(struct ms_file *file, void *arg)
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
	ret = ms_task_setup(task, s->ring_entries, s->flags);
	if (!ret)
		ms_charge_show(task);
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

int ms_call_shards(struct ms_file *file, void *arg)
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

int ms_call_sync(struct ms_file *file, void *arg)
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

int ms_call_transition(struct ms_file *file, void *arg)
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
		ret = ms_records_apply(file->task, records, t->nr, &t->done,
				       &terms);
	t->paid = terms.paid;
	t->refused_by = terms.refused_by;
	kvfree(records);
	return ret;
}

int ms_call_pending(struct ms_file *file, void *arg)
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

/* What a process reports, and what is seen of it. */
static int process_totals(struct memstate_get_totals *t)
{
	struct ms_process p;
	struct ms_task *task;
	int ret = ms_process_get(&p, t->fd, false);

	if (ret)
		return ret;
	memset(&t->totals, 0, sizeof(t->totals));
	task = ms_task_find(p.mm);
	if (task) {
		ret = task_totals(task, t, false);
		ms_task_put(task);
	}
	if (!ret)
		ret = ms_observed_totals_one(p.mm, !(t->flags & MEMSTATE_TOTALS_LAST),
					     &t->observed);
	ms_process_put(&p);
	return ret;
}

int ms_call_totals(struct ms_file *file, void *arg)
{
	struct memstate_get_totals *t = arg;
	struct ms_task *task = NULL;
	struct ms_group *group;

	/* Who asks again with what he was given means the same. */
	t->flags &= ~MEMSTATE_TOTALS_PARTIAL;
	if (t->scope == MEMSTATE_SCOPE_PROCESS)
		return process_totals(t);
	group = ms_file_group(file, t->scope, t->fd, false);
	if (IS_ERR(group))
		return PTR_ERR(group);
	if (!group && t->scope != MEMSTATE_SCOPE_GROUP)
		task = ms_file_task(file);
	if (IS_ERR(task))
		return PTR_ERR(task);
	ms_file_seen(file);
	memset(&t->observed, 0, sizeof(t->observed));
	if (task)
		return task_totals(task, t, false);
	memset(&t->totals, 0, sizeof(t->totals));
	if (!group)
		return 0;
	if (!(t->flags & MEMSTATE_TOTALS_LAST)) {
		if (ms_drain_group(group))
			t->flags |= MEMSTATE_TOTALS_PARTIAL;
		ms_observed_look_all(group);
	}
	ms_group_totals(group, &t->totals);
	ms_observed_totals(group, &t->observed);
	ms_file_group_put(group);
	return 0;
}

/* Of the task itself, where nobody else has its books open. */
int ms_try_totals(struct ms_file *file, void *arg)
{
	struct memstate_get_totals *t = arg;
	struct ms_task *task = ms_file_bound(file);
	int ret;

	if (t->scope != MEMSTATE_SCOPE_TASK || t->fd || !task)
		return -EAGAIN;
	t->flags &= ~MEMSTATE_TOTALS_PARTIAL;
	memset(&t->observed, 0, sizeof(t->observed));
	ret = task_totals(task, t, true);
	if (!ret)
		ms_file_seen(file);
	return ret;
}

int ms_call_alloc(struct ms_file *file, void *arg)
{
	struct memstate_alloc *a = arg;
	u32 scope = a->scope;
	s32 fd = a->fd;
	struct ms_task *task = NULL;
	struct ms_group *group;
	int ret = 0;

	if (a->__reserved)
		return -EINVAL;
	group = ms_file_group(file, scope, fd, false);
	if (IS_ERR(group))
		return PTR_ERR(group);
	if (!group && scope != MEMSTATE_SCOPE_GROUP)
		task = ms_file_task(file);
	if (IS_ERR(task))
		return PTR_ERR(task);
	if (group)
		ret = ms_alloc_of_group(group, a);
	else if (task)
		ret = ms_alloc_of_task(task, a);
	else
		memset(a, 0, sizeof(*a));
	ms_file_group_put(group);
	a->scope = scope;
	a->fd = fd;
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

/* Those of a process: its books, or where it has none its mappings. */
static int ranges_process(struct ms_process *p, struct memstate_ranges *r,
			  struct memstate_range *ranges, u32 nr)
{
	struct ms_task *task = ms_task_find(p->mm);
	int ret;

	if (task) {
		ret = ranges_collect(task, r, ranges, nr);
		ms_task_put(task);
		return ret;
	}
	if (mmap_read_lock_killable(p->mm))
		return -EINTR;
	ret = ms_mappings_ranges(p->mm, &r->cursor, ranges, nr);
	mmap_read_unlock(p->mm);
	if (ret < 0)
		return ret;
	r->done = ret;
	/* Nobody counts, so it is another each time. */
	r->transitions = ktime_get_ns();
	return 0;
}

int ms_call_ranges(struct ms_file *file, void *arg)
{
	struct memstate_ranges *r = arg;
	bool process = r->scope == MEMSTATE_SCOPE_PROCESS;
	u32 nr = min(r->nr, ms_param_records_max);
	struct memstate_range *ranges;
	struct ms_task *task = NULL;
	struct ms_process p;
	int ret;

	if (!nr || (!process && (r->scope != MEMSTATE_SCOPE_TASK || r->fd)))
		return -EINVAL;
	if (process) {
		ret = ms_process_get(&p, r->fd, true);
		if (ret)
			return ret;
	} else {
		task = ms_file_task(file);
		if (IS_ERR(task))
			return PTR_ERR(task);
	}
	ranges = kvmalloc_array(nr, sizeof(*ranges), GFP_KERNEL_ACCOUNT);
	if (!ranges) {
		ret = -ENOMEM;
		goto out;
	}
	ms_file_seen(file);
	ret = process ? ranges_process(&p, r, ranges, nr) : ranges_collect(task, r, ranges, nr);
	if (!ret && copy_to_user(u64_to_user_ptr(r->ranges), ranges,
				 r->done * sizeof(*ranges)))
		ret = -EFAULT;
	kvfree(ranges);
out:
	if (process)
		ms_process_put(&p);
	return ret;
}

int ms_call_audit(struct ms_file *file, void *arg)
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
