/* SPDX-License-Identifier: MIT */
/*
 * The allocator's view of the system: libmemstate's verbs, or, with the accounting
 * switched off, the bare system calls. No more than this is asked of the system.
 *
 * All return 0 or a negative errno; none allocates or touches errno.
 */
#ifndef MS_MALLOC_OS_H
#define MS_MALLOC_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <memstate.h>

#include "slab.h"

/*
 * Room for so much, aligned: a mapping that is in no books, to be kept or left piece by piece.
 * Return: NULL: there is none.
 */
MS_HIDDEN void *ms_os_room_find(size_t bytes, size_t align);
MS_HIDDEN void ms_os_leave(void *addr, size_t bytes);

/* None to Reserved: of such a mapping; or at this place, -EEXIST: somebody else is there. */
MS_HIDDEN int ms_os_keep(void *addr, size_t bytes, enum memstate_class class_);
MS_HIDDEN int ms_os_extend(void *addr, size_t bytes, enum memstate_class class_);

/* Any range to None. */
MS_HIDDEN void ms_os_release(void *addr, size_t bytes);

/* Reserved to Prepared. */
MS_HIDDEN int ms_os_map(void *addr, size_t bytes, enum memstate_class class_);

/* Any range back to Reserved: nothing is there, and nobody has access. */
MS_HIDDEN int ms_os_unmap(void *addr, size_t bytes, enum memstate_class class_);

/*
 * Whether so much could become Ready now. 0; -EDQUOT: over a limit; -E2BIG: it would be, even if
 * this process gave everything back, or it is more than the system gives to anybody. Nothing
 * changes.
 */
MS_HIDDEN int ms_os_room(size_t bytes);

/* Prepared to Ready. -EDQUOT: over a limit. */
MS_HIDDEN int ms_os_used(void *addr, size_t bytes, enum memstate_class class_);

/**
 * struct ms_os_range - one of many that are dropped together
 * @addr:	first byte
 * @bytes:	length
 * @error:	0 or a negative errno
 */
struct ms_os_range {
	void *addr;
	size_t bytes;
	int error;
};

/*
 * Up to MS_OS_MANY from Ready to Prepared, by one thread at a time: the contents are gone, zero
 * when touched again.
 */
#define MS_OS_MANY	128
MS_HIDDEN void ms_os_unused_many(struct ms_os_range *ranges, uint32_t nr,
				 enum memstate_class class_);

/*
 * A Ready range to a Prepared one, where it may be longer. Its old place is a hole afterwards;
 * if it fails, with -EDQUOT nothing has changed, else the new one may be a hole.
 */
MS_HIDDEN int ms_os_move(void *from, size_t from_bytes, void *to, size_t to_bytes,
			 enum memstate_class class_);

/*
 * Any range, or a hole, Prepared as if it had never been anything else: one mapping with its
 * neighbours. -EEXIST: somebody else has mapped something into the hole.
 */
MS_HIDDEN int ms_os_renew(void *addr, size_t bytes, enum memstate_class class_, bool hole,
			  bool huge);

/* Ask for huge pages; what comes of it is the system's decision. */
MS_HIDDEN void ms_os_huge(void *addr, size_t bytes);

/*
 * Asked once, at the beginning: a program may forbid itself to ask later, on pain of death. The
 * machine's memory, 0: not known; RLIMIT_AS, SIZE_MAX: there was none.
 */
MS_HIDDEN void ms_os_begin(void);
MS_HIDDEN size_t ms_os_memory(void);
MS_HIDDEN size_t ms_os_address_limit(void);

/* Whether a limit is near: then nothing is kept that is not used. */
MS_HIDDEN bool ms_os_pressed(void);

/* Coarse, milliseconds. */
MS_HIDDEN uint32_t ms_os_now_ms(void);
MS_HIDDEN uintptr_t ms_os_random(void);
MS_HIDDEN size_t ms_os_page(void);

#endif /* MS_MALLOC_OS_H */
