/* SPDX-License-Identifier: MIT */
/* A process's part of the table of last figures. */
#ifndef MS_LIB_TALLY_H
#define MS_LIB_TALLY_H

#include <stdbool.h>

#include "internal.h"
#include "tally_table.h"

/* Slot of this process; NULL: nobody wants its figures, or there is none yet. */
extern MS_HIDDEN struct ms_tally_slot *ms_tally_mine;

/* Rings always, so that nothing waits in a ring that dies with the process. */
extern MS_HIDDEN const u32 ms_tally_doorbell;

MS_HIDDEN bool ms_tally_wanted(void);
MS_HIDDEN bool ms_tally_begin(bool inherited, u32 backend);
MS_HIDDEN void ms_tally_forget(void);
MS_HIDDEN void ms_tally_put(const struct memstate_totals *totals);

#endif /* MS_LIB_TALLY_H */
