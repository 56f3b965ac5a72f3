#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [SUITE...]: run test suites, and sum up: two at a time of those with virtual machines,
# which wait for something now and then, and beside them one of those without.
#
# A suite is a command that prints TAP. It counts as failed, too, when it prints
# no plan, fewer tests than planned, or exits with an error although no test
# failed: then something died that should have spoken.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
out=$top/build/test
jobs=${MEMSTATE_TEST_JOBS:-2}
mkdir -p "$out"
cd "$top" || exit 1

# name: command. The longest first, so that the end is not one long wait.
suites() {
	cat <<-LIST
	kasan: $here/selftests/run.sh kasan
	kcsan: $here/selftests/run.sh kcsan
	packages: $here/packages/run.sh
	docs: $here/docs/run.sh
	oci: $here/oci/run.sh
	examples: $here/examples/run.sh
	install: $here/install/run.sh
	top: $here/top/run.sh
	kernel-6.1: $here/selftests/run.sh 6.1
	demo: $here/demo/test.sh
	export: $here/export/run.sh
	plot: $here/plot/run.sh
	limits: $here/limits/run.sh
	kernel-7.3: $here/selftests/run.sh 7.3
	kernel-6.12: $here/selftests/run.sh 6.12
	observe: $here/observe/run.sh
	icount: $here/bench/gate.sh
	LIST
}

# Without a virtual machine
host_suites() {
	cat <<-LIST
	static: $here/static/run.sh
	malloc: $here/malloc/run.sh
	core: $here/core/run.sh
	replay: $here/replay/run.sh
	model: $here/model/run.sh
	tap: $here/tap/run.sh
	LIST
}

# Only where they are asked for
long_suites() {
	echo "programs: $here/malloc/suites.sh"
	echo "kernel-7.2: $here/selftests/run.sh 7.2"
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

run_suite() {
	local name=$1 began=$SECONDS
	shift
	echo "# $name: began"
	"$@" >"$out/$name.tap" 2>"$out/$name.err" </dev/null
	echo $? >"$out/$name.status"
	echo $((SECONDS - began)) >"$out/$name.seconds"
	echo "# $name: $(count "$out/$name.tap" "$(cat "$out/$name.status")" |
		awk '{ printf "%d passed, %d failed, %d skipped", $1, $2, $3 }'), $(cat "$out/$name.seconds") s"
}

# wanted SUITE...: of the list on stdin these, or all
wanted() {
	local line
	while read -r line; do
		[ $# -eq 0 ] || [[ " $* " == *" ${line%%:*} "* ]] && echo "$line"
	done
}

# lane JOBS: of the list on stdin so many at a time
lane() {
	local name command running=0
	while IFS=: read -r name command; do
		# shellcheck disable=SC2086 # a command line
		run_suite "$name" $command &
		running=$((running + 1))
		if [ $running -ge "$1" ]; then
			wait -n
			running=$((running - 1))
		fi
	done
	wait
}

asked() { suites; [ $# -eq 0 ] || long_suites; }
mapfile -t names < <({ asked "$@"; host_suites; } | wanted "$@" | sed 's/:.*//')
# Many build this: two at once would write the same files. That it cannot be built they say.
make -s -j2 -C userspace all >"$out/userspace.log" 2>&1 || :
lane "$jobs" < <(asked "$@" | wanted "$@") &
lane 1 < <(host_suites | wanted "$@") &
wait

if [ ${#names[@]} -eq 0 ]; then
	echo "run.sh: no such suite: $*; there are:$({ suites; host_suites; long_suites; } | sed 's/:.*//' | tr '\n' ' ')" >&2
	exit 2
fi

# What was skipped, then what each suite took, then what failed: the end of a log
# is what is kept of it and read.
passed=0 failed=0 skipped=0
for name in "${names[@]}"; do
	grep -h '# *SKIP' "$out/$name.tap" | sed "s/^/$name: /"
done
for name in "${names[@]}"; do
	read -r p f s why < <(count "$out/$name.tap" "$(cat "$out/$name.status")")
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	echo "$name: $p passed, $f failed, $s skipped, $(cat "$out/$name.seconds") s"
done
for name in "${names[@]}"; do
	read -r p f s why < <(count "$out/$name.tap" "$(cat "$out/$name.status")")
	[ "$f" -gt 0 ] || continue
	[ -z "$why" ] || echo "$name: $why"
	echo "$name: the last of what it said:"
	grep '^#' "$out/$name.tap" | tail -n 20
	tail -n 20 "$out/$name.err"
	grep -h '^not ok\|^Bail out!' "$out/$name.tap" | sed "s/^/$name: /"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
