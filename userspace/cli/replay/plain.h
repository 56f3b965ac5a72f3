/* SPDX-License-Identifier: MIT */
/* Text of others as plain characters. */
#ifndef MS_REPLAY_PLAIN_H
#define MS_REPLAY_PLAIN_H

#include <stddef.h>

size_t ms_plain_line(char *line, size_t len);

#endif /* MS_REPLAY_PLAIN_H */
