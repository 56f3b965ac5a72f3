/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels, written so that the rest reads as for the
 * newest one. Kbuild asks the headers; only this file reads the answers.
 */
#ifndef MS_COMPAT_H
#define MS_COMPAT_H

#include <linux/kobject.h>
#include <linux/mm.h>
#ifdef MS_HAVE_URING_CMD_H
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif

#ifndef MS_HAVE_VM_FLAGS_SET
static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set,
				vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

#ifdef MS_HAVE_CONST_OWNERSHIP
#define MS_OWNERSHIP_CONST const
#else
#define MS_OWNERSHIP_CONST
#endif

#ifndef MS_HAVE_MNT_IDMAP
#define file_mnt_idmap(file)	file_mnt_user_ns(file)
#endif

/* What an SQE carries: shared with userspace, or a copy. */
static inline const void *ms_uring_payload(const struct io_uring_cmd *cmd)
{
#ifdef MS_HAVE_URING_SQE
	return cmd->sqe->cmd;
#else
	return cmd->cmd;
#endif
}

static inline void ms_uring_done(struct io_uring_cmd *cmd, int ret,
				 unsigned int issue_flags)
{
#ifdef MS_HAVE_URING_DONE_RES2
	io_uring_cmd_done(cmd, ret, 0, issue_flags);
#else
	io_uring_cmd_done(cmd, ret, issue_flags);
#endif
}

#endif /* MS_COMPAT_H */
