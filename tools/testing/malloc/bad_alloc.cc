// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What a program that uses little of its C++ library has from it: std::bad_alloc all the same.
#include <cstddef>
#include <new>

static volatile std::size_t size = std::size_t(1) << 60;
static char *volatile block;

int main()
{
	try {
		block = new char[size];
		delete[] block;
	} catch (const std::bad_alloc &) {
		return 0;
	}
	return 1;
}
