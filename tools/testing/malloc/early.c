// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A library that allocates wherever a library may: before the program's constructors, in
 * handlers around fork, in destructors of thread-specific data in several rounds, and after
 * main.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void *kept[100];
static pthread_key_t key;

static void use(size_t base)
{
	for (int i = 0; i < 100; i++) {
		free(kept[i]);
		kept[i] = malloc(base + (size_t)i * 37);
		if (!kept[i])
			abort();
		memset(kept[i], i, base + (size_t)i * 37);
	}
}

static void around_fork(void)
{
	use(20000);
}

/* Again and again, as long as the C library asks. */
static void thread_ends(void *block)
{
	free(block);
	block = malloc(3000);
	memset(block, 1, 3000);
	pthread_setspecific(key, block);
}

__attribute__((constructor)) static void early(void)
{
	use(10);
	pthread_key_create(&key, thread_ends);
	pthread_atfork(around_fork, around_fork, around_fork);
}

__attribute__((destructor)) static void late(void)
{
	use(500);
	for (int i = 0; i < 100; i++)
		free(kept[i]);
}

void early_thread(void);
void early_thread(void)
{
	pthread_setspecific(key, malloc(100));
}
