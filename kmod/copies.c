// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cgroup.h>
#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/mm_types.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>

#include "copies.h"
#include "group.h"
#include "params.h"

/* For so long after much has gone it may still be on its way. */
#define FREEING_MS	20

#ifdef CONFIG_MEMCG

/* The controller's object of a group's cgroup, in which or below which a space is; or NULL. */
static struct cgroup_subsys_state *css_of(const struct ms_group *group,
					  const struct mm_struct *mm)
{
	struct task_struct *owner = rcu_dereference(mm->owner);
	struct cgroup_subsys_state *css = owner ? task_css(owner, memory_cgrp_id) : NULL;

	if (!css || css->cgroup->root != &cgrp_dfl_root)
		return NULL;
	while (css->parent && cgroup_id(css->cgroup) != group->id)
		css = css->parent;
	return css->parent ? css : NULL;
}

static unsigned long length(const unsigned long *list)
{
	/* data_race: written under a lock of the kernel's own; a page or another is no matter. */
	return data_race(READ_ONCE(*list));
}

#ifdef CONFIG_LRU_GEN
/* Where generations are on, as from 6.12 on usually, a page is in one of those and in no list. */
static u64 in_generations(const struct lruvec *lruvec, int zone)
{
	long pages = 0;
	int gen;

	for (gen = 0; gen < MAX_NR_GENS; gen++)
		/* data_race: as with the lists. */
		pages += data_race(READ_ONCE(lruvec->lrugen.nr_pages[gen][LRU_GEN_ANON][zone]));
	return max(pages, 0L);
}
#else
static u64 in_generations(const struct lruvec *lruvec, int zone)
{
	return 0;
}
#endif

static u64 anonymous_pages(struct mem_cgroup *memcg)
{
	u64 pages = 0;
	int nid, zone;

	for_each_node_state(nid, N_MEMORY)
		for (zone = 0; zone < MAX_NR_ZONES; zone++) {
			struct mem_cgroup_per_node *node = memcg->nodeinfo[nid];
			unsigned long *lists = node->lru_zone_size[zone];

			pages += length(&lists[LRU_INACTIVE_ANON]) +
				 length(&lists[LRU_ACTIVE_ANON]) +
				 in_generations(&node->lruvec, zone);
		}
	return pages;
}

/* Anonymous and shared memory of a cgroup and all below it; 0: they are too many. */
static u64 anonymous(struct cgroup_subsys_state *top)
{
	unsigned int most = READ_ONCE(ms_param_observe_settle);
	struct cgroup_subsys_state *css;
	u64 pages = 0;

	css_for_each_descendant_pre(css, top) {
		if (!most--)
			return 0;
		pages += anonymous_pages(mem_cgroup_from_css(css));
	}
	return pages << PAGE_SHIFT;
}

#else

static struct cgroup_subsys_state *css_of(const struct ms_group *group,
					  const struct mm_struct *mm)
{
	return NULL;
}

static u64 anonymous(struct cgroup_subsys_state *top)
{
	return 0;
}

#endif /* CONFIG_MEMCG */

static u64 sum_of(const struct ms_group *group, enum ms_observed_sum sum)
{
	return max(atomic64_read(&group->observed.sums[sum]), 0LL);
}

/**
 * ms_copies_most() - what may have been copied in a group and below
 * @group: the group
 *
 * Context: any. Return: bytes, zero where nobody has forked.
 */
u64 ms_copies_most(const struct ms_group *group)
{
	return sum_of(group, MS_OBSERVED_INHERITED);
}

/**
 * ms_copies() - what was copied in a group and below, and is charged to nobody
 * @group:	the group
 * @mm:		of one in it or below; held
 * @backed:	bytes that are charged there and backed
 *
 * Context: any; RCU read lock held. Return: bytes.
 */
u64 ms_copies(struct ms_group *group, const struct mm_struct *mm, u64 backed)
{
	u64 inherited = ms_copies_most(group), known, copied, last;
	struct cgroup_subsys_state *css = inherited ? css_of(group, mm) : NULL;
	unsigned long shrunk = READ_ONCE(group->observed.shrunk);

	if (!css)
		return 0;
	known = backed + sum_of(group, MS_OBSERVED_SHARED);
	copied = anonymous(css);
	copied = min(copied - min(copied, known), inherited);
	last = READ_ONCE(group->observed.copied);
	WRITE_ONCE(group->observed.copied, copied);
	if (shrunk && time_before(jiffies, shrunk + msecs_to_jiffies(FREEING_MS) + 1))
		copied = min(copied, last);
	return copied;
}
