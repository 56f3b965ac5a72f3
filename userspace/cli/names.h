/* SPDX-License-Identifier: MIT */
/*
 * Names are data. What a process, a cgroup, a container or a file is called, and what stands in
 * a log or a recording, comes from anybody, and may be any bytes. One function for each kind of
 * output: ms_name() for text, ms_json_text() for JSON, ms_script_quote() for gnuplot (and so for
 * SVG), put_value() of export_text.c for OpenMetrics; top's are in top_text.c, which has to know
 * of columns.
 */
#ifndef MS_CLI_NAMES_H
#define MS_CLI_NAMES_H

#include <stddef.h>
#include <stdio.h>

struct json_object;

size_t ms_utf8_length(const char *text);
size_t ms_name_char(const char *text, size_t *length);
void ms_name_put(FILE *out, const char *text);
const char *ms_name(const char *text);
struct json_object *ms_json_text(const char *text);

#endif /* MS_CLI_NAMES_H */
