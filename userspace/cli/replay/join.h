/* SPDX-License-Identifier: MIT */
/* Lines of a file that are one of strace's. */
#ifndef MS_REPLAY_JOIN_H
#define MS_REPLAY_JOIN_H

#include "source.h"

int ms_join_look_ahead(struct ms_log_source *s);
void ms_join_append(struct ms_log_source *s, const char *more, size_t len);
void ms_join_reparse(struct ms_log_source *s, const struct ms_line *before);
bool ms_join_may(const struct ms_log_source *s);
bool ms_join_continues(const struct ms_log_source *s, const struct ms_line *ahead);
void ms_join(struct ms_log_source *s, const struct ms_line *ahead);
void ms_join_succeeded(struct ms_log_source *s);
bool ms_join_ends_alone(const struct ms_line *l);

#endif /* MS_REPLAY_JOIN_H */
