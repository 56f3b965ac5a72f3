// SPDX-License-Identifier: MIT
/* Directories, or files, whose names are numbers: groups and tasks. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "data.h"

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/**
 * ms_export_ids() - which numbers there are in a directory
 * @dir:	the directory, open
 * @list:	where to put them, all zero; to be freed in either case
 *
 * Return: 0 or a negative errno.
 */
int ms_export_ids(int dir, struct export_ids *list)
{
	int fd = openat(dir, ".", EXPORT_DIR_FLAGS), ret = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t room = 0;
	struct dirent *e;
	uint64_t id;

	if (!d) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (!ret && (e = readdir(d))) {
		if (!ms_name_is_number(e->d_name, &id))
			continue;
		if (list->nr == room) {
			uint64_t *ids;

			room = room ? 2 * room : 64;
			ids = realloc(list->ids, room * sizeof(*ids));
			if (!ids) {
				ret = -ENOMEM;
				break;
			}
			list->ids = ids;
		}
		list->ids[list->nr++] = id;
	}
	closedir(d);
	if (list->nr)
		qsort(list->ids, list->nr, sizeof(*list->ids), by_number);
	return ret;
}

/**
 * ms_export_open_id() - open a directory whose name is a number
 * @dir:	where it is, open
 * @id:		the number
 *
 * Return: a descriptor; -1 with errno.
 */
int ms_export_open_id(int dir, uint64_t id)
{
	char name[24];

	snprintf(name, sizeof(name), "%llu", (unsigned long long)id);
	return openat(dir, name, EXPORT_DIR_FLAGS);
}
