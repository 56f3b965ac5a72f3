// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <string.h>

#include "calls.h"
#include "program.h"

/* What most of what there is to be found takes: an open file, a ring, mappings. */
static const char *const prologue[] = { "open", "map", "map", "map", "memory" };

static u32 type_by_weight(u64 *seed)
{
	u32 sum = 0, i;

	for (i = 0; i < nr_call_types; i++)
		sum += call_types[i].weight;
	sum = rnd_below(seed, sum);
	for (i = 0; sum >= call_types[i].weight; i++)
		sum -= call_types[i].weight;
	return i;
}

static u32 type_by_name(const char *name)
{
	u32 i = 0;

	while (strcmp(call_types[i].name, name))
		i++;
	return i;
}

static struct call call_generate(u32 type, u64 *seed)
{
	struct call c = { .type = type };
	u32 i;

	for (i = 0; i < WORDS; i++)
		c.word[i] = rnd(seed);
	if (call_types[type].faults && rnd_once(seed, 10))
		c.fault = 1 + rnd_below(seed, rnd_once(seed, 4) ? 60 : 8);
	return c;
}

/* The first words are as well-behaved as can be: one mapping of each kind. */
static struct call prologue_call(u32 i, u64 *seed)
{
	struct call c = call_generate(type_by_name(prologue[i]), seed);

	c.fault = 0;
	c.word[0] = i ? i - 1 : 0;
	c.word[1] = 1;
	return c;
}

/* A new one. */
void program_generate(struct program *p, u32 nr, u64 *seed)
{
	u32 i = 0;

	if (!rnd_once(seed, 4))
		for (; i < nr && i < sizeof(prologue) / sizeof(prologue[0]); i++)
			p->calls[i] = prologue_call(i, seed);
	for (; i < nr; i++)
		p->calls[i] = call_generate(type_by_weight(seed), seed);
	p->nr = nr;
}

/* A new one. */
void round_generate(struct round *r, u64 seed)
{
	u32 i;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < ACTORS; i++)
		program_generate(&r->programs[i], 10 + rnd_below(&seed, CALLS_MAX - 16), &seed);
}

static void insert(struct program *p, u32 at, struct call c)
{
	if (p->nr == CALLS_MAX)
		p->nr--;
	if (at > p->nr)
		at = p->nr;
	memmove(&p->calls[at + 1], &p->calls[at], (p->nr - at) * sizeof(c));
	p->calls[at] = c;
	p->nr++;
}

static void delete(struct program *p, u32 at)
{
	p->nr--;
	memmove(&p->calls[at], &p->calls[at + 1], (p->nr - at) * sizeof(p->calls[0]));
}

static void change_word(struct call *c, u64 *seed)
{
	u32 *word = &c->word[rnd_below(seed, WORDS)];

	switch (rnd_below(seed, 4)) {
	case 0:
		*word = 0;
		break;
	case 1:
		*word += rnd_once(seed, 2) ? 1 : -1;
		break;
	default:
		*word = rnd(seed);
		break;
	}
}

/* Some calls of one program, in their order, come into another. */
static void splice(struct program *p, const struct program *from, u64 *seed)
{
	u32 at = rnd_below(seed, from->nr), nr = 1 + rnd_below(seed, 6);
	u32 to = rnd_below(seed, p->nr + 1);
	struct call c;

	while (nr-- && at < from->nr) {
		c = from->calls[at++];
		insert(p, to++, c);
	}
}

static void mutate_once(struct round *r, u64 *seed)
{
	struct program *p = &r->programs[rnd_below(seed, ACTORS)];
	u32 at = rnd_below(seed, p->nr);
	struct call *c = &p->calls[at];

	switch (rnd_below(seed, 10)) {
	case 0:
		if (p->nr > 1)
			delete(p, at);
		break;
	case 1:
		*c = call_generate(type_by_weight(seed), seed);
		break;
	case 2:
	case 3:
		insert(p, at, call_generate(type_by_weight(seed), seed));
		break;
	case 4:
		splice(p, &r->programs[rnd_below(seed, ACTORS)], seed);
		break;
	case 5:
		c->fault = call_types[c->type].faults ? rnd_below(seed, 40) : 0;
		break;
	case 6:
		insert(p, at, *c);
		break;
	default:
		change_word(c, seed);
		break;
	}
}

/* Another one, much like it. */
void round_mutate(struct round *r, u64 seed)
{
	u32 nr = 1 + rnd_below(&seed, 6);

	while (nr--)
		mutate_once(r, &seed);
}

/* Write it down. */
void round_print(const struct round *r, FILE *out)
{
	const struct call *c;
	u32 i;

	for (i = 0; i < ACTORS; i++) {
		fprintf(out, "# process %u:", i);
		for (c = r->programs[i].calls; c < &r->programs[i].calls[r->programs[i].nr]; c++) {
			fprintf(out, " %s", call_types[c->type].name);
			if (c->fault)
				fprintf(out, "(fault %u)", c->fault);
		}
		fprintf(out, "\n");
	}
}
