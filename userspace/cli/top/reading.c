// SPDX-License-Identifier: MIT
/* One reading after another: when, and why one failed. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "view.h"

/**
 * ms_top_seconds() - how long to wait
 * @value: seconds; below 0: not at all
 *
 * Return: as the system takes it.
 */
struct timespec ms_top_seconds(double value)
{
	struct timespec ts = {};

	if (value > 0) {
		ts.tv_sec = (time_t)value;
		ts.tv_nsec = (long)((value - (double)ts.tv_sec) * 1e9);
	}
	return ts;
}

/**
 * ms_top_explain() - tell why a reading failed
 * @paths:	where from
 * @ret:	a negative errno
 *
 * Return: the exit status.
 */
int ms_top_explain(const struct top_paths *paths, int ret)
{
	if (ret == -ENODEV)
		ms_err(MS_NO_MODULE, paths->sysfs);
	else if (ret == -ENOENT)
		ms_err("%s/groups is not there: the module is older than groups",
		       paths->sysfs);
	else
		ms_err("%s: %s", paths->sysfs, ms_error_text(-ret));
	return 1;
}
