#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [host] [guest]: memstate top, as TAP.
# host: what it reads and how it orders it, its text, its screen on terminals of two kinds and
# two sizes, on made-up figures. guest: with the module, in a virtual machine.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
build=$top/build/top
kernel=${MEMSTATE_KERNEL:-6.1}
python=/usr/bin/python3	# that of the package that pyte is for
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
export ASAN_OPTIONS=abort_on_error=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

parts "host guest" "$@"
tap_begin "$dir"
tap_limit=2100
memstate=$top/build/userspace/memstate

# ---- with the module --------------------------------------------------------------

guest() {
	local module
	part host || must userspace all
	module=$("$here/../vm/module.sh" "$kernel" 2>"$dir/said" | tail -n 1)
	[ -f "$module" ] || { result 1 "module builds"; return; }
	mkdir -p "$build"
	cat >"$build/guest.sh" <<-GUEST
	$here/../reachable.sh $memstate
	insmod $module || exit 1
	export MEMSTATE_BACKEND=device
	$python $here/screen.py module $memstate
	status=\$?
	rmmod memstate || { echo "# rmmod failed"; exit 1; }
	exit \$status
	GUEST
	relay "kernel $kernel" "$here/../vm/vm.sh" -k "$kernel" -t 1800 -- bash "$build/guest.sh"
}
part host || { guest; tap_end; }

# ---- build ------------------------------------------------------------------------

try "builds" userspace all
programs top
for cc in gcc clang; do
	try "$cc has no warning" program top "fake_top.$cc"
done
for test in data view; do
	try "$test test builds" program top $test
done
try "program on made-up figures builds" program top fake_top
[ $tap_failed = 0 ] || tap_end
fake=$build/fake_top

# The screen, beside what comes before it is told of: its tests wait a lot.
mapfile -t screens < <("$python" "$here/screen.py" parts | xargs -n 4)
for i in "${!screens[@]}"; do
	# shellcheck disable=SC2086 # a list
	beside "screen $((i + 1))" "$python" "$here/screen.py" fake "$fake" ${screens[i]}
done

# ---- data -------------------------------------------------------------------------

mkdir "$dir/data" "$dir/text-tree"
mapfile -t ids < <("$python" "$here/fake.py" "$dir/data" | sed 's/.*=//')
relay data "$build/data" "$dir/data" "${ids[@]}"
relay view env LC_ALL=C "$build/view"

# ---- text -------------------------------------------------------------------------

"$python" "$here/fake.py" "$dir/text-tree" >/dev/null
batch() { timeout 300 "$fake" "$dir/text-tree" --batch --delay 0.1 "$@"; }
batch --iterations 1 >"$dir/table" 2>"$dir/said"
result $? "--batch ends after --iterations"
cp "$dir/table" "$dir/said"
has() { grep -qE -- "$2" "$dir/table"; result $? "--batch $1"; }
has "counts groups and tasks" '^memstate top +..:..:.. +5 groups, 4 tasks$'
has "sums up" '^unaccounted 512 MiB: anon 1.00 GiB observed, 512 MiB reported \(50%\)$'
has "labels bands" '^ +-+ reported -+ -+ enforced -+ -* *observed *-* -+ compared -+$'
has "heads columns" '^GROUP / TASK ▲pid +RESERVED +PREPARED +READY +CHARGED +HIGH +MAX +PRESSURE +OBSERVED +ANON +COVERAGE +UNACCOUNTED$'
has "shows limits, pressure, coverage and what is unaccounted" \
	'^  web.slice/ +300 MiB 10.0 MiB 80.0 MiB 80.0 MiB 96.0 MiB +128 MiB +high +- +100 MiB +90% +10.0 MiB$'
has "shows what is not known" '^    blank me/ .* - +- +-$'
has "shows tasks below their group" '^      101 redis-server .* 100% +0 B$'
has "sends no escapes on" '^    103 odd[?]name '
for options in "" --classes "--history --sort scale" "--flat --sort ready" "--flat --no-tasks"; do
	# shellcheck disable=SC2086 # a list
	LC_ALL=C batch --iterations 1 $options >"$dir/said" 2>&1 &&
		awk 'NR > 2 { width[length($0)] } END { for (w in width) n++; exit n != 1 }' "$dir/said"
	result $? "--batch $options: lines are of one width"
done
batch --iterations 3 >"$dir/said" 2>&1
[ "$(grep -c '^GROUP' "$dir/said")" = 3 ]
result $? "--iterations 3 prints three tables"
batch --iterations 1 --no-tasks >"$dir/said" 2>&1
[ "$(grep -c '' "$dir/said")" = 9 ] && ! grep -q redis-server "$dir/said"
result $? "--no-tasks leaves five groups"
# rows OPTION...: what stands first in each line of a table
rows() { batch --iterations 1 "$@" | sed 1,4d | awk '{ printf "%s ", $1 }'; }
rows_are() { # what option...
	local want=$1
	shift
	rows "$@" >"$dir/rows"
	cat "$dir/rows"
	[ "$(cat "$dir/rows")" = "$want " ]
}
try "--sort ready" rows_are "/ web.slice/ redis/ 101 102 blank batch/ 103 104" --sort ready
try "--sort ready --reverse" rows_are "/ batch/ 103 web.slice/ blank redis/ 102 101 104" \
	--sort ready --reverse
