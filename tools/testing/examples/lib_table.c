// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lib_table.h"

const struct lib_row *lib_rows_c(size_t *nr)
{
	static const struct lib_row rows[] = { LIB_ROWS };

	*nr = sizeof(rows) / sizeof(rows[0]);
	return rows;
}
