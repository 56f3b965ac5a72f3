#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [host] [guest]: the examples as a reader meets them.
# host: built against an installed library by both compilers, run with the embedded books; and a
# C++ program with the library. guest: with the device, in virtual machines.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
parts "host guest" "$@"
first=host
part host || first=guest
out=$top/build/examples
bin=$top/build/userspace
export MEMSTATE_BACKEND=embedded

own=$out/$first
tap_begin "$own"
needs gcc g++ clang clang++:clang make pkg-config redis-server redis-benchmark:redis-tools python3 || tap_end
! part host || needs pytest-3:python3-pytest || tap_end
for package in liburing jemalloc; do
	pkg-config --exists $package || bail "no lib$package-dev: run deps.sh all"
done
# In the tree, with what it has just built
in_tree() {
	userspace all && made "$own/tree" -C "$top/userspace/examples" O="$own/tree" \
		LDFLAGS="-Wl,-rpath,$bin" MEMSTATE_CFLAGS="-I$top/userspace/include -I$top/include/uapi" \
		MEMSTATE_LIBS="-L$bin -lmemstate" all
}
# Their own Makefile does not know of a header that has changed.
changed=$(find "$top"/{userspace/examples,userspace/include,include/uapi} "$here/run.sh" \
	-newer "$own/built" 2>&1)
[ -z "$changed" ] || rm -rf "${own:?}"/{tree,gcc,clang,few}
: >"$own/built"

# guest_of KERNEL [quick]
guest_of() {
	local kernel=$1 module
	module=$("$top/tools/testing/vm/module.sh" "$kernel" | tail -n 1)
	mkdir -p "$out/$kernel"
	cp "$own"/tree/{agent,pool,jemalloc_hooks.so} "$out"/{load,pool_steps,hooks} "$out/$kernel"
	relay "$kernel" "$top/tools/testing/vm/vm.sh" -k "$kernel" -m 2G -t 2400 -w "$out/$kernel" -- \
		bash "$here/guest.sh" "$top" "$out/$kernel" "$module" "${2-}"
}
guest() {
	must in_tree
	must program examples pool_steps load hooks
	tap_limit=2700
	guest_of 6.1
	# There io_uring can be switched off.
	guest_of 7.3 quick
	{
		echo "redis|allocated|active|resident|RSS|Ready|Prepared|charged"
		sed -n 's/^# table //p' "$tap_dir/6.1.tap"
	} | column -t -s '|' >"$out/table"
	sed 's/^/# /' "$out/table"
}
part host || { guest; tap_end; }

rm -rf "$out/installed"

# As a reader would: an installed tree, and pkg-config.
try "the library is installed" userspace PREFIX="$out/installed" install
cp -a "$top/userspace/examples" "$out/installed/examples"
export PKG_CONFIG_PATH=$out/installed/lib/pkgconfig
rpath=-Wl,-rpath,$out/installed/lib
for cc in gcc clang; do
	mkdir -p "$own/$cc"
	try "$cc: all three build against it without a warning" make -s -C "$out/installed/examples" \
		CC=$cc CFLAGS="-O2 -g -Werror" LDFLAGS="$rpath" O="$own/$cc" all
	for f in pool agent jemalloc_hooks.so; do
		[ -x "$own/$cc/$f" ]
		result $? "$cc: $f is there"
	done
done
try "without liburing and jemalloc the rest builds, and says so" bash -c "
	mkdir -p '$own/few' && make -C '$out/installed/examples' O='$own/few' LDFLAGS='$rpath' HAVE_URING= HAVE_JEMALLOC= all &&
	[ -x '$own/few/agent' ] && [ ! -e '$own/few/jemalloc_hooks.so' ]"
grep -q 'liburing is not there' "$tap_dir/said" && grep -q 'jemalloc is not there' "$tap_dir/said"
result $? "(each of them)"
unset PKG_CONFIG_PATH
try "one copy of the sources is in the tree" diff -r "$top/userspace/examples" "$out/installed/examples"

# In the tree
try "in the tree: build" in_tree
programs examples
try "the tests build" program examples pool_steps load hooks

# The pool, embedded; with the library's own code under the sanitizers.
for cc in gcc clang; do
	try "pool: builds under $cc's sanitizers" program examples "pool_steps-$cc"
	relay "pool, $cc's sanitizers" "$out/pool_steps-$cc"
	relay "pool, $cc's sanitizers, with a limit" "$out/pool_steps-$cc" 2500000
