#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [stated] [recorded] [fuzzed]: memstate replay.
# stated: the rules, logs that say what they mean, random logs against a second implementation,
# forms of a log, damaged logs. recorded: logs of real programs against the second
# implementation, a long log.
# fuzzed: a minute of libFuzzer, from the logs of the others; FUZZ=SECONDS makes it longer.
# SEED=n repeats a run, ROUNDS=n gives more damaged logs.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
parts "stated recorded fuzzed" "$@"
first=stated
part stated || first=recorded
part stated || part recorded || first=fuzzed
build=$top/build/replay/$first
seed=${SEED:-$RANDOM}
rounds=${ROUNDS:-150}
# Not the python3 of the path: a wrapper's own processes would fill the logs.
python=/usr/bin/python3
preload=/usr/lib/$(uname -m)-linux-gnu
export ASAN_OPTIONS=detect_leaks=1:exitcode=99:allocator_may_return_null=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:exitcode=99
export PYTHONDONTWRITEBYTECODE=1

# same MARKS LOG, same MARKS NR LINES: see same.py
same() { $python "$here/same.py" "$memstate" "$seed" "$@"; }

# recorded NAME COMMAND...: the log of a real program
recorded() {
	local name=$1 log=$build/$1.log
	shift
	if ! command -v "$1" >/dev/null; then
		skip "recorded: $name" "no $1"
		return
	fi
	(cd "$build" && timeout 600 strace -f -ttt -o "$log" -e trace=%memory,%process \
		"$@" >"$build/$name.out" 2>&1 </dev/null)
	echo "# $name: $(wc -l <"$log") lines"
	try "recorded: $name" same 12 "$log"
}

# preloaded NAME LIBRARY COMMAND...: the same with an allocator of its own
preloaded() {
	local name=$1 library=$preload/$2
	shift 2
	if [ -e "$library" ]; then
		recorded "$name" env LD_PRELOAD="$library" "$@"
	else
		skip "recorded: $name" "no $library"
	fi
}

tap_begin "$build"
echo "# seed $seed"
must userspace all
if part stated || part recorded; then must sanitized; fi
! part stated || must program replay sysrules
! part fuzzed || must program replay parser
memstate=$top/build/userspace/memstate
checked=$top/build/san/memstate
cd "$build" || exit 1

# A log in all forms, damaged, and many times over
$python "$here/generate.py" "$seed" 3000 >"$build/forms.log"
# The last call may take a line more than was asked for.
length=$(wc -l <"$build/forms.log")

