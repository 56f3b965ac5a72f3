// SPDX-License-Identifier: GPL-2.0-only
#include "compat.h"

#ifdef MS_CAN_HOOK

#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "growth.h"

/* Mappings looked at that one growth replaces; of more it is taken to replace no others. */
#define REPLACED_MOST	1024

/* ---- what a growth is ------------------------------------------------------------ */

/* Does the program choose where? Only mmap is asked; who maps for it does, too. */
static bool is_fixed(void)
{
	unsigned long flags;

	return ms_mmap_flags(&flags) && (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE));
}

/* Does the program say that it is for a stack, as fibers' are? */
static bool is_stack(void)
{
	unsigned long flags;

	return ms_mmap_flags(&flags) && (flags & MAP_STACK);
}

/* What is mapped in a range: of that data, and private, and with MAP_NORESERVE. */
static void replaced(struct mm_struct *mm, unsigned long addr, unsigned long len,
		     u64 *data, u64 *private, bool *noreserve)
{
	struct vm_area_struct *vma;
	unsigned int most = REPLACED_MOST;
	struct vma_iterator vmi;

	vma_iter_init(&vmi, mm, addr);
	for_each_vma_range(vmi, vma, addr + len) {
		u64 bytes = min(vma->vm_end, addr + len) - max(vma->vm_start, addr);

		if (!(vma->vm_flags & VM_SHARED))
			*private += bytes;
		if (ms_growth_is_data(vma->vm_flags) && !(vma->vm_flags & VM_GROWSDOWN))
			*data += bytes;
		if (vma->vm_flags & VM_NORESERVE)
			*noreserve = true;
		if (!--most)
			break;
	}
}

/**
 * ms_growth_of_mmap() - what a mapping that is about to be would grow by
 * @g:		where to put kind and bytes
 * @file:	of which file, or NULL
 * @addr:	its first byte
 * @len:	bytes
 * @flags:	VM_*
 *
 * Context: the caller's mmap_lock is held for writing. Return: false: it does not grow.
 */
bool ms_growth_of_mmap(struct ms_growth *g, struct file *file, unsigned long addr,
		       unsigned long len, unsigned long flags)
{
	u64 data = 0, private = 0;
	bool noreserve = false;

	if (!ms_growth_is_data(flags))
		return false;
	replaced(current->mm, addr, len, &data, &private, &noreserve);
	if (len <= data)
		return false;
	*g = (struct ms_growth) {
		.kind = MS_GROWTH_FRESH,
		.bytes = len - data,
		.stack = flags & VM_GROWSDOWN,
	};
	if (file || current->in_execve)
		g->kind = MS_GROWTH_UNASKED;
	else if (private == len)
		g->kind = noreserve ? MS_GROWTH_WITHIN_NORESERVE : MS_GROWTH_WITHIN;
	else if (is_stack())
		g->kind = MS_GROWTH_WITHIN;
	else if (flags & VM_NORESERVE)
		g->kind = is_fixed() ? MS_GROWTH_SHADOW : MS_GROWTH_NORESERVE;
	return true;
}

/* ---- who asks to expand ------------------------------------------------------------ */

/* Where it is called from, shifted, and enum ms_site: what never changes, found out once. */
static unsigned long sites[16];

static enum ms_site site_find(unsigned long ip)
{
	char name[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(name, ip);
	if (!strncmp(name, "mmap_region", 11) || !strncmp(name, "__mmap_region", 13))
		return MS_SITE_MMAP;
	if (!strncmp(name, "mprotect", 8))
		return MS_SITE_MPROTECT;
	return MS_SITE_FRESH;
}

/**
 * ms_site_of() - where may_expand_vm is called from
 * @ip: the address that it returns to
 *
 * Context: any. Return: enum ms_site.
 */
enum ms_site ms_site_of(unsigned long ip)
{
	/* The bits that this drops are the same for all of the kernel's text. */
	unsigned long key = ip << 2, seen;
	enum ms_site site;
	int i;

	for (i = 0; i < ARRAY_SIZE(sites); i++) {
		seen = READ_ONCE(sites[i]);
		if ((seen & ~(unsigned long)MS_SITE_MASK) == key)
			return seen & MS_SITE_MASK;
		if (!seen)
			break;
	}
	site = site_find(ip);
	for (; i < ARRAY_SIZE(sites); i++)
		if (!cmpxchg(&sites[i], 0, key | site))
			break;
	return site;
}

/**
 * ms_growth_of_expand() - what is about to grow without being mapped
 * @g:		where to put kind and bytes
 * @flags:	VM_*
 * @pages:	by how many
 * @site:	who asks
 *
 * Context: the caller's mmap_lock is held for writing. Return: false: it does not grow, or is
 * a stack's growth by fault, which is granted always.
 */
bool ms_growth_of_expand(struct ms_growth *g, unsigned long flags, unsigned long pages,
			 enum ms_site site)
{
	if (!ms_growth_is_data(flags) || (flags & VM_GROWSDOWN) || !pages)
		return false;
	*g = (struct ms_growth) {
		.kind = MS_GROWTH_FRESH,
		.bytes = (u64)pages << PAGE_SHIFT,
	};
	if (current->in_execve)
		g->kind = MS_GROWTH_UNASKED;
	else if (site == MS_SITE_MPROTECT)
		g->kind = flags & VM_NORESERVE ? MS_GROWTH_WITHIN_NORESERVE :
						 MS_GROWTH_WITHIN;
	return true;
}

#endif /* MS_CAN_HOOK */
