#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [PART...]: the allocator. LIB=path tests another one, as far as it goes.
# The parts, all of them if none is named:
#
# preloaded   conformance, stress, life cycle, what it has to find, at a limit
# variants    the same without the accounting, and in its hardened build
# sanitized   its own code under sanitizers: the same stress with the functions' names prefixed
# sanitized-clang  likewise by clang
# background  its thread that drops memory
# scavenge    the ways to drop memory
# static      linked statically
# faults      system calls made to fail, one after the other
# programs    real programs
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
bin=$top/build/userspace
build=$top/build/malloc		# programs
work=$build/of-${1-all}		# what a run writes: parts may run at once
lib=${LIB:-$bin/libmemstate-malloc.so}
seed=${SEED:-$(date +%s)}
plain=$(command -v setarch >/dev/null && echo "setarch $(uname -m) -R")

export MEMSTATE_BACKEND=embedded
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:die_after_fork=0

# everything that a program sees, under one library and environment
preloaded() { # name library environment...
	local name=$1 library=$2
	shift 2
	relay "$name family" env "$@" LD_PRELOAD="$library" "$build/family"
	relay "$name new and delete" env "$@" LD_PRELOAD="$library" "$build/newdelete"
	relay "$name threads" env "$@" LD_PRELOAD="$library" "$build/threads"
	relay "$name aligned" env "$@" LD_PRELOAD="$library" "$build/aligned"
	relay "$name remote frees" env "$@" LD_PRELOAD="$library" "$build/remote"
	try "$name stress: four threads, seed $seed" \
		env "$@" LD_PRELOAD="$library" "$build/stress" "$seed" 4 60000
	try "$name stress: forty threads, seed $seed" \
		env "$@" LD_PRELOAD="$library" "$build/stress" "$seed" 40 4000
	try "$name stress: memory dropped as soon as it is free, seed $seed" \
		env "$@" MEMSTATE_MALLOC_DECAY_MS=0 LD_PRELOAD="$library" "$build/stress" "$seed" 4 20000
	try "$name stress: fork while others allocate, seed $seed" \
		env "$@" LD_PRELOAD="$library" "$build/stress" "$seed" 4 20000 fork
	try "$name life: atexit, threads that end, fork, vfork, dlopen" \
		env "$@" LD_PRELOAD="$library" "$build/life" "$build/libearly.so"
	try "$name life: a library before it allocates in its constructor and around fork" \
		env "$@" LD_PRELOAD="$build/libearly.so $library" "$build/life" "$build/libearly.so"
	try "$name life: a library behind it does" \
		env "$@" LD_PRELOAD="$library $build/libearly.so" "$build/life" "$build/libearly.so"
}

# inject CALL: each one of that call fails once
inject() {
	local call=$1 n count out=$work/inject.out begun=0
	LD_PRELOAD=$lib strace -f --seccomp-bpf -qq -o "$work/count.log" -e trace="$call" "$build/faults" \
		>/dev/null 2>&1
	count=$(grep -c "$call(" "$work/count.log")
	for n in $(seq 1 "$count"); do
		timeout 300 strace -f --seccomp-bpf -qq -o "$work/inject.log" -e trace="$call" \
			-e inject="$call:error=ENOMEM:when=$n" -E LD_PRELOAD="$lib" \
			"$build/faults" >"$out" 2>&1 && { begun=$((begun + 1)); continue; }
		# The loader may end over it, before there is a program.
		if grep -q begun "$out"; then
			echo "$call number $n failed:"
			cat "$out"
			return 1
		fi
	done
	echo "$count calls, $begun runs came to their end"
	[ "$begun" -gt 0 ]
}

# reserve_of VALUE PATTERN: the reserve is set to VALUE; the program works, and standard error is like
# PATTERN
reserve_of() {
	local err
	err=$(env MEMSTATE_MALLOC_RESERVE="$1" LD_PRELOAD="$lib" "$build/aligned" 2>&1 >"$work/reserve.out") || {
		cat "$work/reserve.out"
		echo "$err"
		return 1
	}
	# shellcheck disable=SC2053 # a pattern
	grep -q '^ok' "$work/reserve.out" && [[ $err == $2 ]] && return
	echo "said: $err"
	return 1
}

