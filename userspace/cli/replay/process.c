// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "grown.h"
#include "process.h"
#include "rules.h"

/**
 * struct segment - shared memory of System V
 * @id:		its id
 * @bytes:	its length
 */
struct segment {
	u64 id;
	u64 bytes;
};

struct ms_replay {
	struct ms_thread *threads;
	u32 nr_threads;
	struct ms_process **processes;
	u32 nr_processes;
	bool exits_are_logged;
	bool earlier;
	const struct ms_member *members;
	size_t nr_members;
	struct segment *segments;
	u32 nr_segments;
};

static void raise_to(u64 *peak, u64 value)
{
	*peak = value > *peak ? value : *peak;
}

void ms_process_watch(struct ms_process *p)
{
	u64 ready = ms_totals_state(&p->books->totals, MEMSTATE_READY);
	u64 noreserve = ms_books_noreserve(p->books);

	raise_to(&p->peak.ready, ready);
	raise_to(&p->peak.noreserve, noreserve);
	raise_to(&p->peak.rest, ready - noreserve);
	p->transitions = p->books->totals.transitions;
}

/**
 * ms_process_changed() - something has changed in a process's books
 * @r:	the state
 * @p:	the process; all that share them are told
 */
void ms_process_changed(struct ms_replay *r, struct ms_process *p)
{
	if (!p->books)
		return;
	if (p->books->users == 1) {
		ms_process_watch(p);
		return;
	}
	for (u32 i = 0; i < r->nr_threads; i++)
		if (r->threads[i].process->books == p->books)
			ms_process_watch(r->threads[i].process);
}

struct ms_process *ms_process_new(struct ms_replay *r, pid_t pid, struct ms_books *books)
{
	struct ms_process *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->pid = pid;
	p->books = books;
	r->processes = ms_grown(r->processes, r->nr_processes, sizeof(struct ms_process *));
	r->processes[r->nr_processes++] = p;
	return p;
}

static void process_over(struct ms_replay *r, struct ms_process *p)
{
	/* The books were another's: so are their peak and their transitions. */
	if (ms_replay_shares(r, p)) {
		p->peak = (struct ms_peaks) {};
		p->transitions = 0;
	}
	ms_books_put(p->books);
	p->books = NULL;
	p->threads = 0;
}

static struct ms_thread *thread_find(const struct ms_replay *r, pid_t tid)
{
	for (u32 i = 0; i < r->nr_threads; i++)
		if (r->threads[i].tid == tid)
			return &r->threads[i];
	return NULL;
}

static void thread_remove(struct ms_replay *r, struct ms_thread *t)
{
	struct ms_thread *last = &r->threads[--r->nr_threads];

	ms_moved_drop(&t->moved);
	t->process->threads--;
	*t = *last;
	/* What has moved has one owner. */
	*last = (struct ms_thread) {};
}

/**
 * ms_thread_new() - a thread begins
 * @r:		the state
 * @tid:	its id
 * @p:		its process
 *
 * Return: the thread, until another one begins or ends.
 */
struct ms_thread *ms_thread_new(struct ms_replay *r, pid_t tid, struct ms_process *p)
{
	struct ms_thread *t = thread_find(r, tid);

	/* The id is used again, and its former owner's end was not logged. */
	if (t) {
		if (t->process->threads == 1)
			process_over(r, t->process);
		ms_moved_drop(&t->moved);
		if (t->process->threads)
			t->process->threads--;
	} else {
		r->threads = ms_grown(r->threads, r->nr_threads, sizeof(*r->threads));
		t = &r->threads[r->nr_threads++];
	}
	*t = (struct ms_thread) { .tid = tid, .process = p };
	p->threads++;
	return t;
}

/* The process that a thread was there in before the log; 0: it is not known to be. */
static pid_t leader_of(const struct ms_replay *r, pid_t tid)
{
	for (size_t i = 0; i < r->nr_members; i++)
		if (r->members[i].tid == tid || r->members[i].leader == tid)
			return r->members[i].leader;
	return 0;
}

static struct ms_process *process_find(const struct ms_replay *r, pid_t pid)
{
	for (u32 i = r->nr_processes; i--;)
		if (r->processes[i]->pid == pid && r->processes[i]->books)
			return r->processes[i];
	return NULL;
}

/**
 * ms_thread_get() - the thread of a line
 * @r:		the state
 * @tid:	its id; one that nobody is known to have made is a process, or was told to be
 *		a part of one
 *
 * Return: the thread, until another one begins or ends.
 */
struct ms_thread *ms_thread_get(struct ms_replay *r, pid_t tid)
{
	struct ms_thread *t = thread_find(r, tid);
	pid_t leader = leader_of(r, tid);
	struct ms_process *p;

	if (t)
		return t;
	p = leader ? process_find(r, leader) : NULL;
	if (!p) {
		p = ms_process_new(r, leader ? leader : tid, ms_books_new());
		p->ends = r->exits_are_logged;
		/* It is there, though it may be silent until all others have ended. */
		if (leader && leader != tid)
			ms_thread_new(r, leader, p);
	}
	return ms_thread_new(r, tid, p);
}

