// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The limit tree: any charge on any tree of three levels, two leaves, any limits, whatever
 * others have on their way. What they may do in between is for spin/limit.pml.
 */
#include "limit.h"
#include "harness.h"

static struct ms_limit root, mid, leaf, other;
static struct ms_limit *const chain[] = { &leaf, &mid, &root };

static void any_level(struct ms_limit *l)
{
	l->max = nondet_u64();
	l->high = nondet_u64();
	l->word = nondet_u64();
	l->undone = nondet_u64();
	/* Raised by nothing: peaks are another matter. */
	l->peak = ~0ULL;
	l->recent = ~0ULL;
	/* At the top nothing is tentative. */
	l->tentative = l->parent ? nondet_u64() & -MS_LIMIT_UNIT : 0;
}

/* Any state that charges and uncharges can have led to. */
static void any_tree(void)
{
	ms_limit_init(&root, 0, MEMSTATE_UNLIMITED);
	ms_limit_init(&mid, &root, MEMSTATE_UNLIMITED);
	ms_limit_init(&leaf, &mid, nondet_u64());
	ms_limit_init(&other, &root, nondet_u64());
	any_level(&root);
	any_level(&mid);
	any_level(&leaf);
	any_level(&other);
	assume(ms_limit_charged(&mid) >= ms_limit_charged(&leaf));
	assume(ms_limit_charged(&root) >= ms_limit_charged(&mid));
	assume(ms_limit_charged(&root) - ms_limit_charged(&mid) == ms_limit_charged(&other));
	/* The leaf's bound, and what others have, add up. */
	assume(leaf.bound != MEMSTATE_UNLIMITED);
	assume(ms_limit_charged(&leaf) <= leaf.bound);
	assume(ms_limit_charged(&root) - ms_limit_charged(&leaf) <= ~0ULL - leaf.bound);
}

static bool below(u64 max, u64 charged, u64 bytes)
{
	return max == MEMSTATE_UNLIMITED || (charged <= max && bytes <= max - charged);
}

static bool fits(const struct ms_limit *l, u64 bytes)
{
	u64 charged = l->word / MS_LIMIT_UNIT * MS_LIMIT_UNIT;

	return below(l->max, charged, bytes) && below(l->bound, charged, bytes);
}

/* If all that is on its way were undone. */
static bool fits_then(const struct ms_limit *l, u64 bytes)
{
	u64 charged = l->word / MS_LIMIT_UNIT * MS_LIMIT_UNIT;

	charged = l->tentative > charged ? 0 : charged - l->tentative;
	return below(l->max, charged, bytes) && below(l->bound, charged, bytes);
}

static bool ready(const struct ms_limit *l)
{
	return l->word % 2 == 0;
}

void charge(void)
{
	struct ms_limit before[3], *refused = 0;
	u64 bytes = nondet_u64() & -MS_LIMIT_UNIT;
	enum ms_limit_answer answer;
	bool ok, may = true;

	any_tree();
	/* A max below what is charged leaves no room: only nothing fits then. */
	for (int i = 0; i < 3; i++) {
		before[i] = *chain[i];
		may = may && ready(chain[i]) && fits(chain[i], bytes);
	}
	answer = ms_limit_charge(&leaf, bytes, &refused);
	ok = answer == MS_LIMIT_CHARGED;
	claim(ok == (may || !bytes), "granted exactly where each level has room");
	for (int i = 0; i < 3; i++) {
		claim(chain[i]->word == before[i].word + (ok ? bytes : 0),
		      "all are charged or none");
		claim(!ok || chain[i]->word >= before[i].word, "no sum wraps");
		claim(!ok || !bytes || chain[i]->max == MEMSTATE_UNLIMITED ||
		      ms_limit_charged(chain[i]) <= chain[i]->max,
		      "no level passes its max");
		claim(chain[i]->tentative == before[i].tentative,
		      "nothing of one's own stays tentative");
	}
	claim(answer != MS_LIMIT_REFUSED || (refused && !fits_then(refused, bytes)),
	      "who refuses has no room, whatever becomes of others");
	claim(answer != MS_LIMIT_BUSY || (refused && (!ready(refused) ||
	      (!fits(refused, bytes) && fits_then(refused, bytes)))),
	      "to be asked again only where that may help");
}

void give_back(void)
{
	struct ms_limit *refused;
	u64 bytes = nondet_u64() & -MS_LIMIT_UNIT, before[3], sibling;

	any_tree();
	for (int i = 0; i < 3; i++)
		before[i] = chain[i]->word;
	sibling = other.word;
	if (ms_limit_charge(&leaf, bytes, &refused) == MS_LIMIT_CHARGED)
		ms_limit_uncharge(&leaf, bytes);
	for (int i = 0; i < 3; i++)
		claim(chain[i]->word == before[i], "what is given back is what was charged");
	claim(other.word == sibling, "the sibling is left alone");
}

void room(void)
{
	struct ms_limit *refused;
	u64 least;

	any_tree();
	for (int i = 0; i < 3; i++)
		assume(ready(chain[i]));
	least = ms_limit_room(&leaf) & -MS_LIMIT_UNIT;
	claim(ms_limit_charge(&leaf, least, &refused) == MS_LIMIT_CHARGED,
	      "what there is room for is granted");
	claim(ms_limit_room(&leaf) < MS_LIMIT_UNIT || least == 0,
	      "and not a page is left over");
}

void set(void)
{
	u64 high = nondet_u64(), max = nondet_u64(), now_high, now_max, charged;
	u32 which = nondet_u8() % 4;
	bool down = nondet_u8() % 2, ok;
	struct ms_limit before;

	any_tree();
	assume(ready(&mid));
	before = mid;
	ok = ms_limit_set(&mid, which, high, max, down);
	charged = ms_limit_read(&mid, &now_high, &now_max);
	claim(charged == ms_limit_charged(&before), "the charge is left alone");
	claim(mid.word != before.word && ready(&mid), "it has another version, and is ready");
	claim(ok || down, "only who may not raise is refused");
	claim(now_max == (ok && which & MEMSTATE_LIMIT_MAX ? max : before.max) &&
	      now_high == (ok && which & MEMSTATE_LIMIT_HIGH ? high : before.high),
	      "what is to be set is, and nothing else");
	claim(!down || ((before.max == MEMSTATE_UNLIMITED || now_max <= before.max) &&
			(before.high == MEMSTATE_UNLIMITED || now_high <= before.high)),
	      "down is not up");
}
