// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <stdlib.h>
#include <string.h>

#include "corpus.h"

#define CORPUS_MAX	4096

static struct found *corpus[CORPUS_MAX];
static u32 corpus_nr;

/* What a step's chance follows from. */
u64 corpus_seed(u64 seed, u32 step)
{
	seed ^= (u64)step << 32;
	return rnd(&seed);
}

/* What to make a round of; NULL: make it new. */
const struct found *corpus_pick(u64 *seed)
{
	u32 last = corpus_nr / 4 + 1;

	if (!corpus_nr || rnd_once(seed, 5))
		return NULL;
	/* The last ones more often. */
	if (rnd_once(seed, 2))
		return corpus[corpus_nr - 1 - rnd_below(seed, last < corpus_nr ? last : corpus_nr)];
	return corpus[rnd_below(seed, corpus_nr)];
}

/* When there is no room any more, there is enough. */
void corpus_keep(u32 step, const struct round *round, const struct found *parent)
{
	struct found *f = corpus_nr < CORPUS_MAX ? malloc(sizeof(*f)) : NULL;

	if (!f)
		return;
	*f = (struct found) { step, parent, *round };
	corpus[corpus_nr++] = f;
}

/* The round of STEP.STEP.STEP, of which the last one was new. */
void corpus_again(struct round *round, u64 seed, const char *steps)
{
	const char *dot = strchr(steps, '.');
	u64 own = corpus_seed(seed, strtoul(steps, NULL, 10));

	if (!dot) {
		round_generate(round, own);
		return;
	}
	corpus_again(round, seed, dot + 1);
	round_mutate(round, own);
}

u32 corpus_size(void)
{
	return corpus_nr;
}
