// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

/**
 * ms_file_text() - a file's text, as far as there is room
 * @dir:	directory, open
 * @name:	of the file
 * @text:	where to put it, with a zero behind it; empty if it cannot be opened
 * @size:	room, at least 1
 *
 * Return: its length, or a negative errno.
 */
ssize_t ms_file_text(int dir, const char *name, char *text, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n = 0;

	*text = '\0';
	if (fd < 0)
		return -errno;
	while (length < size - 1) {
		n = read(fd, text + length, size - 1 - length);
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	if (n < 0)
		n = -errno;
	close(fd);
	text[length] = '\0';
	return n < 0 ? n : (ssize_t)length;
}

/**
 * ms_file_u64() - a file that is a number
 * @dir:	directory, open
 * @name:	of the file
 * @value:	where to put it
 *
 * Return: 0; -EINVAL: it is none; -ENODEV: what it belongs to is going; what open
 * says.
 */
int ms_file_u64(int dir, const char *name, uint64_t *value)
{
	char text[32], *end;
	ssize_t n = ms_file_text(dir, name, text, sizeof(text));
	uint64_t number;

	if (n < 0)
		return (int)n;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || end == text || (*end && *end != '\n'))
		return -EINVAL;
	*value = number;
	return 0;
}

/**
 * ms_file_limit() - a file that is a number or "max"
 * @dir:	directory, open
 * @name:	of the file
 *
 * Return: the number, MS_FILE_UNLIMITED or MS_FILE_UNKNOWN.
 */
uint64_t ms_file_limit(int dir, const char *name)
{
	uint64_t value = MS_FILE_UNKNOWN;
	char text[32];

	if (ms_file_text(dir, name, text, sizeof(text)) < 0)
		return MS_FILE_UNKNOWN;
	if (!strcmp(text, "max\n"))
		return MS_FILE_UNLIMITED;
	return ms_file_u64(dir, name, &value) ? MS_FILE_UNKNOWN : value;
}

/**
 * ms_file_pressure() - the file "pressure" of a group or task
 * @dir: its directory, open
 *
 * Return: MEMSTATE_PRESSURE_*, -1: not known.
 */
int ms_file_pressure(int dir)
{
	static const char *const names[] = { "none\n", "high\n", "max\n" };
	char text[32];

	if (ms_file_text(dir, "pressure", text, sizeof(text)) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (!strcmp(text, names[i]))
			return i;
	return -1;
}

/**
 * ms_file_key() - the number behind a key at the beginning of a line
 * @dir:	directory, open
 * @name:	of the file
 * @key:	with what stands between it and the number
 * @scale:	what the number is in
 *
 * Return: the number times @scale, or MS_FILE_UNKNOWN.
 */
uint64_t ms_file_key(int dir, const char *name, const char *key, uint64_t scale)
{
	size_t length = strlen(key);
	char text[16384];

	if (ms_file_text(dir, name, text, sizeof(text)) < 0)
		return MS_FILE_UNKNOWN;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length))
			return strtoull(line + length, NULL, 10) * scale;
	}
	return MS_FILE_UNKNOWN;
}

/**
 * ms_name_is_number() - is it the name of a group's or a task's directory?
 * @name:	the name
 * @number:	where to put the number
 */
bool ms_name_is_number(const char *name, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(name, &end, 10);
	return *name >= '0' && *name <= '9' && !*end && !errno;
}
