/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An open file of the device.
 *
 * Model
 *
 *   open() waits for nothing, as a lock of all misc devices is held around it: it notes
 *   the opener's address space in the file, and that is all. The first call makes the
 *   object; the first that needs books *binds* it to those of the opener's address
 *   space, and begins them if there are none. Only who lives in that can do so. Who
 *   only reads what belongs to groups, or to the system, has no books.
 *
 * Locking
 *
 *   private_data of the file: the mm with a tag, then the object, by cmpxchg, once.
 *   @task likewise NULL, then the task.
 *   @job, @watched likewise NULL, then the group, each once, under file->lock.
 *   file->lock: mutex, @peak and @peak_group; taken to change @job and @watched.
 */
#ifndef MS_FILE_H
#define MS_FILE_H

#include <linux/mutex.h>

#include "limits.h"
#include "task.h"

struct file;

/**
 * struct ms_file - an open file that has been asked something
 * @mm:		the opener's address space, with a reference until it is bound
 * @task:	the books it is bound to; NULL: it is not yet; see ms_file_bound()
 * @lock:	protects @peak_group; taken to change @job and @watched
 * @job:	the job that was made by it, with a reference, or NULL
 * @watched:	the group it watches, with a reference; NULL: its task
 * @seen:	how many events of what it watches its reader has seen
 * @peak:	its own peak, of @peak_group's limit, or of its task's
 * @peak_group:	with a reference, or NULL
 */
struct ms_file {
	struct mm_struct *mm;
	struct ms_task *task;
	struct mutex lock;
	struct ms_group *job;
	struct ms_group *watched;
	s64 seen;
	struct ms_peak peak;
	struct ms_group *peak_group;
};

int ms_file_open(struct file *filp);
void ms_file_release(struct file *filp);
struct ms_file *ms_file_of(struct file *filp);
struct ms_file *ms_file_peek(const struct file *filp);
struct ms_task *ms_file_task(struct ms_file *file);
int ms_file_may_report(struct ms_file *file);
s64 ms_file_events(const struct ms_file *file);
void ms_file_seen(struct ms_file *file);

struct ms_group *ms_file_group(struct ms_file *file, u32 scope, s32 fd, bool make);
struct ms_group *ms_file_group_ref(struct ms_group *group);
void ms_file_group_put(struct ms_group *group);

/**
 * ms_file_bound() - the books that a file is bound to
 * @file: the file
 *
 * Context: any. Return: the task, or NULL: it is not bound yet.
 */
static inline struct ms_task *ms_file_bound(const struct ms_file *file)
{
	/* Acquire: pairs with the cmpxchg in ms_file_task(). */
	return smp_load_acquire(&file->task);
}

#endif /* MS_FILE_H */
