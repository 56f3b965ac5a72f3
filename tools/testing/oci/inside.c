// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What the tests run in containers; BARE, with nothing of ours in it, which knows no limit.
 *
 * inside hog		map and touch 1 MiB after the other, until it is refused
 * inside limit DIR SIZE set max of a cgroup
 * inside wait		until it is killed
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef BARE
#include <memstate.h>
#endif

#define PIECE ((size_t)1 << 20)
#define ENOUGH ((size_t)1 << 30)

static int hog(void)
{
	size_t got = 0;

	while (got < ENOUGH) {
		void *p = mmap(NULL, PIECE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED) {
			printf("%zu %s\n", got, errno == ENOMEM ? "ENOMEM" : strerror(errno));
			return 0;
		}
		memset(p, 1, PIECE);
		got += PIECE;
	}
	printf("%zu never refused\n", got);
	return 1;
}

#ifndef BARE
static int limit(const char *directory, const char *size)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	uint64_t max;

	if (fd < 0 || memstate_parse_bytes(size, &max)) {
		printf("%s or %s is wrong\n", directory, size);
		return 2;
	}
	ret = memstate_limit_set(fd, MEMSTATE_LIMIT_MAX, 0, max);
	printf("%s\n", ret ? strerrorname_np(-ret) : "fine");
	return !!ret;
}
#endif

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "hog"))
		return hog();
#ifndef BARE
	if (argc == 4 && !strcmp(argv[1], "limit"))
		return limit(argv[2], argv[3]);
#endif
	if (argc == 2 && !strcmp(argv[1], "wait"))
		for (;;)
			pause();
	return 2;
}
