// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Each form of operator new and delete gives, takes, aligns and throws as C++ says.
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <malloc.h>

#include "tap.h"

// The compiler may leave out a new whose result is not used.
static void *volatile sink;
static const volatile std::size_t huge = static_cast<std::size_t>(1) << 46;

static int calls;

static void give_up_third_time()
{
	if (++calls == 3)
		std::set_new_handler(nullptr);
}

struct given_up {};

static void throw_something()
{
	throw given_up();
}

static bool aligned(const void *p, std::size_t align)
{
	return !(reinterpret_cast<std::uintptr_t>(p) & (align - 1));
}

static void forms()
{
	const std::align_val_t align{ 256 };
	bool good = true;

	for (std::size_t size : { 0, 1, 40, 1000, 40000, 3000000 }) {
		void *p = operator new(size);
		good &= p && malloc_usable_size(p) >= size;
		operator delete(p);
		p = operator new(size);
		operator delete(p, size);
		p = operator new[](size);
		operator delete[](p);
		p = operator new[](size);
		operator delete[](p, size);
		p = operator new(size, std::nothrow);
		operator delete(p, std::nothrow);
		p = operator new[](size, std::nothrow);
		operator delete[](p, std::nothrow);
		p = operator new(size, align);
		good &= aligned(p, 256);
		operator delete(p, align);
		p = operator new(size, align);
		operator delete(p, size, align);
		p = operator new[](size, align);
		good &= aligned(p, 256);
		operator delete[](p, align);
		p = operator new[](size, align);
		operator delete[](p, size, align);
		p = operator new(size, align, std::nothrow);
		good &= aligned(p, 256);
		operator delete(p, align, std::nothrow);
		p = operator new[](size, align, std::nothrow);
		operator delete[](p, align, std::nothrow);
	}
	operator delete(nullptr);
	tap_ok(good, "new, delete: every form gives and takes");
}

template <typename F> static bool throws_bad_alloc(F f)
{
	try {
		sink = f();
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

static void failures()
{
	tap_ok(throws_bad_alloc([] { return operator new(huge); }) &&
	       throws_bad_alloc([] { return operator new[](huge); }) &&
	       throws_bad_alloc([] { return operator new(huge, std::align_val_t{ 64 }); }) &&
	       throws_bad_alloc([] { return operator new[](huge, std::align_val_t{ 64 }); }),
	       "new: std::bad_alloc where there is not so much memory");
	tap_ok(!operator new(huge, std::nothrow) && !operator new[](huge, std::nothrow) &&
	       !operator new(huge, std::align_val_t{ 64 }, std::nothrow) &&
	       !operator new[](huge, std::align_val_t{ 64 }, std::nothrow),
	       "new (nothrow): NULL where there is not so much memory");
	std::set_new_handler(give_up_third_time);
	tap_ok(throws_bad_alloc([] { return operator new(huge); }) && calls == 3,
	       "new: the handler is called until there is none");
	std::set_new_handler(throw_something);
	bool thrown = false;
	try {
		sink = operator new(huge);
	} catch (const given_up &) {
		thrown = true;
	}
	tap_ok(thrown, "new: what the handler throws comes through");
	tap_ok(!operator new(huge, std::nothrow),
	       "new (nothrow): what the handler throws does not");
	std::set_new_handler(nullptr);
}

// Destroyed after main, and by threads that end.
struct late {
	std::vector<std::string> strings;
	~late() { strings.emplace_back(1000, 'x'); }
};

static late global;
static thread_local late local;

static void life()
{
	std::vector<std::thread> threads;

	for (int i = 0; i < 8; i++)
		threads.emplace_back([] {
			for (int j = 0; j < 1000; j++)
				local.strings.push_back(std::string(j % 300, 'y'));
		});
	for (auto &t : threads)
		t.join();
	global.strings.emplace_back(100, 'z');
	tap_ok(true, "thread_local objects are destroyed while their threads end");
}

int main()
{
	forms();
	failures();
	life();
	return tap_end();
}
