/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the workloads share. */
#ifndef WORKLOADS_H
#define WORKLOADS_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct workload - one kind of use of malloc
 * @name:	what it is called
 * @run:	the load; leaves something live where that is in its nature
 * @drop:	frees what is left
 * @about:	what it stands for
 * @sleeps:	its time says nothing
 */
struct workload {
	const char *name;
	void (*run)(void);
	void (*drop)(void);
	const char *about;
	int sleeps;
};

extern const struct workload workloads_single[];
extern const struct workload workloads_threads[];

/* xorshift (Marsaglia 2003): the same numbers in each run. */
static inline uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#define SEED UINT64_C(88172645463325252)

void failed(const char *what);

/* A block that is written to at both ends, and looked at when it is freed. */
void *get(size_t size);
void put(void *block, size_t size);

#endif /* WORKLOADS_H */
