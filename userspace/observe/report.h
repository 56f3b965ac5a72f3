/* SPDX-License-Identifier: MIT */
#ifndef MS_OBSERVE_REPORT_H
#define MS_OBSERVE_REPORT_H

void ms_report_at_exit(void);

#endif /* MS_OBSERVE_REPORT_H */