stated() {
	# ---- what a call means --------------------------------------------------------

	# A word on standard error is a failure, too.
	rules() {
		local status
		"$top/build/replay/sysrules" 2>"$build/sysrules.err"
		status=$?
		cat "$build/sysrules.err" >&2
		[ ! -s "$build/sysrules.err" ] && return $status
	}
	relay rules rules

	relay stated $python "$here/check.py" "$checked" "$here"/logs/*.log "$here"/refused/*.log

	# ---- against the second implementation ------------------------------------------

	try "20 random logs, whole and cut off, each at 25 marks" same 25 20 1000
	relay forms $python "$here/forms.py" "$checked" "$seed"

	# It must be able to see a difference: one call less, and it does.
	sed '0,/mmap(.*PROT_WRITE.*MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x/s/PROT_WRITE/PROT_READ/' \
		"$here/logs/mprotect.log" >"$build/altered.log"
	says "a wrong figure is found" 1 "after line 2: 10: ready is 0 pages, not 8" \
		$python "$here/check.py" "$memstate" "$build/altered.log"

	# ---- forms of the same log ---------------------------------------------------------

	"$checked" replay --json --mark 1500 "$build/forms.log" >"$build/forms.want"
	gzip -nc "$build/forms.log" >"$build/forms.log.gz"
	form() { "$@" >"$build/forms.got" && cmp "$build/forms.want" "$build/forms.got"; }
	try "gzip is the same" form "$checked" replay --json --mark 1500 "$build/forms.log.gz"
	for tool in xz zstd bzip2; do
		if command -v "$tool" >/dev/null; then
			"$tool" -qc "$build/forms.log" >"$build/forms.log.$tool"
			try "$tool is the same" form "$checked" replay --json --mark 1500 "$build/forms.log.$tool"
			head -c 5000 "$build/forms.log.$tool" >"$build/cut.log.$tool"
			says "$tool, cut off" 1 "the compressed log is cut off" \
				"$checked" replay "$build/cut.log.$tool"
		else
			skip "$tool is the same" "no $tool"
		fi
	done
	iconv -t UTF-16 "$build/forms.log" >"$build/forms.utf16"
	try "UTF-16 is the same" form "$checked" replay --json --mark 1500 "$build/forms.utf16"
	printf '\xfd7zXZ' >"$build/no.xz"
	mkdir -p "$build/empty"
	says "a tool that is missing" 1 "is compressed by xz, which is not installed" \
		env PATH="$build/empty" "$checked" replay "$build/no.xz"
	says "iconv that is missing" 1 "is UTF-16, which is converted by iconv, which is not installed" \
		env PATH="$build/empty" "$checked" replay "$build/forms.utf16"
	from_pipe() { "$checked" replay --json --mark 1500 - <"$build/forms.log.gz"; }
	try "standard input is the same" form from_pipe
	sed -E 's/^([0-9]+) +([0-9]+\.[0-9]+ )?/[pid \1] 10:11:12 /; s/$/ <0.000017>/; s/(unfinished \.\.\.>|\+\+\+) <0.000017>$/\1/' \
		"$build/forms.log" >"$build/forms.pid"
	try "[pid N], -t and -T are the same" form "$checked" replay --json --mark 1500 "$build/forms.pid"
	sed 's/$/\r/' "$build/forms.log" | tr -d '\r' | head -c -1 >"$build/forms.cut"
	sed 's/$/\r/; s/^/> /' "$build/forms.log" >"$build/forms.mail"
	try "carriage returns in a quoted mail are the same" form "$checked" replay --json --mark 1500 "$build/forms.mail"
	sed -E 's/^([0-9]+) +/Nov 30 14:03:41 host strace[77]: \1<a> b [x]> /; s/> b/\\76 b/' "$build/forms.log" >"$build/forms.names"
	try "names of commands behind ids, under journald, are the same" form "$checked" replay --json --mark 1500 "$build/forms.names"
	# One file a thread, as -ff makes them; the order is that of the times.
	mkdir -p "$build/ff"
	rm -f "$build/ff"/*
	awk '{ t = $1; sub(/^[0-9]+ +([0-9]+\.[0-9]+ )?/, ""); printf "%.6f %s\n", 1700000000 + NR / 1000, $0 >("'"$build/ff/out."'" t) }' "$build/forms.log"
	try "a file for each thread is the same" form "$checked" replay --json --mark 1500 "$build/ff"/out.*
	sed -i -E 's/^[0-9.]+ //' "$build/ff"/out.*
	says "threads' files without times" 1 "the lines of several threads of a process have no other order" \
		"$checked" replay "$build/ff"/out.*
	says "and without ids" 1 "expected a time of day, as strace -ff -ttt has it" \
		"$checked" replay "$here/logs/mmap.log" "$here/logs/brk.log"
	# Processes' files have an order without times: who made whom.
	mkdir -p "$build/made"
	rm -f "$build/made"/*
	sed '/^#/d' "$here/logs/files.log" >"$build/made.log"
	awk '{ t = $1; sub(/^[0-9]+ /, ""); print >("'"$build/made/out."'" t) }' "$build/made.log"
	made() {
		"$checked" replay --json --mark 9 "$build/made.log" >"$build/made.want" &&
		"$checked" replay --json --mark 9 "$@" >"$build/made.got" &&
		cmp "$build/made.want" "$build/made.got"
	}
	try "a file for each process, without times, is the same" made "$build/made"/out.*
	# More files than a shell lets one have open, and more than one may.
	many() { (ulimit -S -n 32 && made "$build/made"/out.*); }
	try "a few descriptors are not too few" many
	few() { (ulimit -n 8 && exec "$checked" replay "$build/made"/out.*); }
	says "too many files" 1 "Too many open files: 8 is all that may be, until root raises ulimit -n" few
	try "no newline at the end is the same" form "$checked" replay --json --mark 1500 "$build/forms.cut"

	says "a shadow is in no figure but its own" 0 \
		"24.0 KiB           15  + 0 B Ready of MAP_NORESERVE, at its peak 14.0 TiB  ended" \
		"$checked" replay "$here/logs/shadow.log"
	says "a table, too" 0 "after line 1500" "$checked" replay --mark 1500 "$build/forms.log"
	marks() { "$checked" replay --json --mark 20 --mark 5 --mark 20 "$build/forms.log" | $python -c '
import json, sys
lines = [m["line"] for m in json.load(sys.stdin)["marks"]]
assert sorted(set(lines)) == [5, 20, int(sys.argv[1])] and lines == sorted(lines), lines' "$length"; }
	try "marks in any order" marks

	# ---- what is wrong is said ------------------------------------------------------------

	echo "just some text" >"$build/text.log"
	head -c 20000 "$build/forms.log.gz" | head -c -40 >"$build/cut.log.gz"
	says "no log" 1 "line 1: this is no output of strace" "$checked" replay "$build/text.log"
	says "a compressed log that is cut off" 1 "the compressed log is cut off" \
		"$checked" replay "$build/cut.log.gz"
	says "no file" 1 "No such file or directory" "$checked" replay "$build/none"
	says "a directory" 1 "Is a directory" "$checked" replay "$build"
	says "a mark behind the end" 1 "--mark $((length + 1)): the log has $length lines" \
		"$checked" replay --mark $((length + 1)) "$build/forms.log"
	says "mark 0" 2 "'0' is not a line number" "$checked" replay --mark 0 "$build/forms.log"
	says "mark x" 2 "'x' is not a line number" "$checked" replay --mark x "$build/forms.log"
	says "no file given" 2 "one file is needed" "$checked" replay
	says "threads of no process" 2 "'1,2' is not TID,TID=PID" "$checked" replay --process 1,2 "$build/forms.log"
	unwritten() { TMPDIR=/nonexistent "$checked" replay - < <(cat "$build/forms.log"); }
	says "a pipe that cannot be copied says where" 1 \
		"there can be no copy in /nonexistent: No such file or directory; TMPDIR names another place" unwritten
	says "help" 0 "usage: memstate replay" "$checked" replay --help
	says "lines that are not understood are counted" 0 "memstate: 1 lines are not strace's" \
		"$checked" replay <(cat "$build/text.log" "$here/logs/split.log" | grep -v '^#')
	says "calls that cannot be read, too" 0 "1 calls could not be read, the first in line 2: expected an address, met 'x'" \
		"$checked" replay <(printf '1 brk(NULL) = 0x1000\n1 munmap(x, y) = 0\n')

	try "$rounds damaged logs, seed $seed" $python "$here/fuzz.py" "$checked" "$seed" "$rounds" \
		"$build/forms.log" "$here"/logs/*.log "$here"/refused/*.log
}

recorded_logs() {
	cat >"$build/work.py" <<-'END'
		import mmap, os, random, subprocess, threading
		def work():
		    r, held = random.Random(1), []
		    for _ in range(400):
		        held.append(bytearray(r.randrange(1, 400000)))
		        if len(held) > 20:
		            held.pop(r.randrange(20))
		threads = [threading.Thread(target=work) for _ in range(4)]
		for t in threads: t.start()
		m = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE)
		m.write(b'x' * 4096)
		m.madvise(mmap.MADV_DONTNEED)
		m.resize(1 << 21)
		for t in threads: t.join()
		subprocess.run(['/bin/true'], check=True)
		if os.fork() == 0:
		    work()
		    os._exit(0)
		os.wait()
	END
	cat >"$build/work.mk" <<-'END'
		all: a.wo b.wo c.wo d.wo
		%.wo: ; echo 'int f(void) { return 1; }' | gcc -O2 -x c -c - -o $@
	END
	cat >"$build/work.sh" <<-'END'
		redis-server --port 0 --unixsocket "$PWD/redis.sock" --save "" --daemonize no &
		. "$1"
		soon [ -S redis.sock ] || { kill $!; exit 1; }
		redis-benchmark -s "$PWD/redis.sock" -n 2000 -d 2000 -r 1000 -t set,lpush -q
		redis-cli -s "$PWD/redis.sock" save_nothing
		redis-cli -s "$PWD/redis.sock" shutdown nosave
		wait
	END
	printf 'class W { public static void main(String[] a) { Object[] o = new Object[100]; for (int i = 0; i < 100000; i++) o[i %% 100] = new byte[1000]; } }\n' >"$build/W.java"
	rm -f "$build"/*.wo "$build/redis.sock"

	if ! strace -o "$build/strace.log" -e trace=mmap true 2>"$build/strace.err"; then
		skip "recorded logs" "strace: $(command -v strace >/dev/null && head -n 1 "$build/strace.err" || echo not installed)"
	else
		recorded python $python "$build/work.py"
		preloaded jemalloc libjemalloc.so.2 $python "$build/work.py"
		preloaded mimalloc libmimalloc.so.2 $python "$build/work.py"
		preloaded tcmalloc libtcmalloc_minimal.so.4 $python "$build/work.py"
		recorded make make -j2 -f "$build/work.mk"
		if command -v redis-server >/dev/null; then
			recorded redis bash "$build/work.sh" "$here/../tap.sh"
		else
			skip "recorded: redis" "no redis-server"
		fi
		recorded java java -Xmx16m -Xint -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
			-XX:ReservedCodeCacheSize=4m -XX:CompressedClassSpaceSize=4m -Xshare:off \
			-XX:-UseCompressedClassPointers "$build/W.java"

		# What strace prints on a terminal, where it leaves the id out: same figures.
		(cd "$build" && strace -f -e trace=%memory,%process $python work.py \
			2>"$build/terminal.log" >/dev/null </dev/null)
		peaks() { "$memstate" replay --json "$1" 2>/dev/null | $python -c '
import json, sys
print(sorted((p["ended"], p["peak_ready"] > 0) for p in json.load(sys.stdin)["marks"][-1]["processes"]))'; }
		[ -s "$build/terminal.log" ] &&
			[ "$(peaks "$build/terminal.log")" = "$(peaks "$build/python.log")" ]
		result $? "on a terminal: the same processes, and each held something"
	fi

	# ---- and a long one --------------------------------------------------------------------

	for _ in $(seq 40); do cat "$build/forms.log"; done >"$build/long.log"
	began=$(date +%s%N)
	"$memstate" replay --json "$build/long.log" >/dev/null 2>&1
	status=$?
	echo "# $((120000 * 1000 / (($(date +%s%N) - began) / 1000000 + 1))) lines a second"
	result $status "a long log, in which ids come again"
}

# What it finds is left in the folder, with the log that did it.
fuzzed() {
	mkdir -p "$build/corpus" "$build/found"
	cp "$here"/logs/*.log "$here"/refused/*.log "$build/corpus"
	head -n 100 "$build/forms.log" >"$build/corpus/forms.log"
	fuzz() {
		"$top/build/replay/parser" -close_fd_mask=3 -max_total_time="${FUZZ:-60}" \
			-max_len=8000 -timeout=60 -rss_limit_mb=2000 -print_final_stats=1 \
			-artifact_prefix="$build/found/" "$build/corpus" >"$build/fuzz.out" 2>&1 ||
			{ tail -n 40 "$build/fuzz.out"; return 1; }
		echo "# $(grep number_of_executed_units "$build/fuzz.out")"
	}
	try "whatever is read, the replay ends by itself" fuzz
}

! part stated || stated
! part recorded || recorded_logs
! part fuzzed || fuzzed
tap_end
