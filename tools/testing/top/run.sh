#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# memstate top, as TAP: what it reads and how it orders it, its text, its screen on
# terminals of two kinds and two sizes; all that on made-up figures, then with the
# module in a virtual machine.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
build=$top/build/top
kernel=${MEMSTATE_KERNEL:-6.1}
python=/usr/bin/python3	# that of the package that pyte is for
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
n=0 failed=0
export ASAN_OPTIONS=abort_on_error=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

result() { # status name
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		sed 's/^/# /' "$dir/said" | head -n 40
		echo "not ok $n - $2"
		failed=1
	fi
}

# try NAME COMMAND...: a test that is a command
try() {
	local name=$1
	shift
	"$@" >"$dir/said" 2>&1
	result $? "$name"
}

# Pass a program's TAP on, renumbered; one more test says that it came to its end.
relay() { # name command...
	local name=$1 line status plan=-1 seen=0
	shift
	timeout 900 "$@" >"$dir/tap" 2>"$dir/said"
	status=$?
	while IFS= read -r line; do
		case $line in
		"ok "*|"not ok "*)
			n=$((n + 1)) seen=$((seen + 1))
			[ "${line%% *}" = ok ] || failed=1
			echo "${line%%ok *}ok $n - $name: ${line#* - }"
			;;
		1..*) plan=${line#1..} ;;
		*) echo "$line" ;;
		esac
	done <"$dir/tap"
	[ "$plan" = "$seen" ] && { [ $status = 0 ] || [ $failed = 1 ]; }
	result $? "$name: ran to its end (status $status, $seen of $plan)"
}

# said STATUS PATTERN COMMAND...: it ends so, and prints that
# shellcheck disable=SC2317 # try calls it
said() {
	local want=$1 pattern=$2 status
	shift 2
	"$@" >"$dir/text" 2>&1 </dev/null
	status=$?
	cat "$dir/text"
	[ "$status" = "$want" ] && grep -qE -- "$pattern" "$dir/text"
}

# ---- build ------------------------------------------------------------------------

flags=(-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -g -O1 -I"$top/include/uapi"
	-I"$top/kmod/core" -I"$top/userspace/include" -I"$top/userspace/lib"
	-I"$top/userspace/cli" -I"$top/tools/testing/core")
cli=$top/userspace/cli
parts=("$cli"/top*.c "$cli/cgroup.c" "$cli/cgroup_dirs.c" "$cli/cgroup_names.c" "$cli/files.c"
	"$cli/out.c" "$top/userspace/lib/cgroupfs.c" "$top/kmod/core/rules.c")
sources=("$here/fake_top.c" "${parts[@]}")
mkdir -p "$build"

echo "TAP version 13"
make -s -C "$top/userspace" all >"$dir/said" 2>&1
result $? "builds"
lib=$top/build/userspace/libmemstate.a
for cc in gcc clang; do
	command -v $cc >/dev/null || continue
	try "$cc has no warning" $cc "${flags[@]}" -O2 -o "$build/fake_top.$cc" "${sources[@]}" \
		"$lib" -ljson-c -lncursesw -ltinfo
done
flags+=("-fsanitize=address,undefined")
for test in data view; do
	try "$test test builds" gcc "${flags[@]}" -o "$build/$test" "$here/$test.c" \
		"${parts[@]}" "$lib" -ljson-c -lncursesw -ltinfo
done
try "program on made-up figures builds" gcc "${flags[@]}" -o "$build/fake_top" \
	"${sources[@]}" "$lib" -ljson-c -lncursesw -ltinfo
[ $failed = 0 ] || { echo "1..$n"; exit 1; }
fake=$build/fake_top

# ---- data -------------------------------------------------------------------------

mkdir "$dir/data" "$dir/text-tree"
mapfile -t ids < <("$python" "$here/fake.py" "$dir/data" | sed 's/.*=//')
relay data "$build/data" "$dir/data" "${ids[@]}"

# ---- text -------------------------------------------------------------------------