done
"$own/tree/pool" >"$tap_dir/pool.embedded" 2>&1
result $? "pool: what it shows runs" "$tap_dir/pool.embedded"
# shown FILE: each line of what a program has said stands in the documentation
shown() {
	while IFS= read -r line; do
		grep -qxF -- "  $line" "$top/Documentation/examples.rst" || { echo "not there: $line"; return 1; }
	done <"$1"
}
try "pool: and is what the documentation shows" shown "$tap_dir/pool.embedded"
MEMSTATE_MAX=5M "$own/tree/pool" >"$tap_dir/pool.limit"
try "pool: likewise at a limit" shown "$tap_dir/pool.limit"
says "pool: no room for its books" 1 "over the process's own limit" env MEMSTATE_MAX=4K "$own/tree/pool"

# The hooks, embedded. jemalloc is not ours to instrument, and does not run below ASan's or
# valgrind's own malloc: what is looked at here is books, under threads, forks and limits.
relay "hooks" env LD_PRELOAD="$own/tree/jemalloc_hooks.so" "$out/hooks"
relay "hooks, clang's" env LD_PRELOAD="$own/clang/jemalloc_hooks.so" "$out/hooks"
relay "hooks, four arenas" env MALLOC_CONF=narenas:4 LD_PRELOAD="$own/tree/jemalloc_hooks.so" "$out/hooks"
relay "hooks, with jemalloc's own thread" env MALLOC_CONF=background_thread:true,dirty_decay_ms:-1 \
	LD_PRELOAD="$own/tree/jemalloc_hooks.so" "$out/hooks"
# Where mappings lie differs from one to the next, and with it what jemalloc cuts off.
starts() {
	for _ in {1..30}; do
		LD_PRELOAD=$own/tree/jemalloc_hooks.so "$out/hooks" 0 >"$tap_dir/starts.log" ||
			{ cat "$tap_dir/starts.log"; return 1; }
	done
}
try "hooks: thirty starts agree" starts
relay "hooks at a limit" env LD_PRELOAD="$own/tree/jemalloc_hooks.so" "$out/hooks" 64
says "hooks without jemalloc" 0 "there is no jemalloc in this program" \
	env LD_PRELOAD="$own/tree/jemalloc_hooks.so" true
says "hooks without a back end" 0 "not accounted" \
	env MEMSTATE_BACKEND=nonsense LD_PRELOAD="$own/tree/jemalloc_hooks.so" redis-server --version

# The agent's command line.
says "agent without a directory" 2 "a cgroup's directory is needed" "$own/tree/agent"
says "agent --raise 0" 2 "'0' is not a percentage" "$own/tree/agent" --raise 0 /
says "agent --raise 5x" 2 "'5x' is not a percentage" "$own/tree/agent" --raise 5x /
says "agent --nonsense" 2 "usage: agent" "$own/tree/agent" --nonsense
says "agent --help" 0 "usage: agent" "$own/tree/agent" --help
says "agent without a command" 2 "a command is missing after --" "$own/tree/agent" / --
says "agent of no cgroup" 1 "No such file or directory" "$own/tree/agent" /nonexistent
says "agent built without liburing says so" 1 "so by epoll" "$own/few/agent" --uring /nonexistent
[ -e /dev/memstate ] || says "agent --uring without the device says so" 1 \
	"no io_uring: /dev/memstate: No such file" "$own/tree/agent" --uring /nonexistent

# The fixture, where there is no module; with it, it is a page's of Documentation/uses.
mkdir -p "$own/pytest"
cp "$top/userspace/examples/limited.py" "$own/pytest"
echo 'from limited import limited' >"$own/pytest/conftest.py"
echo 'def test_any(limited): limited("32M", ["true"])' >"$own/pytest/test_any.py"
[ -e /dev/memstate ] || says "pytest: without the module tests with a limit are skipped, and it is said" 0 \
	"no /dev/memstate: modprobe memstate" pytest-3 -rs -p no:cacheprovider "$own/pytest"

# C++
for cc in gcc clang; do
	# shellcheck disable=SC2086
	try "C++: $cc builds the table of C" $cc -std=c11 -Wall -Wextra -Wpedantic -Werror \
		-I"$out/installed/include" -c -o "$out/lib_table-$cc.o" "$here/lib_table.c"
done
cxx_builds() {
	$cxx -std="$std" -Wall -Wextra -Werror -Wold-style-cast -pthread -isystem "$top/tools/testing/core" \
		-I"$out/installed/include" -c -o "$out/cxx.o" "$here/cxx.cc" &&
	$cxx -o "$out/cxx" "$out/cxx.o" "$out/lib_table-$cc.o" -L"$out/installed/lib" "$rpath" \
		-lmemstate -pthread
}
for cxx in g++ clang++; do
	[ $cxx = g++ ] && cc=gcc || cc=clang
	for std in c++11 c++14 c++17 c++20 c++2b; do
		# shellcheck disable=SC2086
		try "C++: $cxx -std=$std builds and links" cxx_builds
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

! part guest || guest
tap_end
