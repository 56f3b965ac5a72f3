/* SPDX-License-Identifier: MIT */
/* The lines of a log, in their order, each whole. */
#ifndef MS_REPLAY_LOG_H
#define MS_REPLAY_LOG_H

#include "clock.h"
#include "file.h"
#include "parse.h"

struct ms_log;

struct ms_log *ms_log_open(char *const *paths, int nr);
void ms_log_close(struct ms_log *log);
int ms_log_rewind(struct ms_log *log);
int ms_log_next(struct ms_log *log, struct ms_line *l);

/* The lines of the files that the last one is made of, counted from 1. */
uint64_t ms_log_first_line(const struct ms_log *log);
uint64_t ms_log_last_line(const struct ms_log *log);

/* Say on a terminal how far a long log is, in this part of all that is done with it. */
void ms_log_progress(const struct ms_log *log, int part, int parts);

/* So many lines so far were found behind something else; which was the first? */
uint64_t ms_log_within(const struct ms_log *log, uint64_t *first);

/* Its text, as joined. */
const char *ms_log_text(const struct ms_log *log);

#endif /* MS_REPLAY_LOG_H */
