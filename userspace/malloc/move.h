/* SPDX-License-Identifier: MIT */
/* Large blocks whose pages move. */
#ifndef MS_MALLOC_MOVE_H
#define MS_MALLOC_MOVE_H

#include "slab.h"

MS_HIDDEN struct ms_slab *ms_move(struct ms_slab *entry, uint32_t old, uint32_t len);

#endif /* MS_MALLOC_MOVE_H */
