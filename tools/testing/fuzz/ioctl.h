/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Structures and records, for whoever hands them over otherwise. */
#ifndef FUZZ_IOCTL_H
#define FUZZ_IOCTL_H

#include "actor.h"

struct memstate_record pick_record(struct run *r);
void *pick_uring_call(struct run *r, u32 *cmd);

#endif /* FUZZ_IOCTL_H */
