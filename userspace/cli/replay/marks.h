/* SPDX-License-Identifier: MIT */
/* What is known of addresses beside their state: what fork, guards and growth ask for. */
#ifndef MS_REPLAY_MARKS_H
#define MS_REPLAY_MARKS_H

#include "port.h"

#define MS_MARK_DONTFORK	0x01	/* fork leaves it out */
#define MS_MARK_WIPEONFORK	0x02	/* fork empties it */
#define MS_MARK_GUARD		0x04	/* a guard page */
#define MS_MARK_WRITABLE	0x08	/* of a guard page: what it is in may be written */
#define MS_MARK_NORESERVE	0x10	/* mapped writable with MAP_NORESERVE */
#define MS_MARK_GROWSDOWN	0x20	/* MAP_GROWSDOWN */
#define MS_MARK_DROPPABLE	0x40	/* MAP_DROPPABLE */
#define MS_MARK_OTHER		0x80	/* mapped, and not accounted: a file's, or shared */

/**
 * struct ms_mark - marks of a range
 * @start:	first byte
 * @end:	behind the last
 * @bits:	MS_MARK_*, not 0
 */
struct ms_mark {
	u64 start;
	u64 end;
	u32 bits;
};

/**
 * struct ms_marks - those of an address space
 * @list:	in order; neighbours differ
 * @nr:		how many
 * @room:	of @list
 */
struct ms_marks {
	struct ms_mark *list;
	u32 nr;
	u32 room;
};

void ms_marks_change(struct ms_marks *m, u64 start, u64 end, u32 set, u32 clear);
u32 ms_marks_at(const struct ms_marks *m, u64 addr, u64 *end);
u64 ms_marks_start(const struct ms_marks *m, u64 addr);
void ms_marks_copy(struct ms_marks *to, const struct ms_marks *from);
void ms_marks_free(struct ms_marks *m);

#endif /* MS_REPLAY_MARKS_H */
