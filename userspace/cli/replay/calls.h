/* SPDX-License-Identifier: MIT */
/* Calls of a log, and what they do. */
#ifndef MS_REPLAY_CALLS_H
#define MS_REPLAY_CALLS_H

#include "parse.h"
#include "process.h"

/* What becomes of a child in the log. */
enum ms_child_fate {
	MS_CHILD_NONE,		/* there is none */
	MS_CHILD_FOLLOWED,	/* it makes lines */
	MS_CHILD_SILENT,	/* it makes none, though others do */
	MS_CHILD_UNTRACED,	/* strace has nothing to do with it */
};

/**
 * struct ms_call - a call of a log
 * @line:	what is known of it; args from where it began
 * @tid:	who made it
 * @seq:	line that it began in, counted as the log gives them
 * @early:	line that its child was born in, if that is before @seq; else 0
 * @child:	a process or thread that it made, else 0
 * @inner:	the child's id as the call returned it, if that is another; else 0
 * @fate:	of the child
 * @ends:	the log has a line of the child's end
 * @process:	the child is a process, where the arguments do not tell
 * @text:	the arguments, owned
 * @name:	the name, for @line
 */
struct ms_call {
	struct ms_line line;
	pid_t tid;
	uint64_t seq;
	uint64_t early;
	pid_t child;
	pid_t inner;
	enum ms_child_fate fate;
	bool ends;
	bool process;
	char *text;
	char name[24];
};

void ms_call_init(struct ms_call *call, const struct ms_line *l);
void ms_call_resume(struct ms_call *call, const struct ms_line *l);
bool ms_call_made_child(const struct ms_line *l);

/**
 * struct ms_complaint - why a call could not be read
 * @expected:	what was looked for
 * @met:	what was there
 */
struct ms_complaint {
	const char *expected;
	char met[40];
};

int ms_call_whole(struct ms_replay *r, pid_t tid, const struct ms_call *call,
		  struct ms_complaint *why);
int ms_call_begin(struct ms_replay *r, pid_t tid, const struct ms_call *call,
		  struct ms_complaint *why);
int ms_call_end(struct ms_replay *r, pid_t tid, const struct ms_call *call,
		struct ms_complaint *why);
int ms_call_fork(struct ms_replay *r, pid_t tid, const struct ms_call *call);

/* False: the log does not say. */
bool ms_clone_flags(const struct ms_line *l, uint64_t *flags);
/* The child that a wait says has ended, 0: none. */
pid_t ms_wait_ended(const struct ms_line *l);

#endif /* MS_REPLAY_CALLS_H */
