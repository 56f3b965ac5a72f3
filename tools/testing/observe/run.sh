#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [host] [guest]: the observe shim and the tools.
# host: the shim against its own strace log, what memstate run tells of programs that take from
# themselves what it would need to tell, the tools' manners. guest: through the device, in a
# virtual machine, the books are those of the process itself, and the figures are there, too.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
parts "host guest" "$@"
first=host
part host || first=guest
build=$top/build/observe/$first
calls=$top/build/observe/calls
bin=$top/build/userspace
memstate=$bin/memstate
export MEMSTATE_BACKEND=embedded

# traced NAME PRELOAD COMMAND...: the shim's totals are those of its strace log
traced() {
	local name=$1 preload=$2 report=$build/$1.report
	shift 2
	rm -f "$report"
	timeout 600 strace -f -k -o "$build/$name.log" \
		-e trace=mmap,munmap,mprotect,pkey_mprotect,madvise,mremap,openat,execve,clone,clone3,fork,vfork \
		-E LD_PRELOAD="$bin/libmemstate-observe.so${preload:+:$preload}" \
		-E MEMSTATE_REPORT="$report" "$@" >"$build/$name.out" 2>&1 </dev/null
	result $? "$name runs under the shim" "$build/$name.out"
	try "$name has the totals of its own strace log" python3 "$here/compare.py" \
		"$memstate" "$build/$name.log" "$report" "$build/$name.calls"
}

library() { # soname
	ldconfig -p | awk -v so="$1" '$1 == so { print $NF; exit }'
}

