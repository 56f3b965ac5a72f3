/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is noted of refusals: the file of a group, and the call. */
#ifndef REFUSAL_H
#define REFUSAL_H

#include "cgroup.h"

/* The line of a group; NULL: it has no directory. */
static inline const char *last_refusal(u64 id)
{
	static char text[512];
	char path[128];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), SYSFS "groups/%llu/last_refusal", (unsigned long long)id);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	return n < 0 ? NULL : text;
}

/* A number of it; -1: it has none. */
static inline unsigned long long said(const char *line, const char *key)
{
	const char *at = line ? strstr(line, key) : NULL;

	return at ? strtoull(at + strlen(key), NULL, 10) : -1ULL;
}

static inline int refusal_get(int dev, u32 scope, int fd, struct memstate_last_refusal *r)
{
	*r = (struct memstate_last_refusal) { .size = sizeof(*r), .scope = scope, .fd = fd };
	return dev_ioctl(dev, MEMSTATE_IOC_REFUSAL, r);
}

#endif /* REFUSAL_H */
