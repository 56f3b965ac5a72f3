#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# tap.sh: what suites that are shell scripts print TAP with. To be sourced:
#
#	. "$here/../tap.sh"
#	tap_begin "$top/build/NAME"
#	try "it builds" make all
#	tap_end
#
# What a test says lies in DIR/said, of tap_begin's DIR; it is shown if the test failed. In
# a subshell or a pipe nothing may be counted: the plan would be short, which fails.

tap_n=0		# tests so far
tap_failed=0	# how many of them failed
tap_dir=
tap_limit=${MEMSTATE_TEST_SECONDS:-900}	# that try and relay give a program

# tap_begin DIR: where logs go
tap_begin() {
	tap_dir=$1
	mkdir -p "$tap_dir"
	: >"$tap_dir/said"
	echo "TAP version 13"
}

# tap_end: the plan, and the end of the script. By eval: what comes before an exit and is only
# called by name, like a test that is a function, shellcheck takes for unreachable.
tap_end() {
	[ $tap_n -gt 0 ] || result 1 "there are tests" /dev/null
	echo "1..$tap_n"
	eval "exit $((tap_failed > 0))"
}

# bail WHY: there is no point in going on
bail() {
	echo "Bail out! $*"
	exit 1
}

# tap_show LOG: as comments; of a long one both ends
tap_show() {
	awk '{ line[NR] = $0 }
		END {
			for (i = 1; i <= NR; i++) {
				if (i == 31 && NR > 60) {
					print "# [...]"
					i = NR - 29
				}
				print "# " line[i]
			}
		}' "$1"
}

# result STATUS NAME [LOG]: one test, good if STATUS is 0; LOG is DIR/said if not given
result() {
	tap_n=$((tap_n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_n - $2"
		return 0
	fi
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_n - $2"
	tap_show "${3-$tap_dir/said}"
	return 1
}

# skip NAME WHY
skip() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

# needs COMMAND[:PACKAGE]...: each that is missing is a failure, which names its package
needs() {
	local need missing=0
	for need; do
		command -v "${need%%:*}" >/dev/null && continue
		echo "no ${need%%:*}: install the Debian package ${need#*:}" >"$tap_dir/said"
		result 1 "needs ${need%%:*}"
		missing=1
	done
	return $missing
}

tap_patience=300	# seconds that soon waits

# soon COMMAND...: until it succeeds, which it may do late on a busy machine; 1 if it never does
soon() {
	local until=$((SECONDS + tap_patience))
	until "$@"; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.1
	done
}

# tap_run SECONDS COMMAND...: there is nothing to read. A function has all the time.
tap_run() {
	local seconds=$1
	shift
	if [ "$(type -t "$1")" = file ]; then
		timeout -k 10 "$seconds" "$@" </dev/null
	else
		("$@") </dev/null
	fi
}

# try NAME COMMAND...: it succeeds. Returns its status.
try() {
	local name=$1 status
	shift
	tap_run "$tap_limit" "$@" >"$tap_dir/said" 2>&1
	status=$?
	[ $status -lt 2 ] || echo "exit status $status" >>"$tap_dir/said"
	result $status "$name"
	return $status
}

# ok NAME CODE: the same of shell code
ok() {
	(eval "$2") >"$tap_dir/said" 2>&1 </dev/null
	result $? "$1"
}

# says NAME STATUS TEXT COMMAND...: it ends with STATUS, and TEXT is in what it says
says() { tap_says -F "$@"; }
# says_like NAME STATUS ERE COMMAND...
says_like() { tap_says -E "$@"; }
tap_says() {
	local how=$1 name=$2 want=$3 text=$4 status
	shift 4
	tap_run 300 "$@" >"$tap_dir/said" 2>&1
	status=$?
	[ $status = "$want" ] && grep -q "$how" -- "$text" "$tap_dir/said" && result 0 "$name" && return
	echo "exit status $status; wanted were $want and '$text'" >>"$tap_dir/said"
	result 1 "$name"
}

# relay NAME COMMAND...: passes a program's TAP on, and says in one more test whether it came
# to its end: all that it has planned is there, and it exits with 0, or with 1 if tests of its
# own failed. What it says stays in DIR/NAME.tap and DIR/NAME.err.
relay() {
	local name=$1 log=$tap_dir/${1//[^a-zA-Z0-9.+_-]/-} line status plan=none seen=0 bad=0
	local test='^(not )?ok( +[0-9]+)?( +-)?( .*)?$' planned='^1\.\.([0-9]+)$'
	shift
	tap_run "$tap_limit" "$@" >"$log.tap" 2>"$log.err"
	status=$?
	while IFS= read -r line || [ -n "$line" ]; do
		if [[ $line =~ $test ]]; then
			tap_n=$((tap_n + 1)) seen=$((seen + 1))
			[ -z "${BASH_REMATCH[1]}" ] || bad=$((bad + 1))
			echo "${BASH_REMATCH[1]}ok $tap_n - $name:${BASH_REMATCH[4]}"
		elif [[ $line =~ $planned ]]; then
			plan=${BASH_REMATCH[1]}
		else
			case $line in
			'#'*) echo "$line" ;;
			'Bail out!'*) result 1 "$name: $line" /dev/null ;;
			''|'TAP version '*) ;;
			*) echo "# $line" ;;
			esac
		fi
	done <"$log.tap"
	tap_failed=$((tap_failed + bad))
	[ $bad = 0 ] || tap_show "$log.err"
	[ "$plan" = $seen ] && [ $seen -gt 0 ] && [ $status -le $((bad > 0)) ]
	result $? "$name: came to its end (status $status, $seen of $plan)" "$log.err"
}
