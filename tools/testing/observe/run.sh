#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh: the observe shim against its own strace log, and the tools' manners.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
build=$top/build/observe
bin=$top/build/userspace
memstate=$bin/memstate
nr=0
failed=0
export MEMSTATE_BACKEND=embedded

result() { # status name
	nr=$((nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $nr - $2"
	else
		echo "not ok $nr - $2"
		failed=$((failed + 1))
	fi
}

skip() { nr=$((nr + 1)); echo "ok $nr - $1 # SKIP $2"; }

# try NAME COMMAND...: a test that is a command
try() {
	local name=$1 status
	shift
	timeout 120 "$@" >"$build/try.log" 2>&1 </dev/null
	status=$?
	[ $status = 0 ] || sed 's/^/# /' "$build/try.log" | head -n 20
	result $status "$name"
}

# says STATUS TEXT NAME COMMAND...: exit status, and what is in its message
says() {
	local status=$1 text=$2 name=$3 got
	shift 3
	timeout 60 "$@" >"$build/says.log" 2>&1 </dev/null
	got=$?
	if [ $got = "$status" ] && grep -qF -- "$text" "$build/says.log"; then
		result 0 "$name"
	else
		echo "# exit status $got, not $status, or it does not say '$text':"
		sed 's/^/# /' "$build/says.log" | head -n 10
		result 1 "$name"
	fi
}

# traced NAME PRELOAD COMMAND...: the shim's totals are those of its strace log
traced() {
	local name=$1 preload=$2 report=$build/$1.report
	shift 2
	rm -f "$report"
	timeout 120 strace -f -k -o "$build/$name.log" \
		-e trace=mmap,munmap,mprotect,pkey_mprotect,madvise,mremap,openat,execve,clone,clone3,fork,vfork \
		-E LD_PRELOAD="$bin/libmemstate-observe.so${preload:+:$preload}" \
		-E MEMSTATE_REPORT="$report" "$@" >"$build/$name.out" 2>&1 </dev/null
	result $? "$name runs under the shim"
	try "$name has the totals of its own strace log" python3 "$here/compare.py" \
		"$memstate" "$build/$name.log" "$report" "$build/$name.calls"
}

library() { # soname
	ldconfig -p | awk -v so="$1" '$1 == so { print $NF; exit }'
}

mkdir -p "$build"
rm -f "$build"/*.json
echo "TAP version 13"
try "tools build" make -s -C "$top/userspace" O="$bin" all
try "test program builds without a warning" cc -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall \
	-Wextra -Werror -pthread -o "$build/calls" "$here/calls.c"
python='x = []
for i in range(60):
    x.append([bytes(n % 5000 + 1) for n in range(500)])
    if len(x) > 10: x.pop(0)
b = bytearray(1 << 20)
for i in range(8): b.extend(bytes(1 << 20))'

if command -v strace >/dev/null; then
	traced calls "" "$build/calls"
	for so in libjemalloc.so.2 libmimalloc.so.2; do
		path=$(library $so)
		name=python-${so%%.*}
		if [ -n "$path" ]; then
			traced "$name" "$path" /usr/bin/env PYTHONMALLOC=malloc \
				/usr/bin/python3 -c "$python"
		else
			skip "$name" "no $so here"
		fi
	done
else
	skip "shim against its strace log" "no strace here"
fi

# What is wrong is named; exit status 2 is for the command line alone.
says 2 "usage: memstate" "no command" "$memstate"
says 2 "no command 'nonsense'" "unknown command" "$memstate" nonsense
says 0 "memstate 0." "version" "$memstate" --version
for c in stat run ranges audit scan replay; do
	says 0 "usage: memstate $c" "$c --help" "$memstate" $c --help
	says 2 "unknown option '--nonsense'" "$c --nonsense" "$memstate" $c --nonsense
	says 0 "memstate $c" "help lists $c" sh -c \
		"'$memstate' help | sed -n 's/^  \([a-z]*\) .*/memstate \1/p'"
done
for c in ranges audit scan; do
	says 2 "one process id is needed" "$c without a process" "$memstate" $c
	says 2 "'12x' is not a process id" "$c 12x" "$memstate" $c 12x
	says 1 "no process 2147483647" "$c of no process" "$memstate" $c 2147483647
done
says 2 "'0' is not a process id" "stat 0" "$memstate" stat 0
says 2 "--watch: 'x' is not a number" "stat --watch x" "$memstate" stat --watch x
says 2 "option '--watch' needs a value" "stat --watch" "$memstate" stat --watch
[ -d /sys/class/misc/memstate ] ||
	says 1 "the module is not loaded" "stat without the module" "$memstate" stat
says 2 "one file is needed" "replay without a file" "$memstate" replay
says 1 "/nonexistent" "replay of no file" "$memstate" replay /nonexistent
says 2 "a command is needed" "run without a command" "$memstate" run
says 127 "/nonexistent" "run of no program" "$memstate" run -- /nonexistent
says 126 "/etc/passwd" "run of what is no program" "$memstate" run -- /etc/passwd
says 7 "back end embedded" "run passes the exit status on" "$memstate" run -- sh -c 'exit 7'
says 137 "back end embedded" "run passes a signal on as 128 + N" "$memstate" run -- \
	sh -c 'kill -9 $$'
says 1 "/nonexistent/x" "run --output to nowhere" "$memstate" run --output /nonexistent/x \
	-- true
try "run --quiet says nothing" sh -c "[ -z \"\$('$memstate' run --quiet -- true 2>&1)\" ]"
says 0 "not accounted" "a shim without a back end tells once and passes on" env \
	MEMSTATE_BACKEND=nonsense LD_PRELOAD="$bin/libmemstate-observe.so" "$build/calls"
try "MEMSTATE_QUIET keeps it quiet" sh -c "[ -z \"\$(MEMSTATE_QUIET=1 \
	MEMSTATE_BACKEND=nonsense LD_PRELOAD='$bin/libmemstate-observe.so' \
	'$build/calls' 2>&1)\" ]"
try "scan --json is JSON" sh -c "'$memstate' scan --json $$ | python3 -m json.tool >/dev/null"
try "run --json is JSON" sh -c "'$memstate' run --json --output '$build/run.json' -- \
	'$build/calls' && python3 -m json.tool '$build/run.json' >/dev/null"
try "run --json tells of both processes" python3 -c "
import json; d = json.load(open('$build/run.json'))
assert len(d['processes']) == 2 and all(p['ready'] > 0 for p in d['processes'])"

# The same through the device: the kernel's books are those of the process itself.
module=$("$top/tools/testing/vm/module.sh" 6.1 2>/dev/null | tail -n 1)
try "the program runs through the device, which is then empty" \
	"$top/tools/testing/vm/vm.sh" -k 6.1 -t 100 -w "$build" -- sh -c "
	insmod '$module' && MEMSTATE_BACKEND=device '$memstate' run --json \
		--output '$build/device.json' -- '$build/calls' &&
	[ \"\$(cat /sys/class/misc/memstate/ready_direct)\" = 0 ] && rmmod memstate"
try "device and embedded books are the same" python3 -c "
import json
def books(name, backend):
    d = json.load(open(name))['processes']
    assert len(d) == 2 and all(p['backend'] == backend for p in d), d
    return sorted([p[k] for k in ('reserved', 'reserved_lazy', 'prepared',
                   'prepared_lazy', 'ready', 'drift', 'rejected')] for p in d)
d, e = books('$build/device.json', 'device'), books('$build/run.json', 'embedded')
print(d, e)
assert d == e"

for page in "$top"/userspace/cli/man/*.1; do
	if command -v mandoc >/dev/null; then
		try "${page##*/} is clean" mandoc -Tlint -Wwarning "$page"
	else
		skip "${page##*/} is clean" "no mandoc here"
	fi
done
echo "1..$nr"
[ $failed = 0 ]
