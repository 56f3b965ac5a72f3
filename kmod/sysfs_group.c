// SPDX-License-Identifier: GPL-2.0-only
/*
 * groups/<cgroup id>/: the totals, as for the system, and the limits.
 *
 * Figures are of the group and all below it. Who reads sees what lies in its own cgroup
 * and below, more with CAP_SYS_RESOURCE or CAP_SYS_PTRACE; the path is root's. Limits are
 * written as memory.max is; whoever writes needs CAP_SYS_RESOURCE, as there is no
 * directory to ask for permission.
 */

#include <linux/cgroup.h>
#include <linux/ctype.h>
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "cgroup.h"
#include "core/observe.h"
#include "group.h"
#include "observed_group.h"
#include "observing.h"
#include "refusal.h"
#include "sysfs.h"
#include "sysfs_attrs.h"

MS_ATTRS(group, 0444);
MS_ATTR_MEMBER(group, 0444, nr_tasks, tasks);
MS_CLASS_GROUPS(group, 0444);

static struct ms_limit_attr limit_attrs[] = {
	{ { "path", 0400 }, MS_FILE_PATH },
	{ { "parent", 0444 }, MS_FILE_GROUP },
	{ { "high", 0644 }, MS_FILE_HIGH },
	{ { "max", 0644 }, MS_FILE_MAX },
	{ { "peak", 0444 }, MS_FILE_PEAK },
	{ { "pressure", 0444 }, MS_FILE_PRESSURE },
	{ { "observe", 0644 }, MS_FILE_OBSERVE },
	{ { "overcommit", 0644 }, MS_FILE_OVERCOMMIT },
	{ { "trust", 0644 }, MS_FILE_TRUST },
	{ { "observed_tasks", 0444 }, MS_FILE_OBSERVED_TASKS },
	{ { "commit", 0444 }, MS_FILE_COMMIT },
	{ { "backed", 0444 }, MS_FILE_BACKED },
	{ { "pending", 0444 }, MS_FILE_PENDING },
	{ { "excess", 0444 }, MS_FILE_EXCESS },
	{ { "observed_breached", 0444 }, MS_FILE_OBSERVED_BREACHED },
	{ { "last_refusal", 0444 }, MS_FILE_LAST_REFUSAL },
	{ { "enforced", 0444 }, MS_FILE_ENFORCED },
	{ { "commit_max", 0644 }, MS_FILE_COMMIT_MAX },
	{ { "events_high", 0444 }, MS_FILE_EVENTS, MEMSTATE_EVENT_HIGH },
	{ { "events_max", 0444 }, MS_FILE_EVENTS, MEMSTATE_EVENT_MAX },
	{ { "events_denied", 0444 }, MS_FILE_EVENTS, MEMSTATE_EVENT_DENIED },
	{ { "events_breach", 0444 }, MS_FILE_EVENTS, MEMSTATE_EVENT_BREACH },
	{ { "events_drift", 0444 }, MS_FILE_EVENTS, MEMSTATE_EVENT_DRIFT },
	{ { "events_local_high", 0444 }, MS_FILE_EVENTS_LOCAL, MEMSTATE_EVENT_HIGH },
	{ { "events_local_max", 0444 }, MS_FILE_EVENTS_LOCAL, MEMSTATE_EVENT_MAX },
	{ { "events_local_denied", 0444 }, MS_FILE_EVENTS_LOCAL, MEMSTATE_EVENT_DENIED },
	{ { "events_local_breach", 0444 }, MS_FILE_EVENTS_LOCAL, MEMSTATE_EVENT_BREACH },
	{ { "events_local_drift", 0444 }, MS_FILE_EVENTS_LOCAL, MEMSTATE_EVENT_DRIFT },
};

static struct attribute *group_attrs[] = {
	MS_ATTRS_LIST(group)
	&group_nr_tasks.dev.attr,
	&limit_attrs[0].attr,
	&limit_attrs[1].attr,
	&limit_attrs[2].attr,
	&limit_attrs[3].attr,
	&limit_attrs[4].attr,
	&limit_attrs[5].attr,
	&limit_attrs[6].attr,
	&limit_attrs[7].attr,
	&limit_attrs[8].attr,
	&limit_attrs[9].attr,
	&limit_attrs[10].attr,
	&limit_attrs[11].attr,
	&limit_attrs[12].attr,
	&limit_attrs[13].attr,
	&limit_attrs[14].attr,
	&limit_attrs[15].attr,
	&limit_attrs[16].attr,
	&limit_attrs[17].attr,
	&limit_attrs[18].attr,
	&limit_attrs[19].attr,
	&limit_attrs[20].attr,
	&limit_attrs[21].attr,
	&limit_attrs[22].attr,
	&limit_attrs[23].attr,
	&limit_attrs[24].attr,
	&limit_attrs[25].attr,
	&limit_attrs[26].attr,
	&limit_attrs[27].attr,
	NULL
};

