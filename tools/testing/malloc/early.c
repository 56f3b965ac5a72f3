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

/* As many libraries do: what the child inherits is whole. */
static pthread_mutex_t whole = PTHREAD_MUTEX_INITIALIZER;

static void before_fork(void)
{
	pthread_mutex_lock(&whole);
	use(20000);
}

static void after_fork(void)
{
	use(20000);
	pthread_mutex_unlock(&whole);
}

/* Under the same lock, memory: slabs and large blocks, from the bottom. */
void early_busy(void);
void early_busy(void)
{
	void *p[64];

	pthread_mutex_lock(&whole);
	for (size_t i = 0; i < 64; i++)
		p[i] = malloc(i << 12 | 1);
	for (size_t i = 0; i < 64; i++)
		free(p[i]);
	pthread_mutex_unlock(&whole);
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
	pthread_atfork(before_fork, after_fork, after_fork);
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
