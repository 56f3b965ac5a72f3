#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh: what make bench prints. Benchmarks are not tests: a missed target is
# said, and fails nothing.
# shellcheck disable=SC1091,SC2154 # lib.sh says where everything is
set -u
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# name, ratio to what, at most
targets() {
	cat <<-LIST
	native post getppid 0.15
	native totals_page getppid 0.10
	native post_with_credit post 1.3
	device charge getppid 2
	device drain_record_10000 madvise_64KiB 1.0
	device totals_task_1GiB smaps_rollup 0.001
	LIST
}
record_target=500

# Processor time of a sample, beside what it takes to start: the best of three.
record_cost() {
	local samples
	for samples in 2 1000 1000 1000; do
		FAKE_END=$samples "$out/record" -o "$out/cost.rec" --interval 0.001 2>&1 || return
	done | awk -v target=$record_target '
		match($0, /, [0-9]+ samples/) { n = substr($0, RSTART + 2) + 0 }
		match($0, /[0-9.]+ s of CPU/) { cpu = substr($0, RSTART) + 0 }
		NR == 1 { start = cpu; few = n; next }
		{ us = (cpu - start) / (n - few) * 1e6; if (NR == 2 || us < best) best = us }
		END { printf "record_sample %.1f us   (target %d: %s)\n", best, target,
			best <= target ? "met" : "missed" }'
}

judge() {
	local where=$1
	while read -r name value unit to ratio; do
		target=$(targets | awk -v w="$where" -v n="$name" -v t="$to" \
			'$1 == w && $2 == n && $3 == t { print $4 }')
		echo "$name $value $unit $to $ratio${target:+   (target $target: $(awk \
			-v r="$ratio" -v t="$target" 'BEGIN { print r <= t ? "met" : "missed" }'))}"
	done
}

bench_build || exit 1
echo "== native"
set -o pipefail
"$out/bench" native | judge native || exit 1
echo "== device, in a virtual machine (emulated: ratios are rough)"
bench_vm 6.1 device -m 3G | judge device || exit 1
echo "== device, in instructions"
bench_vm 6.1 icount -i -m 1G || exit 1
echo "== memstate record: what a sample costs the processor, without the kernel's part"
bench_build_record && record_cost || exit 1
echo "== many ranges given up, by each way of a batch (Documentation/batch.rst)"
echo "== native, embedded books"
MEMSTATE_BACKEND=embedded "$out/batch" time || exit 1
for kernel in 6.1 6.12 7.3; do
	echo "== device, $kernel"
	batch_vm $kernel time -m 2G || exit 1
	echo "== device, $kernel, in instructions"
	batch_vm $kernel icount -i -m 2G || exit 1
done
echo "== limits under stress: bytes that a watcher saw above what was allowed"
"$here/../selftests/run.sh" 6.1 tree >"$out/tree.tap" 2>&1
sed -n 's/^.*charges_never_pass_max_whatever_happens:\(.*\)$/\1/p' \
	"$here/../../../build/selftests-6.1@2-100/raw.log"
