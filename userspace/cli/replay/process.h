/* SPDX-License-Identifier: MIT */
/*
 * Processes and threads of a log.
 *
 * Model
 *
 *   A thread belongs to a process (thread group), a process has books. Processes
 *   made with CLONE_VM or vfork share their parent's until they exec; books that
 *   several share are shown with the one that has had them longest.
 */
#ifndef MS_REPLAY_PROCESS_H
#define MS_REPLAY_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "books.h"

/**
 * struct ms_peaks - the highest of some figures, each at its own time; bytes
 * @ready:	Ready
 * @noreserve:	Ready that was mapped writable with MAP_NORESERVE
 * @rest:	Ready without that
 */
struct ms_peaks {
	u64 ready;
	u64 noreserve;
	u64 rest;
};

/**
 * struct ms_process - a thread group
 * @pid:	its id
 * @inner:	its id in its own pid namespace, where that is another; else 0
 * @parent:	who made it, NULL if the log does not say
 * @ends:	the log has a line of its end
 * @begun:	its beginning is in the log, or that of who it has its memory from
 * @books:	NULL once it has ended
 * @threads:	living threads
 * @self_fd:	descriptor of itself, plus 1; 0: none is known
 * @peak:	highest figures since it began or replaced itself
 * @transitions: records applied since then
 */
struct ms_process {
	pid_t pid;
	pid_t inner;
	const struct ms_process *parent;
	bool ends;
	bool begun;
	struct ms_books *books;
	u32 threads;
	u64 self_fd;
	struct ms_peaks peak;
	u64 transitions;
};

/**
 * struct ms_member - a thread that was there before the log
 * @tid:	its id
 * @leader:	its process
 */
struct ms_member {
	pid_t tid;
	pid_t leader;
};

/**
 * struct ms_thread - a thread
 * @tid:	its id
 * @process:	what it belongs to
 * @moved:	what an unfinished mremap has taken out of the books
 */
struct ms_thread {
	pid_t tid;
	struct ms_process *process;
	struct ms_moved moved;
};

struct ms_replay;

struct ms_replay *ms_replay_new(bool exits_are_logged, const struct ms_member *members,
				size_t nr_members);
void ms_replay_free(struct ms_replay *r);
bool ms_replay_exits_are_logged(const struct ms_replay *r);
/* A call was about memory that was there before the log. */
void ms_replay_found_earlier(struct ms_replay *r);
bool ms_replay_has_earlier(const struct ms_replay *r);

struct ms_thread *ms_thread_get(struct ms_replay *r, pid_t tid);
struct ms_thread *ms_thread_new(struct ms_replay *r, pid_t tid, struct ms_process *p);
struct ms_process *ms_process_new(struct ms_replay *r, pid_t pid, struct ms_books *books);
void ms_process_watch(struct ms_process *p);
void ms_process_changed(struct ms_replay *r, struct ms_process *p);
void ms_process_exec(struct ms_replay *r, struct ms_thread *t);
void ms_process_end(struct ms_replay *r, struct ms_process *p);

void ms_replay_exit(struct ms_replay *r, pid_t tid);
void ms_replay_superseded(struct ms_replay *r, pid_t tid, pid_t by);
void ms_replay_child_ended(struct ms_replay *r, pid_t tid, pid_t child);
void ms_replay_let_go(struct ms_replay *r, pid_t tid);

/* Segments of System V: their length, by id; 0: not known. */
void ms_replay_segment(struct ms_replay *r, u64 id, u64 bytes);
u64 ms_replay_segment_bytes(const struct ms_replay *r, u64 id);

u32 ms_replay_count(const struct ms_replay *r);
const struct ms_process *ms_replay_process(const struct ms_replay *r, u32 i);
/* Do the figures of its books stand with another process? Then that one's id. */
pid_t ms_replay_shares(const struct ms_replay *r, const struct ms_process *p);

#endif /* MS_REPLAY_PROCESS_H */
