/* SPDX-License-Identifier: MIT */
/*
 * What outlives a process: its last figures, in a table that it shares with who started it.
 *
 * Model
 *
 *   memstate run makes the table, in memory that has no name, and hands it down as a descriptor
 *   that MEMSTATE_TALLY in the environment describes. Each program that has the library maps it
 *   when it begins, takes a slot, and keeps its figures there from then on: what it does later, to
 *   its descriptors, its root, its rights, or by dying, takes nothing away. A child by fork has
 *   the mapping, and takes a slot of its own when it first has something to say.
 *
 *   A program that was executed by one that had closed all its descriptors gets the table by
 *   /proc; where it may not, as one that is not root any more, it asks memstate run for it, at an
 *   abstract address, by a word that only the environment tells.
 *
 *   A slot is given up by nobody: who reads the table takes those of the dead, where there is
 *   need of room, and all of them in the end.
 *
 * Races
 *
 *   A process that is killed between two of the stores leaves figures of two moments. All that is
 *   in the table is the word of processes that may write anything there: a reader loads it once.
 */
#ifndef MS_LIB_TALLY_TABLE_H
#define MS_LIB_TALLY_TABLE_H

#include "port.h"
#include <linux/memstate.h>

#define MS_TALLY_ENV	"MEMSTATE_TALLY"
#define MS_TALLY_SLOTS	16384

/*
 * MEMSTATE_TALLY is DESCRIPTOR:INODE:PID:WORD. The first half of the word is in the address that
 * memstate run listens at, the other half is what it is asked with.
 */
#define MS_TALLY_ADDRESS	"memstate-run-"
#define MS_TALLY_HALF		16	/* characters */

enum ms_tally_state { MS_TALLY_FREE, MS_TALLY_TAKEN };

/* What is kept, in the order in which it is shown. */
enum ms_tally_value {
	MS_TALLY_RESERVED,
	MS_TALLY_RESERVED_LAZY,
	MS_TALLY_PREPARED,
	MS_TALLY_PREPARED_LAZY,
	MS_TALLY_READY,
	MS_TALLY_READY_DIRECT,
	MS_TALLY_PEAK_READY,
	MS_TALLY_TRANSITIONS,
	MS_TALLY_DRIFT,
	MS_TALLY_REJECTED,
	MS_TALLY_RANGES,
	MS_TALLY_VALUES
};

/**
 * struct ms_tally_slot - a process, or one of the programs that it was in turn
 * @state:	enum ms_tally_state
 * @serial:	which of all that ever took a slot, from 1
 * @pid:	as it knows itself
 * @backend:	enum memstate_backend
 * @pidns:	which numbers those are: inode of its namespace, 0: not known
 * @comm:	its name when it began; ends with a zero, or with the last byte
 * @values:	enum ms_tally_value
 */
struct ms_tally_slot {
	u32 state;
	u32 serial;
	u32 pid;
	u32 backend;
	u64 pidns;
	char comm[16];
	u64 values[MS_TALLY_VALUES];
};

/**
 * struct ms_tally - the table
 * @begun:	programs that had the library in them
 * @serial:	the last that was given out
 * @lost:	processes for which there was no room
 * @__reserved:	zero
 * @slots:	the slots
 */
struct ms_tally {
	u32 begun;
	u32 serial;
	u32 lost;
	u32 __reserved[29];
	struct ms_tally_slot slots[MS_TALLY_SLOTS];
};

_Static_assert(sizeof(struct ms_tally_slot) == 128, "slots share no cache line");
_Static_assert(sizeof(struct ms_tally) == 128 + 128 * MS_TALLY_SLOTS, "nothing between");

#endif /* MS_LIB_TALLY_TABLE_H */
