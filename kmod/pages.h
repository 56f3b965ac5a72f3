/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages that a task shares with the kernel: memory of ours that it maps. */
#ifndef MS_PAGES_H
#define MS_PAGES_H

#include <linux/mm_types.h>

void *ms_pages_create(struct page **pages, u32 nr);
void ms_pages_destroy(void *addr, struct page **pages, u32 nr);
int ms_pages_mmap(struct page **pages, u32 nr, struct vm_area_struct *vma);

#endif /* MS_PAGES_H */
