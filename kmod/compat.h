/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels, written so that the rest reads as for the
 * newest one. Kbuild asks the headers; only this file reads the answers.
 */
#ifndef MS_COMPAT_H
#define MS_COMPAT_H

#include <linux/kobject.h>
#include <linux/mm.h>

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

#endif /* MS_COMPAT_H */
