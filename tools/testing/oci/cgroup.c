// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Which cgroup is a container's: of processes that are in whatever the table says. */
#include <errno.h>
#include <string.h>

#include "cgroupfs.h"
#include "oci.h"
#include "tap.h"

#define PID	4711

/* NULL: in none of version 2. */
static const char *own, *its;
static int its_error;

int ms_cgroupfs_of(const char *process, char *path, size_t size)
{
	bool is_own = !strcmp(process, "self");
	const char *of = is_own ? own : its;

	if (!is_own && its_error)
		return its_error;
	if (!of)
		return MS_OCI_MISSING;
	snprintf(path, size, "%s", of);
	return 0;
}

/* None is mounted: whoever looks for a directory has taken the cgroup for a container's. */
bool ms_cgroupfs_mount(char *line, char **root, char **point)
{
	(void)line;
	(void)root;
	(void)point;
	return false;
}

#define CONTAINERS	"cgroup v2 is not mounted"
#define NOT_ITS_OWN	"it has no cgroup v2 of its own but is in "

static const struct {
	const char *name;
	const char *own, *its;
	int its_error, ret;
	const char *why;
} cases[] = {
	{ "container beside the runtime", "/runtime", "/container", 0, MS_OCI_MISSING, CONTAINERS },
	{ "container below the runtime", "/runtime", "/runtime/container", 0, MS_OCI_MISSING,
	  CONTAINERS },
	{ "name that begins with the runtime's", "/runtime", "/runtime-2", 0, MS_OCI_MISSING,
	  CONTAINERS },
	{ "runtime in the root", "/", "/container", 0, MS_OCI_MISSING, CONTAINERS },
	{ "runtime in none", NULL, "/container", 0, MS_OCI_MISSING, CONTAINERS },
	{ "container in the runtime's own", "/runtime", "/runtime", 0, MS_OCI_MISSING,
	  NOT_ITS_OWN "/runtime" },
	{ "container in the root", "/runtime", "/", 0, MS_OCI_MISSING, NOT_ITS_OWN "/" },
	{ "container in none", "/runtime", NULL, 0, MS_OCI_MISSING, "it is in no cgroup v2" },
	{ "container outside of the namespace", "/", "/../container", 0, -ENOENT,
	  "lies outside of the cgroup namespace" },
	{ "process that is gone", "/runtime", "/container", -ENOENT, -ESRCH,
	  "process 4711: No such process" },
};

int main(void)
{
	static struct ms_oci_cgroup cgroup;
	static char why[MS_OCI_WHY_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int ret;

		own = cases[i].own;
		its = cases[i].its;
		its_error = cases[i].its_error;
		ret = ms_oci_cgroup_open(PID, &cgroup, why);
		tap_ok(ret == cases[i].ret && cgroup.fd < 0 && strstr(why, cases[i].why),
		       "%s: %s", cases[i].name, why);
	}
	return tap_end();
}