part_preloaded() {
	preloaded "plain" "$lib"
	relay "plain new and delete (clang)" env LD_PRELOAD="$lib" "$build/newdelete-clang"
	relay "plain" env LD_PRELOAD="$lib" "$build/death"
	try "life: opened, used by threads, closed" "$build/opened" "$lib"
	[ -z "${LIB:-}" ] || return
	for size in 300000 600000; do
		try "faults: no more than $size KiB of address space" \
			bash -c "ulimit -v $size; LD_PRELOAD=$lib $build/faults"
	done
	for max in 8M 32M 200M; do
		bytes=$((${max%M} << 20))
		try "limit: at $max there is ENOMEM, and afterwards memory again" \
			env MEMSTATE_MAX=$max LD_PRELOAD="$lib" "$build/faults" limit $bytes
	done
	relay "at a limit" env MEMSTATE_MAX=64M LD_PRELOAD="$lib" "$build/refused"
	relay "plain" env LD_PRELOAD="$lib" "$build/seccomp"
	relay "at a limit" env MEMSTATE_MAX=64M LD_PRELOAD="$lib" "$build/seccomp"
	relay "address space" env LD_PRELOAD="$lib" "$build/space"
	relay "address space without accounting" env MEMSTATE_MALLOC_ACCOUNTING=0 LD_PRELOAD="$lib" "$build/space"
	relay "figures" env LD_PRELOAD="$lib" "$build/info"
	relay "figures without accounting" env MEMSTATE_MALLOC_ACCOUNTING=0 LD_PRELOAD="$lib" "$build/info"
	for threads in 1 4; do
		relay "churn at a limit, $threads threads, seed $seed" env MEMSTATE_MAX=128M LD_PRELOAD="$lib" \
			"$build/churn" $((800000 / threads)) "$seed" $threads
	done
	relay "many threads" env LD_PRELOAD="$lib" "$build/many"
	relay "many threads without accounting" env MEMSTATE_MALLOC_ACCOUNTING=0 LD_PRELOAD="$lib" "$build/many"
	relay "many threads at a limit" env MEMSTATE_MAX=128M LD_PRELOAD="$lib" "$build/many" limit
	relay "the secret" env LD_PRELOAD="$lib" "$build/secret"
	relay "the secret without getrandom()" strace --seccomp-bpf -qq -o /dev/null \
		-e trace=getrandom -e inject=getrandom:error=ENOSYS -E LD_PRELOAD="$lib" "$build/secret"
	for size in 4K 15M 64X; do
		try "a reserve of $size is said to be wrong, and ignored" reserve_of $size \
			"memstate-malloc: MEMSTATE_MALLOC_RESERVE=$size: not *; ignored"
	done
	for size in 0 16M 17000001 3G 900000T; do
		try "a reserve of $size is taken" reserve_of $size ""
	done
	relay "what cannot be had" env LD_PRELOAD="$lib" "$build/huge"
	relay "what cannot be had at a limit" env MEMSTATE_MAX=64M LD_PRELOAD="$lib" "$build/huge" limit
	relay "remote frees at a limit" env MEMSTATE_MAX=16M LD_PRELOAD="$lib" "$build/remote" limit
}

part_variants() {
	preloaded "without accounting" "$lib" MEMSTATE_MALLOC_ACCOUNTING=0
	preloaded "hardened" "$bin/libmemstate-malloc-hardened.so"
	relay "hardened" env LD_PRELOAD="$bin/libmemstate-malloc-hardened.so" "$build/death" hardened
}

