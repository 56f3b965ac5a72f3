/* SPDX-License-Identifier: MIT */
/* A block goes back to a slab of another heap; the protocol is told in remote.h. */
#ifndef MS_MALLOC_ABROAD_H
#define MS_MALLOC_ABROAD_H

#include "slab.h"

MS_HIDDEN void ms_remote_free(void *block, struct ms_slab *slab, uint32_t tag);

#endif /* MS_MALLOC_ABROAD_H */
