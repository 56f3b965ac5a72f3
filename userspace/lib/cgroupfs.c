// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroupfs.h"

/* Blanks and the like are written as \ and three octal digits in mountinfo. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    text[2] >= '0' && text[2] <= '7' && text[3] >= '0' &&
		    text[3] <= '7') {
			*to++ = (char)((text[1] - '0') << 6 |
				       (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/**
 * ms_cgroupfs_mount() - take a line of mountinfo apart
 * @line:	the line; taken apart in place
 * @root:	which cgroup is mounted, "/" for the whole hierarchy
 * @point:	where
 *
 * Context: any. Return: false if it is no mount of cgroup v2.
 */
bool ms_cgroupfs_mount(char *line, char **root, char **point)
{
	char *type = strstr(line, " - "), *save;
	int i;

	if (!type || strncmp(type, " - cgroup2 ", strlen(" - cgroup2 ")))
		return false;
	/* id, parent, device, root, mount point */
	strtok_r(line, " ", &save);
	for (i = 0; i < 2; i++)
		strtok_r(NULL, " ", &save);
	*root = strtok_r(NULL, " ", &save);
	*point = strtok_r(NULL, " ", &save);
	if (!*root || !*point)
		return false;
	unescape(*root);
	unescape(*point);
	return true;
}

/**
 * ms_cgroupfs_of() - the cgroup of a process
 * @process:	its id, or "self"
 * @path:	where to put it: the path in the hierarchy, beginning with a slash
 * @size:	room
 *
 * Context: any.
 * Return: 0; 1: it is in no cgroup v2; -ENOENT: no such process; -ENAMETOOLONG.
 */
int ms_cgroupfs_of(const char *process, char *path, size_t size)
{
	char *line = NULL, name[64];
	size_t room = 0;
	int ret = 1;
	ssize_t n;
	FILE *in;

	snprintf(name, sizeof(name), "/proc/%s/cgroup", process);
	in = fopen(name, "re");
	if (!in)
		return -errno;
	while (ret == 1 && (n = getline(&line, &room, in)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (strncmp(line, "0::/", 4))
			continue;
		ret = 0;
		if (snprintf(path, size, "%s", line + 3) >= (int)size)
			ret = -ENAMETOOLONG;
	}
	free(line);
	fclose(in);
	return ret;
}
