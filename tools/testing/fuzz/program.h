/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is run: a round is one program for each of several processes, a program is a
 * sequence of calls.
 *
 * Model
 *
 *   A call has a type and a few words, from which its type's code chooses one thing after
 *   the other: which file, which address, what is wrong with the structure. So any words
 *   are a call, a small change of them is mostly a small change of the call, and nothing
 *   has to be parsed.
 *
 *   A round follows from numbers alone: it is made new from a seed, or from another round
 *   and a seed.
 */
#ifndef FUZZ_PROGRAM_H
#define FUZZ_PROGRAM_H

#include <stdio.h>

#include "rnd.h"

#define ACTORS		4	/* processes of a round */
#define CALLS_MAX	48	/* of a program */
#define WORDS		24	/* of a call */

/**
 * struct call - one call
 * @type:	index into call_types
 * @fault:	0, or which of its allocations and copies fails
 * @word:	what its code chooses by
 */
struct call {
	u8 type;
	u8 fault;
	u32 word[WORDS];
};

struct program {
	u32 nr;
	struct call calls[CALLS_MAX];
};

struct round {
	struct program programs[ACTORS];
};

void program_generate(struct program *p, u32 nr, u64 *seed);
void round_generate(struct round *r, u64 seed);
void round_mutate(struct round *r, u64 seed);
void round_print(const struct round *r, FILE *out);

#endif /* FUZZ_PROGRAM_H */
