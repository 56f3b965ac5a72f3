// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What happens to the memory that is reported about. */
#include <sys/mman.h>

#include "actor.h"

/* Within the window: what else there is, the program needs. */
static char *place(struct run *r, size_t *bytes)
{
	u64 page = pick(r, once(r, 4) ? WINDOW_PAGES : 64);

	*bytes = pick_pages(r) * PAGE;
	if (*bytes > (WINDOW_PAGES - page) * PAGE)
		*bytes = (WINDOW_PAGES - page) * PAGE;
	return (char *)WINDOW + page * PAGE;
}

static int pick_prot(struct run *r)
{
	static const int prots[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_NONE,
				     PROT_READ, PROT_READ | PROT_WRITE | PROT_EXEC };

	return PICK(r, prots);
}

long call_memory(struct run *r)
{
	static const int advice[] = { MADV_DONTNEED, MADV_FREE, MADV_POPULATE_WRITE, MADV_HUGEPAGE,
				      MADV_DONTFORK, MADV_WIPEONFORK, MADV_PAGEOUT, MADV_COLD };
	static const int flags[] = { MAP_PRIVATE, MAP_PRIVATE, MAP_SHARED, MAP_PRIVATE | MAP_POPULATE };
	size_t bytes;
	char *at = place(r, &bytes);
	void *got;

	switch (pick(r, 8)) {
	case 0:
	case 1:
	case 2:
		got = mmap(at, bytes, pick_prot(r),
			   PICK(r, flags) | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
		return result(got == MAP_FAILED ? -1 : 0);
	case 3:
	case 4:
		return result(munmap(at, bytes));
	case 5:
		return result(mprotect(at, bytes, pick_prot(r)));
	default:
		return result(madvise(at, bytes, PICK(r, advice)));
	}
}

long call_remap_memory(struct run *r)
{
	size_t bytes, more, new;
	char *at = place(r, &bytes), *to = place(r, &more);
	void *got;

	new = once(r, 2) ? bytes : more;
	switch (pick(r, 4)) {
	case 0: /* grow or shrink where it is */
		got = mremap(at, bytes, new, 0);
		break;
	case 1: /* over something, or into it: then it fails, perhaps half done */
		got = mremap(at, bytes, new, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		break;
	case 2:
		got = mremap(at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, to);
		break;
	default: /* away, where it then stays */
		got = mremap(at, bytes, new, MREMAP_MAYMOVE);
		break;
	}
	return result(got == MAP_FAILED ? -1 : 0);
}

long call_touch(struct run *r)
{
	size_t bytes;
	volatile char *at = place(r, &bytes);

	bytes = bytes < 16 * PAGE ? bytes : 16 * PAGE;
	while (bytes) {
		bytes -= PAGE;
		at[bytes] = 1;
	}
	return 0;
}
