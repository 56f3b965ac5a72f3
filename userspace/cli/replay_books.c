// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "replay_books.h"
#include "sysrules.h"

/* A log is not a kernel: what a process did, it could do. */
#define RANGES_MAX	(1u << 24)
#define ADDRESS_END	((u64)1 << 56)

/* A record holds less than 16 TiB; shadow memory is longer, and goes in parts. */
#define PART_BYTES	((u64)1 << 43)

/**
 * struct thread - a thread
 * @tid:	its id
 * @replay:	whose it is
 * @process:	what it belongs to
 * @pieces:	what an unfinished mremap has taken out of the books
 * @nr_pieces:	how many
 */
struct thread {
	pid_t tid;
	struct ms_replay *replay;
	struct ms_process *process;
	struct memstate_range *pieces;
	u32 nr_pieces;
};

struct ms_replay {
	struct thread *threads;
	u32 nr_threads;
	struct ms_process **processes;
	u32 nr_processes;
	bool exits_are_logged;
};

static const struct ms_flag prot_flags[] = {
	{ "PROT_READ", PROT_READ },
	{ "PROT_WRITE", PROT_WRITE },
	{ "PROT_EXEC", PROT_EXEC },
	{}
};

static const struct ms_flag map_flags[] = {
	{ "MAP_SHARED", MAP_SHARED },
	{ "MAP_PRIVATE", MAP_PRIVATE },
	{ "MAP_SHARED_VALIDATE", MAP_SHARED_VALIDATE },
	{ "MAP_ANONYMOUS", MAP_ANONYMOUS },
	{ "MAP_ANON", MAP_ANONYMOUS },
	{ "MAP_FIXED", MAP_FIXED },
	{ "MAP_STACK", MAP_STACK },
	{}
};

static const struct ms_flag advice_flags[] = {
	{ "MADV_DONTNEED", MADV_DONTNEED },
	{ "MADV_DONTNEED_LOCKED", 24 },
	{ "MADV_FREE", MADV_FREE },
	{}
};

static const struct ms_flag mremap_flags[] = {
	{ "MREMAP_MAYMOVE", MREMAP_MAYMOVE },
	{ "MREMAP_FIXED", MREMAP_FIXED },
	{ "MREMAP_DONTUNMAP", MREMAP_DONTUNMAP },
	{}
};

static const struct ms_flag clone_flags[] = {
	{ "CLONE_VM", CLONE_VM },
	{ "CLONE_VFORK", CLONE_VFORK },
	{ "CLONE_THREAD", CLONE_THREAD },
	{}
};

/* ---- processes and threads --------------------------------------------------- */

static void *grown(void *array, u32 nr, size_t size)
{
	/* Doubled at each power of two. */
	if (nr & (nr - 1) && nr)
		return array;
	array = reallocarray(array, nr ? 2 * (size_t)nr : 1, size);
	if (!array)
		abort();
	return array;
}

static struct ms_books *books_new(void)
{
	struct ms_books *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	ms_rangemap_init(&b->map, RANGES_MAX);
	b->users = 1;
	return b;
}

static void books_put(struct ms_books *b)
{
	if (!b || --b->users)
		return;
	ms_rangemap_destroy(&b->map);
	free(b);
}

static struct ms_books *books_copy(const struct ms_books *from)
{
	struct ms_books *b = books_new();

	if (ms_rangemap_copy(&b->map, &from->map))
		abort();
	b->totals = from->totals;
	b->totals.transitions = 0;
	b->totals.drift = 0;
	b->brk = from->brk;
	return b;
}

static void process_watch(struct ms_process *p)
{
	u64 ready = ms_totals_state(&p->books->totals, MEMSTATE_READY);

	if (ready > p->peak_ready)
		p->peak_ready = ready;
	p->transitions = p->books->totals.transitions;
}

/* Something has changed in these books: whose are they? */
static void books_watch(struct ms_replay *r, struct ms_process *p)
{
	if (p->books->users == 1) {
		process_watch(p);
		return;
	}
	for (u32 i = 0; i < r->nr_threads; i++)
		if (r->threads[i].process->books == p->books)
			process_watch(r->threads[i].process);
}

static struct ms_process *process_new(struct ms_replay *r, pid_t pid,
				      struct ms_books *books)
{
	struct ms_process *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->pid = pid;
	p->books = books;
	r->processes = grown(r->processes, r->nr_processes, sizeof(*r->processes));
	r->processes[r->nr_processes++] = p;
	return p;
}

