/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What there is beside the device: cgroups and files. */
#ifndef FUZZ_OUTSIDE_H
#define FUZZ_OUTSIDE_H

#include <sys/types.h>

#include "rnd.h"

#define CGROUPS		"/sys/fs/cgroup/"
#define CGROUP		CGROUPS "fuzz/"	/* all that we make are in here */
#define SYSFS		"/sys/class/misc/memstate/"
#define PARAMETERS	"/sys/module/memstate/parameters/"

/* What each process of a round begins in; the last ones are a user's. */
extern const char *const cgroups[];
#define CGROUPS_OURS	5
#define CGROUPS_DELEGATED 3	/* the first that is a user's */

int write_text(const char *path, const char *text);

#endif /* FUZZ_OUTSIDE_H */
