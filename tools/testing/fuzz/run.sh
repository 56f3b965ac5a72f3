#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [OPTION...]: fuzzes the module on the debug kernel kasan, in a virtual machine. README
# says how, and what it tells. Prints TAP.
#
# --seconds S     how long (60)
# --seed N        begin with this one, which decides all that chance does (SEED, or the time)
# --steps M       so many rounds, in place of a time
# --round STEPS   only this one, as a finding names it; --times T: so many times
# --parameters P  of the module, each time that it is loaded
# --kernel NAME   another one: without coverage each round is new, but there are ten for one
# --uncovered     in the end, how much of each function has not run
#
# Whatever the module's sources are in SRC, or in this tree: faults/ has mistakes to try it with.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
vm=$top/tools/testing/vm
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"

out=${OUT:-$top/build/fuzz}
kernel=kasan seconds=60 seed=${SEED:-$(date +%s)} uncovered='' options=()
while [ $# -gt 0 ]; do
	case $1 in
	--seconds)   seconds=$2; shift ;;
	--seed)      seed=$2; shift ;;
	--kernel)    kernel=$2; shift ;;
	--steps|--round|--times|--parameters) options+=("$1" "$2"); shift ;;
	--uncovered) uncovered=1 ;;
	*)           sed -n 's/^# \{0,1\}//; 4,15p' "$0" >&2; exit 2 ;;
	esac
	shift
done
case ${options[*]} in *--steps*|*--round*) ;; *) options+=(--seconds "$seconds") ;; esac
[ "$seconds" -ge 1 ] 2>/dev/null || { echo "run.sh: no number of seconds: $seconds" >&2; exit 2; }
options+=(--seed "$seed")

tap_begin "$out"
build() {
	mkdir -p "$top/build/fuzz" && flock "$top/build/fuzz" make -s -j2 -C "$here" &&
		OUT=$out/module-$kernel "$vm/module.sh" "$kernel" ${coverage:+MEMSTATE_KCOV=y}
}
coverage=
[ "$kernel" != kasan ] || coverage=y
try "the fuzzer builds, and the module for coverage" build || tap_end
module=$out/module-$kernel/memstate.ko
# At each block that is seen there stands a call.
objdump -dr --no-show-raw-insn "$module" >"$out/code"
blocks=$(grep -c __sanitizer_cov_trace_pc "$out/code")

# What it writes comes line by line: of a machine that has died, the last ones are known.
"$vm/vm.sh" -k "$kernel" -s 2 -t $((seconds + 900)) -w "$out" -o "$out/console.log" -- \
	"$top/build/fuzz/fuzz" "${options[@]}" --module "$module" \
	${coverage:+--blocks "$blocks"} \
	--reports "$(grep -v '^#' "$vm/reports" | paste -sd '|')" --coverage "$out/coverage" \
	>"$out/said" 2>"$out/vm.err"
status=$?
cat "$out/vm.err" >>"$out/said"
grep -E '^(# (fuzz|again|process )|FINDING)' "$out/said" | sed '/^#/!s/^/# /' | tail -n 12
[ $status = 0 ]
result $? "nothing is found (seed $seed)"

# By function: blocks that have run, and all.
[ -z "$uncovered" ] || awk '
	FNR == NR { ran["0x" $1] = 1; next }
	/^Disassembly of section/ { text = / \.text:$/ }
	/^[0-9a-f]+ <.*>:$/ { name = substr($2, 2, length($2) - 3) }
	text && /__sanitizer_cov_trace_pc/ { all[name]++; after = 1; next }
	text && after && /^ +[0-9a-f]+:/ {
		after = 0
		at = $1
		sub(/:$/, "", at)
		if (("0x" at) in ran) seen[name]++
	}
	END { for (f in all) printf "# %3d of %3d  %s\n", seen[f], all[f], f }
	' "$out/coverage" "$out/code" | sort -k 5
tap_end
