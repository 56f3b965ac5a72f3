/* SPDX-License-Identifier: MIT */
/*
 * memstate tend: a group's pressure and limit, told to its programs in their own languages.
 *
 * Model
 *
 *   The loop (loop.c) knows processes by pidfds (procs.c) and never waits for any of them. What
 *   is to be told to one is told by a child (talk.c) that lives for so long at the most and leaves
 *   one message of a fixed size. The child looks at the process as /proc has it, is then made to
 *   be no more than that process is (peer.c), and only then speaks to what a tenant controls:
 *   sockets and files. What it leaves is data, too: it is printed, and compared, and no more.
 *
 *   Nothing is kept that could not be seen anew: whoever is started again finds the processes,
 *   and what they were told, by asking them. A value that was set here ends in a way by which it
 *   is known again (tend_ours()), so that what the user has set is known as well.
 *
 * Whom it trusts
 *
 *   The kernel's files of a process, while its pidfd says that it lives: its number may be
 *   another's afterwards. Nothing that the process says, or has lying about.
 */
#ifndef MS_TEND_H
#define MS_TEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <memstate.h>

#include "cgroup.h"

/* Room for what is said of a talk. */
#define TEND_TEXT	256

/* A command's name, as the kernel keeps it. */
#define TEND_NAME	16

/* ---- source.c: the group ----------------------------------------------------------- */

/**
 * struct tend_group - what is tended
 * @cg:		the cgroup
 * @watch:	is readable, as POLLPRI, when there is something new; POLLHUP: it is gone
 */
struct tend_group {
	struct ms_cgroup cg;
	int watch;
};

int tend_group_open(struct tend_group *g, const char *target);
int tend_group_read(struct tend_group *g, struct memstate_limit *limit);
void tend_group_close(struct tend_group *g);

/* ---- peer.c: a process that is spoken to, and being no more than it is ---------------- */

/**
 * struct tend_peer - a process, as the kernel has it
 * @pid:	in our namespace
 * @pidfd:	the same
 * @inner:	its number in its own namespace
 * @uid:	as whom it acts
 * @gid:	likewise
 * @name:	its command's
 * @catches_quit: SIGQUIT does not end it
 */
struct tend_peer {
	pid_t pid;
	int pidfd;
	pid_t inner;
	uid_t uid;
	gid_t gid;
	char name[TEND_NAME];
	bool catches_quit;
};

bool tend_alive(int pidfd);
int tend_peer_read(struct tend_peer *p);
int tend_peer_root(const struct tend_peer *p);
int tend_peer_become(const struct tend_peer *p, bool net, const int *keep, int nr);
int tend_open_in(int root, const char *path, uint64_t flags, uint64_t resolve);
int tend_connect_in(int root, const char *path, uint64_t resolve, const struct tend_peer *p);
int tend_send_all(int fd, const char *text, size_t size);

/* ---- talk.c: a child that talks ------------------------------------------------------- */

enum tend_verdict {
	TEND_TOLD,	/* it was told; a text says what has changed by it */
	TEND_FAILED,	/* it cannot be reached; a text says why */
	TEND_NEVER,	/* likewise, and it is not to be tried again */
	TEND_LATER,	/* it is busy, and will be told later */
	TEND_OTHER,	/* it is none of those that speak this language */
};

/**
 * struct tend_word - what is to be told
 * @pressure:	memory is scarce
 * @limit:	what @max is
 * @max:	the lowest limit above it, bytes, or MEMSTATE_UNLIMITED
 * @percent:	redis: share of @max
 * @found:	what the user had set in place of @limit, as far as is known; 0: nothing
 * @secret:	redis: file with its password, or NULL
 * @talk_fd:	where the result goes: the one descriptor that is not closed for it
 */
struct tend_word {
	bool pressure;
	bool limit;
	uint64_t max;
	unsigned int percent;
	uint64_t found;
	const char *secret;
	int talk_fd;
};

/**
 * struct tend_result - what has become of it
 * @verdict:	enum tend_verdict
 * @found:	as in struct tend_word
 * @text:	for people; of any bytes
 */
struct tend_result {
	uint32_t verdict;
	uint64_t found;
	char text[TEND_TEXT];
};

/**
 * struct tend_tongue - a language
 * @name:	what it is called on the command line
 * @speaks:	does it look like one that knows it? Asks only the kernel, and does not wait.
 * @tell:	in a child: tell a process, which has been read
 */
struct tend_tongue {
	const char *name;
	bool (*speaks)(const struct tend_peer *p);
	void (*tell)(struct tend_peer *p, const struct tend_word *w, struct tend_result *r);
};

extern const struct tend_tongue tend_jvm;
extern const struct tend_tongue tend_redis;

void tend_say(struct tend_result *r, enum tend_verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
uint64_t tend_ours(uint64_t bytes);
bool tend_is_ours(uint64_t bytes);

/**
 * struct tend_talk - a talk that goes on
 * @pid:	the child, 0: there is none
 * @pidfd:	the same: its number is not used after it was waited for
 * @fd:		its result; it ends when the child does
 * @end:	when it is ended, ms; INT64_MAX: it was
 */
struct tend_talk {
	pid_t pid;
	int pidfd;
	int fd;
	int64_t end;
};

int tend_talk_begin(struct tend_talk *t, const struct tend_tongue *tongue, struct tend_peer p,
		    struct tend_word w, int64_t end);
void tend_talk_kill(struct tend_talk *t);
void tend_talk_drop(struct tend_talk *t);
bool tend_talk_end(struct tend_talk *t, struct tend_result *r);
void tend_talk_reap(void);

/* ---- procs.c: who lives in the group --------------------------------------------------- */

/**
 * struct tend_proc - a process
 * @pid:	its number, as long as
 * @pidfd:	says that it lives
 * @name:	as it was last seen
 * @tongue:	what it speaks, as far as can be seen; NULL: nothing that is known
 * @looks:	so many walks have seen it
 * @look_at:	at this one it is looked at again
 * @told:	the limit that it was told last
 * @found:	see struct tend_word
 * @pressed:	it is to be told of pressure
 * @press_at:	not before, ms
 * @talk_at:	it has failed: not before, ms
 * @failures:	one after the other
 * @said:	that it cannot be reached was said
 * @talk:	what goes on
 * @word:	what is told by it
 */
struct tend_proc {
	pid_t pid;
	int pidfd;
	char name[TEND_NAME];
	const struct tend_tongue *tongue;
	uint32_t looks;
	uint32_t look_at;
	uint64_t told;
	uint64_t found;
	bool pressed;
	int64_t press_at;
	int64_t talk_at;
	unsigned int failures;
	bool said;
	struct tend_talk talk;
	struct tend_word word;
};

/* So many processes of a group are known; of a larger one those with the lowest numbers. */
#define TEND_PROCS	4096

/**
 * struct tend_procs - those of a group, by number
 * @all:	they
 * @nr:		how many
 * @populated:	somebody was there once
 */
struct tend_procs {
	struct tend_proc all[TEND_PROCS];
	size_t nr;
	bool populated;
};

bool tend_procs_walk(struct tend_procs *procs, int cgroup);
void tend_procs_forget(struct tend_procs *procs);

#endif /* MS_TEND_H */
