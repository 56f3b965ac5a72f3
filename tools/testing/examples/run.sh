#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [host]: the examples as a reader meets them: built against an installed library by both
# compilers, run with the embedded books, and with the device in virtual machines; and a C++
# program with the library. host: without the virtual machines.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
out=$top/build/examples
bin=$top/build/userspace
nr=0 failed=0
export MEMSTATE_BACKEND=embedded

result() { # status name
	nr=$((nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $nr - $2"
	else
		echo "not ok $nr - $2"
		failed=$((failed + 1))
	fi
}

# try NAME COMMAND...: a test that is a command
try() {
	local name=$1 status
	shift
	timeout 300 "$@" >"$out/try.log" 2>&1 </dev/null
	status=$?
	[ $status = 0 ] || sed 's/^/# /' "$out/try.log" | head -n 30
	result $status "$name"
}

# says STATUS TEXT NAME COMMAND...: exit status, and what is in its message
says() {
	local status=$1 text=$2 name=$3 got
	shift 3
	timeout 60 "$@" >"$out/says.log" 2>&1 </dev/null
	got=$?
	[ $got = "$status" ] && grep -qF -- "$text" "$out/says.log"
	result $? "$name"
	[ $got = "$status" ] || echo "# exit status $got, not $status"
	grep -qF -- "$text" "$out/says.log" || head -n 5 "$out/says.log" | sed "s/^/# without '$text': /"
}

# relay NAME COMMAND...: a program's own TAP
relay() {
	local name=$1 status line bad=0 seen=0 plan=none
	shift
	timeout 300 "$@" >"$out/relay.log" 2>"$out/relay.err" </dev/null
	status=$?
	while IFS= read -r line; do
		case $line in
		"ok "*|"not ok "*)
			nr=$((nr + 1)) seen=$((seen + 1))
			[ "${line%% *}" = ok ] || bad=$((bad + 1))
			echo "${line%%ok *}ok $nr - $name: ${line#* - }"
			;;
		1..*) plan=${line#1..} ;;
		"# "*) echo "$line" ;;
		esac
	done <"$out/relay.log"
	failed=$((failed + bad))
	sed 's/^/# /' "$out/relay.err" | head -n 30
	[ "$plan" = "$seen" ] && { [ $status = 0 ] || [ $bad -gt 0 ]; }
	result $? "$name: came to its end (status $status, $seen of $plan)"
}

echo "TAP version 13"
for tool in gcc g++ clang clang++ make pkg-config redis-server redis-benchmark python3; do
	command -v $tool >/dev/null || { echo "Bail out! no $tool: run deps.sh test"; exit 1; }
done
for package in liburing jemalloc; do
	pkg-config --exists $package || { echo "Bail out! no lib$package-dev: run deps.sh test"; exit 1; }
done
mkdir -p "$out"
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
grep -q 'liburing is not there' "$out/try.log" && grep -q 'jemalloc is not there' "$out/try.log"
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
build_tests >"$out/build.log" 2>&1
result $? "the tests build"
sed 's/^/# /' "$out/build.log"

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
result $? "pool: what it shows runs"
# shown FILE: each line of what a program has said stands in the documentation
shown() {
	while IFS= read -r line; do
		grep -qxF -- "  $line" "$top/Documentation/examples.rst" || { echo "not there: $line"; return 1; }
	done <"$1"
}
shown "$out/pool.embedded" >"$out/shown.log"
result $? "pool: and is what the documentation shows"
sed 's/^/# /' "$out/shown.log"
MEMSTATE_MAX=5M "$out/pool" >"$out/pool.limit"
shown "$out/pool.limit" >"$out/shown.log"
result $? "pool: likewise at a limit"
sed 's/^/# /' "$out/shown.log"
says 1 "over the process's own limit" "pool: no room for its books" env MEMSTATE_MAX=4K "$out/pool"

