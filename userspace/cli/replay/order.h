/* SPDX-License-Identifier: MIT */
/* In which order the files of a log are read that have no times. */
#ifndef MS_REPLAY_ORDER_H
#define MS_REPLAY_ORDER_H

#include <stdbool.h>
#include <sys/types.h>

#include "parse.h"

/**
 * struct ms_order_file - a file
 * @id:		process whose file it is
 * @made:	another file has made it
 * @begun:	it has been begun with
 */
struct ms_order_file {
	pid_t id;
	bool made;
	bool begun;
};

/**
 * struct ms_order - the order of files
 * @files:	they
 * @nr:		how many
 * @stack:	those that are begun and not through, by index; each has made the next one
 * @depth:	how many
 */
struct ms_order {
	struct ms_order_file *files;
	int nr;
	int *stack;
	int depth;
};

void ms_order_init(struct ms_order *o, int nr);
void ms_order_free(struct ms_order *o);
void ms_order_rewind(struct ms_order *o);
bool ms_order_look(struct ms_order *o, const struct ms_line *l);
void ms_order_follow(struct ms_order *o, const struct ms_line *l);
int ms_order_next(struct ms_order *o);
void ms_order_through(struct ms_order *o);

#endif /* MS_REPLAY_ORDER_H */
