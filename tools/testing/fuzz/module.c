// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "coverage.h"
#include "outside.h"
#include "world.h"

/* Load it. Returns 0 or a negative errno. */
int module_load(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret = fd < 0 ? -1 : syscall(SYS_finit_module, fd, parameters, 0);

	ret = ret ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (!ret)
		coverage_module_loaded();
	return ret;
}

/* Unload it, if it can go by now. Returns whether it is gone. */
bool module_is_gone(char *why, size_t bytes)
{
	if (!syscall(SYS_delete_module, "memstate", O_NONBLOCK) || errno == ENOENT)
		return true;
	snprintf(why, bytes, "the module does not unload: %s", strerror(errno));
	return false;
}

/* Some that it may be loaded with. */
void module_pick_parameters(char *parameters, size_t bytes, u64 *seed)
{
	static const struct {
		const char *name;
		const char *values[4];
	} known[] = {
		{ "ring_entries", { "2", "16", "64" } },
		{ "ring_entries_max", { "4096", "4096", "1048576" } },
		{ "ranges_max", { "1", "4", "64" } },
		{ "records_max", { "1", "8", "4096" } },
		{ "unmaps_max", { "1", "2", "16" } },
		{ "tasks_max", { "4", "20", "1000" } },
		{ "groups_max", { "4", "7", "1000" } },
		{ "groups_depth", { "1", "3", "64" } },
		{ "credit_batch", { "0", "4096", "65536" } },
		{ "shards_max", { "1", "16", "4096" } },
	};
	size_t n = 0;
	u32 i;

	parameters[0] = '\0';
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (rnd_once(seed, 6) && n < bytes)
			n += snprintf(parameters + n, bytes - n, "%s=%s ", known[i].name,
				      known[i].values[rnd_below(seed, 3)]);
}
