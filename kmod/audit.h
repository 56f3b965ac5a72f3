/* SPDX-License-Identifier: GPL-2.0-only */
/* Where ledger and mappings differ. */
#ifndef MS_AUDIT_H
#define MS_AUDIT_H

#include "task.h"

int ms_audit(struct ms_task *task, struct memstate_audit *audit,
	     struct memstate_finding *findings);

#endif /* MS_AUDIT_H */
