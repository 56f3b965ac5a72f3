#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh: memstate tend on made-up groups, as TAP: real programs are told; hostile ones, and what
# is left of it in every case (tend.py).
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
build=$top/build/tend
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"	# of others than root, too
export ASAN_OPTIONS=abort_on_error=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

tap_begin "$dir"
needs python3 redis-server java:default-jdk-headless || tap_end
try "builds" userspace all
try "on made-up groups builds" program tend fake_tend
[ $tap_failed = 0 ] || tap_end
memstate=$top/build/userspace/memstate

relay tend python3 "$here/tend.py" "$build/fake_tend" "$dir/work"

says "--help" 0 "usage: memstate tend" "$memstate" tend --help
says "without a target" 2 "one target is needed" "$memstate" tend
says "--not of nothing" 2 "option '--not': 'perl' is none of redis, jvm" "$memstate" tend --not perl /
for value in 0 100 x 1x ''; do
	says "--redis-share '$value' is refused" 2 "'$value' is not a number from 1 to 99" \
		"$memstate" tend --redis-share "$value" /
done
for option in --pause --patience; do
	for value in 0 x -1 1e9 ''; do
		says "$option '$value' is refused" 2 "'$value' is not a number of seconds" \
			"$memstate" tend $option "$value" /
	done
done
says "--redis-secret of no file" 1 "/nowhere: No such file" \
	"$memstate" tend --redis-secret /nowhere /
tap_end
