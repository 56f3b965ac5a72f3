/* SPDX-License-Identifier: MIT */
/* The table of last figures, as who started a program has it: lib/tally.h. */
#ifndef MS_CLI_TALLY_H
#define MS_CLI_TALLY_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "port.h"
#include "tally_table.h"

/**
 * struct ms_tally_row - a process, or one of the programs that it was in turn
 * @slot:	as it was found
 * @running:	it has not ended
 */
struct ms_tally_row {
	struct ms_tally_slot slot;
	bool running;
};

/**
 * struct ms_tally_reader - a table, and what was read of it
 * @fd:		its descriptor; below 0: there is none
 * @sock:	where it is asked for; below 0: there is no such place
 * @word:	see lib/tally_table.h
 * @table:	the table, which programs may write to
 * @pidns:	inode of one's own namespace of process ids, 0: not known
 * @rows:	what was read
 * @nr:		how many
 */
struct ms_tally_reader {
	int fd;
	int sock;
	char word[2 * MS_TALLY_HALF + 1];
	struct ms_tally *table;
	uint64_t pidns;
	struct ms_tally_row *rows;
	size_t nr;
};

int ms_tally_make(struct ms_tally_reader *t);
bool ms_tally_hand_down(const struct ms_tally_reader *t);
void ms_tally_wait(struct ms_tally_reader *t, const sigset_t *mask, unsigned int ms);
void ms_tally_sweep(struct ms_tally_reader *t);
void ms_tally_collect(struct ms_tally_reader *t);
void ms_tally_free(struct ms_tally_reader *t);

/* tally_ask.c */
int ms_tally_listen(struct ms_tally_reader *t);
void ms_tally_answer(struct ms_tally_reader *t);

#endif /* MS_CLI_TALLY_H */
