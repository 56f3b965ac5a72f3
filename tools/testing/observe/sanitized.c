// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What a sanitizer looks at, done right: blocks, threads, and 20 MiB by mmap. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *work(void *arg)
{
	char *block = malloc(1 << 20);

	memset(block, 1, 1 << 20);
	free(block);
	return arg;
}

int main(void)
{
	pthread_t thread;
	char *map, *text;

	pthread_create(&thread, NULL, work, NULL);
	pthread_join(thread, NULL);
	map = mmap(NULL, 20 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return 1;
	map[0] = 1;
	/* libc's, by its malloc; free() is who stands first. */
	text = strdup("all is well");
	puts(text);
	free(text);
	return 0;
}
