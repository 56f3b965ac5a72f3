// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/user_namespace.h>

#include "params.h"
#include "users.h"

#define USERS_BITS	8

/* Lines in the log because of one user. */
#define LOG_INTERVAL	(60 * HZ)
#define LOG_BURST	100

/**
 * struct ms_user - a user for whom something is counted
 * @node:	in its bucket
 * @uid:	who
 * @counts:	by enum ms_number; not all zero while it is in the table
 * @log:	how many lines there may be
 */
struct ms_user {
	struct hlist_node node;
	kuid_t uid;
	u32 counts[MS_NR_NUMBERS];
	struct ratelimit_state log;
};

struct users_bucket {
	spinlock_t lock;
	struct hlist_head users;
};

static struct users_bucket ms_users[1 << USERS_BITS] = {
	[0 ... (1 << USERS_BITS) - 1] = {
		.lock = __SPIN_LOCK_UNLOCKED(ms_users.lock),
		.users = HLIST_HEAD_INIT,
	},
};

static atomic_t ms_numbers[MS_NR_NUMBERS];

static const struct {
	const char *name;
	const unsigned int *max;
	const unsigned int *per_user;
} bounds[MS_NR_NUMBERS] = {
	[MS_NUMBER_TASKS] = { "tasks", &ms_param_tasks_max, &ms_param_tasks_per_user },
	[MS_NUMBER_GROUPS] = { "groups", &ms_param_groups_max,
			       &ms_param_groups_per_user },
	[MS_NUMBER_JOBS] = { "jobs", &ms_param_jobs_max, &ms_param_jobs_per_user },
};

/* 0: a quarter of all. */
static u32 bound_per_user(enum ms_number what)
{
	return READ_ONCE(*bounds[what].per_user) ?:
	       max(READ_ONCE(*bounds[what].max) / 4, 1u);
}

/**
 * ms_user_of() - as whom somebody counts
 * @cred: whose credentials
 *
 * Context: any; @cred stays. Return: the user.
 */
kuid_t ms_user_of(const struct cred *cred)
{
	struct user_namespace *ns = cred->user_ns;
	kuid_t root;

	if (ns == &init_user_ns)
		return cred->euid;
	while (ns->parent != &init_user_ns)
		ns = ns->parent;
	if (!uid_eq(ns->owner, GLOBAL_ROOT_UID))
		return ns->owner;
	root = make_kuid(ns, 0);
	return uid_valid(root) && !uid_eq(root, GLOBAL_ROOT_UID) ? root : cred->euid;
}

/**
 * ms_user_may_log() - may there be one more line in the kernel's log because of somebody?
 * @user: who, or NULL: the machine
 *
 * Context: any. Return: false: there have been enough.
 */
bool ms_user_may_log(struct ms_user *user)
{
	return !user || __ratelimit(&user->log);
}

static struct users_bucket *bucket_of(kuid_t uid)
{
	return &ms_users[hash_32(__kuid_val(uid), USERS_BITS)];
}

static struct ms_user *user_find(const struct users_bucket *b, kuid_t uid)
{
	struct ms_user *user;

	lockdep_assert_held(&b->lock);
	hlist_for_each_entry(user, &b->users, node)
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

/* One more for a user, who may be @fresh. NULL: he has too many. */
static struct ms_user *user_count(kuid_t uid, enum ms_number what, bool bounded,
				  struct ms_user **fresh)
{
	struct users_bucket *b = bucket_of(uid);
	u32 bound = bounded ? bound_per_user(what) : U32_MAX;
	struct ms_user *user;

	spin_lock(&b->lock);
	user = user_find(b, uid);
	if (!user && *fresh) {
		user = *fresh;
		*fresh = NULL;
		hlist_add_head(&user->node, &b->users);
	}
	if (user && user->counts[what] < bound)
		user->counts[what]++;
	else
		user = NULL;
	spin_unlock(&b->lock);
	return user;
}

/**
 * ms_user_take() - count one more
 * @uid:	for whom: ms_user_of()
 * @what:	what is counted
 *
 * Context: process; may sleep. Return: what to give back by ms_user_give(); -EUSERS:
 * the user has as many as one may have, and a line in the log says so; -ENFILE: there
 * are as many as there may be; -ENOMEM. On error nothing is counted.
 */
struct ms_user *ms_user_take(kuid_t uid, enum ms_number what)
{
	struct ms_user *fresh, *user;

	if (atomic_inc_return(&ms_numbers[what]) > READ_ONCE(*bounds[what].max)) {
		atomic_dec(&ms_numbers[what]);
		return ERR_PTR(-ENFILE);
	}
	/* Small, and mostly not needed: but then it is there. */
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh) {
		atomic_dec(&ms_numbers[what]);
		return ERR_PTR(-ENOMEM);
	}
	fresh->uid = uid;
	ratelimit_state_init(&fresh->log, LOG_INTERVAL, LOG_BURST);
	ratelimit_set_flags(&fresh->log, RATELIMIT_MSG_ON_RELEASE);
	user = user_count(uid, what, true, &fresh);
	/* Asked last, so that nobody else's lack of it is told to audit. */
	if (!user && ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE))
		user = user_count(uid, what, false, &fresh);
	kfree(fresh);
	if (!user) {
		atomic_dec(&ms_numbers[what]);
		pr_notice_ratelimited("uid %u has %u %s, and gets no more: see %s_per_user\n",
				      __kuid_val(uid), bound_per_user(what),
				      bounds[what].name, bounds[what].name);
		return ERR_PTR(-EUSERS);
	}
	return user;
}

/**
 * ms_user_give() - count one less
 * @user:	from ms_user_take()
 * @what:	what was counted
 *
 * Context: process; does not sleep.
 */
void ms_user_give(struct ms_user *user, enum ms_number what)
{
	struct users_bucket *b = bucket_of(user->uid);
	u32 i, left = 0;

	spin_lock(&b->lock);
	user->counts[what]--;
	for (i = 0; i < MS_NR_NUMBERS; i++)
		left |= user->counts[i];
	if (!left)
		hlist_del(&user->node);
	spin_unlock(&b->lock);
	atomic_dec(&ms_numbers[what]);
	if (!left)
		kfree(user);
}
