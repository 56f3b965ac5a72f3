/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a growth is, told from the arguments of who is about to make it and from what is
 * mapped there.
 *
 * Locking
 *
 *   mmap_lock         write, by the kernel, where an address space grows
 */
#ifndef MS_GROWTH_H
#define MS_GROWTH_H

#include <linux/mm.h>

#include "core/observe.h"

struct file;

/**
 * enum ms_site - who asks whether memory may expand
 * @MS_SITE_FRESH:	brk, mremap
 * @MS_SITE_MMAP:	what mmap_region has been asked for
 * @MS_SITE_MPROTECT:	memory becomes writable
 * @MS_SITE_MASK:	all of it
 */
enum ms_site {
	MS_SITE_FRESH,
	MS_SITE_MMAP,
	MS_SITE_MPROTECT,
	MS_SITE_MASK = 3,
};

bool ms_growth_of_mmap(struct ms_growth *g, struct file *file, unsigned long addr,
		       unsigned long len, unsigned long flags);
bool ms_growth_of_expand(struct ms_growth *g, unsigned long flags, unsigned long pages,
			 enum ms_site site);
enum ms_site ms_site_of(unsigned long ip);

/**
 * ms_growth_is_data() - does it count as data?
 * @flags: VM_*
 *
 * As the kernel counts data_vm, and with mappings that grow down, which it does not.
 *
 * Context: any. Return: true if it does.
 */
static inline bool ms_growth_is_data(unsigned long flags)
{
#ifdef VM_SHADOW_STACK
	if (flags & VM_SHADOW_STACK)
		return false;
#endif
	return (flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
}

#endif /* MS_GROWTH_H */
