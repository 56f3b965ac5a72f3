// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "calls.h"
#include "rules.h"
#include "sysrules.h"

static const struct ms_flag prot_flags[] = {
	{ "PROT_READ", PROT_READ },
	{ "PROT_WRITE", PROT_WRITE },
	{ "PROT_EXEC", PROT_EXEC },
	{ "PROT_GROWSDOWN", PROT_GROWSDOWN },
	{}
};

static const struct ms_flag map_flags[] = {
	{ "MAP_SHARED", MAP_SHARED },
	{ "MAP_PRIVATE", MAP_PRIVATE },
	{ "MAP_SHARED_VALIDATE", MAP_SHARED_VALIDATE },
	{ "MAP_DROPPABLE", MS_MAP_DROPPABLE },
	{ "MAP_ANONYMOUS", MAP_ANONYMOUS },
	{ "MAP_ANON", MAP_ANONYMOUS },
	{ "MAP_FIXED", MAP_FIXED },
	{ "MAP_STACK", MAP_STACK },
	{ "MAP_NORESERVE", MAP_NORESERVE },
	{ "MAP_GROWSDOWN", MAP_GROWSDOWN },
	{ "MAP_HUGETLB", MAP_HUGETLB },
	{}
};

static const struct ms_flag advice_flags[] = {
	{ "MADV_DONTNEED", MADV_DONTNEED },
	{ "MADV_FREE", MADV_FREE },
	{ "MADV_DONTFORK", MADV_DONTFORK },
	{ "MADV_DOFORK", MADV_DOFORK },
	{ "MADV_WIPEONFORK", MS_MADV_WIPEONFORK },
	{ "MADV_KEEPONFORK", MS_MADV_KEEPONFORK },
	{ "MADV_POPULATE_WRITE", MS_MADV_POPULATE_WRITE },
	{ "MADV_DONTNEED_LOCKED", MS_MADV_DONTNEED_LOCKED },
	{ "MADV_COLLAPSE", MS_MADV_COLLAPSE },
	{ "MADV_GUARD_INSTALL", MS_MADV_GUARD_INSTALL },
	{ "MADV_GUARD_REMOVE", MS_MADV_GUARD_REMOVE },
	{}
};

static const struct ms_flag mremap_flags[] = {
	{ "MREMAP_MAYMOVE", MREMAP_MAYMOVE },
	{ "MREMAP_FIXED", MREMAP_FIXED },
	{ "MREMAP_DONTUNMAP", MREMAP_DONTUNMAP },
	{}
};

static const struct ms_flag shm_flags[] = {
	{ "SHM_REMAP", 040000 },
	{}
};

/* ---- what a log may have as arguments ----------------------------------------- */

static bool complain(struct ms_complaint *why, const struct ms_line *l, int n,
		     const char *expected)
{
	struct ms_text arg;
	bool there = ms_arg(l, n, &arg);

	why->expected = expected;
	snprintf(why->met, sizeof(why->met), "%.*s", there ? (int)(arg.end - arg.p) : 0,
		 there ? arg.p : "");
	return false;
}

static bool address(const struct ms_line *l, int n, uint64_t *value,
		    struct ms_complaint *why)
{
	return ms_arg_address(l, n, value) || complain(why, l, n, "an address");
}

static bool length(const struct ms_line *l, int n, uint64_t *value,
		   struct ms_complaint *why)
{
	return ms_arg_number(l, n, value) || complain(why, l, n, "a length");
}

static bool flags_of(const struct ms_line *l, int n, const struct ms_flag *flags,
		     const char *what, uint64_t *value, struct ms_complaint *why)
{
	return ms_arg_flags(l, n, flags, value) || complain(why, l, n, what);
}

/* ---- memory --------------------------------------------------------------------- */

/**
 * struct context - a call at work
 * @r:		the state
 * @t:		who makes it
 * @l:		its line
 * @why:	where to complain
 */
struct context {
	struct ms_replay *r;
	struct ms_thread *t;
	const struct ms_line *l;
	struct ms_complaint *why;
};

static struct ms_books *books(const struct context *c)
{
	return c->t->process->books;
}

