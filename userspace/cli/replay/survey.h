/* SPDX-License-Identifier: MIT */
/* What can only be told of a line by those behind it. */
#ifndef MS_REPLAY_SURVEY_H
#define MS_REPLAY_SURVEY_H

#include "calls.h"
#include "log.h"
#include "who.h"

/**
 * struct ms_outcome - how a call in two parts ends
 * @value:	its result
 * @id:		of ms_line_wants()
 * @result:	there is one
 * @failed:	it is an error
 * @error:	as in struct ms_line
 */
struct ms_outcome {
	uint64_t value;
	int error;
	uint8_t id;
	bool result;
	bool failed;
};

/**
 * struct ms_survey - a log as a whole
 * @who:	whose the lines are
 * @exits:	it tells when threads end
 * @parts:	it has calls in two parts
 * @middle:	it begins in the middle of a process, which strace was attached to
 * @known:	lines that were understood
 * @lines:	all of them
 * @clock:	as it is at the end
 * @outcomes:	of the calls in two parts that matter, in order of their beginnings
 * @nr_outcomes: how many
 * @calls:	those that make children, in order of their beginnings
 * @nr_calls:	how many
 * @members:	threads of processes that were there before
 * @nr_members:	how many
 * @unseen:	children that make no line, where no child makes one
 * @orphans:	threads that nobody has made, as far as the log tells
 * @attached:	processes that strace was attached to, and did not say what threads they have
 * @guessed:	children of which the log does not say if they are threads
 */
struct ms_survey {
	struct ms_who who;
	bool exits;
	bool parts;
	bool middle;
	uint64_t known;
	uint64_t lines;
	struct ms_log_clock clock;
	struct ms_outcome *outcomes;
	size_t nr_outcomes;
	struct ms_call *calls;
	size_t nr_calls;
	struct ms_member *members;
	size_t nr_members;
	uint32_t unseen;
	uint32_t orphans;
	uint32_t attached;
	uint32_t guessed;
};

int ms_survey_make(struct ms_survey *s, struct ms_log *log);
void ms_survey_free(struct ms_survey *s);

#endif /* MS_REPLAY_SURVEY_H */