# stressed COMPILER SANITIZERS BACKGROUND: with a background thread, too, if that is 1
stressed() {
	local san="$1 $2" name=$1-${2//,/+}/stress test
	try "$san: the allocator's own code builds without a warning" program malloc "$name" || return
	# shellcheck disable=SC2086 # two words
	try "$san: stress, seed $seed" $plain "$build/$name" "$seed" 4 6000
	# shellcheck disable=SC2086
	try "$san: stress of forty threads, seed $seed" $plain "$build/$name" "$seed" 40 400
	for test in remote refused urgent; do
		try "$san: $test builds" program malloc "${name%/*}/$test" || return
		# shellcheck disable=SC2086
		relay "$san: $test" env MEMSTATE_MAX=64M $plain "$build/${name%/*}/$test"
	done
	[ "$3" = 1 ] || return 0
	# shellcheck disable=SC2086
	try "$san: stress with a background thread, seed $seed" env MEMSTATE_MALLOC_DECAY_MS=1 \
		MEMSTATE_MALLOC_BACKGROUND=1 $plain "$build/$name" "$seed" 4 6000
}

part_sanitized() {
	stressed gcc address,undefined 0
	stressed gcc thread 1
}

part_sanitized_clang() {
	stressed clang thread 0
	stressed clang address,undefined 1
}

part_background() {
	relay "background thread, asked for by the program" "$build/background"
	relay "background thread" env MEMSTATE_MALLOC_BACKGROUND=1 "$build/background"
	try "background thread: stress with forks, seed $seed" env MEMSTATE_MALLOC_BACKGROUND=1 \
		MEMSTATE_MALLOC_DECAY_MS=1 LD_PRELOAD="$lib" "$build/stress" "$seed" 4 20000 fork
}

part_scavenge() {
	for way in calls process_madvise io_uring io_uring_posts; do
		relay "scavenge by $way" env MEMSTATE_BATCH=$way "$build/scavenge" "$work/scavenge.$way"
		try "scavenge by $way leaves the books of plain calls" \
			diff "$work/scavenge.calls" "$work/scavenge.$way"
		try "scavenge by $way: stress with forks, seed $seed" env MEMSTATE_BATCH=$way \
			MEMSTATE_MALLOC_DECAY_MS=1 LD_PRELOAD="$lib" "$build/stress" "$seed" 4 10000 fork
	done
}

# The program, and everything it needs, in one file.
part_static() {
	try "linked statically: builds" program malloc static-family &&
		relay "linked statically" "$build/static-family"
	try "linked statically: builds in C++" program malloc static-newdelete &&
		relay "linked statically, new and delete" "$build/static-newdelete"
	try "linked statically: builds with little of C++" program malloc static-bad-alloc &&
		try "linked statically: std::bad_alloc there" "$build/static-bad-alloc"
}

part_faults() {
	for call in mmap mprotect madvise munmap mremap; do
		try "faults: each $call fails once" inject $call
	done
}

part_programs() {
	# Each one has ten minutes.
	tap_limit=1800
	relay "program" "$here/programs.sh" "$lib" "$work/programs"
	relay "program with a background thread" env MEMSTATE_MALLOC_BACKGROUND=1 \
		MEMSTATE_MALLOC_DECAY_MS=20 "$here/programs.sh" "$lib" "$work/programs"
}

if [ $# -eq 0 ]; then
	set -- preloaded programs
	[ -n "${LIB:-}" ] || set -- preloaded variants sanitized sanitized-clang background scavenge static faults programs
fi
tap_begin "$work"
needs gcc g++ clang clang++:clang strace make || tap_end
if [ -z "${LIB:-}" ]; then
	if [[ " $* " == *" preloaded "* ]]; then
		try "the library builds without a warning" userspace CFLAGS="-O2 -g -Werror" \
			O="$build/werror" || tap_end
	fi
	must userspace all
fi
must program malloc family stress threads remote refused huge space many info churn aligned secret seccomp death faults life opened libearly.so background scavenge \
	newdelete newdelete-clang
for part; do
	[ "$(type -t "part_${part//-/_}")" = function ] || bail "no such part: $part"
	"part_${part//-/_}"
done
tap_end
