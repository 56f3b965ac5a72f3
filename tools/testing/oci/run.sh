#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The OCI hook: what it makes of annotations and figures, what it says of wrong input,
# and real containers of runc and crun, in a virtual machine.
#
# KERNELS="6.1": kernels of vm.sh
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
out=$top/build/oci
kernels=${KERNELS:-6.1}
n=0 failed=0

result() { # status name
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
}
ok() { # name command...
	local name=$1 status
	shift
	"$@" >"$out/said" 2>&1
	status=$?
	[ $status = 0 ] || sed 's/^/# /' "$out/said" | tail -n 40
	result $status "$name"
	return $status
}
relay() { # name: pass TAP on, renumbered
	local line
	while IFS= read -r line; do
		case $line in
		"ok "*)     result 0 "$1 ${line#*- }" ;;
		"not ok "*) result 1 "$1 ${line#*- }" ;;
		"Bail out!"*) result 1 "$1 $line" ;;
		"# "*)      echo "$line" ;;
		esac
	done
}
finish() {
	echo "1..$n"
	exit $failed
}

echo "TAP version 13"
rm -rf "$out"
mkdir -p "$out/bin" "$out/bundle"
PATH=$PATH:/usr/sbin:/sbin
for need in gcc:gcc make:make python3:python3 runc:runc crun:crun podman:podman lxc-execute:lxc; do
	command -v "${need%:*}" >/dev/null && continue
	echo "# no ${need%:*}: install the Debian package ${need#*:}"
	result 1 "needs.${need%:*}"
done
[ $failed = 0 ] || finish

# --- on this machine ---------------------------------------------------------------

ok builds_and_installs make -s -C "$top/userspace" O="$out/build" PREFIX="$out/prefix" install ||
	finish
flags=(-std=gnu11 -g -O1 -Wall -Wextra -Werror -fsanitize=address -fsanitize=undefined -pthread
	-fno-sanitize-recover=all -D_GNU_SOURCE "-DMS_VERSION=\"test\"" "-I$top/include/uapi"
	"-I$top/userspace/include" "-I$top/userspace/lib" "-I$top/userspace/oci"
	"-I$top/tools/testing/core")
ok limits_test_builds gcc "${flags[@]}" -o "$out/limits" "$here/limits.c" \
	"$top/userspace/oci/limits.c" "$out/build/libmemstate.a" || finish
