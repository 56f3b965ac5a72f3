// SPDX-License-Identifier: GPL-2.0-only
#include <linux/lockdep.h>

#include "commit.h"
#include "observed.h"

/**
 * ms_commit_limited() - is there a commit_max for a group?
 * @group: the group
 *
 * Context: any. Return: true if it, or one above it, has one.
 */
bool ms_commit_limited(const struct ms_group *group)
{
	for (; group; group = group->parent)
		if (READ_ONCE(group->commit.core.max) != MEMSTATE_UNLIMITED)
			return true;
	return false;
}

/* The lowest that has one. */
static struct ms_group *commit_limit(struct ms_group *group)
{
	while (group && READ_ONCE(group->commit.core.max) == MEMSTATE_UNLIMITED)
		group = group->parent;
	return group;
}

/**
 * ms_commit_charge() - charge what is about to be
 * @group:	where
 * @bytes:	how much
 *
 * Context: task context; does not sleep. Return: NULL; or the group that refuses, with nothing
 * charged.
 */
struct ms_group *ms_commit_charge(struct ms_group *group, u64 bytes)
{
	struct ms_level *refused;

	if (!bytes || ms_limits_charge(&group->commit, bytes, &refused))
		return NULL;
	return container_of(refused, struct ms_group, commit);
}

/* It is charged that, and was charged more, or as much. */
static void commit_lower(struct ms_observed *o, u64 bytes)
{
	ms_limits_uncharge(&o->group->commit, o->commit - bytes);
	o->commit = bytes;
}

/**
 * ms_commit_grow() - charge a growth that is about to be
 * @o:	the space, just looked at
 * @g:	the growth
 *
 * Context: its lock; its mmap_lock is held for writing. Return: NULL; or the group that
 * refuses: then it is charged what it has.
 */
struct ms_group *ms_commit_grow(struct ms_observed *o, const struct ms_growth *g)
{
	u64 bytes = ms_commit_of(o->data_vm + (g->stack ? 0 : g->bytes));
	struct ms_group *no;

	lockdep_assert_held(&o->lock);
	no = g->stack ? commit_limit(o->group) : NULL;
	if (!no && bytes > o->commit) {
		no = ms_commit_charge(o->group, bytes - o->commit);
		if (!no)
			o->commit = bytes;
	} else if (!no) {
		commit_lower(o, bytes);
	}
	if (no)
		ms_commit_settle(o);
	return no;
}

/**
 * ms_commit_settle() - a space is charged what it has, as it was last looked at
 * @o: the space
 *
 * Context: its lock; its mmap_lock, since that look, so that it has not grown.
 */
void ms_commit_settle(struct ms_observed *o)
{
	u64 bytes = ms_commit_of(o->data_vm);

	lockdep_assert_held(&o->lock);
	if (bytes > o->commit)
		ms_commit_force(o, bytes - o->commit);
	else
		commit_lower(o, bytes);
}

/**
 * ms_commit_force() - charge what is there already, whatever limits allow
 * @o:		the space
 * @bytes:	how much
 *
 * Context: its lock.
 */
void ms_commit_force(struct ms_observed *o, u64 bytes)
{
	ms_limits_force(&o->group->commit, bytes);
	o->commit += bytes;
}

/**
 * ms_commit_end() - a space is charged nothing any more
 * @o: the space
 *
 * Context: its lock.
 */
void ms_commit_end(struct ms_observed *o)
{
	commit_lower(o, 0);
}
