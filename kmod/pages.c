// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "pages.h"

/**
 * ms_pages_create() - make zero pages
 * @pages:	where to put them
 * @nr:		how many
 *
 * They are charged to the memory cgroup of the caller.
 *
 * Context: may sleep. Return: where they lie, or NULL for want of memory.
 */
void *ms_pages_create(struct page **pages, u32 nr)
{
	void *addr = NULL;
	u32 i;

	for (i = 0; i < nr; i++) {
		pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!pages[i])
			break;
	}
	if (i == nr)
		addr = vmap(pages, nr, VM_MAP, PAGE_KERNEL);
	if (!addr) {
		while (i--)
			__free_page(pages[i]);
	}
	return addr;
}

/**
 * ms_pages_destroy() - give them back
 * @addr:	from ms_pages_create(), or NULL
 * @pages:	the pages
 * @nr:		how many
 *
 * Context: may sleep; nobody here uses them any more.
 */
void ms_pages_destroy(void *addr, struct page **pages, u32 nr)
{
	if (!addr)
		return;
	vunmap(addr);
	/* A mapping that is still there holds pages of its own. */
	while (nr--)
		__free_page(pages[nr]);
}

/* Half a ring is of no use, nor is one that has moved. */
static int pages_vma_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static int pages_vma_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static const struct vm_operations_struct pages_vm_ops = {
	.may_split = pages_vma_may_split,
	.mremap = pages_vma_mremap,
};

/**
 * ms_pages_mmap() - map them
 * @pages:	the pages
 * @nr:		how many
 * @vma:	from the device's mmap, shared and not executable
 *
 * A child does not inherit the mapping.
 *
 * Context: mmap lock held for writing. Return: 0; -EINVAL: wrong length; -ENOMEM.
 */
int ms_pages_mmap(struct page **pages, u32 nr, struct vm_area_struct *vma)
{
	if (vma->vm_end - vma->vm_start != (unsigned long)nr << PAGE_SHIFT)
		return -EINVAL;
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	vma->vm_ops = &pages_vm_ops;
	return vm_map_pages_zero(vma, pages, nr);
}
