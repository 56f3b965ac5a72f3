/* SPDX-License-Identifier: MIT */
/*
 * Names are data. What a process, a cgroup, a container or a file is called, and what stands in
 * a log or a recording, comes from anybody, and may be any bytes. One function for each kind of
 * output: ms_name() for text and messages; in cli, ms_json_text() for JSON, ms_script_quote() for
 * gnuplot (and so for SVG), put_value() of export/text.c for OpenMetrics; top's are in top/text.c,
 * which has to know of columns. All know by ms_name_char() what is not to be shown.
 */
#ifndef MS_LIB_NAMES_H
#define MS_LIB_NAMES_H

#include <stdbool.h>
#include <stddef.h>

size_t ms_utf8_length(const char *text);
unsigned int ms_utf8_char(const char *text, size_t length);
bool ms_is_control(unsigned int c);
size_t ms_name_char(const char *text, size_t *length);
void ms_name_clean(char *text);
const char *ms_name(const char *text);

#endif /* MS_LIB_NAMES_H */