static int call_mmap(const struct context *c)
{
	uint64_t bytes, prot, flags;

	/* One argument, the address of all of them: nobody can read that. */
	if (!length(c->l, 1, &bytes, c->why) ||
	    !flags_of(c->l, 2, prot_flags, "PROT_*", &prot, c->why) ||
	    !flags_of(c->l, 3, map_flags, "MAP_*", &flags, c->why))
		return -EINVAL;
	return ms_books_map(books(c), c->l->value, bytes, (int)prot, (int)flags);
}

static int call_munmap(const struct context *c)
{
	uint64_t addr, bytes;

	if (!address(c->l, 0, &addr, c->why) || !length(c->l, 1, &bytes, c->why))
		return -EINVAL;
	return ms_books_unmap(books(c), addr, bytes);
}

static int call_mprotect(const struct context *c)
{
	uint64_t addr, bytes, prot;

	if (!address(c->l, 0, &addr, c->why) || !length(c->l, 1, &bytes, c->why) ||
	    !flags_of(c->l, 2, prot_flags, "PROT_*", &prot, c->why))
		return -EINVAL;
	if (c->l->failed)
		return ms_books_protect_half(books(c), addr, bytes, (int)prot, c->l->error);
	return ms_books_protect(books(c), addr, bytes, (int)prot);
}

static int call_madvise(const struct context *c)
{
	uint64_t addr, bytes, advice;

	if (!address(c->l, 0, &addr, c->why) || !length(c->l, 1, &bytes, c->why) ||
	    !flags_of(c->l, 2, advice_flags, "MADV_*", &advice, c->why))
		return -EINVAL;
	if (c->l->failed)
		return ms_books_advise_half(books(c), addr, bytes, (int)advice, c->l->error);
	return ms_books_advise(books(c), addr, bytes, (int)advice);
}

/* PIDFD_SELF_THREAD, PIDFD_SELF_THREAD_GROUP, and that one as Linux 6.14 had it */
static bool self_number(int fd)
{
	return fd == -10000 || fd == -10001 || fd == -20000;
}

/* Is the file descriptor one of the process itself? */
static bool pidfd_self(const struct context *c)
{
	struct ms_text fd;
	uint64_t value;

	if (!ms_arg(c->l, 0, &fd))
		return false;
	if (ms_text_starts(&fd, "PIDFD_SELF"))
		return true;
	if (ms_text_skip(&fd, "-"))
		return ms_text_number(&fd, &value) && self_number(-(int)value);
	if (!ms_text_number(&fd, &value))
		return false;
	if (value >= 0xffff0000)
		return self_number((int)(uint32_t)value);
	/* -yy: 3<pid:700> */
	if (ms_text_skip(&fd, "<pid:") && ms_text_number(&fd, &value))
		return (pid_t)value == c->t->process->pid ||
		       (pid_t)value == c->t->process->inner;
	return c->t->process->self_fd && c->t->process->self_fd == value + 1;
}

/* Advice that changes books can only be given to oneself. */
static int call_process_madvise(const struct context *c)
{
	const struct ms_line *l = c->l;
	uint64_t advice, left = l->value, addr, bytes;
	struct ms_text vec;
	int ret = 0;

	if (!flags_of(l, 3, advice_flags, "MADV_*", &advice, c->why))
		return -EINVAL;
	if (!advice || !pidfd_self(c) || !ms_arg(l, 1, &vec))
		return 0;
	while (!ret && left) {
		const char *at = memmem(vec.p, (size_t)(vec.end - vec.p), "iov_base=", 9);

		if (!at) {
			complain(c->why, l, 1, "iov_base");
			return -EINVAL;
		}
		vec.p = at + 9;
		if (!ms_text_number(&vec, &addr) || !ms_text_skip(&vec, ", iov_len=") ||
		    !ms_text_number(&vec, &bytes)) {
			complain(c->why, l, 1, "an address and a length");
			return -EINVAL;
		}
		bytes = bytes < left ? bytes : left;
		left -= bytes;
		ret = ms_books_advise(books(c), addr, bytes, (int)advice);
	}
	return ret;
}

static int call_pidfd_open(const struct context *c)
{
	struct ms_process *p = c->t->process;
	uint64_t pid;

	if (ms_arg_number(c->l, 0, &pid) &&
	    ((pid_t)pid == p->pid || (pid_t)pid == p->inner))
		p->self_fd = c->l->value + 1;
	return 0;
}

static int call_brk(const struct context *c)
{
	return ms_books_brk(books(c), c->l->value);
}

