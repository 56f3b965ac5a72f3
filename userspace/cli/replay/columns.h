/* SPDX-License-Identifier: MIT */
/* What the plain numbers in front of the lines of a log are. */
#ifndef MS_REPLAY_COLUMNS_H
#define MS_REPLAY_COLUMNS_H

#include "parse.h"

/**
 * struct ms_number - a plain number in a line
 * @begin:	column in which it begins
 * @end:	behind its last digit
 * @value:	it
 */
struct ms_number {
	size_t begin;
	size_t end;
	uint64_t value;
};

/**
 * struct ms_column_facts - what is known of a column of such numbers
 * @first:	the first of them
 * @last:	the last
 * @nr:		how many there are
 * @zero:	there is a 0, which no thread has
 * @same_begin:	they begin in one column of characters, as ids do
 * @same_end:	they end in one, as seconds do
 * @rising:	each is larger than the one before
 * @same_value:	they are the same
 * @child:	one of them is the id that the last clone before it has returned
 */
struct ms_column_facts {
	struct ms_number first;
	struct ms_number last;
	uint64_t nr;
	bool zero;
	bool same_begin;
	bool same_end;
	bool rising;
	bool same_value;
	bool child;
};

/**
 * struct ms_columns - what is known of the numbers in front
 * @of:		the first in each line, and the second, if there is one
 * @counting:	the first is the number of the line and something fixed
 * @offset:	that
 * @tab:	a tab is behind the first, which strace puts nowhere
 * @padded:	the second stands where strace puts seconds behind an id
 * @threads:	there are calls in two parts
 * @made:	the last child that was made
 * @example:	a line with two, from its first number on
 */
struct ms_columns {
	struct ms_column_facts of[2];
	bool counting;
	uint64_t offset;
	bool tab;
	bool padded;
	bool threads;
	uint64_t made;
	char example[24];
};

void ms_columns_look(struct ms_columns *c, const char *text, const struct ms_line *l,
		     uint64_t line);
bool ms_columns_say(const struct ms_columns *c, enum ms_column *column);

#endif /* MS_REPLAY_COLUMNS_H */