try "--sort name" rows_are "/ batch/ 103 web.slice/ blank redis/ 102 101 104" --sort name
try "--sort pid --reverse" rows_are "/ web.slice/ redis/ 102 101 blank batch/ 103 104" \
	--sort pid --reverse
try "--flat --sort ready" rows_are "101 102 103 104" --flat --sort ready
try "--flat --no-tasks --sort reserved" \
	rows_are "/ /web.slice /web.slice/redis /batch /web.slice/blank" --flat --no-tasks --sort reserved
columns=$("$fake" "$dir/text-tree" --help | sed -n '/^Columns to sort by:/,$ { /:/!p }')
[ "$(wc -w <<<"$columns")" = 23 ]
result $? "--help names 23 columns"
for column in $columns; do
	says_like "--sort $column is taken, and marked" 0 "  by $column$|▲pid" \
		batch --iterations 1 --sort "$column"
done
says_like "--sort in the heading" 0 ' ▼READY ' batch --iterations 1 --sort ready
says_like "--sort in the heading, in ASCII" 0 ' -READY ' env LC_ALL=C "$fake" "$dir/text-tree" \
	--batch --iterations 1 --sort ready
try "--cgroup leaves it, all below it and all above it" \
	rows_are "/ web.slice/ redis/ 101 102" --cgroup /web.slice/redis
says_like "--cgroup is in the title" 0 '  only /web.slice/redis$' \
	batch --iterations 1 --cgroup web.slice/redis
mkdir "$dir/text-tree/cgroup mount/docker-0123456789abcdef.scope"
says_like "--cgroup of a container that has nothing to show" \
	0 '^\(nothing in /docker-0123456789abcdef.scope has reported yet\)$' \
	batch --iterations 1 --cgroup 0123456789ab
mkdir -p "$dir/text-tree/cgroup mount/other/libpod-0123456789abcdef.scope"
says_like "--cgroup of two containers" 1 "'0123456789ab': more than one cgroup has this name" \
	batch --cgroup 0123456789ab
# The last of the first line is the beginning of two containers' names, which is too short.
for name in /nope nope 4 99999999999999999999 0123456789a '' ../.. /web.slice/../.. \
	/web.slice/redis/memory.stat; do
	says_like "--cgroup '$name' is refused" 1 "option '--cgroup': '$name' is neither a cgroup, nor a cgroup's id" \
		batch --iterations 1 --cgroup "$name"
done
says_like "--classes" 0 '^  web.slice/ +ready 50.0 MiB 2.50 MiB 5.00 MiB 7.50 MiB +4 B .* 80.0 MiB$' \
	batch --iterations 1 --classes
says_like "--classes=prepared" 0 '^  web.slice/ +prepared 6.25 MiB .* 10.0 MiB$' \
	batch --iterations 1 --classes=prepared
says_like "--classes=all is --classes" 0 '^ +reserved +187 MiB .* 300 MiB$' \
	batch --iterations 1 --classes=all
says_like "--history" 0 '^    redis/ .* 80.0 MiB +███$' batch --iterations 3 --history
says_like "--history in ASCII" 0 '^    redis/ .* 80.0 MiB +##$' env LC_ALL=C "$fake" \
	"$dir/text-tree" --batch --iterations 2 --delay 0.1 --history=ready
says_like "--history=charged" 0 'CHARGED OVER TIME' batch --iterations 1 --history=charged
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

says_like "--help" 0 '^usage: memstate top ' "$memstate" top --help
for value in 0 x -1 1e9 ''; do
	says_like "--delay '$value' is refused" 2 "'$value' is not a number of seconds" \
		"$memstate" top --delay "$value"
done
for value in 0 x -1 99999999999999999999 ''; do
	says_like "--iterations '$value' is refused" 2 "'$value' is not a number from 1" \
		"$memstate" top --iterations "$value"
done
for value in nonsense '' READY unknown; do
	says_like "--sort '$value' is refused, and told what there is" 2 \
		"option '--sort': '$value' is none of pid name reserved .* user3 total$" \
		"$memstate" top --sort "$value"
done
says_like "--sort without its value" 2 "option '--sort' needs a value" "$memstate" top --sort
says_like "--cgroup without its value" 2 "option '--cgroup' needs a value" "$memstate" top --cgroup
says_like "--classes=nonsense" 2 "'nonsense' is none of ready, prepared, reserved, all" \
	"$memstate" top --classes=nonsense
says_like "--classes= is refused" 2 "'' is none of ready" "$memstate" top --classes=
says_like "--history=nonsense" 2 "'nonsense' is none of ready, charged" \
	"$memstate" top --history=nonsense
says_like "--classes with --history" 2 'are two tables; ask for one' \
	"$memstate" top --classes --history
says_like "unknown option" 2 "unknown option '--nonsense'" "$memstate" top --nonsense
says_like "option without its value" 2 "option '--delay' needs a value" "$memstate" top --delay
says_like "an argument is one too many" 2 "'1' is one argument too many" "$memstate" top 1
says_like "no terminal: tells of --batch" 1 'try: memstate top --batch' "$memstate" top
says_like "memstate help lists it" 0 '^  top ' "$memstate" help

# ---- the screen -------------------------------------------------------------------

for i in "${!screens[@]}"; do
	kept "screen $((i + 1))"
done

! part guest || guest
tap_end