/* As many as stand in the list above. */
static_assert(ARRAY_SIZE(limit_attrs) == 28);

static const struct attribute_group group_group = { .attrs = group_attrs };
static const struct attribute_group *group_groups[] = { MS_GROUPS_LIST(group) };

static struct kobject *groups_dir;
static bool groups_mute;

static struct ms_group *group_of(struct kobject *kobj)
{
	return container_of(kobj, struct ms_group, kobj);
}

static ssize_t show_path(const struct ms_group *group, char *buf)
{
	struct cgroup *cgrp = cgroup_get_from_id(group->id);
	char *path;
	int ret;

	if (IS_ERR(cgrp))
		return sysfs_emit(buf, "(removed)\n");
	path = kmalloc(PATH_MAX, GFP_KERNEL);
	ret = path ? cgroup_path(cgrp, path, PATH_MAX) : -ENOMEM;
	cgroup_put(cgrp);
	if (ret >= 0)
		ret = sysfs_emit(buf, "%s\n", path);
	kfree(path);
	return ret;
}

static ssize_t show_observed(struct ms_group *group, enum ms_limit_file file, char *buf)
{
	struct memstate_observe w = {};
	u64 value;

	ms_observed_read(group, &w);
	switch (file) {
	case MS_FILE_OBSERVE:
		value = w.on;
		break;
	case MS_FILE_OVERCOMMIT:
		value = w.overcommit;
		break;
	case MS_FILE_TRUST:
		value = w.trust;
		break;
	case MS_FILE_OBSERVED_TASKS:
		value = w.spaces;
		break;
	case MS_FILE_COMMIT:
		value = w.commit;
		break;
	case MS_FILE_BACKED:
		value = w.backed;
		break;
	case MS_FILE_PENDING:
		value = w.pending;
		break;
	case MS_FILE_EXCESS:
		value = w.excess;
		break;
	default:
		value = w.breached;
	}
	return sysfs_emit(buf, "%llu\n", value);
}

static ssize_t show_limit_file(struct ms_group *group,
			       const struct ms_limit_attr *a, char *buf)
{
	switch (a->file) {
	case MS_FILE_PATH:
		return show_path(group, buf);
	case MS_FILE_GROUP:
		return sysfs_emit(buf, "%llu\n",
				  group->parent ? group->parent->id : 0);
	case MS_FILE_EVENTS:
		return sysfs_emit(buf, "%lld\n",
				  atomic64_read(&group->events[a->event]));
	case MS_FILE_EVENTS_LOCAL:
		return sysfs_emit(buf, "%lld\n",
				  atomic64_read(&group->events_local[a->event]));
	case MS_FILE_ENFORCED:
		return sysfs_emit(buf, "%d\n", ms_observing_enforced());
	case MS_FILE_COMMIT_MAX:
		return ms_sysfs_show_limit(&group->commit, MS_FILE_MAX, buf);
	case MS_FILE_OBSERVE ... MS_FILE_OBSERVED_BREACHED:
		return show_observed(group, a->file, buf);
	case MS_FILE_LAST_REFUSAL:
		return ms_refusal_show(group, buf, PAGE_SIZE);
	default:
		return ms_sysfs_show_limit(&group->limit, a->file, buf);
	}
}

static ssize_t group_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	const struct ms_limit_attr *a = ms_limit_attr_of(attr, limit_attrs);
	struct ms_group *group = group_of(kobj);
	struct memstate_totals totals;

	if (!ms_group_may_read(group))
		return -EACCES;
	if (a)
		return show_limit_file(group, a, buf);
	ms_group_totals(group, &totals);
	return ms_sysfs_show_member(attr, &totals, buf);
}

/* As memory.max is written: "max", or a number with K, M, G or T behind it. */
static int parse_limit(const char *text, size_t length, u64 *limit)
{
	static const char suffixes[] = "KMGT";
	char buf[32], *word, *last;
	const char *suffix;
	u32 shift = 0;
	int ret;

	if (length >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text, length);
	buf[length] = '\0';
	word = strim(buf);
	if (!strcmp(word, "max")) {
		*limit = MEMSTATE_UNLIMITED;
		return 0;
	}
	last = word + strlen(word) - 1;
	suffix = *word ? strchr(suffixes, toupper(*last)) : NULL;
	if (suffix && *suffix) {
		shift = 10 * (suffix - suffixes + 1);
		*last = '\0';
	}
	ret = kstrtou64(word, 10, limit);
	if (ret)
		return ret;
	if (*limit > U64_MAX >> shift)
		return -ERANGE;
	*limit <<= shift;
	return 0;
}

