// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * memstate tend on a made-up group: fake_tend [OPTION]... DIR. In place of a cgroup there is a
 * directory with cgroup.procs and cgroup.events, and in place of the module a file "limit" there:
 * the lowest max in bytes (or "max"), the pressure, and how often was refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "files.h"
#include "tend/tend.h"

int tend_group_open(struct tend_group *g, const char *target)
{
	*g = (struct tend_group) { .watch = -1 };
	snprintf(g->cg.path, sizeof(g->cg.path), "%s", target);
	g->cg.fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return g->cg.fd < 0;
}

int tend_group_read(struct tend_group *g, struct memstate_limit *limit)
{
	unsigned long long denied;
	char text[128], max[32];

	*limit = (struct memstate_limit) { .size = sizeof(*limit) };
	/* Nobody looks whether it is gone but for cgroup.events. */
	if (ms_file_text(g->cg.fd, "limit", text, sizeof(text)) == -ENOENT)
		return 0;
	if (sscanf(text, "%31s %u %llu", max, &limit->pressure, &denied) != 3)
		return -EINVAL;
	limit->events[MEMSTATE_EVENT_DENIED] = denied;
	if (!strcmp(max, "max"))
		limit->lowest_max = MEMSTATE_UNLIMITED;
	else if (sscanf(max, "%" SCNu64, (uint64_t *)&limit->lowest_max) != 1)
		return -EINVAL;
	return 0;
}

void tend_group_close(struct tend_group *g)
{
	close(g->cg.fd);
}

int main(int argc, char **argv)
{
	return memstate_cmd_tend(argc, argv);
}
