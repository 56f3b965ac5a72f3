/* SPDX-License-Identifier: MIT */
/* The books of an address space, kept from what calls did to it. */
#ifndef MS_REPLAY_BOOKS_H
#define MS_REPLAY_BOOKS_H

#include <stdbool.h>

#include "rangemap.h"
#include "marks.h"

/**
 * struct ms_books - an address space
 * @map:	its ranges
 * @marks:	what else is known of addresses
 * @totals:	of @map
 * @brk:	the break, 0 while it is not known
 * @users:	processes that share it
 * @has_noreserve: something was mapped writable with MAP_NORESERVE
 * @noreserve:	Ready of such mappings, bytes by class; within @totals
 */
struct ms_books {
	struct ms_rangemap map;
	struct ms_marks marks;
	struct memstate_totals totals;
	u64 brk;
	u32 users;
	bool has_noreserve;
	u64 noreserve[MEMSTATE_NR_CLASSES];
};

/**
 * struct ms_moved - what an mremap under way has taken out of books
 * @pieces:	ranges, at their old place
 * @nr:		how many
 * @marks:	marks, at their old place
 */
struct ms_moved {
	struct memstate_range *pieces;
	u32 nr;
	struct ms_marks marks;
};

/* All of them return 0; -EINVAL: no kernel lets that succeed; -ENOMEM, -ENOSPC. */
struct ms_books *ms_books_new(void);
struct ms_books *ms_books_fork(const struct ms_books *from);
void ms_books_put(struct ms_books *b);
int ms_books_map(struct ms_books *b, u64 addr, u64 bytes, int prot, int flags);
int ms_books_unmap(struct ms_books *b, u64 addr, u64 bytes);
int ms_books_protect(struct ms_books *b, u64 addr, u64 bytes, int prot);
int ms_books_advise(struct ms_books *b, u64 addr, u64 bytes, int advice);
int ms_books_protect_half(struct ms_books *b, u64 addr, u64 bytes, int prot, int error);
int ms_books_advise_half(struct ms_books *b, u64 addr, u64 bytes, int advice, int error);
int ms_books_replace(struct ms_books *b, u64 addr, u64 bytes);
bool ms_books_is_known(const struct ms_books *b, u64 addr, u64 *next, bool *other);
int ms_books_brk(struct ms_books *b, u64 to);
void ms_books_take(const struct ms_books *b, u64 addr, u64 bytes, struct ms_moved *moved);
int ms_books_arrive(struct ms_books *b, u64 from, u64 old_bytes, u64 addr, u64 bytes,
		    const struct ms_moved *moved);
void ms_moved_drop(struct ms_moved *moved);

/* Whoever changes a part of the map or of the marks says so, before and after. */
void ms_noreserve_before(struct ms_books *b, u64 addr, u64 bytes);
void ms_noreserve_after(struct ms_books *b, u64 addr, u64 bytes);
/* All classes together. */
u64 ms_books_noreserve(const struct ms_books *b);
/* The books' totals without it. */
struct memstate_totals ms_books_rest(const struct ms_books *b);

#endif /* MS_REPLAY_BOOKS_H */
