// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * load CGROUP STEP...: a program in a cgroup that does what it is told: +N: N MiB more, which
 * must be given; !N: N MiB more, which must be refused; -: the last of them less; ,: waits for
 * the end of its input.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memstate.h>

#define MIB	((size_t)1 << 20)

static int enter(const char *cgroup)
{
	char path[4096];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ret = fd < 0 || write(fd, "0", 1) != 1;
	if (fd >= 0)
		close(fd);
	return ret;
}

int main(int argc, char **argv)
{
	static struct { void *start; size_t bytes; } held[64];
	int nr = 0;
	char byte;

	if (argc < 2 || enter(argv[1])) {
		perror(argc < 2 ? "load: CGROUP" : argv[1]);
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		size_t bytes = strtoul(argv[i] + 1, NULL, 10) * MIB;
		void *p;

		switch (*argv[i]) {
		case '+':
		case '!':
			p = nr < 64 ? memstate_alloc(bytes, MEMSTATE_HEAP) : NULL;
			if (!p != (*argv[i] == '!')) {
				fprintf(stderr, "load: %s in %s: %s\n", argv[i], argv[1],
					memstate_refusal(NULL) ?: "given");
				return 1;
			}
			if (!p)
				break;
			held[nr].start = p;
			held[nr++].bytes = bytes;
			break;
		case '-':
			if (!nr)
				return 2;
			nr--;
			memstate_free(held[nr].start, held[nr].bytes);
			memstate_trim();
			break;
		case ',':
			while (read(0, &byte, 1) > 0)
				;
			break;
		default:
			return 2;
		}
		memstate_sync();
	}
	return 0;
}
