/* SPDX-License-Identifier: MIT */
/* What a log looks like: what nobody can tell from one line of it. */
#ifndef MS_REPLAY_LOOK_H
#define MS_REPLAY_LOOK_H

#include "file.h"
#include "parse.h"

/**
 * struct ms_look - how the lines of a file are to be read
 * @column:	what a plain number in front is
 * @quoted:	it is a quoted mail
 * @width:	a terminal has wrapped its lines at, characters; 0: none has
 */
struct ms_look {
	enum ms_column column;
	bool quoted;
	size_t width;
};

int ms_look_at(struct ms_log_file *f, struct ms_look *look);
int ms_look_line(struct ms_log_file *f, bool quoted, char **line, size_t *len);

#endif /* MS_REPLAY_LOOK_H */
