#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# suites.sh [python] [redis] [sqlite]: the test suites of real programs, as Debian carries
# them, with the allocator in each process. TAP; what fails without it as well is a skip.
# Half an hour, so not part of make test. PYTHON_TESTS="test_list ..." runs less, or
# PYTHON_TESTS=all the whole.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
build=$top/build/malloc/suites
lib=${LIB:-$top/build/userspace/libmemstate-malloc.so}
export MEMSTATE_BACKEND=embedded

say() { echo "suites: $*" >&2; }
# shellcheck source=tools/testing/vm/debian.sh
. "$here/../vm/debian.sh"
release=$(. /etc/os-release && echo "${VERSION_CODENAME-}")

# What a log says has failed
failures() {
	grep -ohE '^(FAIL|ERROR): .*|^[A-Za-z]*Error: .*|\[err.*|^!Failures on these tests: .*' "$1" | sort -u
	grep -E '^(Segmentation|Aborted|Timeout|memstate-malloc: )' "$1"
}

# compare NAME COMMAND...: with the allocator, and if it fails then without
compare() {
	local name=$1 log=$build/${1//[^a-zA-Z0-9]/-}.log
	shift
	say "$name"
	if LD_PRELOAD=$lib timeout 1800 "$@" >"$log" 2>&1 </dev/null; then
		result 0 "$name"
	elif ! timeout 1800 "$@" >"$log.without" 2>&1 </dev/null &&
		[ -n "$(failures "$log.without")" ] &&
		[ -z "$(comm -23 <(failures "$log") <(failures "$log.without"))" ]; then
		failures "$log" | sed 's/^/# /'
		skip "$name" "fails in the same tests without the allocator"
	else
		result 1 "$name" "$log"
	fi
}

# source_of PACKAGE: its source, unpacked in the cache; prints where
source_of() {
	local entry=suites/$1
	if [ ! -d "$cache/$entry" ]; then
		apt_update "$release-src"
		unpack_source "$release" "$1" "$cache/tmp.$$.source"
		publish "$cache/tmp.$$.source" "$entry"
	fi
	echo "$cache/$entry"
}

# --- CPython ----------------------------------------------------------------------------

python() {
	local version entry dir tests
	version=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	entry=suites/python-$version
	dir=$cache/$entry/usr/lib/python$version
	if [ ! -d "$cache/$entry" ]; then
		apt_update "$release"
		unpack "$release" "$cache/tmp.$$.python" "libpython$version-testsuite" \
			"libpython$version-stdlib"
		# Tests and what supports them; the library itself is the machine's.
		find "$cache/tmp.$$.python/usr/lib/python$version" -mindepth 1 -maxdepth 1 \
			! -name test -exec rm -rf {} +
		publish "$cache/tmp.$$.python" "$entry"
	fi
	tests=${PYTHON_TESTS:-test_array test_asyncio test_ast test_bigmem test_builtin test_bytes
		test_bz2 test_capi test_cmd_line test_codecs test_collections
		test_copy test_csv test_ctypes test_dbm test_decimal test_deque
		test_descr test_dict test_email test_exceptions test_faulthandler test_file test_fork1
		test_fstring test_functools test_gc test_generators test_gzip test_hashlib test_heapq
		test_io test_itertools test_json test_list test_long test_lzma test_marshal test_mmap
		test_os test_pickle test_posix
		test_pty test_queue test_random test_re test_resource test_select test_set test_shelve
		test_signal test_socket test_sqlite3 test_ssl test_str test_struct test_subprocess
		test_tarfile test_tempfile test_threading test_threading_local test_thread
		test_tracemalloc test_tuple test_unicode test_weakref test_xml_etree test_zipfile
		test_zlib}
	[ "$tests" != all ] || tests=$(cd "$dir/test" &&
		for t in test_*; do echo "${t%.py}"; done | sort -u)
	for t in $tests; do
		compare "python $t" env PYTHONMALLOC=malloc \
			PYTHONPATH="$dir" \
			/usr/bin/python3 -m test -w --timeout 600 "$t"
	done
}

# --- redis --------------------------------------------------------------------------------

redis() {
	# This one wants 40 KiB to take at most 42,000 bytes; here they are three slices.
	local source dir=$build/redis t not="trim on SET with big value"
	source=$(source_of redis) || bail "no source of redis"
	rm -rf "$dir"
	cp -r "$source" "$dir"
	for t in redis-server redis-cli redis-benchmark redis-check-aof redis-check-rdb; do
		ln -sf "$(command -v $t)" "$dir/src/$t" || bail "no $t"
	done
	for t in unit/type/string unit/type/list unit/type/list-2 unit/type/hash unit/type/set \
		unit/type/zset unit/type/stream unit/keyrevalue unit/expire unit/dump unit/sort \
		unit/scan unit/bitops unit/hyperloglog unit/geo unit/scripting unit/multi \
		unit/pubsub unit/maxmemory unit/latency-monitor unit/lazyfree unit/other \
		integration/rdb integration/aof integration/replication-3; do
		[ -e "$dir/tests/$t.tcl" ] || continue
		compare "redis $t" bash -c "cd '$dir' && ./runtest --clients 1 --skiptest '$not' --single $t"
	done
}

# --- sqlite -------------------------------------------------------------------------------

sqlite() {
	local source dir=$build/sqlite user=${SUDO_USER:-nobody} run
	source=$(source_of sqlite3) || bail "no source of sqlite3"
	rm -rf "$dir" && mkdir -p "$dir"
	say "building sqlite's test program"
	(cd "$dir" && "$source/configure" && make -j2 testfixture) >"$build/sqlite-build.log" 2>&1 ||
		bail "sqlite's test program does not build: $build/sqlite-build.log"
	# Its tests do not work for root, and their directory is theirs.
	run=$(mktemp -d) || bail "no temporary directory"
	cp -r "$source" "$run/source"
	cp "$dir/testfixture" "${lib%/*}"/libmemstate*.so* "$run"
	chown -R "$user" "$run" || bail "no place for $user to run sqlite's tests in"
	lib=$run/${lib##*/} compare "sqlite veryquick" setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups \
		bash -c "cd '$run' && ./testfixture source/test/veryquick.test"
	rm -rf "$run"
}

tap_begin "$build"
needs /usr/bin/python3:python3 redis-server setpriv:util-linux tclsh:tcl make gcc apt-get:apt dpkg-deb:dpkg \
	dpkg-source:dpkg-dev || tap_end
[ -n "$release" ] || bail "/etc/os-release names no release of Debian"
cache_begin
mkdir -p "$cache/suites"
make -s -C "$top/userspace" >&2 || bail "the allocator does not build"
[ $# -gt 0 ] || set -- python redis sqlite
for suite; do
	case $suite in
	python) python ;;
	redis) redis ;;
	sqlite) sqlite ;;
	*) bail "no suite $suite; there are: python redis sqlite" ;;
	esac
done
tap_end
