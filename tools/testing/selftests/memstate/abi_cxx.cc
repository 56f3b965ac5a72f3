// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <cstddef>

#include <linux/memstate.h>

#include "../../core/abi_table.h"

extern "C" {
extern const abi_row abi_cxx[];
extern const size_t abi_cxx_rows;
const abi_row abi_cxx[] = { ABI_ROWS };
const size_t abi_cxx_rows = sizeof(abi_cxx) / sizeof(abi_cxx[0]);
}
