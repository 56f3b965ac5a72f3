# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=bash disable=SC2154 # what is not set here is of tap.sh, or $top
#
# suite.sh: what suites that have parts, or programs to build, have in common. To be sourced
# behind tap.sh, with $top set:
#
#	parts "host guest" "$@"		the parts that there are, and the arguments; none: all
#	if part host; then ...		is it asked for?
#
#	try "builds" userspace all			make of userspace/, in build/userspace
#	try "and here" userspace O=DIR SAN=... all	or as it is told
#	try "builds under sanitizers" sanitized		memstate(1), in build/san
#	programs top					all programs of top/Makefile, at once; see tests.mk
#	try "data test builds" program top data		names one that does not build
#
# Suites and their parts may run at the same time: of what more than one of them makes, one at a
# time does, and the next one finds it made.

parts() {
	local known=$1 name
	shift
	for name; do
		[[ " $known " == *" $name "* ]] || {
			echo "${0##*/}: no such part: $name; there are: $known" >&2
			exit 2
		}
	done
	suite_parts=${*:-$known}
}
part() { [[ " $suite_parts " == *" $1 "* ]]; }

# made DIR ARGUMENT...: by make, one at a time for a DIR that it makes
made() {
	mkdir -p "$1" && flock "$1/.lock" make -s -j"$(nproc)" "${@:2}"
}
userspace() {
	local dir=$top/build/userspace argument
	for argument; do
		[[ $argument != O=* ]] || dir=${argument#O=}
	done
	made "$dir" -C "$top/userspace" "$@"
}
# memstate(1) under sanitizers, for all who use it: build/san/memstate
sanitized() {
	userspace O="$top/build/san" CC=gcc SAN=address,undefined CFLAGS="-O1 -g" \
		"$top/build/san/memstate"
}
programs() { made "$top/build/$1" -k -C "$top/tools/testing/$1" all >/dev/null 2>&1; }
program() {
	local suite=$1
	shift
	made "$top/build/$suite" -C "$top/tools/testing/$suite" "${@/#/$top/build/$suite/}"
}

# must COMMAND...: it succeeds, which is no test, or there is no point in going on
must() {
	"$@" >"$tap_dir/said" 2>&1 && return
	tap_show "$tap_dir/said"
	bail "failed: $*"
}

# beside NAME COMMAND...: begins a program that prints TAP and mostly waits
# kept NAME: passes on what it has printed, as relay does, when it has come to its end
declare -A suite_beside
beside() {
	local name=$1
	shift
	{
		timeout -k 10 "$tap_limit" "$@"
		echo $? >"$tap_dir/$name.status"
	} >"$tap_dir/$name.out" 2>"$tap_dir/$name.said" </dev/null &
	suite_beside[$name]=$!
}
kept() {
	wait "${suite_beside[$1]}"
	relay "$1" suite_kept "$1"
}
suite_kept() {
	cat "$tap_dir/$1.out"
	cat "$tap_dir/$1.said" >&2
	return "$(cat "$tap_dir/$1.status")"
}
