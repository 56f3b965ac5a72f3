// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* abi_table.h, compiled as C99, C11 and C++11: all must agree. */

#include <stddef.h>
#include <stdio.h>

#include <linux/memstate.h>

#include "abi_table.h"

static const struct abi_row rows[] = { ABI_ROWS };

int main(void)
{
	size_t i, nr = sizeof(rows) / sizeof(rows[0]);
	int failed = 0;

	for (i = 0; i < nr; i++) {
		const struct abi_row *r = &rows[i];
		int ok = r->got == r->want;

		printf("%sok %lu - %s is %lu\n", ok ? "" : "not ", (unsigned long)i + 1, r->what, r->want);
		if (!ok) {
			failed = 1;
			printf("# got %lu\n", r->got);
		}
	}
	printf("1..%lu\n", (unsigned long)nr);
	return failed;
}
