#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [host]: the examples as a reader meets them: built against an installed library by both
# compilers, run with the embedded books, and with the device in virtual machines; and a C++
# program with the library. host: without the virtual machines.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
out=$top/build/examples
bin=$top/build/userspace
export MEMSTATE_BACKEND=embedded

tap_begin "$out"
needs gcc g++ clang clang++:clang make pkg-config redis-server redis-benchmark:redis-tools python3 || tap_end
for package in liburing jemalloc; do
	pkg-config --exists $package || bail "no lib$package-dev: run deps.sh all"
done
rm -rf "$out/installed"

# As a reader would: an installed tree, and pkg-config.
try "the library is installed" make -s -C "$top/userspace" PREFIX="$out/installed" install
cp -a "$top/userspace/examples" "$out/installed/examples"
export PKG_CONFIG_PATH=$out/installed/lib/pkgconfig
rpath=-Wl,-rpath,$out/installed/lib
for cc in gcc clang; do
	mkdir -p "$out/$cc"
	try "$cc: all three build against it without a warning" make -s -C "$out/installed/examples" \
		CC=$cc CFLAGS="-O2 -g -Werror" LDFLAGS="$rpath" O="$out/$cc" all
	for f in pool agent jemalloc_hooks.so; do
		[ -x "$out/$cc/$f" ]
		result $? "$cc: $f is there"
	done
done
try "without liburing and jemalloc the rest builds, and says so" bash -c "
	mkdir -p '$out/few' && make -C '$out/installed/examples' O='$out/few' LDFLAGS='$rpath' HAVE_URING= HAVE_JEMALLOC= all &&
	[ -x '$out/few/agent' ] && [ ! -e '$out/few/jemalloc_hooks.so' ]"
grep -q 'liburing is not there' "$out/said" && grep -q 'jemalloc is not there' "$out/said"
result $? "(each of them)"
unset PKG_CONFIG_PATH
try "one copy of the sources is in the tree" diff -r "$top/userspace/examples" "$out/installed/examples"

# In the tree, with what it has just built.
flags="-std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -I$top/userspace/include
	-I$top/include/uapi -I$top/tools/testing/core -I$top/userspace/examples"
libs="-L$bin -Wl,-rpath,$bin -lmemstate -pthread"
make -s -C "$top/userspace" >&2
try "in the tree: build" make -s -C "$top/userspace/examples" O="$out" LDFLAGS="-Wl,-rpath,$bin" \
	MEMSTATE_CFLAGS="-I$top/userspace/include -I$top/include/uapi" \
	MEMSTATE_LIBS="-L$bin -lmemstate" all
# shellcheck disable=SC2086 # lists
build_tests() {
	gcc $flags -o "$out/pool_steps" "$here/pool_steps.c" $libs &&
	gcc $flags -o "$out/load" "$here/load.c" $libs &&
	gcc $flags -o "$out/hooks" "$here/hooks.c" -ljemalloc $libs
}
try "the tests build" build_tests

