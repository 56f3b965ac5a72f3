/* SPDX-License-Identifier: MIT */
/* A line of strace's behind what a program has printed without a newline. */
#ifndef MS_REPLAY_WITHIN_H
#define MS_REPLAY_WITHIN_H

#include "parse.h"

size_t ms_line_within(const char *text, size_t len, enum ms_column column,
		      struct ms_line *line);

#endif /* MS_REPLAY_WITHIN_H */
