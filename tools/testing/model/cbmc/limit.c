// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The limit tree: any charge on any tree of three levels, two leaves, any limits. */
#include "limit.h"
#include "harness.h"

static struct ms_limit root, mid, leaf, other;
static struct ms_limit *const chain[] = { &leaf, &mid, &root };

/* Any state that charges and uncharges can have led to. */
static void any_tree(void)
{
	ms_limit_init(&root, 0, 0);
	ms_limit_init(&mid, &root, 0);
	ms_limit_init(&leaf, &mid, 0);
	ms_limit_init(&other, &root, 0);
	root.max = nondet_u64();
	mid.max = nondet_u64();
	leaf.max = nondet_u64();
	leaf.charged = nondet_u64();
	mid.charged = nondet_u64();
	root.charged = nondet_u64();
	other.charged = nondet_u64();
	assume(mid.charged >= leaf.charged);
	assume(root.charged >= mid.charged);
	assume(root.charged - mid.charged == other.charged);
}

static bool fits(const struct ms_limit *l, u64 bytes)
{
	return l->charged <= l->max && bytes <= l->max - l->charged;
}

void charge(void)
{
	struct ms_limit before[3], *refused = 0;
	u64 bytes = nondet_u64();
	bool ok, may;

	any_tree();
	/* A max below what is charged leaves no room: only nothing fits then. */
	may = !bytes || (fits(&leaf, bytes) && fits(&mid, bytes) && fits(&root, bytes));
	for (int i = 0; i < 3; i++)
		before[i] = *chain[i];
	ok = ms_limit_charge(&leaf, bytes, &refused);
	claim(ok == may, "granted exactly where each level has room");
	for (int i = 0; i < 3; i++) {
		claim(chain[i]->charged == before[i].charged + (ok ? bytes : 0),
		      "all are charged or none");
		claim(!ok || chain[i]->charged >= before[i].charged, "no sum wraps");
		claim(!ok || !bytes || chain[i]->charged <= chain[i]->max,
		      "no level passes its max");
		claim(chain[i]->peak >= before[i].peak, "a peak does not fall");
	}
	claim(ok || (refused && !fits(refused, bytes)), "who refuses has no room");
	claim(root.charged - mid.charged == other.charged, "the sibling is left alone");
	if (ok) {
		ms_limit_uncharge(&leaf, bytes);
		for (int i = 0; i < 3; i++)
			claim(chain[i]->charged == before[i].charged,
			      "what is given back is what was charged");
	}
}

void room(void)
{
	struct ms_limit *refused;
	u64 least;

	any_tree();
	least = ms_limit_room(&leaf);
	claim(ms_limit_charge(&leaf, least, &refused), "what there is room for is granted");
	claim(ms_limit_room(&leaf) == 0 || least == 0, "and not a byte is left over");
}
