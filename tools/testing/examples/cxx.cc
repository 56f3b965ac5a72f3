// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A C++ program with libmemstate: it links, the verbs and the inline functions work, and
// structs are what they are in C. Built as each standard that there is.
#include <cstdio>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "lib_table.h"
#include "tap.h"

namespace {

const lib_row rows[] = { LIB_ROWS };

void table()
{
	std::size_t nr;
	const lib_row *c = lib_rows_c(&nr);
	bool same = nr == sizeof(rows) / sizeof(rows[0]);

	for (std::size_t i = 0; same && i < nr; i++) {
		if (std::strcmp(rows[i].what, c[i].what) || rows[i].value != c[i].value) {
			std::printf("# %s: %llu in C, %llu in C++\n", c[i].what, c[i].value,
				    rows[i].value);
			same = false;
		}
	}
	tap_ok(same, "sizes, offsets and constants are those of C");
}

// What an allocator of C++ would do, with the verbs.
template <typename T> struct allocator {
	typedef T value_type;

	allocator() {}
	template <typename U> allocator(const allocator<U> &) {}

	static std::size_t bytes(std::size_t n) { return (n * sizeof(T) + 4095) / 4096 * 4096; }
	T *allocate(std::size_t n)
	{
		void *p = memstate_alloc(bytes(n), MEMSTATE_USER1);

		if (!p)
			throw std::bad_alloc();
		return static_cast<T *>(p);
	}
	void deallocate(T *p, std::size_t n) { memstate_free(p, bytes(n)); }
	bool operator==(const allocator &) const { return true; }
	bool operator!=(const allocator &) const { return false; }
};

unsigned long long ready()
{
	struct memstate_totals totals; // there is a function of this name

	return memstate_totals(&totals, 0) ? ~0ULL :
	       totals.bytes[MEMSTATE_READY - 1][MEMSTATE_USER1];
}

void verbs()
{
	{
		std::vector<long, allocator<long>> v(100000, 1);

		tap_is(ready(), allocator<long>::bytes(100000), "a vector's memory is in the books");
	}
	tap_is(ready(), 0, "and out of them when it is gone");
	tap_ok(!memstate_self_limit(MEMSTATE_UNLIMITED, 1 << 20), "limited");
	try {
		std::vector<char, allocator<char>> v(2 << 20);

		tap_ok(false, "std::bad_alloc at the limit");
	} catch (const std::bad_alloc &) {
		struct memstate_refusal refusal;

		tap_ok(memstate_refusal(&refusal) && refusal.wanted == 2 << 20,
		       "std::bad_alloc at the limit: %s", memstate_refusal(nullptr));
	}
}

void count(unsigned int index)
{
	memstate_alloc_shard *shard = memstate_shard(index);
	const std::uint32_t *gen = memstate_shard_gen();

	for (int i = 0; i < 1000; i++) {
		std::uint64_t *set = memstate_shard_enter(shard, gen);

		memstate_shard_add(set, MEMSTATE_ALLOC_BYTES, 16);
		memstate_shard_add(set, MEMSTATE_ALLOC_COUNT, 1);
		memstate_shard_exit(shard);
	}
}

void shards()
{
	struct memstate_alloc alloc;
	std::vector<std::thread> threads;

	for (unsigned int i = 0; i < 4; i++)
		threads.emplace_back(count, i);
	for (std::thread &t : threads)
		t.join();
	tap_ok(!memstate_alloc_totals(&alloc), "shards are read");
	tap_is(alloc.counters[MEMSTATE_ALLOC_COUNT], 4000, "each count is there");
	tap_is(alloc.counters[MEMSTATE_ALLOC_BYTES], 64000, "and each byte");
}

} // namespace

int main()
{
	table();
	verbs();
	shards();
	return tap_end();
}
