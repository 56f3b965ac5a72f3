/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the system, of groups and of tasks have in common. */
#ifndef MS_SYSFS_ATTRS_H
#define MS_SYSFS_ATTRS_H

#include <linux/device.h>
#include <linux/sysfs.h>

#include "core/counters.h"
#include "limits.h"

/**
 * struct ms_attr - a file
 * @dev:	what sysfs knows of it; a group's files only use @dev.attr
 * @offset:	of a member of struct memstate_totals, or NOT_A_MEMBER
 * @state:	else the state whose bytes it shows,
 * @class_:	in this class, or in all of them if ALL_CLASSES
 */
struct ms_attr {
	struct device_attribute dev;
	int offset;
	u8 state;
	u8 class_;
};

#define NOT_A_MEMBER	(-1)
#define ALL_CLASSES	MEMSTATE_NR_CLASSES

/* The files of a limit. */
enum ms_limit_file {
	MS_FILE_HIGH,
	MS_FILE_MAX,
	MS_FILE_PEAK,
	MS_FILE_PRESSURE,
	MS_FILE_GROUP,
	MS_FILE_PATH,
	MS_FILE_OBSERVE,
	MS_FILE_OVERCOMMIT,
	MS_FILE_TRUST,
	MS_FILE_OBSERVED_TASKS,
	MS_FILE_COMMIT,
	MS_FILE_BACKED,
	MS_FILE_PENDING,
	MS_FILE_EXCESS,
	MS_FILE_OBSERVED_BREACHED,
	MS_FILE_LAST_REFUSAL,
	MS_FILE_ENFORCED,
	MS_FILE_COMMIT_MAX,
	MS_FILE_EVENTS,
	MS_FILE_EVENTS_LOCAL,
};

/**
 * struct ms_limit_attr - such a file
 * @attr:	what sysfs knows of it
 * @file:	which
 * @event:	of events files: which event
 */
struct ms_limit_attr {
	struct attribute attr;
	enum ms_limit_file file;
	enum memstate_event event;
};

/* Is it one of a table of these? The others are struct ms_attr. */
#define ms_limit_attr_of(_attr, table)					\
	((_attr) >= &(table)[0].attr &&					\
	 (_attr) <= &(table)[ARRAY_SIZE(table) - 1].attr ?		\
	 container_of(_attr, struct ms_limit_attr, attr) : NULL)

/**
 * ms_sysfs_offset() - where in the totals it is what a file shows
 * @attr: the file, of a struct ms_attr
 *
 * Context: any. Return: bytes, or NOT_A_MEMBER.
 */
static inline int ms_sysfs_offset(const struct attribute *attr)
{
	return container_of(attr, struct ms_attr, dev.attr)->offset;
}

u64 ms_sysfs_member(const struct attribute *attr, const struct memstate_totals *totals);
const char *ms_sysfs_limit(u64 limit, char *text, size_t size);
const char *ms_sysfs_pressure(u32 pressure);
ssize_t ms_sysfs_show_member(const struct attribute *attr,
			     const struct memstate_totals *totals, char *buf);
ssize_t ms_sysfs_show_limit(const struct ms_level *level, enum ms_limit_file file,
			    char *buf);
ssize_t ms_sysfs_show_system(struct device *dev, struct device_attribute *attr,
			     char *buf);

/*
 * Each file twice: the system's and a group's. prefix is sys or group.
 */
#define MS_ATTR(prefix, _mode, _id, _name, _offset, _state, _class)	\
	static struct ms_attr prefix##_##_id = {			\
		.dev.attr = { .name = _name, .mode = _mode },		\
		.dev.show = ms_sysfs_show_system,			\
		.offset = _offset,					\
		.state = _state,					\
		.class_ = _class,					\
	}

#define MS_ATTR_MEMBER(prefix, mode, name, member)			\
	MS_ATTR(prefix, mode, name, #name,				\
		offsetof(struct memstate_totals, member), 0, 0)

