// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/printk.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/timekeeping.h>

#include "copies.h"
#include "group.h"
#include "refusal.h"
#include "trace.h"
#include "users.h"

/* A name, each byte of it as four. */
#define NAME_SIZE	(4 * TASK_COMM_LEN + 1)

/* What a line has at the most. */
#define LINE_SIZE	384

static void note(struct ms_refusal *r, const struct ms_refusal_note *n)
{
	struct ms_refusal_note old;

	get_pid(n->pid);
	spin_lock(&r->lock);
	old = r->note;
	r->note = *n;
	r->note.nr = old.nr + 1;
	if (old.nr)
		r->note.first = old.first;
	spin_unlock(&r->lock);
	put_pid(old.pid);
}

/* What is noted, with a reference to whose it was. Return: whether anything is. */
static bool note_get(struct ms_refusal *r, struct ms_refusal_note *n)
{
	spin_lock(&r->lock);
	*n = r->note;
	get_pid(n->pid);
	spin_unlock(&r->lock);
	return n->nr;
}

/* Likewise, for a reader: whom he does not see he learns nothing of. */
static bool note_read(struct ms_refusal *r, struct ms_refusal_note *n)
{
	bool some = note_get(r, n);

	if (some && !pid_vnr(n->pid)) {
		n->inner = 0;
		n->comm[0] = '\0';
	}
	return some;
}

/**
 * ms_refusal() - the caller is refused to grow
 * @group:	his group
 * @by:		the group whose limit it is, that or one above
 * @bytes:	by how much he wanted to grow
 * @how:	MEMSTATE_REFUSED_*: by which limit, and how he has asked
 *
 * Context: task context, with an address space; does not sleep; RCU read lock held.
 */
void ms_refusal(struct ms_group *group, struct ms_group *by, u64 bytes, u32 how)
{
	bool commit = how & MEMSTATE_REFUSED_COMMIT;
	const struct ms_level *limit = commit ? &by->commit : &by->limit;
	u64 pending = max(atomic64_read(&by->observed.sums[MS_OBSERVED_PENDING]), 0LL);
	u64 charged = ms_limits_charged(limit);
	u64 backed = charged - min(charged, pending), now = ktime_get_boottime_ns();
	struct ms_refusal_note n = {
		.first = now,
		.last = now,
		.pid = task_tgid(current),
		.inner = task_tgid_vnr(current),
		.how = how,
		.by = by->id,
		.bytes = bytes,
		.backed = commit ? max(atomic64_read(&by->observed.sums[MS_OBSERVED_BACKED]), 0LL) :
				   backed + ms_copies(by, current->mm, backed),
		.max = READ_ONCE(limit->core.max),
		.overcommit = READ_ONCE(by->observed.overcommit),
	};

	n.charged = commit ? charged : max(charged, n.backed);
	/* A worker of io_uring is called by its number. */
	memcpy(n.comm, current->flags & PF_IO_WORKER ? current->group_leader->comm : current->comm,
	       sizeof(n.comm));
	n.comm[sizeof(n.comm) - 1] = '\0';
	for (; group && group != by; group = group->parent) {
		note(&group->observed.refusal, &n);
		/* It counts no event of a limit above, and who watches it is told all the same. */
		ms_group_kick(group, MS_KICK_EVENTS);
	}
	note(&by->observed.refusal, &n);
	/* Anybody may make any number of jobs, and fill the log by that. */
	if (!ms_group_is_job(by))
		set_bit(MS_KICK_REFUSED, &by->flags);
	ms_group_event(by, MEMSTATE_EVENT_DENIED);
	if (!(how & MEMSTATE_REFUSED_CHARGE))
		trace_memstate_refuse(current, by->id, bytes, charged, pending);
}

/* A note as a line without its end; the process has this number. Return: its length. */
static int note_line(const struct ms_refusal_note *n, pid_t pid, char *text, size_t size)
{
	char name[NAME_SIZE];

	/* It is the program's own choice: no line of ours may look like another by it. */
	name[string_escape_mem(n->comm, strlen(n->comm), name, sizeof(name) - 1,
			       ESCAPE_HEX | ESCAPE_NAP | ESCAPE_APPEND, "\"\\")] = '\0';
	return scnprintf(text, size,
			 "pid=%d inner_pid=%d comm=\"%s\" bytes=%llu group=%llu backed=%llu charged=%llu %s=%lld overcommit=%u at=%llu.%06lu nr=%llu first=%llu.%06lu reported=%u",
			 pid, n->inner, name, n->bytes, n->by, n->backed, n->charged,
			 n->how & MEMSTATE_REFUSED_COMMIT ? "commit_max" : "max", (s64)n->max,
			 n->overcommit, n->last / NSEC_PER_SEC,
			 (unsigned long)(n->last % NSEC_PER_SEC / NSEC_PER_USEC), n->nr,
			 n->first / NSEC_PER_SEC,
			 (unsigned long)(n->first % NSEC_PER_SEC / NSEC_PER_USEC),
			 !!(n->how & MEMSTATE_REFUSED_CHARGE));
}

/**
 * ms_refusal_log() - write the last refusal by a group to the kernel's log
 * @group: the group
 *
 * Context: process.
 */
void ms_refusal_log(struct ms_group *group)
{
	struct ms_refusal_note n;
	char line[LINE_SIZE];

	if (!__ratelimit(&group->observed.refusal.log) || !ms_user_may_log(group->user))
		return;
	if (note_get(&group->observed.refusal, &n)) {
		note_line(&n, pid_nr(n.pid), line, sizeof(line));
		pr_info("refused: %s\n", line);
	}
	put_pid(n.pid);
}

/**
 * ms_refusal_show() - the last refusal in a group, or by one above it, as a line
 * @group:	the group
 * @text:	where to put it
 * @size:	room there
 *
 * Context: process: the reader, whose pid namespace it is. Return: its length, 0: there was none.
 */
int ms_refusal_show(struct ms_group *group, char *text, size_t size)
{
	struct ms_refusal_note n;
	int length = 0;

	if (note_read(&group->observed.refusal, &n)) {
		length = note_line(&n, pid_vnr(n.pid), text, size);
		length += scnprintf(text + length, size - length, "\n");
	}
	put_pid(n.pid);
	return length;
}

/**
 * ms_refusal_read() - the same, for who asks by a call
 * @group:	the group
 * @out:	where to put it, zero
 *
 * Context: process: the reader, whose pid namespace it is.
 */
void ms_refusal_read(struct ms_group *group, struct memstate_last_refusal *out)
{
	struct ms_refusal_note n;

	if (note_read(&group->observed.refusal, &n)) {
		*out = (struct memstate_last_refusal) {
			.nr = n.nr,
			.first_ns = n.first,
			.last_ns = n.last,
			.group = n.by,
			.bytes = n.bytes,
			.backed = n.backed,
			.charged = n.charged,
			.limit = n.max,
			.overcommit = n.overcommit,
			.how = n.how,
			.pid = pid_vnr(n.pid),
			.inner_pid = n.inner,
		};
		memcpy(out->comm, n.comm, sizeof(out->comm));
	}
	put_pid(n.pid);
}
