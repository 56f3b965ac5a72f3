/* SPDX-License-Identifier: GPL-2.0-only */
/* The device by io_uring: see uring.c. */
#ifndef MS_URING_H
#define MS_URING_H

struct io_uring_cmd;

int ms_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);

#endif /* MS_URING_H */
