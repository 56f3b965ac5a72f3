/* SPDX-License-Identifier: MIT */
/* Whose child is it? */
#ifndef MS_REPLAY_CHILDREN_H
#define MS_REPLAY_CHILDREN_H

#include "survey.h"

/**
 * struct ms_birth - a thread's first word
 * @id:		its id
 * @seq:	line, counted as the log gives them
 * @end:	line of its end, ~0 if there is none
 * @taken:	it is known whose child it is, or that it was there before
 */
struct ms_birth {
	pid_t id;
	uint64_t seq;
	uint64_t end;
	bool taken;
};

/**
 * struct ms_group - a process that strace was attached to
 * @leader:	its id
 * @threads:	so many more threads has it, of which nobody knows yet which
 */
struct ms_group {
	pid_t leader;
	uint32_t threads;
};

/**
 * struct ms_born - those that are born in a log
 * @births:	all of them, in order
 * @nr_births:	how many
 * @waited:	ids that their parents have seen end
 * @nr_waited:	how many
 * @groups:	processes that were there before with threads
 * @nr_groups:	how many
 */
struct ms_born {
	struct ms_birth *births;
	size_t nr_births;
	pid_t *waited;
	size_t nr_waited;
	struct ms_group *groups;
	size_t nr_groups;
};

void ms_survey_add_member(struct ms_survey *s, pid_t tid, pid_t leader);
int ms_children_find(struct ms_survey *s, struct ms_born *born);

#endif /* MS_REPLAY_CHILDREN_H */