# The hooks, embedded. jemalloc is not ours to instrument, and does not run below ASan's or
# valgrind's own malloc: what is looked at here is books, under threads, forks and limits.
relay "hooks" env LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks"
relay "hooks, clang's" env LD_PRELOAD="$out/clang/jemalloc_hooks.so" "$out/hooks"
relay "hooks, four arenas" env MALLOC_CONF=narenas:4 LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks"
relay "hooks, with jemalloc's own thread" env MALLOC_CONF=background_thread:true,dirty_decay_ms:1000000 \
	LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks"
# Where mappings lie differs from one to the next, and with it what jemalloc cuts off.
starts() {
	for _ in {1..30}; do
		LD_PRELOAD=$out/jemalloc_hooks.so "$out/hooks" 0 >"$out/starts.log" ||
			{ cat "$out/starts.log"; return 1; }
	done
}
starts >"$out/starts.said"
result $? "hooks: thirty starts agree"
sed 's/^/# /' "$out/starts.said"
relay "hooks at a limit" env LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks" 64
says 0 "there is no jemalloc in this program" "hooks without jemalloc" \
	env LD_PRELOAD="$out/jemalloc_hooks.so" true
says 0 "not accounted" "hooks without a back end" \
	env MEMSTATE_BACKEND=nonsense LD_PRELOAD="$out/jemalloc_hooks.so" redis-server --version

# The agent's command line.
says 2 "a cgroup's directory is needed" "agent without a directory" "$out/agent"
says 2 "'0' is not a percentage" "agent --raise 0" "$out/agent" --raise 0 /
says 2 "'5x' is not a percentage" "agent --raise 5x" "$out/agent" --raise 5x /
says 2 "usage: agent" "agent --nonsense" "$out/agent" --nonsense
says 0 "usage: agent" "agent --help" "$out/agent" --help
says 2 "a command is missing after --" "agent without a command" "$out/agent" / --
says 1 "No such file or directory" "agent of no cgroup" "$out/agent" /nonexistent
says 1 "so by epoll" "agent built without liburing says so" "$out/few/agent" --uring /nonexistent
[ -e /dev/memstate ] || says 1 "no io_uring: /dev/memstate: No such file" \
	"agent --uring without the device says so" "$out/agent" --uring /nonexistent

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

# guest KERNEL [quick]
guest() {
	local kernel=$1 module status line
	module=$("$top/tools/testing/vm/module.sh" "$kernel" | tail -n 1)
	mkdir -p "$out/$kernel"
	cp "$out"/{agent,load,pool,pool_steps,hooks,jemalloc_hooks.so} "$out/$kernel"
	"$top/tools/testing/vm/vm.sh" -k "$kernel" -m 2G -t 1200 -w "$out/$kernel" -- \
		bash "$here/guest.sh" "$top" "$out/$kernel" "$module" "${2-}" \
		>"$out/$kernel.log" 2>"$out/$kernel.err" </dev/null
	status=$?
	while IFS= read -r line; do
		case $line in
		"ok "*|"not ok "*)
			nr=$((nr + 1))
			[ "${line%% *}" = ok ] || failed=$((failed + 1))
			echo "${line%%ok *}ok $nr - $kernel: ${line#* - }"
			;;
		"# "*) echo "$line" ;;
		esac
	done <"$out/$kernel.log"
	grep -q '^# the end' "$out/$kernel.log"
	result $? "$kernel: came to its end"
	[ $status = 0 ] || tail -n 30 "$out/$kernel.err" | sed 's/^/# /'
	result $status "$kernel: console is clean (vm.sh: $status)"
}
if [ "${1-}" = host ]; then
	echo "1..$nr"
	exit $((failed > 0))
fi
guest 6.1
# There io_uring can be switched off.
guest 7.2 quick
{
	echo "redis|allocated|active|resident|RSS|Ready|Prepared|charged"
	sed -n 's/^# table //p' "$out/6.1.log"
} | column -t -s '|' >"$out/table"
sed 's/^/# /' "$out/table"
echo "1..$nr"
[ $failed = 0 ]
