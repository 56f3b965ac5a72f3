// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/timekeeping.h>

#include "copies.h"
#include "group.h"
#include "refusal.h"
#include "trace.h"

/* A name, each byte of it as four. */
#define NAME_SIZE	(4 * TASK_COMM_LEN + 1)

/* What a line has at the most. */
#define LINE_SIZE	384

static void note(struct ms_refusal *r, const struct ms_refusal_note *n)
{
	unsigned long nr;

	spin_lock(&r->lock);
	nr = r->note.nr + 1;
	r->note = *n;
	r->note.nr = nr;
	spin_unlock(&r->lock);
}

/**
 * ms_refusal() - the caller is refused to grow
 * @group:	his group
 * @by:	the group whose limit it is, that or one above
 * @bytes:	by how much he wanted to grow
 * @commit:	it is the limit of what may be committed
 *
 * Context: task context, with an address space; does not sleep; RCU read lock held.
 */
void ms_refusal(struct ms_group *group, struct ms_group *by, u64 bytes, bool commit)
{
	const struct ms_level *limit = commit ? &by->commit : &by->limit;
	u64 pending = max(atomic64_read(&by->observed.sums[MS_OBSERVED_PENDING]), 0LL);
	u64 charged = ms_limits_charged(limit);
	u64 backed = charged - min(charged, pending);
	struct ms_refusal_note n = {
		.ns = ktime_get_boottime_ns(),
		.pid = task_tgid_nr(current),
		.inner = task_tgid_vnr(current),
		.by = by->id,
		.bytes = bytes,
		.backed = commit ? max(atomic64_read(&by->observed.sums[MS_OBSERVED_BACKED]), 0LL) :
				   backed + ms_copies(by, current->mm, backed),
		.commit = commit,
		.max = READ_ONCE(limit->core.max),
		.overcommit = READ_ONCE(by->observed.overcommit),
	};

	n.charged = commit ? charged : max(charged, n.backed);
	memcpy(n.comm, current->comm, sizeof(n.comm));
	n.comm[sizeof(n.comm) - 1] = '\0';
	for (; group && group != by; group = group->parent)
		note(&group->observed.refusal, &n);
	note(&by->observed.refusal, &n);
	/* Anybody may make any number of jobs, and fill the log by that. */
	if (!ms_group_is_job(by))
		ms_group_kick(by, MS_KICK_REFUSED);
	ms_group_event(by, MEMSTATE_EVENT_DENIED);
	trace_memstate_refuse(current, by->id, bytes, charged, pending);
}

/* What is noted, as a line without its end. Return: its length; 0: nothing is. */
static int refusal_line(struct ms_group *group, char *text, size_t size)
{
	struct ms_refusal *r = &group->observed.refusal;
	struct ms_refusal_note n;
	char name[NAME_SIZE];

	spin_lock(&r->lock);
	n = r->note;
	spin_unlock(&r->lock);
	if (!n.nr)
		return 0;
	/* It is the program's own choice: no line of ours may look like another by it. */
	name[string_escape_mem(n.comm, strlen(n.comm), name, sizeof(name) - 1,
			       ESCAPE_HEX | ESCAPE_NAP | ESCAPE_APPEND, "\"\\")] = '\0';
	return scnprintf(text, size,
			 "pid=%d inner_pid=%d comm=\"%s\" bytes=%llu group=%llu backed=%llu charged=%llu %s=%lld overcommit=%u at=%llu.%06lu nr=%lu",
			 n.pid, n.inner, name, n.bytes, n.by, n.backed, n.charged,
			 n.commit ? "commit_max" : "max", (s64)n.max,
			 n.overcommit, n.ns / NSEC_PER_SEC,
			 (unsigned long)(n.ns % NSEC_PER_SEC / NSEC_PER_USEC), n.nr);
}

/**
 * ms_refusal_log() - write the last refusal by a group to the kernel's log
 * @group: the group
 *
 * Context: process.
 */
void ms_refusal_log(struct ms_group *group)
{
	char line[LINE_SIZE];

	if (__ratelimit(&group->observed.refusal.log) &&
	    refusal_line(group, line, sizeof(line)))
		pr_info("refused: %s\n", line);
}

/**
 * ms_refusal_show() - the last refusal in a group, or by one above it, as a line
 * @group:	the group
 * @text:	where to put it
 * @size:	room there
 *
 * Context: any. Return: its length, 0: there was none.
 */
int ms_refusal_show(struct ms_group *group, char *text, size_t size)
{
	int length = refusal_line(group, text, size);

	return length ? length + scnprintf(text + length, size - length, "\n") : 0;
}
