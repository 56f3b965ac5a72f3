/* SPDX-License-Identifier: MIT */
/* Lines that are strings of a list, as of JSON and YAML: Ansible prints what it was told so. */
#ifndef MS_REPLAY_STRINGS_H
#define MS_REPLAY_STRINGS_H

#include "parse.h"

bool ms_string_begins(const struct ms_text *t);
void ms_string_strip(char *line, size_t *len);

#endif /* MS_REPLAY_STRINGS_H */
