/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What an address space that reports nothing is charged, and which growth it is granted.
 *
 * Model
 *
 *   The kernel keeps two numbers for us: *data_vm*, private memory that may be written
 *   without asking again, and what of it is *backed*: resident or swapped out. Backed has
 *   stacks and read-only pages, too, so that data_vm less backed, *unbacked*, may be
 *   negative. What cannot be seen is which unbacked memory was asked for to be used, and
 *   which is there because a program owns far more than it touches. So
 *
 *     pending    was granted and counted, and is not backed yet
 *     idle       unbacked less pending: not counted
 *     charge  =  backed - inherited + pending
 *
 *   A *look* takes both numbers anew. Where unbacked has fallen, memory was touched or
 *   went, and the pending goes first; where it has risen, memory was given back, which is
 *   idle. Nothing ages: what was granted counts until it is touched, given back or
 *   unmapped, so that who maps first and touches later cannot pass a limit by waiting.
 *
 *   A *growth* has an *ask*, by its kind: what of it becomes pending. Memory that is meant
 *   to be used asks for all of it, and so is refused before it is touched; what a program
 *   makes writable in its own reservations asks for a little ahead.
 *
 *   Inherited is what a child shares with its parent, and is charged there.
 *
 *   An equal form, which the tests have, keeps idle in place of pending:
 *     look: idle += max(rise of unbacked, 0); idle = min(idle, unbacked)
 *     grant: idle += bytes - ask
 *
 * Locking
 *
 *   The caller's, one for each address space. Nothing here is shared.
 *
 * Races
 *
 *   A growth that was granted and fails, or is unmapped before the next look, has made
 *   unbacked fall by as much: what it did not ask for is taken from what others have
 *   pending. That is lenient, and no more than touching a reservation is.
 */
#ifndef MS_CORE_OBSERVE_H
#define MS_CORE_OBSERVE_H

#include "port.h"
#include <linux/memstate.h>

/* Ahead of use, in one's own reservations: for one growth, and in all of one space. */
#define MS_AHEAD_STEP		((u64)64 << 10)
#define MS_AHEAD_MOST		((u64)1 << 20)
/* A step there above this must fit whole. */
#define MS_WITHIN_FIT		((u64)8 << 20)
/* In a reservation made with MAP_NORESERVE, one above this asks for all. */
#define MS_WITHIN_WHOLE		((u64)1 << 20)
/* What is mapped with MAP_NORESERVE up to this is used; above it, it is an arena. */
#define MS_NORESERVE_WHOLE	((u64)16 << 20)
/* Arenas that are untouched, with what is charged, may pass max by a fourth of it. */
#define MS_ARENA_PART		4
/*
 * Above max, for images that start while there is no room: each, and all of them. As much again
 * may be pending: an allocator's first steps are several times what a small program touches.
 */
#define MS_START_ROOM		((u64)8 << 20)
#define MS_START_ROOMS		((u64)16 << 20)
#define MS_START_PART		8
#define MS_START_PENDING	2
/* The last room below max, no more than an eighth of it, is for small requests. */
#define MS_LAST_ROOM		((u64)512 << 10)
#define MS_LAST_PART		8
#define MS_LAST_STEP		((u64)136 << 10)

/* What one space has pending at the most, so that the sum of 2^22 of them is below 2^64. */
#define MS_PENDING_MOST		((u64)1 << 41)

/* Percent of max that may be charged; see struct ms_observe_level. */
#define MS_OVERCOMMIT_NONE	100
#define MS_OVERCOMMIT_MOST	10000

/**
 * enum ms_growth_kind - how writable memory comes about
 * @MS_GROWTH_FRESH:	anonymous memory by mmap, brk, mremap
 * @MS_GROWTH_UNASKED:	a file's pages, written or not, and whatever the kernel maps for a
 *			new image: what is used of it becomes backed
 * @MS_GROWTH_WITHIN:	inside one's own private reservation; stacks, which are used from one end
 * @MS_GROWTH_WITHIN_NORESERVE: likewise, made with MAP_NORESERVE
 * @MS_GROWTH_NORESERVE: anonymous, with MAP_NORESERVE, where the kernel chooses
 * @MS_GROWTH_SHADOW:	likewise, where the program chooses
 */
enum ms_growth_kind {
	MS_GROWTH_FRESH,
	MS_GROWTH_UNASKED,
	MS_GROWTH_WITHIN,
	MS_GROWTH_WITHIN_NORESERVE,
	MS_GROWTH_NORESERVE,
	MS_GROWTH_SHADOW,
};

/**
 * struct ms_growth - a growth that is about to be
 * @kind:	enum ms_growth_kind
 * @bytes:	by how much data_vm will rise
 * @stack:	it will not, as this may grow down, and the kernel takes it for a stack
 * @ask:	what of it is counted; see ms_observe_ask()
 * @arena:	what of it is an arena
 */
struct ms_growth {
	enum ms_growth_kind kind;
	u64 bytes;
	bool stack;
	u64 ask;
	u64 arena;
};

/**
 * struct ms_observe - what is known of one address space; bytes
 * @backed:	at the last look
 * @inherited:	of that, charged to the parent
 * @unbacked:	data_vm less backed, at the last look and with what was granted since
 * @pending:	of that, counted
 * @ahead:	of that, in reservations
 * @arena:	arenas that nothing is known to have touched; at most what is idle
 * @start:	how far it may grow above max, as an image that has just started
 */
struct ms_observe {
	u64 backed;
	u64 inherited;
	s64 unbacked;
	u64 pending;
	u64 ahead;
	u64 arena;
	u64 start;
};

/**
 * struct ms_observe_level - what one limit says about a growth; bytes
 * @max:	or MEMSTATE_UNLIMITED
 * @overcommit:	percent of max that may be charged, what is pending included
 * @charged:	of all below it
 * @pending:	of that, pending
 * @arena:	arenas of all below it
 *
 * With what is backed alone, max is never passed by a growth.
 */
struct ms_observe_level {
	u64 max;
	u32 overcommit;
	u64 charged;
	u64 pending;
	u64 arena;
};

void ms_observe_begin(struct ms_observe *o, u64 data_vm, u64 backed, bool starts);
void ms_observe_fork(struct ms_observe *o, u64 data_vm, u64 backed);
void ms_observe_look(struct ms_observe *o, u64 data_vm, u64 backed);
u64 ms_observe_heir(struct ms_observe *o, u64 bytes);

void ms_observe_ask(const struct ms_observe *o, struct ms_growth *g, u64 max);
bool ms_observe_fits(const struct ms_observe *o, const struct ms_growth *g,
		     const struct ms_observe_level *level);
void ms_observe_grant(struct ms_observe *o, const struct ms_growth *g);
u64 ms_observe_top(const struct ms_observe *o, const struct ms_growth *g, u64 max,
		   u32 overcommit);
bool ms_observe_full(const struct ms_observe_level *level);

/**
 * ms_observe_own() - what of it is backed and its own
 * @o: the space
 *
 * Context: the caller's lock. Return: bytes.
 */
static inline u64 ms_observe_own(const struct ms_observe *o)
{
	return o->backed - o->inherited;
}

/**
 * ms_observe_charge() - what it is charged
 * @o: the space
 *
 * Context: the caller's lock. Return: bytes.
 */
static inline u64 ms_observe_charge(const struct ms_observe *o)
{
	return ms_observe_own(o) + o->pending;
}

#endif /* MS_CORE_OBSERVE_H */
