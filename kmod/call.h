/* SPDX-License-Identifier: GPL-2.0-only */
/* An open file of the device, and the calls that it takes: call.c. */
#ifndef MS_CALL_H
#define MS_CALL_H

#include <linux/mutex.h>

#include "limits.h"
#include "task.h"

/**
 * struct ms_file - an open file
 * @task:	the books it is bound to
 * @lock:	protects @peak_group; taken to change @watched
 * @watched:	the group it watches, with a reference; NULL: its task
 * @seen:	how many events of what it watches its reader has seen
 * @peak:	its own peak, of @peak_group's limit, or of its task's
 * @peak_group:	with a reference, or NULL
 */
struct ms_file {
	struct ms_task *task;
	struct mutex lock;
	struct ms_group *watched;
	s64 seen;
	struct ms_peak peak;
	struct ms_group *peak_group;
};

int ms_file_may_report(const struct ms_file *file);
s64 ms_file_events(const struct ms_file *file);
void ms_file_seen(struct ms_file *file);
void ms_file_end(struct ms_file *file);

long ms_call(struct ms_file *file, unsigned int cmd, void __user *arg);
long ms_call_uring(struct ms_file *file, unsigned int cmd, void __user *arg,
		   bool nowait);

#endif /* MS_CALL_H */