static void process_end(struct ms_replay *r, struct ms_process *p)
{
	/* The books were another's: so are their peak and their transitions. */
	if (ms_replay_shares(r, p)) {
		p->peak_ready = 0;
		p->transitions = 0;
	}
	books_put(p->books);
	p->books = NULL;
	p->threads = 0;
}

static struct thread *thread_find(const struct ms_replay *r, pid_t tid)
{
	for (u32 i = 0; i < r->nr_threads; i++)
		if (r->threads[i].tid == tid)
			return &r->threads[i];
	return NULL;
}

static void pieces_drop(struct thread *t)
{
	/* Entries of the array move, which the analyzer loses sight of. */
	free(t->pieces); /* NOLINT(clang-analyzer-unix.Malloc) */
	t->pieces = NULL;
	t->nr_pieces = 0;
}

static void thread_remove(struct ms_replay *r, struct thread *t)
{
	struct thread *last = &r->threads[--r->nr_threads];

	pieces_drop(t);
	t->process->threads--;
	*t = *last;
	/* What has moved has one owner. */
	*last = (struct thread) {};
}

static struct thread *thread_new(struct ms_replay *r, pid_t tid,
				 struct ms_process *p)
{
	struct thread *t = thread_find(r, tid);

	/* The id is used again, and its former owner's end was not logged. */
	if (t) {
		if (t->process->threads == 1)
			process_end(r, t->process);
		pieces_drop(t);
		if (t->process->threads)
			t->process->threads--;
	} else {
		r->threads = grown(r->threads, r->nr_threads, sizeof(*r->threads));
		t = &r->threads[r->nr_threads++];
	}
	*t = (struct thread) { .tid = tid, .replay = r, .process = p };
	p->threads++;
	return t;
}

/* The thread of a line; one that nobody is known to have made is a process. */
static struct thread *thread_get(struct ms_replay *r, pid_t tid)
{
	struct thread *t = thread_find(r, tid);

	return t ? t : thread_new(r, tid, process_new(r, tid, books_new()));
}

/**
 * ms_replay_new() - begin
 * @exits_are_logged:	the log tells when threads end; else exit and exit_group
 *			end them
 *
 * Return: the state.
 */
struct ms_replay *ms_replay_new(bool exits_are_logged)
{
	struct ms_replay *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->exits_are_logged = exits_are_logged;
	return r;
}

void ms_replay_free(struct ms_replay *r)
{
	while (r->nr_threads)
		free(r->threads[--r->nr_threads].pieces);
	for (u32 i = 0; i < r->nr_processes; i++) {
		books_put(r->processes[i]->books);
		free(r->processes[i]);
	}
	free(r->threads);
	free(r->processes);
	free(r);
}

/**
 * ms_replay_only() - the one living thread
 * @r: the state
 *
 * Return: its id, or 0 if there is none or more than one.
 */
pid_t ms_replay_only(const struct ms_replay *r)
{
	return r->nr_threads == 1 ? r->threads[0].tid : 0;
}

u32 ms_replay_count(const struct ms_replay *r)
{
	return r->nr_processes;
}

const struct ms_process *ms_replay_process(const struct ms_replay *r, u32 i)
{
	return r->processes[i];
}

pid_t ms_replay_shares(const struct ms_replay *r, const struct ms_process *p)
{
	if (!p->books || p->books->users == 1)
		return 0;
	for (u32 i = 0; r->processes[i] != p; i++)
		if (r->processes[i]->books == p->books)
			return r->processes[i]->pid;
	return 0;
}

/* ---- records ------------------------------------------------------------------- */

static int apply(struct thread *t, const struct memstate_record *records, u32 nr)
{
	struct ms_process *p = t->process;
	struct ms_change chg;
	int ret = 0;

	if (!p->books)
		return 0;
	for (u32 i = 0; !ret && i < nr; i++) {
		/* Not for us: an address that no kernel gives. */
		if (ms_record_decode(&records[i], ms_page_up(1), ADDRESS_END, &chg))
			continue;
		ret = ms_rangemap_apply(&p->books->map, &chg, &p->books->totals);
	}
	books_watch(t->replay, p);
	return ret;
}

/**
 * struct effect - a call on a range
 * @make:	the records of a part of it
 * @addr:	first byte
 * @bytes:	length, any
 * @prot:	PROT_*, or the advice
 * @flags:	MAP_*
 * @last:	piece that growth follows
 */
