/* SPDX-License-Identifier: MIT */
/* What a collection (data.c) shares with who lists objects (ids.c) and reads one (values.c). */
#ifndef MS_CLI_EXPORT_DATA_H
#define MS_CLI_EXPORT_DATA_H

#include <fcntl.h>

#include "export.h"
#include "files.h"

#define EXPORT_DIR_FLAGS	(O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* ---- values.c: one object --------------------------------------------------------- */

/**
 * struct export_places - where an object's files are
 * @figures:	the module's directory, or a task's lines
 * @more:	the root's group, where the system's limits are, or -1
 * @observed:	the directory of the cgroup, or of the process, or -1
 */
struct export_places {
	struct ms_figures figures;
	int more;
	int observed;
};

size_t ms_export_values(enum export_level level, const struct export_places *at,
			uint64_t *values);
size_t ms_export_nr_values(enum export_level level);

/* ---- ids.c: which there are -------------------------------------------------------- */

/**
 * struct export_ids - directories, or files, whose names are numbers
 * @ids:	the numbers, in order
 * @nr:		how many
 */
struct export_ids {
	uint64_t *ids;
	size_t nr;
};

int ms_export_ids(int dir, struct export_ids *list);
int ms_export_open_id(int dir, uint64_t id);

#endif /* MS_CLI_EXPORT_DATA_H */
