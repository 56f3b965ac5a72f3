/* SPDX-License-Identifier: MIT */
/* Lines of a file that are one of strace's. */
#ifndef MS_REPLAY_JOIN_H
#define MS_REPLAY_JOIN_H

#include "source.h"

bool ms_join_may(const struct ms_log_source *s);
bool ms_join_continues(const struct ms_log_source *s, const struct ms_line *ahead);
void ms_join(struct ms_log_source *s, const struct ms_line *ahead);
void ms_join_succeeded(struct ms_log_source *s);
bool ms_join_ends_alone(const struct ms_line *l);

#endif /* MS_REPLAY_JOIN_H */
