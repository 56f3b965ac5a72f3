// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

static int console = -1;
static regex_t report;

/* From now on. Returns 0, or -1. */
int console_init(const char *pattern)
{
	if (regcomp(&report, pattern, REG_EXTENDED | REG_NOSUB))
		return -1;
	console = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return console < 0 || lseek(console, 0, SEEK_END) < 0 ? -1 : 0;
}

/* Has the kernel complained since this was last asked? Returns whether. */
bool console_has_report(char *line, size_t bytes)
{
	char record[8192], *text;
	long n;

	if (console < 0)
		return false;
	/* One record each time; an error is EPIPE, where some were overwritten, or EAGAIN. */
	while ((n = read(console, record, sizeof(record) - 1)) > 0) {
		record[n] = '\0';
		text = strchr(record, ';');
		if (!text)
			continue;
		*strchrnul(text, '\n') = '\0';
		/* A program at fault, not the kernel. */
		if (strstr(text, " traps: ") || regexec(&report, text + 1, 0, NULL, 0))
			continue;
		snprintf(line, bytes, "%s", text + 1);
		return true;
	}
	return false;
}
