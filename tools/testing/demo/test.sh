#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The demo as a test: it comes to its end, and shows what it promises.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
log=$top/build/test/demo.log
n=0 failed=0
mkdir -p "$(dirname "$log")"

has() {
	n=$((n + 1))
	if grep -q "$2" "$log"; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		failed=1
	fi
}

echo "TAP version 13"
make -s -C "$top/userspace" all >&2 && "$here/run.sh" >"$log" 2>&1
status=$?
n=$((n + 1))
if [ $status = 0 ] && grep -q "all totals are 0 and the module is gone" "$log"; then
	echo "ok $n - comes_to_its_end_with_nothing_left"
else
	sed 's/^/# /' "$log" | tail -n 40
	echo "not ok $n - comes_to_its_end_with_nothing_left"
	failed=1
fi
for program in redis-server python3 java node; do
	has "table_has.$program" "^[0-9]* *$program .* MiB .*|"
	has "line_has.$program" "$program: Ready+Prepared="
done
has "audit_of_a_real_program_finds_nothing" "^0 differences"
has "ranges_of_a_real_program" " ready  *heap"
has "redis_benchmark_ran" "requests per second"
has "unaccounted_is_shown" "UNACCOUNTED"
has "memory_max_kills" "^memory.max 96M: exit status 137"
has "a_limit_of_ours_is_told" "^MemoryError"
has "and_survived" "^memstate 96M: exit status 0"
has "what_was_enforced" "enforced: max 96.0 MiB.*denied [1-9]"
has "system_totals_are_live" "^system: Ready+Prepared="
has "a_recorded_cache_met_its_limit_and_went_on" "^no memory left [1-9][0-9]* times"
for picture in cache.svg cache.png cache-map.svg cache-map.png system.svg system.png; do
	n=$((n + 1))
	if grep -qF "/build/run/$picture" "$log" && [ -s "$top/build/run/$picture" ]; then
		echo "ok $n - picture.$picture"
	else
		echo "not ok $n - picture.$picture"
		failed=1
	fi
done
echo "1..$n"
exit $failed
