#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The demo as a test: it comes to its end, and shows what it promises.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
log=$top/build/test/demo.log

# has NAME PATTERN: the log does
has() {
	grep -q "$2" "$log"
	result $? "$1" /dev/null
}

tap_begin "$(dirname "$log")"
make -s -C "$top/userspace" all >&2 && "$here/run.sh" >"$log" 2>&1 &&
	grep -q "all totals are 0 and the module is gone" "$log"
result $? comes_to_its_end_with_nothing_left "$log"
has "a_program_with_nothing_of_ours_is_seen" "^[0-9]* *python3 *observed .* MiB .*|"
has "it_is_limited_and_refused_and_goes_on" "MemoryError after [3-6][0-9] MiB, and alive"
has "a_static_one_beside_it_ends_by_itself" "^exit status [1-9][0-9]*, and what was killed: oom_kill 0"
has "the_refusal_is_told" '^last refusal: .*comm="'
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
	grep -qF "/build/run/$picture" "$log" && [ -s "$top/build/run/$picture" ]
	result $? "picture.$picture" /dev/null
done
tap_end
