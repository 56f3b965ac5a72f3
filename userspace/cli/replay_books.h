/* SPDX-License-Identifier: MIT */
/*
 * The books of processes, kept from the calls they made.
 *
 * Model
 *
 *   A thread belongs to a process (thread group), a process has books. Processes
 *   made with CLONE_VM or vfork share their parent's until they exec; books that
 *   several share are shown with the one that has had them longest.
 */
#ifndef MS_REPLAY_BOOKS_H
#define MS_REPLAY_BOOKS_H

#include "rangemap.h"
#include "replay_parse.h"

/**
 * struct ms_books - an address space
 * @map:	its ranges
 * @totals:	of them
 * @brk:	the break, 0 while it is not known
 * @users:	processes that share it
 */
struct ms_books {
	struct ms_rangemap map;
	struct memstate_totals totals;
	u64 brk;
	u32 users;
};

/**
 * struct ms_process - a thread group
 * @pid:	its id
 * @books:	NULL once it has ended
 * @threads:	living threads
 * @peak_ready:	highest Ready since it began or replaced itself, bytes
 * @transitions: records applied since then
 */
struct ms_process {
	pid_t pid;
	struct ms_books *books;
	u32 threads;
	u64 peak_ready;
	u64 transitions;
};

/**
 * struct ms_call - a call of a log
 * @line:	what is known of it; args from where it began
 * @child:	a process or thread that it made, else 0
 */
struct ms_call {
	struct ms_line line;
	pid_t child;
};

struct ms_replay;

struct ms_replay *ms_replay_new(bool exits_are_logged);
void ms_replay_free(struct ms_replay *r);

int ms_replay_call(struct ms_replay *r, pid_t tid, const struct ms_call *call);
int ms_replay_begin(struct ms_replay *r, pid_t tid, const struct ms_call *call);
int ms_replay_end(struct ms_replay *r, pid_t tid, const struct ms_call *call);
void ms_replay_exit(struct ms_replay *r, pid_t tid);
void ms_replay_superseded(struct ms_replay *r, pid_t tid, pid_t by);
pid_t ms_replay_only(const struct ms_replay *r);

u32 ms_replay_count(const struct ms_replay *r);
const struct ms_process *ms_replay_process(const struct ms_replay *r, u32 i);
/* Do the figures of its books stand with another process? Then that one's id. */
pid_t ms_replay_shares(const struct ms_replay *r, const struct ms_process *p);

#endif /* MS_REPLAY_BOOKS_H */
