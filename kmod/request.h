/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests for credit: granted, waited for, or refused.
 *
 * Locking
 *
 *   None is held while one waits for room.
 */
#ifndef MS_REQUEST_H
#define MS_REQUEST_H

#include <linux/types.h>

struct memstate_charge;
struct ms_task;

bool ms_request_fast(struct ms_task *task, u64 bytes);
int ms_request(struct ms_task *task, struct memstate_charge *arg);

#endif /* MS_REQUEST_H */
