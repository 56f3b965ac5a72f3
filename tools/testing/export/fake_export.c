// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * memstate export on a tree made by fake.py: fake_export DIR [OPTION]... FAKE_CLOCK names a file
 * with a struct fake_clock in it: that is then what time it is, for the server and its library.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "export/export.h"

/**
 * struct fake_clock - the time, as a test sets it
 * @seconds:	what each clock but the date shows
 * @looks:	how often the first thread, which ends what is old, has looked
 */
struct fake_clock {
	uint64_t seconds;
	uint64_t looks;
};

static struct fake_clock *fake_clock;

/* In place of the C library's, also for the libraries. */
int clock_gettime(clockid_t id, struct timespec *t)
{
	if (!fake_clock || id == CLOCK_REALTIME)
		return (int)syscall(SYS_clock_gettime, id, t);
	*t = (struct timespec) {
		.tv_sec = (time_t)__atomic_load_n(&fake_clock->seconds, __ATOMIC_SEQ_CST) };
	if (gettid() == getpid())
		__atomic_fetch_add(&fake_clock->looks, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static int fake_clock_begin(const char *name)
{
	int fd = open(name, O_RDWR | O_CLOEXEC);
	void *page = mmap(NULL, sizeof(*fake_clock), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	close(fd);
	if (page == MAP_FAILED)
		return -1;
	fake_clock = page;
	return 0;
}

int main(int argc, char **argv)
{
	char sysfs[PATH_MAX], module[PATH_MAX], mountinfo[PATH_MAX], proc[PATH_MAX];
	const struct export_paths paths = {
		.sysfs = sysfs, .module = module, .mountinfo = mountinfo, .proc = proc };

	if (argc < 2 || (getenv("FAKE_CLOCK") && fake_clock_begin(getenv("FAKE_CLOCK"))))
		return 2;
	snprintf(sysfs, sizeof(sysfs), "%s/sysfs", argv[1]);
	snprintf(module, sizeof(module), "%s/module", argv[1]);
	snprintf(mountinfo, sizeof(mountinfo), "%s/mountinfo", argv[1]);
	snprintf(proc, sizeof(proc), "%s/proc", argv[1]);
	return ms_export(&paths, argc - 1, argv + 1);
}
