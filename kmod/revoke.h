/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking unused credit back from whoever shares a limit.
 *
 * Locking
 *
 *   Whoever takes it back holds no task's lock, and waits for theirs a few milliseconds in
 *   all: who has it may be kept from running by those whose processor it is.
 */
#ifndef MS_REVOKE_H
#define MS_REVOKE_H

#include "charge.h"

/* How often it is done for one request. */
#define MS_REVOKE_ROUNDS	4

bool ms_revoke(struct ms_task *task, struct ms_terms *terms);

#endif /* MS_REVOKE_H */
