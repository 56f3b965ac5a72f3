// SPDX-License-Identifier: MIT
/*
 * Why programs that report nothing are not observed, and what to do about it. The module has
 * written into the kernel's log what it misses; who may read that is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <unistd.h>

#include "cli.h"
#include "files.h"

#define TOO_OLD \
	"the module that is loaded is older than this program, and sees only what reports; load the new one: modprobe -r memstate && modprobe memstate"
#define FORBIDDEN \
	"the module was loaded with observe=0, and sees only what reports; without: modprobe -r memstate && modprobe memstate observe=1"
#define RELEASED \
	"the module's hooks were taken away, and it sees only what reports; set them again: memstate observe --hook"

#define LOG_ACTION_ALL	3
#define LOG_ACTION_SIZE	10

/* What the module's lines about hooks have in them: see kmod/hooks.c. */
static bool tells_of_hooks(const char *line)
{
	static const char *const words[] = { "hooked", "in this kernel", "hooks can be proved" };

	line = strstr(line, "memstate: ");
	for (size_t i = 0; line && i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

/* The last line of the log that tells of hooks; "" if there is none, or it may not be read. */
static void log_line(char *text, size_t size)
{
	int room = klogctl(LOG_ACTION_SIZE, NULL, 0);
	char *log = room > 0 ? malloc((size_t)room + 1) : NULL;
	int n = log ? klogctl(LOG_ACTION_ALL, log, room) : -1;
	char *save, *line;

	*text = '\0';
	if (n > 0) {
		log[n] = '\0';
		for (line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
			if (tells_of_hooks(line))
				snprintf(text, size, "%s", strstr(line, "memstate: ") +
					 strlen("memstate: "));
	}
	free(log);
}

/* Were the hooks taken away, by memstate observe --release? */
static bool is_released(void)
{
	char text[4096];

	return ms_file_text(AT_FDCWD, SYSFS_DIR "/hooks", text, sizeof(text)) > 0 &&
	       strstr(text, " off");
}

/* Was the module told not to? */
static bool is_forbidden(void)
{
	int fd = open("/sys/module/memstate/parameters/observe", O_RDONLY | O_CLOEXEC);
	char c = 'Y';

	if (fd < 0)
		return false;
	if (read(fd, &c, 1) != 1)
		c = 'Y';
	close(fd);
	return c == 'N';
}

/**
 * ms_observe_can() - can the module observe programs that report nothing?
 *
 * Return: 1; 0: it cannot; -ENOENT: there is no module; -EACCES: the device may not be opened.
 */
int ms_observe_can(void)
{
	struct memstate_query q = { .size = sizeof(q) };
	int fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = ioctl(fd, MEMSTATE_IOC_QUERY, &q) ? -errno : 0;
	close(fd);
	return ret ? ret : !!(q.features & MEMSTATE_FEATURE_OBSERVE);
}

/**
 * ms_observe_why() - why a group is not observed, and what to do
 * @ret:	negative errno; 0 as ms_observe_can() has it: it cannot be
 *
 * Return: a text, in a buffer that is used again.
 */
const char *ms_observe_why(int ret)
{
	static char text[512];
	char line[256];

	switch (ret) {
	case 0:
	case -EOPNOTSUPP:
	case -EBUSY:
		break;
	case -ENOENT:
		return "the module is not loaded (modprobe memstate)";
	case -ENOTTY:
		return TOO_OLD;
	default:
		snprintf(text, sizeof(text), MEMSTATE_DEVICE ": %s", strerror(-ret));
		return text;
	}
	if (is_forbidden())
		return FORBIDDEN;
	if (is_released())
		return RELEASED;
	log_line(line, sizeof(line));
	if (!*line)
		snprintf(line, sizeof(line), "%s (see 'dmesg | grep memstate')",
			 ret == -EBUSY ?
			 "another module or a livepatch changes what is to be hooked" :
			 "the kernel cannot be hooked as it has to be");
	snprintf(text, sizeof(text), "programs that report nothing cannot be observed here: %s",
		 line);
	return text;
}

/**
 * ms_observe_error() - tell why a group could not be observed
 * @what:	the cgroup
 * @ret:	negative errno
 *
 * Return: the exit status.
 */
int ms_observe_error(const char *what, int ret)
{
	if (ret != -EOPNOTSUPP && ret != -EBUSY && ret != -ENOTTY)
		return ms_limit_error(what, ret);
	ms_err("%s: %s", what, ms_observe_why(ret));
	return 1;
}
