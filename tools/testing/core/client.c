// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A program as a user writes it, in C11 and in C++11, built by pkg-config. */

#include <memstate.h>
#include <stdio.h>

int main(void)
{
	struct memstate_totals t;
	char line[MEMSTATE_LINE_MAX];
	void *p = memstate_alloc(1 << 20, MEMSTATE_USER1);

	if (!p || memstate_totals(&t, 0) ||
	    t.bytes[MEMSTATE_READY - 1][MEMSTATE_USER1] != 1 << 20 ||
	    memstate_free(p, 1 << 20))
		return 1;
	printf("# %s: %s\n", memstate_backend_name(),
	       memstate_format_line(line, sizeof(line), &t));
	return 0;
}