# The pool, embedded; with the library's own code under the sanitizers.
for cc in gcc clang; do
	sources=("$here/pool_steps.c" "$top"/userspace/lib/*.c "$top"/kmod/core/{rules,fold}.c)
	# shellcheck disable=SC2086 # lists
	try "pool: builds under $cc's sanitizers" $cc $flags -fsanitize=address,undefined \
		-fno-sanitize-recover=all -I"$top/kmod/core" -I"$top/userspace/lib" -DMS_VERSION='"test"' \
		-o "$out/pool_steps-$cc" "${sources[@]}" -pthread
	relay "pool, $cc's sanitizers" "$out/pool_steps-$cc"
	relay "pool, $cc's sanitizers, with a limit" "$out/pool_steps-$cc" 2500000
done
"$out/pool" >"$out/pool.embedded" 2>&1
result $? "pool: what it shows runs" "$out/pool.embedded"
# shown FILE: each line of what a program has said stands in the documentation
shown() {
	while IFS= read -r line; do
		grep -qxF -- "  $line" "$top/Documentation/examples.rst" || { echo "not there: $line"; return 1; }
	done <"$1"
}
try "pool: and is what the documentation shows" shown "$out/pool.embedded"
MEMSTATE_MAX=5M "$out/pool" >"$out/pool.limit"
try "pool: likewise at a limit" shown "$out/pool.limit"
says "pool: no room for its books" 1 "over the process's own limit" env MEMSTATE_MAX=4K "$out/pool"

# The hooks, embedded. jemalloc is not ours to instrument, and does not run below ASan's or
# valgrind's own malloc: what is looked at here is books, under threads, forks and limits.
relay "hooks" env LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks"
relay "hooks, clang's" env LD_PRELOAD="$out/clang/jemalloc_hooks.so" "$out/hooks"
relay "hooks, four arenas" env MALLOC_CONF=narenas:4 LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks"
relay "hooks, with jemalloc's own thread" env MALLOC_CONF=background_thread:true,dirty_decay_ms:-1 \
	LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks"
# Where mappings lie differs from one to the next, and with it what jemalloc cuts off.
starts() {
	for _ in {1..30}; do
		LD_PRELOAD=$out/jemalloc_hooks.so "$out/hooks" 0 >"$out/starts.log" ||
			{ cat "$out/starts.log"; return 1; }
	done
}
try "hooks: thirty starts agree" starts
relay "hooks at a limit" env LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks" 64
says "hooks without jemalloc" 0 "there is no jemalloc in this program" \
	env LD_PRELOAD="$out/jemalloc_hooks.so" true
says "hooks without a back end" 0 "not accounted" \
	env MEMSTATE_BACKEND=nonsense LD_PRELOAD="$out/jemalloc_hooks.so" redis-server --version

# The agent's command line.
says "agent without a directory" 2 "a cgroup's directory is needed" "$out/agent"
says "agent --raise 0" 2 "'0' is not a percentage" "$out/agent" --raise 0 /
says "agent --raise 5x" 2 "'5x' is not a percentage" "$out/agent" --raise 5x /
says "agent --nonsense" 2 "usage: agent" "$out/agent" --nonsense
says "agent --help" 0 "usage: agent" "$out/agent" --help
says "agent without a command" 2 "a command is missing after --" "$out/agent" / --
says "agent of no cgroup" 1 "No such file or directory" "$out/agent" /nonexistent
says "agent built without liburing says so" 1 "so by epoll" "$out/few/agent" --uring /nonexistent
[ -e /dev/memstate ] || says "agent --uring without the device says so" 1 \
	"no io_uring: /dev/memstate: No such file" "$out/agent" --uring /nonexistent

# C++
for cc in gcc clang; do
	# shellcheck disable=SC2086
	try "C++: $cc builds the table of C" $cc -std=c11 -Wall -Wextra -Wpedantic -Werror \
		-I"$out/installed/include" -c -o "$out/lib_table-$cc.o" "$here/lib_table.c"
done
for cxx in g++ clang++; do
	[ $cxx = g++ ] && cc=gcc || cc=clang
	for std in c++11 c++14 c++17 c++20 c++2b; do
		# shellcheck disable=SC2086
		try "C++: $cxx -std=$std builds and links" $cxx -std=$std -Wall -Wextra -Werror -Wold-style-cast \
			-isystem "$top/tools/testing/core" -I"$out/installed/include" -o "$out/cxx" "$here/cxx.cc" \
			"$out/lib_table-$cc.o" -L"$out/installed/lib" $rpath -lmemstate -pthread
		[ $std = c++14 ] || [ $std = c++20 ] || relay "C++: $cxx -std=$std" "$out/cxx"
	done
done
sed '0,/NUM(MEMSTATE_OWN_TASK)/s//NUM(MEMSTATE_OWN_GROUP)/' "$here/lib_table.h" >"$out/lib_table.h"
cp "$here/lib_table.c" "$out/lib_table.c"
gcc -std=c11 -I"$out" -I"$out/installed/include" -c -o "$out/lib_table-planted.o" "$out/lib_table.c" &&
	g++ -std=c++17 -isystem "$top/tools/testing/core" -I"$out/installed/include" -o "$out/cxx-planted" \
		"$here/cxx.cc" "$out/lib_table-planted.o" -L"$out/installed/lib" "$rpath" -lmemstate -pthread
"$out/cxx-planted" 2>&1 | grep -q '^not ok .* those of C'
result $? "C++: a table that differs is found"

[ "${1-}" != host ] || tap_end

# guest KERNEL [quick]
guest() {
	local kernel=$1 module
	module=$("$top/tools/testing/vm/module.sh" "$kernel" | tail -n 1)
	mkdir -p "$out/$kernel"
	cp "$out"/{agent,load,pool,pool_steps,hooks,jemalloc_hooks.so} "$out/$kernel"
	relay "$kernel" "$top/tools/testing/vm/vm.sh" -k "$kernel" -m 2G -t 2400 -w "$out/$kernel" -- \
		bash "$here/guest.sh" "$top" "$out/$kernel" "$module" "${2-}"
}
tap_limit=2700
guest 6.1
# There io_uring can be switched off.
guest 7.3 quick
{
	echo "redis|allocated|active|resident|RSS|Ready|Prepared|charged"
	sed -n 's/^# table //p' "$out/6.1.tap"
} | column -t -s '|' >"$out/table"
sed 's/^/# /' "$out/table"
tap_end
