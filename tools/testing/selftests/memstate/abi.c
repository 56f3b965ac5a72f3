// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Sizes, offsets and numbers, from C; abi_cxx.cc does the same from C++. */
#include <stddef.h>

#include "device.h"
#include "harness.h"

#include "../../core/abi_table.h"

extern const struct abi_row abi_cxx[];
extern const size_t abi_cxx_rows;

static const struct abi_row abi_c[] = { ABI_ROWS };

TEST(abi_is_what_the_table_says_in_c)
{
	for (size_t i = 0; i < sizeof(abi_c) / sizeof(abi_c[0]); i++) {
		EXPECT_EQ(abi_c[i].want, abi_c[i].got) {
			TH_LOG("%s", abi_c[i].what);
		}
	}
}

TEST(abi_is_the_same_in_cxx)
{
	ASSERT_EQ(sizeof(abi_c) / sizeof(abi_c[0]), abi_cxx_rows);
	for (size_t i = 0; i < abi_cxx_rows; i++) {
		EXPECT_EQ(abi_c[i].got, abi_cxx[i].got) {
			TH_LOG("%s", abi_c[i].what);
		}
	}
}

TEST(query_tells_version_and_bounds)
{
	struct memstate_query q = { .size = sizeof(q) };
	int fd = open(MEMSTATE_DEVICE, O_RDWR);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, dev_ioctl(fd, MEMSTATE_IOC_QUERY, &q));
	EXPECT_EQ(sizeof(q), q.size);
	EXPECT_EQ(MEMSTATE_ABI_VERSION, q.abi_version);
	EXPECT_EQ(sysconf(_SC_PAGESIZE), q.page_size);
	EXPECT_EQ(MEMSTATE_FEATURE_LIMITS | MEMSTATE_FEATURE_SHARDS |
		  MEMSTATE_FEATURE_URING | MEMSTATE_FEATURE_DOORBELL |
		  MEMSTATE_FEATURE_OBSERVE | MEMSTATE_FEATURE_JOBS, q.features);
	EXPECT_EQ(256 * 1024, q.credit_batch);
	EXPECT_GT(q.groups_max, 0);
	EXPECT_GT(q.shards_max, 0);
	EXPECT_GE(q.ring_entries_max, q.ring_entries_default);
	EXPECT_GT(q.ranges_max, 0);
	EXPECT_GT(q.records_max, 0);
	EXPECT_GT(q.unmaps_max, 0);
}

TEST_HARNESS_MAIN
