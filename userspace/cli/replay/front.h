/* SPDX-License-Identifier: MIT */
/* What others have put in front of the lines of a log, of which one line does not tell. */
#ifndef MS_REPLAY_FRONT_H
#define MS_REPLAY_FRONT_H

#include "parse.h"

/* "<30>1 2026-11-30T14:03:41Z host app 77 id [a b="c" ...]": enough for that. */
#define MS_FRONT_WORDS	16

/* No name in it is longer: 253 has a pod's. */
#define MS_FRONT_LETTERS	256

/**
 * struct ms_front - the words in front
 * @nr:		how many; 0: there are none
 * @words:	what each is: a name, or the shape of others; empty: any
 */
struct ms_front {
	unsigned int nr;
	char words[MS_FRONT_WORDS][MS_FRONT_LETTERS];
};

/**
 * struct ms_front_facts - what is known of words in front
 * @nr:		lines that are strace's behind so many words
 */
struct ms_front_facts {
	uint64_t nr[MS_FRONT_WORDS + 1];
};

/**
 * struct ms_minutes_facts - what is known of a number, a colon, and another one in front
 * @nr:		lines that begin so
 * @others:	lines that do not
 * @last:	the last such number
 * @again:	one came up twice in a row, which no line's number does
 */
struct ms_minutes_facts {
	uint64_t nr;
	uint64_t others;
	uint64_t last;
	bool again;
};

void ms_minutes_look(struct ms_minutes_facts *f, const struct ms_text *t);
bool ms_minutes_say(const struct ms_minutes_facts *f);
void ms_minutes_strip(struct ms_text *t);

bool ms_front_is_strong(const struct ms_line *l);
void ms_front_look(struct ms_front_facts *f, const struct ms_text *t);
unsigned int ms_front_words(const struct ms_front_facts *f);
bool ms_front_learn(struct ms_front *front, unsigned int nr, const struct ms_text *t,
		    char names[2][MS_FRONT_LETTERS]);
void ms_front_strip(const struct ms_front *front, struct ms_text *t);

#endif /* MS_REPLAY_FRONT_H */
