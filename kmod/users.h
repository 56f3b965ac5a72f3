/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers that are bounded: of the machine, and of one user.
 *
 * Model
 *
 *   Tasks, groups and jobs are counted, in all and by the user on whose behalf they are
 *   made. A user is known as long as one is counted for him. Whoever is in a user
 *   namespace counts as the owner of the topmost one below the initial one: he could
 *   have any number of users in there. If root owns that he counts as who is root in there,
 *   or, where users are the same inside and outside, as himself.
 *   CAP_SYS_RESOURCE in the initial user namespace is bound by the machine's numbers
 *   alone.
 *
 * Locking
 *
 *   A spinlock per bucket of the table, innermost.
 */
#ifndef MS_USERS_H
#define MS_USERS_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct cred;
struct ms_user;

/* What is counted. */
enum ms_number {
	MS_NUMBER_TASKS,
	MS_NUMBER_GROUPS,
	MS_NUMBER_JOBS,
	MS_NR_NUMBERS,
};

kuid_t ms_user_of(const struct cred *cred);
struct ms_user *ms_user_take(kuid_t uid, enum ms_number what);
void ms_user_give(struct ms_user *user, enum ms_number what);
bool ms_user_may_log(struct ms_user *user);

#endif /* MS_USERS_H */
