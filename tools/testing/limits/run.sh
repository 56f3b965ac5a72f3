#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [PART...]: limits as programs and administrators meet them. The parts, all of them
# if none is named: "library", the library, the commands and the allocator; "any", programs
# with nothing of ours in them; "real", programs that people run, likewise; "table", the
# same under memory.max and under ours alone, too: minutes; "adapt", the same work of a program
# under memory.max, under ours, and told of ours: what becomes of it is what README's table says.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
programs=$top/build/limits
kernel=${MEMSTATE_KERNEL:-6.1}
databases() { flock "$programs/.lock" bash "$here/databases.sh" "$programs/databases"; }
parts "library any real table adapt" "$@"
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
		psql:postgresql mariadbd:mariadb-server-core mariadb:mariadb-client-core \
		lua5.4 perl erl:erlang-base convert-im6.q16:imagemagick curl rsync git \
		xz:xz-utils python3 || tap_end
	try "numpy is there (python3-numpy)" /usr/bin/python3 -c "import numpy" || tap_end
	try "programs as people have them build" program limits shapes shapes-bss shapes-asan
	try "Go's builds" env CGO_ENABLED=0 GO111MODULE=off go build -ldflags=-s -o "$programs/server" \
		"$here/real/server.go"
	try "the JVM's builds" javac -d "$programs" "$here/real/Threads.java"
fi
if part adapt; then
	needs go:golang-go javac:default-jdk-headless java:default-jdk-headless node:nodejs redis-server \
		redis-benchmark:redis-tools psql:postgresql ruby php-fpm8.2:php8.2-fpm nginx:nginx-light curl \
		sqlite3 gcc make python3 || tap_end
	try "the JVM's service builds" javac -d "$programs" "$here/adapt/Service.java"
	try "Go's builds" env CGO_ENABLED=0 GO111MODULE=off go build -ldflags=-s -o "$programs/service" \
		"$here/adapt/service.go"
fi
if part real || part table || part adapt; then
	try "new databases are made" databases
	truncate -s 100M "$programs/sparse"
fi
try "builds" userspace all
part library && try "its programs build" program limits lib counter stress faults family
module=$("$top/tools/testing/vm/module.sh" "$kernel" | tail -n 1)
tap_limit=3300
# shellcheck disable=SC2086 # a list
relay guest "$top/tools/testing/vm/vm.sh" -k "$kernel" -s 2 -m 4G -t 3000 -- \
	bash "$here/guest.sh" "$top" "$module" $suite_parts
if part table; then
	{
		echo "program|MiB|under memory.max|under ours|under both"
		sed -n 's/^# row //p' "$out/guest.tap"
	} | column -t -s '|' >"$programs/real-table"
	sed 's/^/# /' "$programs/real-table"
fi
part adapt || tap_end

# README's rows, as adapt.sh prints them
sed -n '/^| program | /,/^$/ { s/`//g; s/^| //; s/ |$//; s/ | /|/gp }' "$top/README.md" | tail -n +3 >"$out/page"
sed -n 's/^# told //p' "$out/guest.tap" >"$out/rows"
while IFS= read -r row; do
	{
		echo "was:  $row"
		echo "page: $(grep -F "${row%%|*}|" "$out/page" || echo "has no such row")"
	} >"$tap_dir/said"
	grep -qxF "$row" "$out/page"
	result $? "${row%%|*}: as README's table says"
done <"$out/rows"
cut -d '|' -f 1 "$out/page" >"$out/of-page"
cut -d '|' -f 1 "$out/rows" | diff - "$out/of-page" >"$tap_dir/said"
result $? "its rows are these"
column -t -s '|' <"$out/rows" | sed 's/^/# /'
tap_end