#define MS_ATTR_COUNTER(name, prefix, mode)				\
	MS_ATTR_MEMBER(prefix, mode, name, name);

#define MS_ATTR_IN_LIST(name, prefix)	&prefix##_##name.dev.attr,

#define MS_ATTRS(prefix, mode)						\
	MS_ATTR(prefix, mode, reserved, "reserved", NOT_A_MEMBER,	\
		MEMSTATE_RESERVED, ALL_CLASSES);			\
	MS_ATTR(prefix, mode, prepared, "prepared", NOT_A_MEMBER,	\
		MEMSTATE_PREPARED, ALL_CLASSES);			\
	MS_ATTR(prefix, mode, ready, "ready", NOT_A_MEMBER,		\
		MEMSTATE_READY, ALL_CLASSES);				\
	MS_TOTALS_COUNTERS(MS_ATTR_COUNTER, prefix, mode)		\
	MS_ATTR_MEMBER(prefix, mode, reserved_lazy, reserved_lazy);	\
	MS_ATTR_MEMBER(prefix, mode, prepared_lazy, prepared_lazy)

#define MS_ATTRS_LIST(prefix)						\
	&prefix##_reserved.dev.attr,					\
	&prefix##_prepared.dev.attr,					\
	&prefix##_ready.dev.attr,						\
	&prefix##_reserved_lazy.dev.attr,					\
	&prefix##_prepared_lazy.dev.attr,					\
	MS_TOTALS_COUNTERS(MS_ATTR_IN_LIST, prefix)

#define MS_CLASS_GROUP(prefix, mode, id, class_)			\
	MS_ATTR(prefix##_##id, mode, reserved, "reserved",		\
		NOT_A_MEMBER, MEMSTATE_RESERVED, class_);		\
	MS_ATTR(prefix##_##id, mode, prepared, "prepared",		\
		NOT_A_MEMBER, MEMSTATE_PREPARED, class_);		\
	MS_ATTR(prefix##_##id, mode, ready, "ready",			\
		NOT_A_MEMBER, MEMSTATE_READY, class_);			\
	static struct attribute *prefix##_##id##_attrs[] = {		\
		&prefix##_##id##_reserved.dev.attr,				\
		&prefix##_##id##_prepared.dev.attr,				\
		&prefix##_##id##_ready.dev.attr,				\
		NULL							\
	};								\
	static const struct attribute_group prefix##_##id##_group = {	\
		.name = #id,						\
		.attrs = prefix##_##id##_attrs,				\
	}

#define MS_CLASS_GROUPS(prefix, mode)					\
	MS_CLASS_GROUP(prefix, mode, heap, MEMSTATE_HEAP);		\
	MS_CLASS_GROUP(prefix, mode, stack, MEMSTATE_STACK);		\
	MS_CLASS_GROUP(prefix, mode, metadata, MEMSTATE_METADATA);	\
	MS_CLASS_GROUP(prefix, mode, code, MEMSTATE_CODE);		\
	MS_CLASS_GROUP(prefix, mode, other, MEMSTATE_OTHER);		\
	MS_CLASS_GROUP(prefix, mode, user1, MEMSTATE_USER1);		\
	MS_CLASS_GROUP(prefix, mode, user2, MEMSTATE_USER2);		\
	MS_CLASS_GROUP(prefix, mode, user3, MEMSTATE_USER3)

#define MS_GROUPS_LIST(prefix)						\
	&prefix##_group,						\
	&prefix##_heap_group,						\
	&prefix##_stack_group,						\
	&prefix##_metadata_group,					\
	&prefix##_code_group,						\
	&prefix##_other_group,						\
	&prefix##_user1_group,						\
	&prefix##_user2_group,						\
	&prefix##_user3_group,						\
	NULL

#endif /* MS_SYSFS_ATTRS_H */
