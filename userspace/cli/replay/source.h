/* SPDX-License-Identifier: MIT */
/* A file of a log: its lines, each joined of those of the file. */
#ifndef MS_REPLAY_SOURCE_H
#define MS_REPLAY_SOURCE_H

#include "clock.h"
#include "file.h"
#include "look.h"
#include "parse.h"

/* So many threads are told from numbers: those that came last. */
#define MS_KNOWN_IDS	64

/**
 * struct ms_log_source - a file of a log
 * @path:	its name
 * @file:	the file
 * @id:		thread whose file it is, of -ff; 0: the lines tell
 * @look:	what it looks like
 * @ahead:	a line that was read and is not used yet
 * @ahead_len:	its length
 * @state:	of ms_log_file_line() for it; 0: there is none
 * @text:	the line that is next, joined
 * @len:	its length
 * @room:	of @text
 * @piece:	length of the last part of it
 * @line:	it, taken apart
 * @nr:		lines of the file that it is made of
 * @cut:	it is the last of the file and has no end
 * @within:	it was found behind something else
 * @clock:	time of the file by then
 * @ready:	there is such a line
 * @known:	ids of threads that have come up so far
 * @nr_known:	how many did
 */
struct ms_log_source {
	const char *path;
	struct ms_log_file *file;
	pid_t id;
	struct ms_look look;
	char *ahead;
	size_t ahead_len;
	int state;
	char *text;
	size_t len;
	size_t room;
	size_t piece;
	struct ms_line line;
	uint32_t nr;
	bool cut;
	bool within;
	struct ms_log_clock clock;
	bool ready;
	uint64_t known[MS_KNOWN_IDS];
	uint32_t nr_known;
};

int ms_log_source_open(struct ms_log_source *s, const char *path, bool alone);
void ms_log_source_close(struct ms_log_source *s);
int ms_log_source_rewind(struct ms_log_source *s);
int ms_log_source_next(struct ms_log_source *s, uint64_t line);

#endif /* MS_REPLAY_SOURCE_H */