static int call_shmget(const struct context *c)
{
	uint64_t bytes;

	if (!length(c->l, 1, &bytes, c->why))
		return -EINVAL;
	/* 0: it was there before, and is as long as it is. */
	if (bytes)
		ms_replay_segment(c->r, c->l->value, bytes);
	return 0;
}

/* Takes the place of what lay there, with SHM_REMAP, and counts nothing. */
static int call_shmat(const struct context *c)
{
	uint64_t id, flags, bytes;

	if (!ms_arg_number(c->l, 0, &id) || !ms_arg_flags(c->l, 2, shm_flags, &flags))
		flags = 0;
	bytes = ms_replay_segment_bytes(c->r, id);
	if (!bytes && flags & shm_flags[0].value) {
		complain(c->why, c->l, 0, "a segment whose shmget is in the log");
		return -EINVAL;
	}
	return bytes ? ms_books_replace(books(c), c->l->value, bytes) : 0;
}

struct mremap_args {
	uint64_t from;
	uint64_t old_bytes;
	uint64_t bytes;
	uint64_t flags;
};

static bool mremap_args(const struct context *c, struct mremap_args *a)
{
	if (!address(c->l, 0, &a->from, c->why) ||
	    !length(c->l, 1, &a->old_bytes, c->why) ||
	    !length(c->l, 2, &a->bytes, c->why))
		return false;
	if (!ms_arg_flags(c->l, 3, mremap_flags, &a->flags))
		a->flags = 0;
	a->old_bytes = ms_page_up(a->old_bytes);
	a->bytes = ms_page_up(a->bytes);
	return true;
}

static int mremap_leave(const struct context *c)
{
	struct mremap_args a;

	if (!mremap_args(c, &a))
		return -EINVAL;
	if (!a.old_bytes || !a.bytes)
		return 0;
	ms_books_take(books(c), a.from, a.old_bytes, &c->t->moved);
	if (a.flags & MREMAP_DONTUNMAP)
		return 0;
	return ms_books_unmap(books(c), a.from, a.old_bytes);
}

static int mremap_arrive(const struct context *c)
{
	struct mremap_args a;
	int ret = 0;

	if (!mremap_args(c, &a))
		return -EINVAL;
	/* What is shared is there a second time. */
	if (!a.old_bytes)
		return ms_books_replace(books(c), c->l->value, a.bytes);
	if (!a.bytes)
		return 0;
	if (a.flags & MREMAP_DONTUNMAP)
		ret = ms_books_advise(books(c), a.from, a.old_bytes, MADV_DONTNEED);
	if (!ret)
		ret = ms_books_arrive(books(c), a.from, a.old_bytes, c->l->value, a.bytes,
				      &c->t->moved);
	ms_moved_drop(&c->t->moved);
	return ret;
}

/* ---- what was there before ----------------------------------------------------------- */

/* Has anything been done to its memory? */
static bool is_new(const struct ms_books *b)
{
	return !b->totals.transitions && !b->marks.nr && !b->brk;
}

/* What a program does only to memory that it has. The loader makes the program's own read-only. */
static bool needs_memory(const struct ms_line *l)
{
	uint64_t prot;

	if (ms_line_is(l, "mprotect"))
		return !ms_arg_flags(l, 2, prot_flags, &prot) || prot != PROT_READ;
	return ms_line_is(l, "munmap") || ms_line_is(l, "madvise") || ms_line_is(l, "mremap");
}

/*
 * Is the call about memory of which the log does not tell where it came from? That was there
 * before, where the log does not have the beginning of the process: an exec, or, as a program
 * begins, brk(NULL) before anything else.
 */
static void look_for_earlier(struct ms_replay *r, struct ms_process *p, const struct ms_line *l)
{
	bool brk = ms_line_is(l, "brk");
	uint64_t addr, bytes;
	u64 next;

	if (p->begun || !p->books || !(brk || needs_memory(l)) || !ms_arg_address(l, 0, &addr))
		return;
	if (brk) {
		if (!addr)
			p->begun = is_new(p->books);
		else if (!p->books->brk)
			ms_replay_found_earlier(r);
		return;
	}
	if (!ms_arg_number(l, 1, &bytes) || !bytes)
		return;
	for (uint64_t at = addr; at < addr + bytes; at = next)
		if (ms_books_is_known(p->books, at, &next, NULL))
			return;
	ms_replay_found_earlier(r);
}