"$out/limits" >"$out/limits.tap" 2>"$out/limits.err"
status=$?
relay limits <"$out/limits.tap"
sed 's/^/# /' "$out/limits.err"
grep -q "^1\.\.$(grep -cE '^(not )?ok' "$out/limits.tap")\$" "$out/limits.tap"
result $((status | $?)) limits_test_comes_to_its_end
hook=$out/hook
ok hook_builds_with_sanitizers gcc "${flags[@]}" -o "$hook" "$top"/userspace/oci/*.c \
	"$top/userspace/lib/cgroupfs.c" \
	"$out/build/libmemstate.a" -ljson-c || finish

# says NAME STATUS TEXT STATE [OPTIONS]: the hook's one line of complaint
says() {
	local name=$1 want=$2 text=$3 state=$4 status lines
	shift 4
	printf '%s' "$state" | "$hook" "$@" >"$out/hook.out" 2>"$out/hook.err"
	status=$?
	lines=$(wc -l <"$out/hook.err")
	if [ $status = "$want" ] && [ "$lines" = 1 ] && [ ! -s "$out/hook.out" ] &&
		grep -qF -- "memstate-oci-hook: $text" "$out/hook.err"; then
		result 0 "says.$name"
	else
		echo "# status $status, want $want: $text"
		sed 's/^/# /' "$out/hook.err" "$out/hook.out"
		result 1 "says.$name"
	fi
}
config() { printf '%s' "$1" >"$out/bundle/config.json"; }
b="\"bundle\":\"$out/bundle\""
none='"annotations":{}'
config '{}'

says empty 1 'state: JSON that is empty' ''
says unfinished 1 'state: JSON that does not come to its end' '{"pid":1,'
says not_json 1 'state: not JSON: ' 'pid: 1'
says something_behind 1 'state: not JSON: ' '{"pid":1} {}'
says not_an_object 1 'state: JSON, but not an object' '[]'
says null 1 'state: JSON, but not an object' $'null\n'
says deep 1 'state: not JSON: ' "$(printf '[%.0s' $(seq 5000))"
says large 1 'state: File too large' "$(head -c 20000000 /dev/zero | tr '\0' ' ')"
says no_pid 1 "state: no 'pid'" "{$b}"
says pid_is_text 1 "state: 'pid' is not of type int" "{\"pid\":\"1\",$b}"
says pid_of_0 1 "state: 'pid' 0 is not a process id" "{\"pid\":0,$b}"
says pid_below_0 1 "state: 'pid' -1 is not a process id" "{\"pid\":-1,$b}"
says pid_beyond_32_bits 1 "state: 'pid' 4294967297 is not a process id" "{\"pid\":4294967297,$b}"
says no_bundle 1 "state: 'bundle' is missing" '{"pid":1}'
says bundle_is_relative 1 "state: 'bundle' is not an absolute path" '{"pid":1,"bundle":"x"}'
says bundle_is_long 1 "state: 'bundle' is too long" "{\"pid\":1,\"bundle\":\"/$(printf 'x%.0s' $(seq 5000))\"}"
says bundle_is_not_there 1 '/nowhere/config.json: No such file' '{"pid":1,"bundle":"/nowhere"}'
says annotations_are_a_list 1 "state: 'annotations' is not of type object" "{\"pid\":1,$b,\"annotations\":[]}"
says annotation_is_a_number 1 'annotation org.memstate.max: not a string' \
	"{\"pid\":1,$b,\"annotations\":{\"org.memstate.max\":12}}"
says annotation_is_no_size 1 "annotation org.memstate.max: '12Q' is not a size" \
	"{\"pid\":1,$b,\"annotations\":{\"org.memstate.max\":\"12Q\"}}"
says annotation_is_two_lines 1 "annotation org.memstate.max: '1?2' is not a size" \
	"{\"pid\":1,$b,\"annotations\":{\"org.memstate.max\":\"1\\n2\"}}"
says annotation_of_no_such_name 1 'annotation org.memstate.maximum: there is none of this name' \
	"{\"pid\":1,$b,\"annotations\":{\"org.memstate.maximum\":\"1M\"}}"
says optional_does_not_excuse 1 "annotation org.memstate.high: 'x' is not a size" \
	"{\"pid\":1,$b,\"annotations\":{\"org.memstate.optional\":\"true\",\"org.memstate.high\":\"x\"}}"
says no_such_process 1 'process 2147483647: No such process' \
	"{\"pid\":2147483647,$b,\"annotations\":{\"org.memstate.max\":\"1M\"}}"
config '{"annotations":{"org.memstate.high":"9Z"}}'
says config_annotation 1 "annotation org.memstate.high: '9Z' is not a size" "{\"pid\":1,$b,$none}"
says state_annotation_goes_before 1 "annotation org.memstate.high: '8Z' is not a size" \
	"{\"pid\":1,$b,\"annotations\":{\"org.memstate.high\":\"8Z\"}}"
config '{"linux":{"resources":{"memory":{"limit":"1G"}}}}'
says config_limit_is_text 1 "$out/bundle/config.json: 'limit' is not of type int" "{\"pid\":1,$b,$none}"
config '{"linux":[]}'
says config_linux_is_a_list 1 "$out/bundle/config.json: 'linux' is not of type object" "{\"pid\":1,$b,$none}"
config '{"linux":'
says config_unfinished 1 "$out/bundle/config.json: JSON that does not come to its end" "{\"pid\":1,$b,$none}"
# This shell is in the hook's own cgroup, or in none of version 2.
config '{"linux":{"resources":{"memory":{"limit":1073741824}}}}'
says no_cgroup_of_its_own 1 "process $$: it " "{\"pid\":$$,$b,$none}"
says no_cgroup_but_optional 0 "process $$: it " "{\"pid\":$$,$b,\"annotations\":{\"org.memstate.optional\":\"true\"}}"
config '{"linux":{"resources":{"memory":{"limit":-1}}}}'
ok no_cgroup_and_nothing_asked bash -c "echo '{\"pid\":$$,$b,$none}' | $hook && true"
says unknown_option 2 "unknown option '--check', try --help" '' --check
says argument 2 "'state.json' is not expected" '' state.json
ok help bash -c "$hook --help | grep -q ^usage:"
ok version bash -c "$hook --version | grep -q '^memstate-oci-hook test'"
ok cdi_names_what_is_installed python3 -c "
import json, os
spec = json.load(open('$out/prefix/share/memstate/cdi/memstate.json'))
edits = spec['containerEdits']
assert spec['cdiVersion'] == '0.3.0' and spec['kind'] == 'memstate.org/accounting'
assert spec['devices'][0]['name'] == 'default'
assert all(os.path.isfile(mount['hostPath']) for mount in edits['mounts'])
preloaded = edits['env'][0].split('=')[1]
assert preloaded in [mount['containerPath'] for mount in edits['mounts']]
assert all(os.access(hook['path'], os.X_OK) for hook in edits['hooks'])"
ok hooks_d_names_what_is_installed python3 -c "
import json, os, re
hook = json.load(open('$out/prefix/share/containers/oci/hooks.d/memstate-oci-hook.json'))
assert hook['version'] == '1.0.0' and hook['stages'] == ['createRuntime']
assert os.access(hook['hook']['path'], os.X_OK)
(pattern, value), = hook['when']['annotations'].items()
assert re.search(pattern, 'org.memstate.max') and not re.search(pattern, 'xorg.memstate.max')
assert re.search(value, '64M')"

# --- containers ----------------------------------------------------------------------

ok program_for_containers_builds gcc -g -O1 -Wall -Wextra -Werror -D_GNU_SOURCE \
	"-I$out/prefix/include" -o "$out/bin/inside" "$here/inside.c" \
	"-L$out/prefix/lib" "-Wl,-rpath,$out/prefix/lib" -lmemstate || finish
for kernel in $kernels; do
	module=$("$here/../vm/module.sh" "$kernel" 2>"$out/module.err" | tail -n 1)
	[ -n "$module" ] || { sed 's/^/# /' "$out/module.err"; result 1 "$kernel module builds"; continue; }
	"$here/../vm/vm.sh" -k "$kernel" -t 900 -- bash "$here/guest.sh" "$module" "$out" \
		>"$out/guest-$kernel.tap" 2>"$out/guest-$kernel.err"
	status=$?
	relay "$kernel" <"$out/guest-$kernel.tap"
	grep -q '^guest came to its end$' "$out/guest-$kernel.tap" && [ $status = 0 ]
	status=$?
	[ $status = 0 ] || tail -n 40 "$out/guest-$kernel.err" | sed 's/^/# /'
	result $status "$kernel guest comes to its end, and the kernel has no complaint"
done
module=$("$here/../vm/module.sh" 6.1 2>"$out/module.err" | tail -n 1)
"$here/../vm/vm.sh" -k 6.1 -m 3G -t 600 -- bash "$here/engines.sh" "$module" "$out" \
	>"$out/engines.tap" 2>"$out/engines.err"
status=$?
relay engines <"$out/engines.tap"
grep -q '^guest came to its end$' "$out/engines.tap" && [ $status = 0 ]
status=$?
[ $status = 0 ] || tail -n 40 "$out/engines.err" | sed 's/^/# /'
result $status "engines: comes to its end, and the kernel has no complaint"
finish