tap_begin "$build"
rm -f "$build"/*.json

# The same through the device: the kernel's books are those of the process itself.
guest() {
	local build=$top/build/observe/guest module
	part host || must userspace all
	part host || must program observe advice calls leave
	mkdir -p "$build"
	rm -f "$build"/*.json
	must "$memstate" run --json --output "$build/run.json" -- "$calls"
	module=$("$top/tools/testing/vm/module.sh" 6.1 2>/dev/null | tail -n 1)
	try "the program runs through the device, which is then empty" \
		"$top/tools/testing/vm/vm.sh" -k 6.1 -t 600 -w "$build" -- sh -c "
		insmod '$module' && MEMSTATE_BACKEND=device '$memstate' run --reported --json \
			--output '$build/device.json' -- '$calls' &&
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
	relay "advice, with the module" "$top/tools/testing/vm/vm.sh" -k 6.1 -t 600 -w "$build" -- sh -c "
		insmod '$module' && echo 4 >/proc/sys/vm/nr_hugepages &&
		MEMSTATE_BACKEND=device LD_PRELOAD='$bin/libmemstate-observe.so' '$top/build/observe/advice'"
	relay "with the module" "$top/tools/testing/vm/vm.sh" -k 6.1 -t 600 -w "$build" -- sh -c "
		insmod '$module' && MEMSTATE_BACKEND=device '$here/leave.sh' '$memstate' \
			'$top/build/observe/leave' '$build/leave' few"
}
part host || { guest; tap_end; }

try "tools build" userspace all
try "test programs build without a warning" program observe advice calls leave limit static vfork \
	san-gcc-address san-gcc-static san-gcc-thread san-gcc-leak san-clang-address san-clang-thread
python='x = []
for i in range(60):
    x.append([bytes(n % 5000 + 1) for n in range(500)])
    if len(x) > 10: x.pop(0)
b = bytearray(1 << 20)
for i in range(8): b.extend(bytes(1 << 20))'

if command -v strace >/dev/null; then
	traced calls "" "$calls"
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

relay "at a limit" env MEMSTATE_MAX=32M LD_PRELOAD="$bin/libmemstate-observe.so" MEMSTATE_QUIET=1 \
	"$top/build/observe/limit" $((32 << 20))

relay "advice" env LD_PRELOAD="$bin/libmemstate-observe.so" "$top/build/observe/advice"

rm -f "$build/vfork.report"
try "a child by vfork that ends at once, and one by fork" env LD_PRELOAD="$bin/libmemstate-observe.so" \
	MEMSTATE_QUIET=1 MEMSTATE_REPORT="$build/vfork.report" "$top/build/observe/vfork"
try "the line of who called vfork tells of what came after it" python3 -c "
import json
lines = [json.loads(l) for l in open('$build/vfork.report')]
print(lines)
assert len({l['pid'] for l in lines}) == len(lines) == 2
assert max(l['ready'] for l in lines) > 50 << 20"

relay "figures" "$here/leave.sh" "$memstate" "$top/build/observe/leave" "$build/leave"

try "memstate(1) builds under sanitizers" sanitized
relay "scan of files" python3 "$here/scan.py" "$memstate" "$build/scan" "$top/build/san/memstate"

# A program of a sanitizer runs as without us, and is told of.
sanitized_program() { # NAME [OPTION]
	local name=$1
	shift
	"$top/build/observe/$name" >/dev/null 2>&1 || {
		skip "$name $*" "it does not run by itself here"
		return
	}
	says "$name runs under memstate run $*" 0 "all is well" "$memstate" run "$@" -- \
		"$top/build/observe/$name"
	cp "$tap_dir/said" "$build/$name.said"
	ok "and is told of, with what it has mapped" \
		"grep -E ' ${name:0:15} +embedded .* (2[0-9])[.][0-9] MiB +[0-9]+$' $build/$name.said || ! cat $build/$name.said"
}
for name in san-gcc-address san-gcc-thread san-gcc-leak san-clang-address san-clang-thread; do
	sanitized_program $name
	sanitized_program $name --malloc
done
for name in san-gcc-address san-gcc-thread san-gcc-leak san-clang-address san-clang-thread; do
	says "$name is said to keep its own malloc, also below a shell" 0 "keeps its own malloc" \
		"$memstate" run --malloc -- sh -c "'$top/build/observe/$name'; exit \$?"
done
says "a malloc that is linked in is said to stay, whoever's it is" 0 "a program has a malloc of its own" \
	"$memstate" run --malloc -- "$top/build/observe/san-gcc-static"
"$memstate" run --malloc -- "$calls" >"$tap_dir/calls" 2>&1
ok "and nothing of that of others" "! grep 'of its own' $tap_dir/calls"
says "what one has said of its sanitizer oneself stays" 1 "ASan runtime does not come first" env \
	ASAN_OPTIONS=verify_asan_link_order=1 "$memstate" run -- "$top/build/observe/san-gcc-address"

cat "$tap_dir/said" >"$tap_dir/order"
ok "and it is said why there are no figures" \
	"grep 'does not run behind what is preloaded where ASAN_OPTIONS has verify_asan_link_order=1' $tap_dir/order"
# One that is preloaded begins within what it calls first, which may be the shim's own beginning.
asan=$(gcc -print-file-name=libasan.so)
if [ -e "$asan" ]; then
	says "a sanitizer that is preloaded does not wait for itself" 0 " calls  " timeout -k 1 60 env \
		LD_PRELOAD="$asan" ASAN_OPTIONS=detect_leaks=0 "$memstate" run --reported -- "$calls"
else
	skip "a sanitizer that is preloaded" "no libasan.so of gcc's"
fi
echo 'int f(void) { return 0; }' | gcc -shared -fPIC -x c -o "$build/libgone.so" -
echo 'int f(void); int main(void) { return f(); }' |
	gcc -x c -o "$build/lacks" - -x none "$build/libgone.so" -Wl,-rpath,"$build"
rm -f "$build/libgone.so"
says "a library that is missing is named" 127 "needs the shared library $build/libgone.so, which is not found" \
	"$memstate" run -- "$build/lacks"

# What is wrong is named; exit status 2 is for the command line alone.
says "no command" 2 "usage: memstate" "$memstate"
says "help of no command" 2 "no command 'nonsense'" "$memstate" help nonsense
says "help of help" 0 "usage: memstate COMMAND" "$memstate" help help
says "unknown command" 2 "no command 'nonsense'" "$memstate" nonsense
says "version" 0 "memstate 0." "$memstate" --version
mapfile -t commands < <("$memstate" help | sed -n 's/^  \([a-z]*\) .*/\1/p')
for c in "${commands[@]}"; do
	says "$c --help" 0 "usage: memstate $c" "$memstate" "$c" --help
	says "help $c" 0 "usage: memstate $c" "$memstate" help "$c"
	says "$c --nonsense" 2 "unknown option '--nonsense'" "$memstate" "$c" --nonsense