/**
 * ms_replay_new() - begin
 * @exits_are_logged:	the log tells when threads end; else exit and exit_group end
 *			them
 * @members:		threads that were there before, which must stay
 * @nr_members:		how many
 *
 * Return: the state.
 */
struct ms_replay *ms_replay_new(bool exits_are_logged, const struct ms_member *members,
				size_t nr_members)
{
	struct ms_replay *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->exits_are_logged = exits_are_logged;
	r->members = members;
	r->nr_members = nr_members;
	return r;
}

void ms_replay_free(struct ms_replay *r)
{
	while (r->nr_threads)
		ms_moved_drop(&r->threads[--r->nr_threads].moved);
	for (u32 i = 0; i < r->nr_processes; i++) {
		ms_books_put(r->processes[i]->books);
		free(r->processes[i]);
	}
	free(r->threads);
	free(r->segments);
	free(r->processes);
	free(r);
}

bool ms_replay_exits_are_logged(const struct ms_replay *r)
{
	return r->exits_are_logged;
}

void ms_replay_found_earlier(struct ms_replay *r)
{
	r->earlier = true;
}

bool ms_replay_has_earlier(const struct ms_replay *r)
{
	return r->earlier;
}

void ms_replay_segment(struct ms_replay *r, u64 id, u64 bytes)
{
	u32 i = 0;

	while (i < r->nr_segments && r->segments[i].id != id)
		i++;
	if (i == r->nr_segments) {
		r->segments = ms_grown(r->segments, r->nr_segments, sizeof(*r->segments));
		r->nr_segments++;
	}
	r->segments[i] = (struct segment) { id, bytes };
}

u64 ms_replay_segment_bytes(const struct ms_replay *r, u64 id)
{
	for (u32 i = 0; i < r->nr_segments; i++)
		if (r->segments[i].id == id)
			return r->segments[i].bytes;
	return 0;
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

/**
 * ms_process_exec() - a process goes on with one thread and nothing in its books
 * @r:	the state
 * @t:	the thread, moved afterwards
 */
void ms_process_exec(struct ms_replay *r, struct ms_thread *t)
{
	struct ms_process *p = t->process;
	pid_t tid = t->tid;

	for (u32 i = 0; i < r->nr_threads;) {
		struct ms_thread *other = &r->threads[i];

		if (other->process == p && other->tid != tid)
			thread_remove(r, other);
		else
			i++;
	}
	ms_books_put(p->books);
	p->books = ms_books_new();
	p->begun = true;
	p->peak = (struct ms_peaks) {};
	p->transitions = 0;
}

/**
 * ms_process_end() - a process has ended, with all its threads
 * @r:	the state
 * @p:	the process
 */
void ms_process_end(struct ms_replay *r, struct ms_process *p)
{
	for (u32 i = 0; i < r->nr_threads;) {
		if (r->threads[i].process == p)
			thread_remove(r, &r->threads[i]);
		else
			i++;
	}
	process_over(r, p);
}

/**
 * ms_replay_exit() - a thread has ended
 * @r:		the state
 * @tid:	its id
 */
void ms_replay_exit(struct ms_replay *r, pid_t tid)
{
	struct ms_thread *t = thread_find(r, tid);
	struct ms_process *p;

	if (!t)
		return;
	p = t->process;
	thread_remove(r, t);
	if (!p->threads)
		process_over(r, p);
}

/**
 * ms_replay_superseded() - a leader made room for a thread of its that execs
 * @r:		the state
 * @tid:	the leader, whose id goes on
 * @by:		the thread, whose id ends
 */
void ms_replay_superseded(struct ms_replay *r, pid_t tid, pid_t by)
{
	struct ms_thread *t = thread_find(r, by);

	if (!t || by == tid)
		return;
	/* A thread that was taken for a process, as nobody saw it made, ends as one. */
	if (thread_find(r, tid))
		ms_replay_exit(r, by);
	else
		t->tid = tid;
}

/**
 * ms_replay_child_ended() - a process was told that its child has ended
 * @r:		the state
 * @tid:	a thread of the process
 * @child:	the child's id, as the process sees it
 *
 * Where the log has the child's own end, that one counts.
 */
void ms_replay_child_ended(struct ms_replay *r, pid_t tid, pid_t child)
{
	const struct ms_thread *t = thread_find(r, tid);

	for (u32 i = r->nr_processes; i--;) {
		struct ms_process *p = r->processes[i];

		/* With -ff the line of a wait stands where it began. */
		if (!p->books || p->ends)
			continue;
		if (p->inner ? p->inner != child || !t || p->parent != t->process :
			       p->pid != child)
			continue;
		ms_process_end(r, p);
		return;
	}
}

/**
 * ms_replay_let_go() - strace will not tell of a process any more
 * @r:		the state
 * @tid:	a thread of it
 */
void ms_replay_let_go(struct ms_replay *r, pid_t tid)
{
	struct ms_thread *t = thread_find(r, tid);

	if (t)
		ms_process_end(r, t->process);
}
