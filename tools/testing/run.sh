#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [SUITE...]: run test suites, and sum up. There are three lanes at once, in each one
# suite after the other: machines with two processors, which are in each other's way where
# there are more of them than the host has; machines with one; and suites without a machine.
#
# A suite is a command that prints TAP. It counts as failed, too, when it prints
# no plan, fewer tests than planned, or exits with an error although no test
# failed: then something died that should have spoken.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
# shellcheck source=tools/testing/cache.sh
. "$here/cache.sh"
out=$top/build/test
mkdir -p "$out"
cd "$top" || exit 1

# What a compiler has made of the same input is taken from before; wherever the tree lies.
export CCACHE_DIR=$cache/ccache CCACHE_BASEDIR=$top CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=3G
PATH=/usr/lib/ccache:$PATH

# Lane, name, command. The longest first, so that the end is not one long wait.
suites() {
	cat <<-LIST
	two kasan $here/selftests/run.sh kasan
	two kcsan $here/selftests/run.sh kcsan
	two kernel-6.1 $here/selftests/run.sh 6.1
	two limits $here/limits/run.sh
	two kernel-7.3 $here/selftests/run.sh 7.3
	two kernel-6.12 $here/selftests/run.sh 6.12
	two demo $here/demo/test.sh
	one packages $here/packages/run.sh
	one docs $here/docs/run.sh
	one oci $here/oci/run.sh
	one examples $here/examples/run.sh
	one install $here/install/run.sh
	one plot $here/plot/run.sh
	one top $here/top/run.sh
	one export $here/export/run.sh
	one observe $here/observe/run.sh
	one vm $here/vm/test.sh
	one icount $here/bench/gate.sh
	none static $here/static/run.sh
	none malloc $here/malloc/run.sh
	none core $here/core/run.sh
	none replay $here/replay/run.sh
	none model $here/model/run.sh
	none tap $here/tap/run.sh
	LIST
}

# Only where they are asked for
long_suites() {
	echo "two kernel-7.2 $here/selftests/run.sh 7.2"
	echo "none programs $here/malloc/suites.sh"
}

# Count a TAP stream: prints "passed failed skipped", and why it failed itself.
count() {
	awk -v status="$2" '
	/^1\.\.[0-9]+/ { split($1, a, "[.][.]"); plan = a[2]; planned = 1
		if (plan == 0 && /SKIP/) skip++ }
	/^ok [0-9]*.*# *SKIP/ || /^ok.*# skip/ { skip++; seen++; next }
	/^not ok.*# *TODO/ { skip++; seen++; next }
	/^ok/ { pass++; seen++ }
	/^not ok/ { fail++; seen++ }
	/^Bail out!/ { fail++; bail = 1 }
	END {
		if (!planned) { fail++; why = why " no plan;" }
		else if (seen != plan && !bail) {
			fail++; why = why " planned " plan ", saw " seen + 0 ";" }
		if (status != 0 && !fail) { fail++; why = why " exit " status ";" }
		printf "%d %d %d%s\n", pass, fail, skip, why
	}' "$1"
}

# Seconds by the clock, and of processors: what is worth to be made shorter is the latter,
# as lanes wait for each other's.
run_suite() {
	local name=$1 TIMEFORMAT='%0R %0U %0S'
	shift
	echo "# $name: began"
	{ time "$@" >"$out/$name.tap" 2>"$out/$name.err" </dev/null; } 2>"$out/$name.time"
	count "$out/$name.tap" $? >"$out/$name.count"
	echo "# $(summary "$name")"
}

# summary NAME: what became of a suite, on a line
summary() {
	local passed failed skipped why real user system
	read -r passed failed skipped why <"$out/$1.count"
	read -r real user system <"$out/$1.time"
	echo "$1: $passed passed, $failed failed, $skipped skipped, $real s, $((user + system)) s of processors"
}

# wanted [SUITE...]: these, or all that need not be asked for
wanted() {
	local lane name command
	{ suites; [ $# -eq 0 ] || long_suites; } | while read -r lane name command; do
		[ $# -eq 0 ] || [[ " $* " == *" $name "* ]] && echo "$lane $name $command"
	done
}

# lane LANE [SUITE...]: what is wanted of it. That of two processors, when it is through,
# takes from the end of what machines with one have left.
lane() {
	local lane=$1 name command
	shift
	while read -r name command; do
		# shellcheck disable=SC2086 # a command line
		! mkdir "$out/claimed/$name" 2>/dev/null || run_suite "$name" $command
	done < <(wanted "$@" | sed -n "s/^$lane //p"
		[ "$lane" != two ] || wanted "$@" | sed -n 's/^one //p' | tac)
}

known=$({ suites; long_suites; } | cut -d ' ' -f 2 | tr '\n' ' ')
for name; do
	[[ " $known" == *" $name "* ]] || {
		echo "run.sh: no such suite: $name; there are: $known" >&2
		exit 2
	}
done
mapfile -t names < <(wanted "$@" | cut -d ' ' -f 2)
# Many build this: two at once would write the same files. That it cannot be built they say.
make -s -j2 -C userspace all >"$out/userspace.log" 2>&1 || :
rm -rf "$out/claimed"
mkdir "$out/claimed"
for lane in two one none; do lane $lane "$@" & done
wait

# What was skipped, then what each suite took, then what failed: the end of a log
# is what is kept of it and read.
passed=0 failed=0 skipped=0
for name in "${names[@]}"; do
	grep -h '# *SKIP' "$out/$name.tap" | sed "s/^/$name: /"
done
for name in "${names[@]}"; do
	read -r p f s why <"$out/$name.count"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	summary "$name"
done
for name in "${names[@]}"; do
	read -r p f s why <"$out/$name.count"
	[ "$f" -gt 0 ] || continue
	[ -z "$why" ] || echo "$name: $why"
	echo "$name: the last of what it said:"
	grep '^#' "$out/$name.tap" | tail -n 20
	tail -n 20 "$out/$name.err"
	grep -h '^not ok\|^Bail out!' "$out/$name.tap" | sed "s/^/$name: /"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
