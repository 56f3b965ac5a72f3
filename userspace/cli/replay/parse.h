/* SPDX-License-Identifier: MIT */
/* Lines of strace, taken apart. */
#ifndef MS_REPLAY_PARSE_H
#define MS_REPLAY_PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum ms_line_kind {
	MS_LINE_OTHER,		/* nothing we know */
	MS_LINE_OPEN,		/* something whose end is not in this line */
	MS_LINE_CALL,		/* name(args) = result */
	MS_LINE_UNFINISHED,	/* name(args <unfinished ...> */
	MS_LINE_RESUMED,	/* <... name resumed>args) = result */
	MS_LINE_EXIT,		/* +++ exited with, +++ killed by */
	MS_LINE_SUPERSEDED,	/* +++ superseded by execve in pid N */
	MS_LINE_CHILD,		/* --- SIGCHLD that says that a child has ended */
	MS_LINE_NOTE,		/* a signal, a stack frame, a word of strace: nothing to us */
	MS_LINE_ATTACHED,	/* strace: Process N attached */
	MS_LINE_DETACHED,	/* strace: Process N detached */
};

/* What the plain number in front of lines is: the line alone does not tell. */
enum ms_column {
	MS_COLUMN_ID,		/* of a thread */
	MS_COLUMN_SECONDS,	/* since the line before, of -r with seconds only */
	MS_COLUMN_LISTING,	/* the number of the line; the next may be an id */
	MS_COLUMN_NONE,		/* neither that nor the next is an id */
};

enum ms_time_kind {
	MS_TIME_NONE,		/* the line has none */
	MS_TIME_ABSOLUTE,	/* seconds since 1970 */
	MS_TIME_CLOCK,		/* seconds since midnight */
	MS_TIME_SINCE_LAST,	/* seconds since the line before */
};

/* No process id is larger; a larger number in front is a time. */
#define MS_PID_MAX	4194304

/**
 * struct ms_line - one line
 * @kind:	what it is
 * @time_kind:	what @time is
 * @time:	seconds
 * @pid:	thread; 0 if the line does not say
 * @other:	the thread that superseded it, that was attached or detached, or the child
 *		that has ended
 * @threads:	so many does it have, 0 if the line does not say
 * @outer:	the id of @value outside its namespace, 0 if the line does not say
 * @detached:	strace let go of it in this call
 * @exited:	it ended by itself
 * @more:	it is understood, and its end is not there
 * @keep:	of an open line: so much of it is its own, a message of strace follows
 * @name:	of the call; not terminated
 * @name_len:	its length
 * @args:	its arguments, as far as the line has them
 * @args_len:	their length
 * @result:	there is one
 * @failed:	it is an error
 * @error:	of these ENOMEM, EACCES and EINVAL, which may come half-way; else 0
 * @value:	it, if not
 */
struct ms_line {
	enum ms_line_kind kind;
	enum ms_time_kind time_kind;
	double time;
	pid_t pid;
	pid_t other;
	pid_t outer;
	uint32_t threads;
	bool detached;
	bool exited;
	bool more;
	size_t keep;
	const char *name;
	size_t name_len;
	const char *args;
	size_t args_len;
	bool result;
	bool failed;
	int error;
	uint64_t value;
};

void ms_line_parse(const char *text, size_t len, enum ms_column column,
		   struct ms_line *line);
bool ms_line_is(const struct ms_line *line, const char *name);
bool ms_line_makes_child(const struct ms_line *line);
bool ms_line_exits(const struct ms_line *line);
bool ms_line_waits(const struct ms_line *line);
uint8_t ms_line_wants(const struct ms_line *l);
bool ms_line_gives_address(const struct ms_line *line);

/**
 * struct ms_text - what is left of a line
 * @p:		next character
 * @end:	behind the last; there is a character that is no digit
 */
struct ms_text {
	const char *p;
	const char *end;
};

bool ms_text_starts(const struct ms_text *t, const char *with);
bool ms_text_skip(struct ms_text *t, const char *what);
void ms_text_skip_space(struct ms_text *t);
bool ms_text_number(struct ms_text *t, uint64_t *value);
bool ms_text_has(const struct ms_text *t, const char *what);

/* What stands in front of a line. */
bool ms_prefix_quoted(const struct ms_text *t);
void ms_prefix_unquote(struct ms_text *t);
void ms_prefix_strip(struct ms_text *t, bool quoted);
void ms_prefix_parse(struct ms_text *t, enum ms_column column, struct ms_line *line);

/* Arguments: the n-th, counted from 0. False: there is none such. */
bool ms_arg(const struct ms_line *line, int n, struct ms_text *arg);
bool ms_arg_number(const struct ms_line *line, int n, uint64_t *value);
bool ms_arg_address(const struct ms_line *line, int n, uint64_t *value);

/**
 * struct ms_flag - a name that can stand in an argument
 * @name:	the name
 * @value:	what it is worth
 */
struct ms_flag {
	const char *name;
	uint64_t value;
};

bool ms_arg_flags(const struct ms_line *line, int n, const struct ms_flag *flags,
		  uint64_t *value);
bool ms_arg_named_flags(const struct ms_line *line, const char *key,
			const struct ms_flag *flags, uint64_t *value);

#endif /* MS_REPLAY_PARSE_H */
