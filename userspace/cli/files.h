/* SPDX-License-Identifier: MIT */
/* Small files of the module and of the kernel, below an open directory. */
#ifndef MS_CLI_FILES_H
#define MS_CLI_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of figures: not known; of limits: there is none. */
#define MS_FILE_UNKNOWN		UINT64_MAX
#define MS_FILE_UNLIMITED	(UINT64_MAX - 1)

ssize_t ms_file_text(int dir, const char *name, char *text, size_t size);
int ms_file_u64(int dir, const char *name, uint64_t *value);
uint64_t ms_file_limit(int dir, const char *name);
int ms_file_pressure(int dir);
uint64_t ms_file_key(int dir, const char *name, const char *key, uint64_t scale);
bool ms_name_is_number(const char *name, uint64_t *number);

#endif /* MS_CLI_FILES_H */
