/* SPDX-License-Identifier: MIT */
/* Lines of strace, taken apart. */
#ifndef MS_REPLAY_PARSE_H
#define MS_REPLAY_PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum ms_line_kind {
	MS_LINE_OTHER,		/* nothing we know */
	MS_LINE_CALL,		/* name(args) = result */
	MS_LINE_UNFINISHED,	/* name(args <unfinished ...> */
	MS_LINE_RESUMED,	/* <... name resumed>args) = result */
	MS_LINE_EXIT,		/* +++ exited with, +++ killed by */
	MS_LINE_SUPERSEDED,	/* +++ superseded by execve in pid N */
	MS_LINE_NOTE,		/* --- SIGxxx, or the end of a broken line: nothing to us */
	MS_LINE_ATTACHED,	/* strace: Process N attached */
	MS_LINE_REST,		/* args) = result, of a call that a message broke */
};

enum ms_time_kind {
	MS_TIME_NONE,		/* the line has none */
	MS_TIME_ABSOLUTE,	/* seconds since 1970 */
	MS_TIME_CLOCK,		/* seconds since midnight */
	MS_TIME_SINCE_LAST,	/* seconds since the line before */
};

/**
 * struct ms_line - one line
 * @kind:	what it is
 * @time_kind:	what @time is
 * @time:	seconds
 * @pid:	thread; 0 if the line does not say
 * @other:	the thread that superseded it, or that was attached
 * @name:	of the call; not terminated
 * @name_len:	its length
 * @args:	its arguments, as far as the line has them
 * @args_len:	their length
 * @result:	there is one
 * @failed:	it is an error
 * @value:	it, if not
 */
struct ms_line {
	enum ms_line_kind kind;
	enum ms_time_kind time_kind;
	double time;
	pid_t pid;
	pid_t other;
	const char *name;
	size_t name_len;
	const char *args;
	size_t args_len;
	bool result;
	bool failed;
	uint64_t value;
};

void ms_line_parse(const char *text, size_t len, struct ms_line *line);
bool ms_line_is(const struct ms_line *line, const char *name);

/* Arguments: the n-th, counted from 0. False: there is none such. */
bool ms_arg_number(const struct ms_line *line, int n, uint64_t *value);

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