struct effect {
	u32 (*make)(const struct effect *e, struct memstate_record *out, u64 addr,
		    u64 bytes);
	u64 addr;
	u64 bytes;
	int prot;
	int flags;
	const struct memstate_range *last;
};

static u32 make_mmap(const struct effect *e, struct memstate_record *out, u64 addr,
		     u64 bytes)
{
	return ms_sysrule_mmap(out, addr, bytes, e->prot, e->flags);
}

static u32 make_munmap(const struct effect *e, struct memstate_record *out,
		       u64 addr, u64 bytes)
{
	(void)e;
	return ms_sysrule_munmap(out, addr, bytes);
}

static u32 make_mprotect(const struct effect *e, struct memstate_record *out,
			 u64 addr, u64 bytes)
{
	return ms_sysrule_mprotect(out, addr, bytes, e->prot);
}

static u32 make_madvise(const struct effect *e, struct memstate_record *out,
			u64 addr, u64 bytes)
{
	return ms_sysrule_madvise(out, addr, bytes, e->prot);
}

static u32 make_piece(const struct effect *e, struct memstate_record *out, u64 addr,
		      u64 bytes)
{
	struct memstate_range part = *e->last;

	part.end = part.start + bytes;
	return ms_sysrule_piece(out, &part, addr);
}

static u32 make_growth(const struct effect *e, struct memstate_record *out,
		       u64 addr, u64 bytes)
{
	return ms_sysrule_growth(out, e->last, addr, bytes);
}

static int act(struct thread *t, const struct effect *e)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u64 bytes = ms_page_up(e->bytes), done, part;
	int ret = 0;

	/* No kernel lets that succeed. */
	if (e->addr > ADDRESS_END || bytes > ADDRESS_END - e->addr)
		return -EINVAL;
	for (done = 0; !ret && done < bytes; done += part) {
		part = bytes - done < PART_BYTES ? bytes - done : PART_BYTES;
		ret = apply(t, records, e->make(e, records, e->addr + done, part));
	}
	return ret;
}

/* ---- the calls ------------------------------------------------------------------ */

static int call_mmap(struct thread *t, const struct ms_line *l)
{
	uint64_t bytes, prot, flags;

	if (!ms_arg_number(l, 1, &bytes) || !ms_arg_flags(l, 2, prot_flags, &prot) ||
	    !ms_arg_flags(l, 3, map_flags, &flags))
		return -EINVAL;
	return act(t, &(struct effect) { make_mmap, l->value, bytes, (int)prot,
					 (int)flags, NULL });
}

static int range_none(struct thread *t, u64 addr, u64 bytes)
{
	return act(t, &(struct effect) { .make = make_munmap, .addr = addr,
					 .bytes = bytes });
}

static int call_munmap(struct thread *t, const struct ms_line *l)
{
	uint64_t addr, bytes;

	if (!ms_arg_number(l, 0, &addr) || !ms_arg_number(l, 1, &bytes))
		return -EINVAL;
	return range_none(t, addr, bytes);
}

static int call_mprotect(struct thread *t, const struct ms_line *l)
{
	uint64_t addr, bytes, prot;

	if (!ms_arg_number(l, 0, &addr) || !ms_arg_number(l, 1, &bytes) ||
	    !ms_arg_flags(l, 2, prot_flags, &prot))
		return -EINVAL;
	return act(t, &(struct effect) { .make = make_mprotect, .addr = addr,
					 .bytes = bytes, .prot = (int)prot });
}

static int range_advise(struct thread *t, u64 addr, u64 bytes, int advice)
{
	return act(t, &(struct effect) { .make = make_madvise, .addr = addr,
					 .bytes = bytes, .prot = advice });
}

static int call_madvise(struct thread *t, const struct ms_line *l)
{
	uint64_t addr, bytes, advice;

	if (!ms_arg_number(l, 0, &addr) || !ms_arg_number(l, 1, &bytes) ||
	    !ms_arg_flags(l, 2, advice_flags, &advice))
		return -EINVAL;
	return range_advise(t, addr, bytes, (int)advice);
}

static int call_brk(struct thread *t, const struct ms_line *l)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	struct ms_books *b = t->process->books;
	u64 before;

	if (!b)
		return 0;
	before = b->brk ? b->brk : l->value;
	b->brk = l->value;
	return apply(t, records, ms_sysrule_brk(records, before, l->value));
}

/* ---- mremap: leaves where it begins, arrives where it ends ---------------------- */

