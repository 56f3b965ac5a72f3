/* SPDX-License-Identifier: MIT */
/* The books of a log's processes, for people and for programs. */
#ifndef MS_REPLAY_SHOW_H
#define MS_REPLAY_SHOW_H

#include <json-c/json.h>

#include "process.h"

void ms_replay_show(const struct ms_replay *r, uint64_t line_nr, struct json_object *list);

#endif /* MS_REPLAY_SHOW_H */
