/* SPDX-License-Identifier: MIT */
/* What a call does to a range of books: to their map, and to their marks. */
#ifndef MS_REPLAY_EFFECT_H
#define MS_REPLAY_EFFECT_H

#include "books.h"

#define MS_ADDRESS_END	((u64)1 << 56)

/**
 * struct ms_effect - a call on a range
 * @make:	the records of a part of it
 * @prot:	PROT_*, or the advice
 * @flags:	MAP_*
 * @last:	piece that growth follows
 */
struct ms_effect {
	u32 (*make)(const struct ms_effect *e, struct memstate_record *out, u64 addr,
		    u64 bytes);
	int prot;
	int flags;
	const struct memstate_range *last;
};

static inline bool ms_books_possible(u64 addr, u64 bytes)
{
	return addr <= MS_ADDRESS_END && bytes <= MS_ADDRESS_END - addr;
}

int ms_effect_apply(struct ms_books *b, const struct memstate_record *records, u32 nr);
int ms_effect_act(struct ms_books *b, const struct ms_effect *e, u64 addr, u64 bytes);
int ms_effect_marked(struct ms_books *b, const struct ms_effect *e, u64 addr, u64 bytes,
		     u32 marks, bool have);
void ms_books_mark(struct ms_books *b, u64 addr, u64 bytes, u32 set, u32 clear);

#endif /* MS_REPLAY_EFFECT_H */
