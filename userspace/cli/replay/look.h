/* SPDX-License-Identifier: MIT */
/* What a log looks like: what nobody can tell from one line of it. */
#ifndef MS_REPLAY_LOOK_H
#define MS_REPLAY_LOOK_H

#include "diff.h"
#include "file.h"
#include "front.h"
#include "margins.h"
#include "parse.h"

/**
 * struct ms_look - how the lines of a file are to be read
 * @column:	what a plain number in front is
 * @quoted:	it is a quoted mail
 * @diff:	it is a diff, of which this side is the log
 * @margins:	blanks around each line
 * @strings:	its lines are strings of a list
 * @minutes:	an hour and a minute are in front of each line
 * @front:	words that are in front of each line
 * @width:	a terminal has wrapped its lines at, characters; 0: none has
 */
struct ms_look {
	enum ms_column column;
	bool quoted;
	enum ms_diff diff;
	struct ms_margins margins;
	bool strings;
	bool minutes;
	struct ms_front front;
	size_t width;
};

int ms_look_at(struct ms_log_file *f, const char *path, struct ms_look *look);
int ms_look_line(struct ms_log_file *f, const struct ms_look *look, char **line, size_t *len);

#endif /* MS_REPLAY_LOOK_H */