done
for c in stat run ranges audit scan replay; do
	says "help lists $c" 0 "memstate $c" sh -c \
		"'$memstate' help | sed -n 's/^  \([a-z]*\) .*/memstate \1/p'"
done
for c in "${commands[@]}"; do
	"$memstate" "$c" --help | sed -n 1p | grep -q ' \[--json\] PID$' || continue
	says "$c without a process" 2 "one process id is needed" "$memstate" "$c"
	says "$c 12x" 2 "'12x' is not a process id" "$memstate" "$c" 12x
	says "$c of no process" 1 "no process 2147483647" "$memstate" "$c" 2147483647
done
says "stat 0" 2 "'0' is not a process id" "$memstate" stat 0
says "stat --watch x" 2 "'--watch': 'x' is not a number of seconds from 0.01 to 86400" "$memstate" stat --watch x
says "stat --watch" 2 "option '--watch' needs a value" "$memstate" stat --watch
if [ ! -e /dev/memstate ] && grep -q cgroup2 /proc/mounts; then
	says "limit without the module says one thing" 1 "the module is not loaded" "$memstate" limit 1
	cp "$tap_dir/said" "$tap_dir/limit"
	ok "in one line" "[ \$(wc -l <$tap_dir/limit) = 1 ] && ! grep gone $tap_dir/limit"
else
	skip "limit without the module" "the module is there, or no cgroup v2"
fi
[ -d /sys/class/misc/memstate ] ||
	says "stat without the module" 1 "the module is not loaded" "$memstate" stat
says "replay without a file" 2 "one file is needed" "$memstate" replay
says "replay of no file" 1 "/nonexistent" "$memstate" replay /nonexistent
says "run without a command" 2 "a command is needed" "$memstate" run
says "run of no program" 127 "/nonexistent" "$memstate" run -- /nonexistent
says "run of what is no program" 126 "/etc/passwd" "$memstate" run -- /etc/passwd
says "run without a descriptor left" 1 "pipe: Too many open files: 4 is all that may be, until root raises ulimit -n" \
	sh -c "ulimit -n 4; exec '$memstate' run -- true"
says "and where there may be more" 1 "ulimit -n is 4, and may be up to 8" \
	bash -c "ulimit -S -n 4; ulimit -H -n 8; exec '$memstate' run --output '$build/few' -- true"
says "run passes the exit status on" 7 "back end embedded" "$memstate" run -- sh -c 'exit 7'
says "run passes a signal on as 128 + N" 137 "back end embedded" "$memstate" run -- \
	sh -c 'kill -9 $$'
# Sizes as they are printed, also in two words.
for size in 512M 20MiB "20 MiB" 1.5G "1.5 GiB" max; do
	says "run --max $size" 0 "hello" "$memstate" run --max "$size" -- echo hello
done
if [ ! -e /dev/memstate ]; then
	says "a limit that has holes says so first" 0 "not for the heap of libc's own malloc (--malloc has it), static or setuid programs" \
		"$memstate" run --max 1G -- true
	says "--malloc has fewer" 0 "limits hold for what reports: not for static or setuid programs, nor where the environment is cleared" \
		"$memstate" run --malloc --max 1G -- true
