// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* memstate top on a tree made by fake.py: fake_top DIR [OPTION]... */
#include <limits.h>
#include <stdio.h>

#include "cli.h"
#include "top/top.h"

int main(int argc, char **argv)
{
	char sysfs[PATH_MAX], mountinfo[PATH_MAX], proc[PATH_MAX];
	const struct top_paths paths = {
		.sysfs = sysfs, .mountinfo = mountinfo, .proc = proc };

	if (argc < 2)
		return 2;
	snprintf(sysfs, sizeof(sysfs), "%s/sysfs", argv[1]);
	snprintf(mountinfo, sizeof(mountinfo), "%s/mountinfo", argv[1]);
	snprintf(proc, sizeof(proc), "%s/proc", argv[1]);
	return ms_top(&paths, argc - 1, argv + 1);
}
