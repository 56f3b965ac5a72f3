#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [PART...]: core and library in userspace; one TAP stream. The parts, all of them
# if none is named: "installed", the ABI's header and the library as it is installed, and
# COMPILER:SANITIZERS, everything by that compiler under these.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
build=$top/build/core
[ $# -gt 0 ] || set -- installed gcc:address,undefined gcc:thread clang:address,undefined clang:thread
tests=$(sed -n "s/^TESTS := //p" "$here/Makefile")
# Sanitizers need their shadow where newer kernels may put a mapping.
plain=$(command -v setarch >/dev/null && echo "setarch $(uname -m) -R")

export MEMSTATE_BACKEND=embedded
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:die_after_fork=0

sanitized() { # cc sanitizers
	local cc=$1 san=$2 name=$1-${2//,/+} o t
	o=$build/$name
	command -v "$cc" >/dev/null || {
		skip "$name" "no $cc here"
		return
	}
	try "$name library builds without a warning" userspace CC="$cc" SAN="$san" O="$o" \
		CFLAGS="-O1 -g -Werror" "$o/libmemstate.a" || return
	# shellcheck disable=SC2046,SC2086 # a list
	program core $(printf "$name/%s " $tests) >/dev/null 2>&1 # at once; then by name
	for t in $tests; do
		try "$name $t builds without a warning" program core "$name/$t" || continue
		# shellcheck disable=SC2086 # a command and its option, or nothing
		relay "$name $t" $plain "$o/$t"
	done
	# Else a header that changes would change nothing.
	find "$o" -name '*.d' | while read -r t; do
		head -n 1 "$t" | grep -qF "${t%.d}.o:" || echo "$t is not about ${t%.d}.o"
	done >"$build/named.log"
	[ ! -s "$build/named.log" ]
	result $? "$name: make knows each object by what it includes" "$build/named.log"
}

abi() {
	local cc std lang
	for cc in gcc clang; do
		command -v $cc >/dev/null || continue
		for std in c99 c11 c++11; do
			lang=c
			[ $std = c++11 ] && lang=c++
			try "$cc $std abi header compiles" $cc -x $lang -std=$std -Wall \
				-Wextra -Werror -pedantic -I"$top/include/uapi" \
				-o "$build/abi" "$here/abi.c" && relay "$cc $std" "$build/abi"
		done
	done
}

# As installed: symbols, soname, pkg-config, C and C++.
installed() {
	local root=$build/root o=$build/plain lib
	rm -rf "$root"
	try "library builds" make -s -C "$top/userspace" O="$o" "$o/libmemstate.a" \
		"$o/libmemstate.so.0.1.0" "$o/memstate.pc" || return
	try "library installs" make -s -C "$top/userspace" O="$o" PREFIX="$root" install ||
		return
	lib=$root/lib
	sed -n 's/^\t\(memstate_[a-z_]*\);$/\1/p' "$top/userspace/lib/memstate.map" |
		sort >"$build/map"
	nm -D --defined-only "$lib/libmemstate.so.0" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
		sort >"$build/symbols"
	try "exported symbols are those of the map" diff "$build/map" "$build/symbols"
	# but for what is inline
	sed -n 's/^static inline .*\<\(memstate_[a-z_]*\)(.*/\1/p' \
		"$root/include/memstate.h" >"$build/inline"
	grep -o '\<memstate_[a-z_]*(' "$root/include/memstate.h" | tr -d '(' | sort -u |
		grep -vxFf "$build/inline" >"$build/declared"
	try "exported symbols are those of the header" diff "$build/declared" "$build/symbols"
	try "soname is libmemstate.so.0" sh -c \
		"readelf -d '$lib/libmemstate.so.0' | grep -q 'soname: .libmemstate.so.0.'"
	try "the report path knows no malloc" sh -c \
		"! nm '$o/libmemstate.a' | grep -E ' U (malloc|calloc|realloc|mmap|mmap64|free)\$'"
	export PKG_CONFIG_PATH=$lib/pkgconfig
	local use
	use="$(pkg-config --cflags --libs memstate)" || use=
	try "pkg-config knows memstate" test -n "$use"
	# shellcheck disable=SC2086 # flags are words
	{
		try "C11 program builds by pkg-config" cc -std=c11 -Wall -Wextra -Werror \
			-pedantic -o "$build/client" "$here/client.c" $use
		try "C11 program runs with the shared library" env \
			LD_LIBRARY_PATH="$lib" "$build/client"
		try "C++11 program builds by pkg-config" c++ -x c++ -std=c++11 -Wall -Wextra \
			-Werror -pedantic -o "$build/client++" "$here/client.c" $use
		try "C++11 program runs with the shared library" env \
			LD_LIBRARY_PATH="$lib" "$build/client++"
		try "static program builds" cc -static -o "$build/client.static" \
			"$here/client.c" -I"$root/include" "$lib/libmemstate.a" -pthread
		try "static program runs" "$build/client.static"
	}
}

tap_begin "$build/${1//[:,]/-}"
for part; do
	case $part in
	installed) abi; installed ;;
	*:*) sanitized "${part%%:*}" "${part#*:}" ;;
	*) bail "no such part: $part" ;;
	esac
done
tap_end