fi
says "run --max 20 MiB, in two words" 0 "hello" "$memstate" run --max 20 MiB -- echo hello
says "run --high=1.5 GiB, likewise" 0 "hello" "$memstate" run --high=1.5 GiB -- echo hello
says "run --max 1MB" 2 "'1MB' is not a size (as 512M, 1.5GiB, or max)" "$memstate" run --max 1MB -- true
says "run --max 16 EiB" 2 "'16 EiB' is too large" "$memstate" run --max 16 EiB -- true

# One limit, told to runtimes.
says "adapt without a limit" 2 "--max is needed" "$memstate" adapt
says "adapt --max max" 2 "'max' is not a size" "$memstate" adapt --max max
says "adapt --workers 0" 2 "'0' is not a number from 1 to 65536" "$memstate" adapt --max 1G --workers 0
says "adapt --format x" 2 "'x' is none of sh, env, docker, pod, json" "$memstate" adapt --max 1G --format x
says "adapt --runtime x" 2 "nothing is known of 'x'" "$memstate" adapt --max 1G --runtime x
says "adapt with a command" 2 "is for memstate run --adapt" "$memstate" adapt --max 1G java
says "adapt of next to nothing" 1 "too small for these runtimes" "$memstate" adapt --max 8M --runtime node
says "adapt tells the JVM" 0 "JAVA_TOOL_OPTIONS='-Xmx344m -XX:MaxDirectMemorySize=51m'" "$memstate" adapt --max 512M
says "half of it for each of two" 0 "JAVA_TOOL_OPTIONS=-Xmx344m " "$memstate" adapt --max 1G --workers 2 \
	--format env