static int store_observed(struct ms_group *group, enum ms_limit_file file, const char *buf)
{
	bool on;
	u32 percent;
	int ret;

	if (file != MS_FILE_OVERCOMMIT) {
		ret = kstrtobool(buf, &on);
		if (!ret && file == MS_FILE_OBSERVE)
			ret = ms_observing_set(group, on);
		else if (!ret)
			ms_observing_trust(group, on);
		return ret;
	}
	ret = kstrtou32(buf, 10, &percent);
	if (ret)
		return ret;
	if (percent < MS_OVERCOMMIT_NONE || percent > MS_OVERCOMMIT_MOST)
		return -ERANGE;
	ms_observing_overcommit(group, percent);
	return 0;
}

static ssize_t group_store(struct kobject *kobj, struct attribute *attr,
			   const char *buf, size_t length)
{
	const struct ms_limit_attr *a = ms_limit_attr_of(attr, limit_attrs);
	u64 limit;
	int ret;

	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (a->file == MS_FILE_OBSERVE || a->file == MS_FILE_OVERCOMMIT ||
	    a->file == MS_FILE_TRUST)
		return store_observed(group_of(kobj), a->file, buf) ?: length;
	ret = parse_limit(buf, length, &limit);
	if (ret)
		return ret;
	if (a->file == MS_FILE_COMMIT_MAX)
		return ms_observing_commit(group_of(kobj), limit) ?: length;
	ms_observing_limit(group_of(kobj),
			   a->file == MS_FILE_HIGH ? MEMSTATE_LIMIT_HIGH : MEMSTATE_LIMIT_MAX,
			   limit, limit, false);
	return length;
}

static const struct sysfs_ops group_sysfs_ops = {
	.show = group_show,
	.store = group_store,
};

const struct kobj_type ms_sysfs_group_ktype = {
	.sysfs_ops = &group_sysfs_ops,
	.default_groups = group_groups,
	.release = ms_group_release,
};

/**
 * ms_sysfs_add_group() - make groups/<cgroup id>/, unless there is no groups/
 * @group: the group
 *
 * Context: may sleep. Return: 0 or a negative errno.
 */
int ms_sysfs_add_group(struct ms_group *group)
{
	int ret;

	if (!groups_dir)
		return 0;
	ret = kobject_add(&group->kobj, groups_dir, "%llu", group->id);
	if (!ret)
		set_bit(MS_GROUP_SHOWN, &group->flags);
	return ret;
}

/**
 * ms_sysfs_remove_group() - take it away, if it is there
 * @group: the group
 *
 * Context: may sleep; waits for who reads one of its files.
 */
void ms_sysfs_remove_group(struct ms_group *group)
{
	if (test_and_clear_bit(MS_GROUP_SHOWN, &group->flags))
		kobject_del(&group->kobj);
}

/**
 * ms_sysfs_notify_group() - wake who polls a group's files
 * @group:	the group
 * @pressure:	its pressure has changed, too
 *
 * Context: may sleep.
 */
void ms_sysfs_notify_group(struct ms_group *group, bool pressure)
{
	u32 i;

	if (!test_bit(MS_GROUP_SHOWN, &group->flags) || READ_ONCE(groups_mute))
		return;
	if (pressure)
		sysfs_notify(&group->kobj, NULL, "pressure");
	for (i = 0; i < ARRAY_SIZE(limit_attrs); i++)
		if (limit_attrs[i].file >= MS_FILE_EVENTS ||
		    limit_attrs[i].file == MS_FILE_ENFORCED)
			sysfs_notify(&group->kobj, NULL, limit_attrs[i].attr.name);
}

/**
 * ms_sysfs_mute_groups() - wake nobody any more
 *
 * Context: module exit: who polls holds a file that is about to go.
 */
void ms_sysfs_mute_groups(void)
{
	WRITE_ONCE(groups_mute, true);
}

/**
 * ms_sysfs_init_groups() - make groups/ and the root's directory
 * @parent: the device's directory
 *
 * Context: module init.
 */
void ms_sysfs_init_groups(struct kobject *parent)
{
	groups_dir = kobject_create_and_add("groups", parent);
	if (!groups_dir || ms_sysfs_add_group(ms_group_root))
		pr_err("no room for groups/\n");
}

/**
 * ms_sysfs_exit_groups() - take it away, and all that is in it
 *
 * Context: module exit; nobody makes or notifies files any more.
 */
void ms_sysfs_exit_groups(void)
{
	ms_groups_hide();
	kobject_put(groups_dir);
}
