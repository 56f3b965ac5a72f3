/* SPDX-License-Identifier: MIT */
/* Whose is a line? */
#ifndef MS_REPLAY_WHO_H
#define MS_REPLAY_WHO_H

#include "log.h"

/**
 * struct ms_who - the threads that strace has at this line
 * @main_pid:	whose lines are that do not say, 0 if the log never does
 * @alive:	threads that have made a line, and have not ended
 * @nr:		how many
 * @room:	of @alive
 */
struct ms_who {
	pid_t main_pid;
	pid_t *alive;
	size_t nr;
	size_t room;
};

int ms_who_find_main(struct ms_who *who, struct ms_log *log);
pid_t ms_who_line(struct ms_who *who, const struct ms_line *l, pid_t born[2]);
void ms_who_reset(struct ms_who *who);
void ms_who_free(struct ms_who *who);

#endif /* MS_REPLAY_WHO_H */