says "adapt --explain" 0 "# Go: 90 %" "$memstate" adapt --max 512M --explain --runtime go
says "what is untested says so" 0 "(untested)" "$memstate" adapt --max 512M --explain
try "what is printed for a shell is a shell's" sh -ec "eval \"\$('$memstate' adapt --max '1 GiB')\"
	[ \"\$GOMEMLIMIT\" = 919MiB ]"
try "adapt --format json is JSON" sh -c "'$memstate' adapt --max 1G --format json | python3 -c '
import json, sys
d = {k[\"name\"]: k for k in json.load(sys.stdin)}
assert d[\"NODE_OPTIONS\"][\"value\"] == \"--max-old-space-size=744\", d
assert not d[\"DOTNET_GCHeapHardLimit\"][\"tested\"]'"
says "run --adapt without a limit" 2 "--adapt needs --max" "$memstate" run --adapt -- true
says "run --workers without it" 2 "--workers is for --adapt" "$memstate" run --max 1G --workers 2 -- true
# shellcheck disable=SC2016 # the inner shell expands it
says "run --adapt sets them" 0 "458MiB -Xmx344m" "$memstate" run --max 512M --adapt -- sh -c \
	'echo "$GOMEMLIMIT $JAVA_TOOL_OPTIONS"'
# shellcheck disable=SC2016 # likewise
says "what is set stays" 0 "off -XX:MaxDirectMemorySize=51m -Xmx1g --max-old-space-size=9 decay" env GOMEMLIMIT=off \
	JAVA_TOOL_OPTIONS=-Xmx1g NODE_OPTIONS=--max-old-space-size=9 MALLOC_CONF=dirty_decay_ms:9 "$memstate" \
	run --max 512M --adapt -- sh -c 'echo "$GOMEMLIMIT $JAVA_TOOL_OPTIONS $NODE_OPTIONS ${MALLOC_CONF#*_}"'
# shellcheck disable=SC2016 # likewise
says "options that say something else are kept" 0 "--max-old-space-size=360 --no-warnings" env \
	NODE_OPTIONS=--no-warnings "$memstate" run --max 512M --adapt -- sh -c 'echo "$NODE_OPTIONS"'

# Why there are no figures.
says "run of a static program says why it tells nothing" 0 "is statically linked" "$memstate" run -- \
	"$top/build/observe/static"
says "and what to do" 0 "memstate scan PID" "$memstate" run -- "$top/build/observe/static"
printf '#!%s\n' "$top/build/observe/static" >"$build/script"
chmod +x "$build/script"
says "and with a limit that it will not hold" 0 "static is statically linked: there is no loader to preload the shim: its limits will not hold" \
	"$memstate" run --reported --max 1G -- "$top/build/observe/static"
says "also of a script of one" 0 "static is statically linked" "$memstate" run -- "$build/script"
try "in JSON as well" sh -c "'$memstate' run --json --output '$build/why.json' -- \
	'$top/build/observe/static' && python3 -c '
import json; d = json.load(open(\"$build/why.json\"))
assert d[\"processes\"] == [] and \"statically\" in d[\"why\"], d'"
# Programs below a shell that could not report are met while they run: longer, if not at once.
met() { # PROGRAM REASON
	local seconds
	for seconds in 0.1 0.4 1.6 6.4; do
		"$memstate" run -- sh -c "$1 $seconds; exit \$?" >"$build/met.said" 2>&1
		grep -F "$2" "$build/met.said" && return
	done
	cat "$build/met.said"
	return 1
}
cp "$(command -v sleep)" "$build/sleeper"
try "a program that was started without an environment is told of" met "env -i '$build/sleeper'" \
	"): started without LD_PRELOAD, which brings the shim (env -i?)"
ok "by its name, once" "[ \$(grep -c 'not in the table: sleeper (process [0-9]*): ' $build/met.said) = 1 ]"
try "and a static one below a shell" met "'$top/build/observe/static'" \
	"not in the table: static (process "
try "who has the shim is not said to be without" sh -c "! '$memstate' run -- sh -c 'env sleep 0; exit 0' 2>&1 |
	grep 'not in the table'"
if [ "$(id -u)" = 0 ]; then
	cp /bin/true "$build/setuid" && chown 65534 "$build/setuid" && chmod 4755 "$build/setuid"
	says "run of a setuid program says why it tells nothing" 0 "is setuid" "$memstate" run -- \
		"$build/setuid"
	says "and with a limit that it will not hold" 0 "into such a program: its limits will not hold" \
		"$memstate" run --reported --max 1G -- "$build/setuid"
	rm -f "$build/setuid"
else
	skip "run of a setuid program" "only for root"
fi
says "run of no program says that alone" 127 "/nonexistent: No such file" "$memstate" run -- /nonexistent
cp "$tap_dir/said" "$tap_dir/none"
ok "and not that it left no figures" "! grep 'left figures' $tap_dir/none"
says "a back end that does not work" 1 "no back end" env MEMSTATE_BACKEND=nonsense "$memstate" run -- true

rm -f "$build/ran"
says "run --output to nowhere" 1 "/nonexistent/x" "$memstate" run --output /nonexistent/x \
	-- touch "$build/ran"
ok "and then nothing is run" "[ ! -e '$build/ran' ]"
try "run --quiet says nothing" sh -c "[ -z \"\$('$memstate' run --quiet -- true 2>&1)\" ]"
says "a shim without a back end tells once and passes on" 0 "not accounted" env \
	MEMSTATE_BACKEND=nonsense LD_PRELOAD="$bin/libmemstate-observe.so" "$calls"
try "MEMSTATE_QUIET keeps it quiet" sh -c "[ -z \"\$(MEMSTATE_QUIET=1 \
	MEMSTATE_BACKEND=nonsense LD_PRELOAD='$bin/libmemstate-observe.so' \
	'$calls' 2>&1)\" ]"
try "scan --json is JSON" sh -c "'$memstate' scan --json $$ | python3 -m json.tool >/dev/null"
try "run --json is JSON" sh -c "'$memstate' run --json --output '$build/run.json' -- \
	'$calls' && python3 -m json.tool '$build/run.json' >/dev/null"
try "run --json tells of both processes" python3 -c "
import json; d = json.load(open('$build/run.json'))
assert len(d['processes']) == 2 and all(p['ready'] > 0 for p in d['processes'])"

! part guest || guest
tap_end
