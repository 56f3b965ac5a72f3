#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [PART...]: limits as programs and administrators meet them. The parts, all of them
# if none is named: "library", the library, the commands and the allocator; "any", programs
# with nothing of ours in them; "real", forty programs that people run, likewise; "table", the
# same under memory.max and under ours alone, too: minutes; "programs", real programs over a
# limit, beside the same under memory.max, whose table is left in build/limits/table.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
programs=$top/build/limits
kernel=${MEMSTATE_KERNEL:-6.1}
parts "library any real table programs" "$@"
out=$programs/of-${suite_parts// /-}	# parts may run at once

tap_begin "$out"
if part library; then
	needs setpriv:util-linux || tap_end
fi
if part any; then
	needs musl-gcc:musl-tools busybox:busybox-static python3 || tap_end
	try "programs with nothing of ours build" program limits static musl
fi
if part real || part table; then
	needs go:golang-go javac:default-jdk-headless java:default-jdk-headless node:nodejs redis-server \
		psql:postgresql mariadbd:mariadb-server-core mariadb:mariadb-client-core ruby php:php-cli \
		lua5.4 perl nginx:nginx-light erl:erlang-base convert-im6.q16:imagemagick curl rsync git \
		sqlite3 xz:xz-utils python3 || tap_end
	try "numpy is there (python3-numpy)" /usr/bin/python3 -c "import numpy" || tap_end
	try "programs as people have them build" program limits shapes shapes-bss shapes-asan
	try "Go's builds" env CGO_ENABLED=0 GO111MODULE=off go build -ldflags=-s -o "$programs/server" \
		"$here/real/server.go"
	try "the JVM's builds" javac -d "$programs" "$here/real/Threads.java"
	try "new databases are made" bash "$here/databases.sh" "$programs/databases"
	truncate -s 100M "$programs/sparse"
fi
if part programs; then
	needs javac:default-jdk-headless java:default-jdk-headless redis-server \
		redis-benchmark:redis-tools node:nodejs python3 || tap_end
	try "the JVM's program builds" javac -d "$out" "$here/Hog.java"
fi
try "builds" userspace all
part library && try "its programs build" program limits lib counter stress faults family
module=$("$top/tools/testing/vm/module.sh" "$kernel" | tail -n 1)
tap_limit=3300
# shellcheck disable=SC2086 # a list
relay guest "$top/tools/testing/vm/vm.sh" -k "$kernel" -s 2 -m 4G -t 3000 -- \
	bash "$here/guest.sh" "$top" "$out" "$module" $suite_parts
if part table; then
	{
		echo "program|MiB|under memory.max|under ours|under both"
		sed -n 's/^# row //p' "$out/guest.tap"
	} | column -t -s '|' >"$programs/real-table"
	sed 's/^/# /' "$programs/real-table"
fi
part programs || tap_end

# row NAME: killed by the kernel's limit, and what was wanted of ours
expect() {
	local row
	row=$(grep -F "row $1|" "$out/guest.tap")
	# Near the limit the kernel may try to reclaim for minutes before it kills.
	[[ $row == *"|killed|"* || $row == *"|stalled|"* ]]
	result $? "$1: killed under memory.max"
	[[ $row =~ \|(killed|stalled)\|($2) ]]
	result $? "$1: told under ours"
}
expect "Python (jemalloc)" "survived: MemoryError"
expect "Python (libmemstate-malloc)" "survived: MemoryError"
expect "JVM, serial collector" "(survived|aborted): "
expect "JVM, G1" "(survived|aborted): "
expect "Node" "(survived|aborted): "
expect "redis" "aborted: Out Of Memory allocating"
{
	echo "program|under memory.max|under ours"
	sed -n 's/^# row //p' "$out/guest.tap"
} | column -t -s '|' >"$out/table"
sed 's/^/# /' "$out/table"
tap_end
