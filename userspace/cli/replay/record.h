/* SPDX-License-Identifier: MIT */
/* A recording made from a log, as memstate record makes one of what happens. */
#ifndef MS_REPLAY_RECORD_H
#define MS_REPLAY_RECORD_H

#include "record/record.h"
#include "clock.h"
#include "process.h"

struct ms_replay_record;

struct ms_replay_record *ms_replay_record_create(const char *path, const char *log,
						 const struct ms_log_clock *clock,
						 uint64_t nr_lines);
void ms_replay_record_line(struct ms_replay_record *rec, const struct ms_replay *r,
			   const struct ms_line *l);
int ms_replay_record_end(struct ms_replay_record *rec, const struct ms_replay *r);
void ms_replay_sum(const struct ms_replay *r, struct memstate_totals *sum);

#endif /* MS_REPLAY_RECORD_H */