"$python" "$here/fake.py" "$dir/text-tree" >/dev/null
batch() { "$fake" "$dir/text-tree" --batch --delay 0.1 "$@"; }
batch --iterations 1 >"$dir/table" 2>"$dir/said"
result $? "--batch ends after --iterations"
cp "$dir/table" "$dir/said"
has() { grep -qE -- "$2" "$dir/table"; result $? "--batch $1"; }
has "counts groups and tasks" '^memstate top +..:..:.. +5 groups, 4 tasks$'
has "sums up" '^unaccounted 512 MiB: anon 1.00 GiB observed, 512 MiB reported \(50%\)$'
has "labels bands" '^ +-+ reported -+ -+ enforced -+ -* *observed *-* -+ compared -+$'
has "heads columns" '^GROUP / TASK +RESERVED +PREPARED +READY +CHARGED +HIGH +MAX +PRESSURE +ANON +COVERAGE +UNACCOUNTED$'
has "shows limits, pressure, coverage and what is unaccounted" \
	'^  web.slice/ +300 MiB 10.0 MiB 80.0 MiB 80.0 MiB 96.0 MiB +128 MiB +high +100 MiB +90% +10.0 MiB$'
has "shows what is not known" '^    blank me/ .* - +- +-$'
has "shows tasks below their group" '^      101 redis-server .* 250% +0 B$'
has "sends no escapes on" '^    103 odd[?]name '
awk 'NR > 2 { width[length($0)] } END { for (w in width) n++; exit n != 1 }' "$dir/table"
result $? "--batch lines are of one width"
batch --iterations 3 >"$dir/said" 2>&1
[ "$(grep -c '^GROUP' "$dir/said")" = 3 ]
result $? "--iterations 3 prints three tables"
batch --iterations 1 --no-tasks >"$dir/said" 2>&1
[ "$(grep -c '' "$dir/said")" = 9 ] && ! grep -q redis-server "$dir/said"
result $? "--no-tasks leaves five groups"
for locale in C C.UTF-8; do
	LC_ALL=$locale batch --iterations 1 >"$dir/said" 2>&1
	result $? "--batch in locale $locale"
done
echo "standard output is full" >"$dir/said"
! batch --iterations 1 >/dev/full 2>>"$dir/said"
result $? "--batch on a full disk fails"
batch 2>"$dir/said" | head -n 3 >/dev/null
[ "${PIPESTATUS[0]}" = 141 ]
result $? "--batch ends with who reads it"

# ---- command line -----------------------------------------------------------------

memstate=$top/build/userspace/memstate
try "--help" said 0 '^usage: memstate top ' "$memstate" top --help
for value in 0 x -1 1e9 ''; do
	try "--delay '$value' is refused" said 2 "'$value' is not a number of seconds" \
		"$memstate" top --delay "$value"
done
for value in 0 x -1 99999999999999999999 ''; do
	try "--iterations '$value' is refused" said 2 "'$value' is not a number from 1" \
		"$memstate" top --iterations "$value"
done
try "unknown option" said 2 "unknown option '--nonsense'" "$memstate" top --nonsense
try "option without its value" said 2 "option '--delay' needs a value" "$memstate" top --delay
try "an argument is one too many" said 2 "'1' is one argument too many" "$memstate" top 1
try "no terminal: tells of --batch" said 1 'try: memstate top --batch' "$memstate" top
try "memstate help lists it" said 0 '^  top ' "$memstate" help

# ---- the screen -------------------------------------------------------------------

relay screen "$python" "$here/screen.py" fake "$fake"

module=$("$here/../vm/module.sh" "$kernel" 2>"$dir/said" | tail -n 1)
if [ -f "$module" ]; then
	cat >"$build/guest.sh" <<-GUEST
	insmod $module || exit 1
	export MEMSTATE_TEST_WAIT=90 MEMSTATE_BACKEND=device
	$python $here/screen.py module $memstate
	status=\$?
	rmmod memstate || { echo "# rmmod failed"; exit 1; }
	exit \$status
	GUEST
	relay "kernel $kernel" "$here/../vm/vm.sh" -k "$kernel" -t 300 -- bash "$build/guest.sh"
else
	result 1 "module builds"
fi

echo "1..$n"
exit $failed
