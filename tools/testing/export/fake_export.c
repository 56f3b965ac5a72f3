// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* memstate export on a tree made by fake.py: fake_export DIR [OPTION]... */
#include <limits.h>
#include <stdio.h>

#include "cli.h"
#include "export.h"

int main(int argc, char **argv)
{
	char sysfs[PATH_MAX], module[PATH_MAX], mountinfo[PATH_MAX], proc[PATH_MAX];
	const struct export_paths paths = {
		.sysfs = sysfs, .module = module, .mountinfo = mountinfo, .proc = proc };

	if (argc < 2)
		return 2;
	snprintf(sysfs, sizeof(sysfs), "%s/sysfs", argv[1]);
	snprintf(module, sizeof(module), "%s/module", argv[1]);
	snprintf(mountinfo, sizeof(mountinfo), "%s/mountinfo", argv[1]);
	snprintf(proc, sizeof(proc), "%s/proc", argv[1]);
	return ms_export(&paths, argc - 1, argv + 1);
}
