// SPDX-License-Identifier: MIT
/* Calls that make children and that wait for them. */
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "calls.h"

static const struct ms_flag clone_flags[] = {
	{ "CLONE_VM", CLONE_VM },
	{ "CLONE_VFORK", CLONE_VFORK },
	{ "CLONE_THREAD", CLONE_THREAD },
	{ "CLONE_UNTRACED", CLONE_UNTRACED },
	{}
};

static const struct ms_flag wait_flags[] = {
	{ "WUNTRACED", WUNTRACED },
	{ "WSTOPPED", WSTOPPED },
	{ "WCONTINUED", WCONTINUED },
	{}
};

/**
 * ms_call_init() - keep a call beyond its line
 * @call:	the call; free(call->text), and @call must not move: see @name there
 * @l:		its line
 */
void ms_call_init(struct ms_call *call, const struct ms_line *l)
{
	size_t len = l->name_len < sizeof(call->name) ? l->name_len : sizeof(call->name);

	*call = (struct ms_call) { .line = *l };
	memcpy(call->name, l->name, len);
	call->line.name = call->name;
	call->line.name_len = len;
	call->text = malloc(l->args_len + 1);
	if (!call->text)
		abort();
	memcpy(call->text, l->args, l->args_len);
	call->line.args = call->text;
}

/**
 * ms_call_resume() - a call ends
 * @call:	the call
 * @l:		the line in which it does; arguments may come with the end
 */
void ms_call_resume(struct ms_call *call, const struct ms_line *l)
{
	size_t len = call->line.args_len;

	call->line.result = l->result;
	call->line.failed = l->failed;
	call->line.error = l->error;
	call->line.value = l->value;
	call->line.outer = l->outer;
	call->text = realloc(call->text, len + l->args_len + 1);
	if (!call->text)
		abort();
	memcpy(call->text + len, l->args, l->args_len);
	call->line.args = call->text;
	call->line.args_len = len + l->args_len;
}

/* Has the call made a child? */
bool ms_call_made_child(const struct ms_line *l)
{
	return ms_line_makes_child(l) && l->result && !l->failed && l->value;
}

/**
 * ms_clone_flags() - the flags of a call that makes a child
 * @l:		the call
 * @flags:	CLONE_*, as far as they matter
 *
 * Return: false if the log does not say: clone3 without names.
 */
bool ms_clone_flags(const struct ms_line *l, uint64_t *flags)
{
	struct ms_text arg;
	uint64_t ignored;

	*flags = 0;
	if (ms_line_is(l, "fork"))
		return true;
	if (ms_line_is(l, "vfork")) {
		*flags = CLONE_VM | CLONE_VFORK;
		return true;
	}
	if (ms_arg_named_flags(l, "flags=", clone_flags, flags))
		return true;
	if (ms_line_is(l, "clone3"))
		return false;
	/* Without names, or qemu's: clone(0x3d0f00, ...), clone(CLONE_VM|..., ...) */
	return ms_arg(l, 0, &arg) &&
	       (ms_arg_number(l, 0, &ignored) || ms_text_starts(&arg, "CLONE_")) &&
	       ms_arg_flags(l, 0, clone_flags, flags);
}

/**
 * ms_wait_ended() - does a call say that a child has ended?
 * @l: any call
 *
 * Return: the child's id; 0 if it says no such thing.
 */
pid_t ms_wait_ended(const struct ms_line *l)
{
	struct ms_text status, info;
	uint64_t value = 0, options = 0;
	const char *at;

	if (!ms_line_waits(l) || !l->result || l->failed)
		return 0;
	if (ms_line_is(l, "waitid")) {
		if (!ms_arg(l, 2, &info) || !(ms_text_has(&info, "CLD_EXITED") ||
					      ms_text_has(&info, "CLD_KILLED") ||
					      ms_text_has(&info, "CLD_DUMPED")))
			return 0;
		at = memmem(info.p, (size_t)(info.end - info.p), "si_pid=", 7);
		if (!at)
			return 0;
		info.p = at + 7;
		return ms_text_number(&info, &value) ? (pid_t)value : 0;
	}
	if (!ms_arg(l, 1, &status))
		return 0;
	if (ms_text_has(&status, "WIFEXITED") || ms_text_has(&status, "WIFSIGNALED"))
		return (pid_t)l->value;
	if (ms_text_has(&status, "WIFSTOPPED") || ms_text_has(&status, "WIFCONTINUED"))
		return 0;
	/* What has happened is not told; unless asked for, nothing else is. */
	if (!ms_arg_flags(l, 2, wait_flags, &options) || options & (WUNTRACED | WCONTINUED))
		return 0;
	return (pid_t)l->value;
}

/**
 * ms_call_fork() - a child is made
 * @r:		the state
 * @tid:	who makes it
 * @call:	the call
 *
 * A child that makes no line holds nothing that the log could tell of: as a thread, or
 * with its parent's memory, it is left out.
 *
 * Return: 0.
 */
int ms_call_fork(struct ms_replay *r, pid_t tid, const struct ms_call *call)
{
	struct ms_process *p = ms_thread_get(r, tid)->process, *child;
	uint64_t flags;

	if (!call->child || !p->books || call->fate == MS_CHILD_UNTRACED)
		return 0;
	if (!ms_clone_flags(&call->line, &flags))
		flags = call->process ? CLONE_VM | CLONE_VFORK : CLONE_VM | CLONE_THREAD;
	if (flags & CLONE_VM && call->fate != MS_CHILD_FOLLOWED)
		return 0;
	if (flags & CLONE_THREAD) {
		ms_thread_new(r, call->child, p);
		return 0;
	}
	if (flags & CLONE_VM) {
		child = ms_process_new(r, call->child, p->books);
		p->books->users++;
	} else {
		child = ms_process_new(r, call->child, ms_books_fork(p->books));
	}
	child->inner = call->inner;
	child->ends = call->ends;
	child->begun = p->begun;
	child->parent = p;
	ms_process_watch(child);
	ms_thread_new(r, call->child, child);
	return 0;
}
