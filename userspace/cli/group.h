/* SPDX-License-Identifier: MIT */
/* A group: what is reported, observed and enforced of it, of one look. */
#ifndef MS_CLI_GROUP_H
#define MS_CLI_GROUP_H

#include <memstate.h>

/**
 * struct ms_group_seen - what the module says of a group
 * @totals:	reported
 * @observe:	observed of what reports nothing; zero where the module knows nothing of it
 * @limit:	enforced
 */
struct ms_group_seen {
	struct memstate_totals totals;
	struct memstate_observe observe;
	struct memstate_limit limit;
};

int ms_group_look(int cgroup_fd, struct ms_group_seen *s);

#endif /* MS_CLI_GROUP_H */