struct mremap_args {
	uint64_t from;
	uint64_t old_bytes;
	uint64_t bytes;
	uint64_t flags;
};

static bool mremap_args(const struct ms_line *l, struct mremap_args *a)
{
	if (!ms_arg_number(l, 0, &a->from) || !ms_arg_number(l, 1, &a->old_bytes) ||
	    !ms_arg_number(l, 2, &a->bytes))
		return false;
	if (!ms_arg_flags(l, 3, mremap_flags, &a->flags))
		a->flags = 0;
	a->old_bytes = ms_page_up(a->old_bytes);
	a->bytes = ms_page_up(a->bytes);
	return true;
}

/* Remember the pieces of a range. */
static void pieces_take(struct thread *t, u64 start, u64 end)
{
	const struct ms_rangemap_entry *e;

	pieces_drop(t);
	for (u64 addr = start; t->process->books && addr < end; addr = e->end) {
		struct memstate_range range;

		e = ms_rangemap_next(&t->process->books->map, addr);
		if (!e || e->start >= end)
			break;
		ms_rangemap_range(e, &range);
		if (range.start < start)
			range.start = start;
		if (range.end > end)
			range.end = end;
		t->pieces = grown(t->pieces, t->nr_pieces, sizeof(*t->pieces));
		t->pieces[t->nr_pieces++] = range;
	}
}

static int mremap_leave(struct thread *t, const struct ms_line *l)
{
	struct mremap_args a;

	if (!mremap_args(l, &a))
		return -EINVAL;
	if (!a.old_bytes || !a.bytes)
		return 0;
	pieces_take(t, a.from, a.from + a.old_bytes);
	if (a.flags & MREMAP_DONTUNMAP)
		return 0;
	return range_none(t, a.from, a.old_bytes);
}

static int mremap_arrive(struct thread *t, const struct ms_line *l)
{
	struct mremap_args a;
	struct effect arrival;
	int ret;
	u32 i;

	if (!mremap_args(l, &a))
		return -EINVAL;
	if (!a.old_bytes || !a.bytes)
		return 0;
	if (a.flags & MREMAP_DONTUNMAP) {
		ret = range_advise(t, a.from, a.old_bytes, MADV_DONTNEED);
		if (ret)
			return ret;
	}
	/* Whatever was there has been replaced. */
	ret = range_none(t, l->value, a.bytes);
	for (i = 0; !ret && i < t->nr_pieces; i++) {
		struct memstate_range p = t->pieces[i];
		u64 offset = p.start - a.from;

		if (offset >= a.bytes)
			break;
		if (p.end - a.from > a.bytes)
			p.end = a.from + a.bytes;
		arrival = (struct effect) {
			.make = make_piece,
			.addr = l->value + offset,
			.bytes = p.end - p.start,
			.last = &p,
		};
		ret = act(t, &arrival);
	}
	if (!ret && a.bytes > a.old_bytes && t->nr_pieces &&
	    t->pieces[t->nr_pieces - 1].end == a.from + a.old_bytes) {
		arrival = (struct effect) {
			.make = make_growth,
			.addr = l->value + a.old_bytes,
			.bytes = a.bytes - a.old_bytes,
			.last = &t->pieces[t->nr_pieces - 1],
		};
		ret = act(t, &arrival);
	}
	pieces_drop(t);
	return ret;
}

/* ---- processes: fork copies where it begins, exec clears where it ends ----------- */

static bool is_fork(const struct ms_line *l)
{
	return ms_line_is(l, "fork") || ms_line_is(l, "vfork") ||
	       ms_line_is(l, "clone") || ms_line_is(l, "clone3");
}

static int call_fork(struct ms_replay *r, struct thread *t,
		     const struct ms_call *call)
{
	struct ms_process *p = t->process, *child;
	const struct ms_line *l = &call->line;
	uint64_t flags = 0;

	if (!call->child || !p->books)
		return 0;
	if (ms_line_is(l, "vfork"))
		flags = CLONE_VM | CLONE_VFORK;
	else if (!ms_line_is(l, "fork"))
		ms_arg_named_flags(l, "flags=", clone_flags, &flags);

	if (flags & CLONE_THREAD) {
		thread_new(r, call->child, p);
		return 0;
	}
	if (flags & CLONE_VM) {
		child = process_new(r, call->child, p->books);
		p->books->users++;
	} else {
		child = process_new(r, call->child, books_copy(p->books));
	}
	process_watch(child);
	thread_new(r, call->child, child);
	return 0;
}

