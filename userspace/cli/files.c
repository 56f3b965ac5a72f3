// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/memstate.h>

#include "cli.h"
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

/* A figure's text, without an end of line. Return: its length, or a negative errno. */
static ssize_t figure_text(const struct ms_figures *f, const char *name, char *text,
			   size_t size)
{
	size_t length = strlen(name);
	const char *line = f->text;
	ssize_t n;

	*text = '\0';
	if (!line) {
		n = ms_file_text(f->dir, name, text, size);
		if (n > 0 && text[n - 1] == '\n')
			text[--n] = '\0';
		return n;
	}
	for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t i = 0;

		while (i < length && line[i] == (name[i] == '/' ? '.' : name[i]))
			i++;
		if (i < length || line[i] != ' ')
			continue;
		n = (ssize_t)strcspn(line + i + 1, "\n");
		if ((size_t)n >= size)
			return -EINVAL;
		memcpy(text, line + i + 1, (size_t)n);
		text[n] = '\0';
		return n;
	}
	return -ENOENT;
}

static int text_u64(const char *text, uint64_t *value)
{
	uint64_t number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || end == text || *end)
		return -EINVAL;
	*value = number;
	return 0;
}

/**
 * ms_figure_u64() - a figure that is a number
 * @f:		where it is
 * @name:	as that of a file
 * @value:	where to put it
 *
 * Return: 0; -EINVAL: it is none; -ENOENT: there is none; what open says.
 */
int ms_figure_u64(const struct ms_figures *f, const char *name, uint64_t *value)
{
	char text[32];
	ssize_t n = figure_text(f, name, text, sizeof(text));

	return n < 0 ? (int)n : text_u64(text, value);
}

/**
 * ms_figure_limit() - a figure that is a number or "max"
 * @f:		where it is
 * @name:	as that of a file
 *
 * Return: the number, MS_FILE_UNLIMITED or MS_FILE_UNKNOWN.
 */
uint64_t ms_figure_limit(const struct ms_figures *f, const char *name)
{
	uint64_t value;
	char text[32];

	if (figure_text(f, name, text, sizeof(text)) < 0)
		return MS_FILE_UNKNOWN;
	if (!strcmp(text, "max"))
		return MS_FILE_UNLIMITED;
	return text_u64(text, &value) ? MS_FILE_UNKNOWN : value;
}

/**
 * ms_figure_pressure() - the pressure of a group or a task
 * @f: where it is
 *
 * Return: MEMSTATE_PRESSURE_*, -1: not known.
 */
int ms_figure_pressure(const struct ms_figures *f)
{
	char text[32];

	if (figure_text(f, "pressure", text, sizeof(text)) < 0)
		return -1;
	for (int i = 0; i < MS_NR_PRESSURES; i++)
		if (!strcmp(text, ms_pressure_names[i]))
			return i;
	return -1;
}

/**
 * ms_text_key() - the number behind a key at the beginning of a line
 * @text:	lines
 * @key:	with what stands between it and the number
 * @scale:	what the number is in
 *
 * Return: the number times @scale, or MS_FILE_UNKNOWN.
 */
uint64_t ms_text_key(const char *text, const char *key, uint64_t scale)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length))
			return strtoull(line + length, NULL, 10) * scale;
	}
	return MS_FILE_UNKNOWN;
}

/**
 * ms_file_key() - the same of a file
 * @dir:	directory, open
 * @name:	of the file
 * @key:	with what stands between it and the number
 * @scale:	what the number is in
 *
 * Return: the number times @scale, or MS_FILE_UNKNOWN.
 */
uint64_t ms_file_key(int dir, const char *name, const char *key, uint64_t scale)
{
	char text[16384];

	if (ms_file_text(dir, name, text, sizeof(text)) < 0)
		return MS_FILE_UNKNOWN;
	return ms_text_key(text, key, scale);
}

/**
 * ms_files_fresh() - have what tasks have left in their rings taken and published
 *
 * Files show what was published last. By the device it is asked for once, as far as the module
 * does so in one call; whoever may not open that goes without.
 */
void ms_files_fresh(void)
{
	struct memstate_get_totals t = { .size = sizeof(t), .scope = MEMSTATE_SCOPE_SYSTEM };
	int fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)ioctl(fd, MEMSTATE_IOC_TOTALS, &t);
	close(fd);
}

/**
 * ms_name_is_number() - is it the name of a group's directory, or of a task's file?
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
