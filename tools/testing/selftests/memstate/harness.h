/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * kselftest's harness with more patience. It kills a test after half a minute; on a busy
 * host, a second's work takes an emulated machine longer than that now and then.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "kselftest_harness.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	900	/* s */

#endif