/* The process goes on with this thread alone, under its leader's id. */
static void call_exec(struct ms_replay *r, struct thread *t)
{
	struct ms_process *p = t->process;
	pid_t tid = t->tid;

	for (u32 i = 0; i < r->nr_threads;) {
		struct thread *other = &r->threads[i];

		if (other->process == p && other->tid != tid)
			thread_remove(r, other);
		else
			i++;
	}
	books_put(p->books);
	p->books = books_new();
	p->peak_ready = 0;
	p->transitions = 0;
}

static void call_exit_group(struct ms_replay *r, struct thread *t)
{
	struct ms_process *p = t->process;

	for (u32 i = 0; i < r->nr_threads;) {
		if (r->threads[i].process == p)
			thread_remove(r, &r->threads[i]);
		else
			i++;
	}
	process_end(r, p);
}

/**
 * ms_replay_exit() - a thread has ended
 * @r:		the state
 * @tid:	its id
 */
void ms_replay_exit(struct ms_replay *r, pid_t tid)
{
	struct thread *t = thread_find(r, tid);
	struct ms_process *p;

	if (!t)
		return;
	p = t->process;
	thread_remove(r, t);
	if (!p->threads)
		process_end(r, p);
}

/**
 * ms_replay_superseded() - a leader made room for a thread of its that execs
 * @r:		the state
 * @tid:	the leader, whose id goes on
 * @by:		the thread, whose id ends
 */
void ms_replay_superseded(struct ms_replay *r, pid_t tid, pid_t by)
{
	struct thread *t = thread_find(r, by);

	if (!t || by == tid)
		return;
	/* A thread that was taken for a process, as nobody saw it made, ends as one. */
	if (thread_find(r, tid))
		ms_replay_exit(r, by);
	else
		t->tid = tid;
}

/* ---- in order ---------------------------------------------------------------------- */

/**
 * ms_replay_begin() - a call begins, and others may come before its end
 * @r:		the state
 * @tid:	who makes it
 * @call:	the call, with the result that it will have
 *
 * What releases addresses acts here: another thread may get them before the end
 * is reported. What is copied by fork is copied here.
 *
 * Return: 0; -EINVAL: its arguments cannot be read; -ENOMEM, -ENOSPC.
 */
int ms_replay_begin(struct ms_replay *r, pid_t tid, const struct ms_call *call)
{
	const struct ms_line *l = &call->line;
	struct thread *t = thread_get(r, tid);

	if (!l->result || l->failed)
		return 0;
	if (ms_line_is(l, "munmap"))
		return call_munmap(t, l);
	if (ms_line_is(l, "mremap"))
		return mremap_leave(t, l);
	if (is_fork(l))
		return call_fork(r, t, call);
	return 0;
}

/**
 * ms_replay_end() - a call ends
 * @r:		the state
 * @tid:	who made it
 * @call:	the call, with its result
 *
 * Return: as ms_replay_begin().
 */
int ms_replay_end(struct ms_replay *r, pid_t tid, const struct ms_call *call)
{
	static const struct {
		const char *name;
		int (*act)(struct thread *t, const struct ms_line *l);
	} calls[] = {
		{ "mmap", call_mmap },
		{ "mmap2", call_mmap },
		{ "mprotect", call_mprotect },
		{ "pkey_mprotect", call_mprotect },
		{ "madvise", call_madvise },
		{ "brk", call_brk },
		{ "mremap", mremap_arrive },
	};
	const struct ms_line *l = &call->line;
	struct thread *t = thread_get(r, tid);

	if (!r->exits_are_logged && ms_line_is(l, "exit_group")) {
		call_exit_group(r, t);
		return 0;
	}
	if (!r->exits_are_logged && ms_line_is(l, "exit")) {
		ms_replay_exit(r, tid);
		return 0;
	}
	if (!l->result || l->failed)
		return 0;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (ms_line_is(l, calls[i].name))
			return calls[i].act(t, l);
	if (ms_line_is(l, "execve") || ms_line_is(l, "execveat"))
		call_exec(r, t);
	return 0;
}

/**
 * ms_replay_call() - a call in one line
 * @r:		the state
 * @tid:	who made it
 * @call:	the call, with its result
 *
 * Return: as ms_replay_begin().
 */
int ms_replay_call(struct ms_replay *r, pid_t tid, const struct ms_call *call)
{
	int ret = ms_replay_begin(r, tid, call);

	return ret ? ret : ms_replay_end(r, tid, call);
}