/* ---- in order ---------------------------------------------------------------------- */

/**
 * struct action - what a call does
 * @name:	its name
 * @act:	what
 */
struct action {
	const char *name;
	int (*act)(const struct context *c);
};

static const struct action begins[] = {
	{ "munmap", call_munmap },
	{ "mremap", mremap_leave },
	{}
};

static const struct action ends[] = {
	{ "mmap", call_mmap },
	{ "mmap2", call_mmap },
	{ "old_mmap", call_mmap },
	{ "mprotect", call_mprotect },
	{ "pkey_mprotect", call_mprotect },
	{ "madvise", call_madvise },
	{ "process_madvise", call_process_madvise },
	{ "pidfd_open", call_pidfd_open },
	{ "brk", call_brk },
	{ "mremap", mremap_arrive },
	{ "shmget", call_shmget },
	{ "shmat", call_shmat },
	{}
};

/* What may have been done though it failed. */
static const struct action halves[] = {
	{ "mprotect", call_mprotect },
	{ "pkey_mprotect", call_mprotect },
	{ "madvise", call_madvise },
	{}
};

static int do_action(const struct action *actions, struct ms_replay *r, pid_t tid,
		     const struct ms_line *l, struct ms_complaint *why)
{
	struct context c = { r, NULL, l, why };
	int ret = 0;

	for (const struct action *a = actions; a->name; a++) {
		if (!ms_line_is(l, a->name))
			continue;
		c.t = ms_thread_get(r, tid);
		if (!books(&c))
			return 0;
		why->expected = NULL;
		ret = a->act(&c);
		ms_process_changed(r, c.t->process);
		break;
	}
	return ret;
}

/**
 * ms_call_begin() - a call begins, and others may come before its end
 * @r:		the state
 * @tid:	who makes it
 * @call:	the call, with the result that it will have
 * @why:	where to say what could not be read
 *
 * What releases addresses acts here: another thread may get them before the end
 * is reported. What is copied by fork is copied here.
 *
 * Return: 0; -EINVAL: its arguments cannot be read, and @why has an expectation, or no
 * kernel lets that succeed; -ENOMEM, -ENOSPC.
 */
int ms_call_begin(struct ms_replay *r, pid_t tid, const struct ms_call *call,
		  struct ms_complaint *why)
{
	const struct ms_line *l = &call->line;
	const struct ms_thread *t = ms_thread_get(r, tid);

	if (!l->result || l->failed)
		return 0;
	if (ms_line_makes_child(l))
		return call->early ? 0 : ms_call_fork(r, tid, call);
	look_for_earlier(r, t->process, l);
	return do_action(begins, r, tid, l, why);
}

/**
 * ms_call_end() - a call ends
 * @r:		the state
 * @tid:	who made it
 * @call:	the call, with its result
 * @why:	where to say what could not be read
 *
 * Return: as ms_call_begin().
 */
int ms_call_end(struct ms_replay *r, pid_t tid, const struct ms_call *call,
		struct ms_complaint *why)
{
	const struct ms_line *l = &call->line;
	pid_t child;

	ms_thread_get(r, tid);
	if (!ms_replay_exits_are_logged(r) && ms_line_is(l, "exit_group")) {
		ms_process_end(r, ms_thread_get(r, tid)->process);
		return 0;
	}
	if (!ms_replay_exits_are_logged(r) && ms_line_exits(l)) {
		ms_replay_exit(r, tid);
		return 0;
	}
	if (l->failed && l->error)
		return do_action(halves, r, tid, l, why);
	if (!l->result || l->failed)
		return 0;
	child = ms_wait_ended(l);
	if (child)
		ms_replay_child_ended(r, tid, child);
	if (ms_line_is(l, "execve") || ms_line_is(l, "execveat"))
		ms_process_exec(r, ms_thread_get(r, tid));
	return do_action(ends, r, tid, l, why);
}

/**
 * ms_call_whole() - a call in one line
 * @r:		the state
 * @tid:	who made it
 * @call:	the call, with its result
 * @why:	where to say what could not be read
 *
 * Return: as ms_call_begin().
 */
int ms_call_whole(struct ms_replay *r, pid_t tid, const struct ms_call *call,
		  struct ms_complaint *why)
{
	int ret = ms_call_begin(r, tid, call, why);

	return ret ? ret : ms_call_end(r, tid, call, why);
}
