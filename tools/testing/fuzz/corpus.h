/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Rounds that have run something new, from which others are made.
 *
 * Model
 *
 *   Step n of a seed is a round that is made new, or out of that of an earlier step that ran
 *   code, or an order of code, which had not run before; which of them, coverage decides. So
 *   a round is known by its seed and its steps: n, the step that it was made of, and so on,
 *   down to one that was new. Its processes meet otherwise each time: what was found once
 *   may take many runs of its round.
 */
#ifndef FUZZ_CORPUS_H
#define FUZZ_CORPUS_H

#include "program.h"

/* What was found to be new at that step, and what it was made of, or NULL. */
struct found {
	u32 step;
	const struct found *parent;
	struct round round;
};

u64 corpus_seed(u64 seed, u32 step);
const struct found *corpus_pick(u64 *seed);
void corpus_keep(u32 step, const struct round *round, const struct found *parent);
void corpus_again(struct round *round, u64 seed, const char *steps);
u32 corpus_size(void);

#endif /* FUZZ_CORPUS_H */
