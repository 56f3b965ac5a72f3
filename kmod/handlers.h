/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The handlers of calls: one for each MEMSTATE_IOC_*, with its structure, which is private
 * and whose flags are checked. Those that begin with try answer at once, or say -EAGAIN with
 * nothing changed.
 */
#ifndef MS_HANDLERS_H
#define MS_HANDLERS_H

struct ms_file;

int ms_call_setup(struct ms_file *file, void *arg);
int ms_call_shards(struct ms_file *file, void *arg);
int ms_call_sync(struct ms_file *file, void *arg);
int ms_call_transition(struct ms_file *file, void *arg);
int ms_call_pending(struct ms_file *file, void *arg);
int ms_call_totals(struct ms_file *file, void *arg);
int ms_call_alloc(struct ms_file *file, void *arg);
int ms_call_ranges(struct ms_file *file, void *arg);
int ms_call_audit(struct ms_file *file, void *arg);
int ms_try_totals(struct ms_file *file, void *arg);

int ms_call_charge(struct ms_file *file, void *arg);
int ms_call_limit_set(struct ms_file *file, void *arg);
int ms_call_limit_get(struct ms_file *file, void *arg);
int ms_call_watch(struct ms_file *file, void *arg);
int ms_call_refusal(struct ms_file *file, void *arg);
int ms_call_observe(struct ms_file *file, void *arg);
int ms_call_job(struct ms_file *file, void *arg);
int ms_try_charge(struct ms_file *file, void *arg);

#endif /* MS_HANDLERS_H */
