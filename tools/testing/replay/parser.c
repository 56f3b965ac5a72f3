// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * memstate replay under libFuzzer: any bytes are a log.
 *
 * The sanitizers are the judges, and that it comes back: with 0, or with 1 for a log that it
 * refuses. Logs are made by the fuzzer itself, from those in logs/ and refused/.
 */
#include <getopt.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[40], *argv[] = { "replay", "--json", "--mark", "2", path, NULL };
	int fd = memfd_create("log", MFD_CLOEXEC), status;

	/* An unpacker is another program: not the one to be tried. */
	if (size && (data[0] == 0xfd || data[0] == 0x28 || data[0] == 'B')) {
		close(fd);
		return -1;
	}
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	optind = 0;
	status = memstate_cmd_replay(5, argv);
	if (status != 0 && status != 1)
		abort();
	close(fd);
	return 0;
}
