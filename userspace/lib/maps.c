// SPDX-License-Identifier: MIT
/* /proc/PID/maps and smaps, read without stdio or malloc. */

#include <fcntl.h>
#include <string.h>

#include "internal.h"

static u64 hex(const char **p)
{
	u64 value = 0;

	for (;; (*p)++) {
		char c = **p;

		if (c >= '0' && c <= '9')
			value = value << 4 | (u64)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (u64)(c - 'a' + 10);
		else
			return value;
	}
}

/* One line: start-end rwxp offset dev inode [name] */
static bool parse(const char *line, struct ms_mapping *m)
{
	const char *p = line, *name;
	u64 inode = 0;
	int field;

	m->start = hex(&p);
	if (*p++ != '-')
		return false;
	m->end = hex(&p);
	if (*p++ != ' ' || strlen(p) < 5)
		return false;
	m->prot = (p[0] == 'r' ? PROT_READ : 0) | (p[1] == 'w' ? PROT_WRITE : 0) |
		  (p[2] == 'x' ? PROT_EXEC : 0);
	m->private_ = p[3] == 'p';
	for (field = 0; field < 3; field++) {
		p = strchr(p, ' ');
		if (!p)
			return false;
		p++;
	}
	while (*p >= '0' && *p <= '9')
		inode = inode * 10 + (u64)(*p++ - '0');
	name = p + strspn(p, " ");
	m->heap = !strcmp(name, "[heap]");
	/* [vdso] and the like are the kernel's, [anon:...] and [stack] are not. */
	m->anonymous = !inode && (!*name || m->heap ||
				  !strncmp(name, "[anon", 5) ||
				  !strncmp(name, "[stack", 6));
	return true;
}

/* A pair of letters of smaps' VmFlags. */
static u32 flag(const char *pair)
{
	static const struct {
		char name[3];
		u32 flag;
	} known[] = {
		{ "dc", MS_MAPPING_DONTFORK },
		{ "wf", MS_MAPPING_WIPEONFORK },
		{ "dp", MS_MAPPING_DROPPABLE },
		{ "gd", MS_MAPPING_GROWSDOWN },
		{ "lo", MS_MAPPING_PINNED },
		{ "ht", MS_MAPPING_PINNED },
		{ "pf", MS_MAPPING_PINNED },
	};

	for (u32 i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strncmp(pair, known[i].name, 2))
			return known[i].flag;
	return 0;
}

static bool parse_flags(const char *line, struct ms_mapping *m)
{
	static const char name[] = "VmFlags:";

	if (strncmp(line, name, sizeof(name) - 1))
		return false;
	for (line += sizeof(name) - 1; *line == ' ' && line[1] && line[2]; line += 3)
		m->flags |= flag(line + 1);
	return true;
}

/**
 * ms_mappings_walk() - call a function for each mapping, in order of addresses
 * @path:	/proc/PID/maps, or smaps for the flags, too
 * @fn:		returns 0 to go on
 * @arg:	for @fn
 *
 * Context: any. Return: 0, what @fn returned, or a negative errno.
 */
int ms_mappings_walk(const char *path, ms_mapping_fn fn, void *arg)
{
	struct ms_mapping m = {};
	char buf[8192];
	size_t have = 0;
	long fd, n;
	int ret = 0;

	fd = ms_raw4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	while (!ret) {
		char *line = buf, *end;

		n = ms_raw3(SYS_read, fd, buf + have, sizeof(buf) - 1 - have);
		if (n <= 0) {
			ret = (int)n;
			break;
		}
		have += (size_t)n;
		buf[have] = '\0';
		while (!ret && (end = strchr(line, '\n'))) {
			struct ms_mapping next = {};

			*end = '\0';
			if (!parse_flags(line, &m) && parse(line, &next)) {
				if (m.end)
					ret = fn(&m, arg);
				m = next;
			}
			line = end + 1;
		}
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
		/* A name longer than the buffer: nothing of it is of use. */
		if (have == sizeof(buf) - 1)
			have = 0;
	}
	if (!ret && m.end)
		ret = fn(&m, arg);
	ms_raw1(SYS_close, fd);
	return ret;
}
