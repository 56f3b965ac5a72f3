// SPDX-License-Identifier: MIT
/* The group that is tended, as the module has it; tests have another one of these files. */
#include <unistd.h>

#include "cli.h"
#include "tend/tend.h"

/**
 * tend_group_open() - begin to watch
 * @g:		where to put it
 * @target:	as on the command line
 *
 * Return: 0; 1 after a message.
 */
int tend_group_open(struct tend_group *g, const char *target)
{
	if (ms_cgroup_find("tend", target, &g->cg))
		return 1;
	if (ms_cgroup_is_whole(&g->cg, target)) {
		ms_cgroup_close(&g->cg);
		return 1;
	}
	g->watch = memstate_watch_open(g->cg.fd);
	if (g->watch >= 0)
		return 0;
	ms_limit_error(g->cg.dir, g->watch);
	ms_cgroup_close(&g->cg);
	return 1;
}

/**
 * tend_group_read() - how it is; what is new is no longer new
 * @g:		the group
 * @limit:	out: limits, pressure, events
 *
 * Return: 0 or a negative errno.
 */
int tend_group_read(struct tend_group *g, struct memstate_limit *limit)
{
	return memstate_watch_read(g->watch, limit);
}

/**
 * tend_group_close() - it is watched no longer
 * @g: the group
 */
void tend_group_close(struct tend_group *g)
{
	close(g->watch);
	ms_cgroup_close(&g->cg);
}
