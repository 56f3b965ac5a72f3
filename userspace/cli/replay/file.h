/* SPDX-License-Identifier: MIT */
/* A file of a log, line by line, plain or compressed, as often as it is wanted. */
#ifndef MS_REPLAY_FILE_H
#define MS_REPLAY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ms_log_file;

struct ms_log_file *ms_log_file_open(const char *path);
void ms_log_file_close(struct ms_log_file *f);
int ms_log_file_rewind(struct ms_log_file *f);
int ms_log_file_line(struct ms_log_file *f, char **line, size_t *len);
/* Bytes of the file that have been read, and all of them; 0: not known. */
uint64_t ms_log_file_at(const struct ms_log_file *f, uint64_t *size);

#endif /* MS_REPLAY_FILE_H */
