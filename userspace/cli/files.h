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

/* Room for a group's last refusal. */
#define MS_REFUSAL_TEXT		512

/* Room for the lines of a task. */
#define MS_TASK_TEXT		8192

/**
 * struct ms_figures - where figures of the module are
 * @dir:	a directory, open: each is a file, by class one directory down
 * @text:	else: each is a line, "key value", with a dot behind the class
 */
struct ms_figures {
	int dir;
	const char *text;
};

ssize_t ms_file_text(int dir, const char *name, char *text, size_t size);
int ms_file_u64(int dir, const char *name, uint64_t *value);
int ms_figure_u64(const struct ms_figures *f, const char *name, uint64_t *value);
uint64_t ms_figure_limit(const struct ms_figures *f, const char *name);
int ms_figure_pressure(const struct ms_figures *f);
uint64_t ms_text_key(const char *text, const char *key, uint64_t scale);
uint64_t ms_file_key(int dir, const char *name, const char *key, uint64_t scale);
void ms_files_fresh(void);
bool ms_name_is_number(const char *name, uint64_t *number);

#endif /* MS_CLI_FILES_H */
