/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A process of a round: what it has, and how it runs its program.
 *
 * Model
 *
 *   Half of them are root's, each of the others is another user's. What a process has is
 *   a few slots of each kind, that its calls fill, use and empty; a slot may hold what is
 *   closed or unmapped by now. All threads of a process use the same slots, without a
 *   lock: that they meet is what is wanted.
 */
#ifndef FUZZ_ACTOR_H
#define FUZZ_ACTOR_H

#include <errno.h>
#include <stddef.h>
#include <linux/memstate.h>

#include "calls.h"

#define PAGE		4096UL
#define FDS		8
#define MAPS		8

/* The memory that is reported about, by far the most times. */
#define WINDOW		0x10000000000UL
#define WINDOW_PAGES	1024UL

/* Structures, and what they point to; behind the last page a hole, and one that is read-only. */
#define ARENA		0x20000000000UL
#define ARENA_SLOTS	8
#define ARENA_SLOT	(2 * PAGE)
#define ARENA_ARRAY	(ARENA + ARENA_SLOTS * ARENA_SLOT)
#define ARENA_ARRAY_BYTES (32 * PAGE)
#define ARENA_END	(ARENA_ARRAY + ARENA_ARRAY_BYTES)
#define ARENA_RO	(ARENA_END + PAGE)

/* Descriptors that all of a round have, and keep by exec. */
#define BOARD_FD	200
#define SOCKET_FD	201	/* and the next one */
#define COVERAGE_FD	204	/* the first of ACTORS * COVERAGE_THREADS */

#define FIRST_USER	1002	/* uid of the first process that is not root's */

/**
 * struct board - what processes tell the one that has started them
 * @calls:	how many they have made
 * @by_type:	these by type, and how many of them have succeeded
 * @bounds_moved: somebody has written a parameter in this round
 * @broken:	what must not be, as the first one has found it
 */
struct board {
	u64 calls;
	struct {
		u64 made;
		u64 succeeded;
	} by_type[64];
	u32 bounds_moved;
	char broken[256];
};

struct map {
	char *at;
	size_t bytes;
	u32 what;	/* MEMSTATE_OFF_* */
};

/**
 * struct actor - this process
 * @index:	which of the round
 * @board:	what it tells
 * @fds:	the device's, or -1
 * @epoll:	-1, or what it polls by
 * @maps:	mappings of the device's; @at is NULL where there is none
 * @children:	how many it has made
 */
struct actor {
	u32 index;
	struct board *board;
	int fds[FDS];
	int epoll;
	struct map maps[MAPS];
	u32 children;
};

extern struct actor me;

void actor_init(void);
void actor_run(u32 index, const struct program *p) __attribute__((noreturn));
void actor_run_after_exec(u32 index, u64 seed) __attribute__((noreturn));
void run_calls(struct run *r, u32 thread);
/* Runs it up to where it touches what is not mapped. */
void guarded(void (*work)(void *arg), void *arg);
void broken(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A descriptor of the device; a new one if there is none; now and then something else. */
int actor_fd(struct run *r);
/* A slot whose mapping is of that kind, if there is one, or of any with -1. */
struct map *actor_map(struct run *r, s64 what);
/* Where a new one goes: over an old one if all are in use, which is closed. */
void actor_keep_fd(struct run *r, int fd);
void actor_keep_map(struct run *r, struct map map);

u64 pick_address(struct run *r);
u64 pick_pages(struct run *r);
u64 pick_odd(struct run *r);
int pick_cgroup(struct run *r);

static inline long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

#endif /* FUZZ_ACTOR_H */
