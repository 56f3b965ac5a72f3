// SPDX-License-Identifier: MIT
#include "group.h"

/**
 * ms_group_look() - see how a group is
 * @cgroup_fd:	its cgroup, or as memstate.h names others
 * @s:		where to put it
 *
 * What is charged follows what has been looked at: reports that wait in rings count as soon as
 * they are drained, and what a program that is observed has unmapped is charged until somebody
 * looks. Totals do both, so they come first, and what is charged comes last.
 *
 * Context: process. Return: 0 or a negative errno: of the totals, or of the limit.
 */
int ms_group_look(int cgroup_fd, struct ms_group_seen *s)
{
	int ret = memstate_group_totals(cgroup_fd, &s->totals, 0);

	s->observe = (struct memstate_observe) { .size = sizeof(s->observe) };
	if (memstate_group_observe(cgroup_fd, &s->observe))
		s->observe = (struct memstate_observe) {};
	return ret ? ret : memstate_limit_get(cgroup_fd, &s->limit);
}
