/* SPDX-License-Identifier: GPL-2.0-only */
/* The calls that an open file takes: call.c. */
#ifndef MS_CALL_H
#define MS_CALL_H

#include "file.h"

long ms_call(struct ms_file *file, unsigned int cmd, void __user *arg);
long ms_call_uring(struct ms_file *file, unsigned int cmd, void __user *arg,
		   bool nowait);

#endif /* MS_CALL_H */
