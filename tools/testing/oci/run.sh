#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [host] [guest]: the OCI hook.
# host: what it makes of annotations and figures, what it says of wrong input. guest: real
# containers of runc, crun, podman and lxc, in virtual machines.
#
# KERNELS="6.1": kernels of vm.sh
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
parts "host guest" "$@"
kernels=${KERNELS:-6.1}
PATH=$PATH:/usr/sbin:/sbin
first=host
part host || first=guest
out=$top/build/oci/$first

rm -rf "$out"
tap_begin "$out"
tap_limit=2100
mkdir -p "$out/bundle"

# ---- containers --------------------------------------------------------------------

guest() {
	local out=$top/build/oci/guest kernel module
	needs gcc make python3 runc crun podman lxc-execute:lxc musl-gcc:musl-tools systemd-run:systemd || return
	rm -rf "${out:?}"/{prefix,bin}
	mkdir -p "$out/bin"
	must userspace PREFIX="$out/prefix" install
	try program_with_nothing_of_ours_builds gcc -O1 -Wall -Wextra -Werror -D_GNU_SOURCE -DBARE -static \
		-o "$out/bin/bare" "$here/inside.c" || return
	try and_with_musl musl-gcc -O1 -Wall -Wextra -Werror -D_GNU_SOURCE -DBARE -o "$out/bin/musl" \
		"$here/inside.c" || return
	try program_for_containers_builds gcc -g -O1 -Wall -Wextra -Werror -D_GNU_SOURCE \
		"-I$out/prefix/include" -o "$out/bin/inside" "$here/inside.c" \
		"$out/prefix/lib/libmemstate.a" || return
	for kernel in $kernels; do
		module=$("$here/../vm/module.sh" "$kernel" 2>"$out/module.err" | tail -n 1)
		[ -n "$module" ] || { result 1 "$kernel module builds" "$out/module.err"; continue; }
		relay "$kernel" "$here/../vm/vm.sh" -k "$kernel" -t 1800 -- bash "$here/guest.sh" "$module" "$out"
	done
	module=$("$here/../vm/module.sh" 6.1 2>"$out/module.err" | tail -n 1)
	relay engines "$here/../vm/vm.sh" -k 6.1 -m 3G -t 1800 -- bash "$here/engines.sh" "$module" "$out"
}
part host || { guest; tap_end; }

# ---- on this machine ---------------------------------------------------------------

needs gcc make python3 || tap_end
try builds_and_installs userspace PREFIX="$out/prefix" install || tap_end
programs oci
try limits_test_builds program oci limits || tap_end
relay limits "$top/build/oci/limits"
try cgroup_test_builds program oci cgroup || tap_end
relay cgroup "$top/build/oci/cgroup"
hook=$top/build/oci/hook
try hook_builds_with_sanitizers program oci hook || tap_end

# complains NAME STATUS TEXT STATE [OPTIONS]: the hook, in one line
complains() {
	local name=$1 want=$2 text=$3 state=$4 status lines
	shift 4
	printf '%s' "$state" | "$hook" "$@" >"$out/hook.out" 2>"$out/hook.err"
	status=$?
	lines=$(wc -l <"$out/hook.err")
	{
		echo "status $status, want $want: $text"
		cat "$out/hook.err" "$out/hook.out"
	} >"$out/said"
	[ $status = "$want" ] && [ "$lines" = 1 ] && [ ! -s "$out/hook.out" ] &&
		grep -qF -- "memstate-oci-hook: $text" "$out/hook.err"
	result $? "says.$name"
}
config() { printf '%s' "$1" >"$out/bundle/config.json"; }
b="\"bundle\":\"$out/bundle\""
none='"annotations":{}'
config '{}'

complains empty 1 'state: JSON that is empty' ''
complains unfinished 1 'state: JSON that does not come to its end' '{"pid":1,'
complains not_json 1 'state: not JSON: ' 'pid: 1'
complains something_behind 1 'state: not JSON: ' '{"pid":1} {}'
complains not_an_object 1 'state: JSON, but not an object' '[]'
complains null 1 'state: JSON, but not an object' $'null\n'
complains deep 1 'state: not JSON: ' "$(printf '[%.0s' $(seq 5000))"
complains large 1 'state: File too large' "$(head -c 20000000 /dev/zero | tr '\0' ' ')"
complains no_pid 1 "state: no 'pid'" "{$b}"
complains pid_is_text 1 "state: 'pid' is not of type int" "{\"pid\":\"1\",$b}"
complains pid_of_0 1 "state: 'pid' 0 is not a process id" "{\"pid\":0,$b}"
complains pid_below_0 1 "state: 'pid' -1 is not a process id" "{\"pid\":-1,$b}"
complains pid_beyond_32_bits 1 "state: 'pid' 4294967297 is not a process id" "{\"pid\":4294967297,$b}"
complains no_bundle 1 "state: 'bundle' is missing" '{"pid":1}'
complains bundle_is_relative 1 "state: 'bundle' is not an absolute path" '{"pid":1,"bundle":"x"}'
complains bundle_is_long 1 "state: 'bundle' is too long" "{\"pid\":1,\"bundle\":\"/$(printf 'x%.0s' $(seq 5000))\"}"
complains bundle_is_not_there 1 '/nowhere/config.json: No such file' '{"pid":1,"bundle":"/nowhere"}'
complains annotations_are_a_list 1 "state: 'annotations' is not of type object" "{\"pid\":1,$b,\"annotations\":[]}"
complains annotation_is_a_number 1 'annotation org.memstate.max: not a string' \
	"{\"pid\":1,$b,\"annotations\":{\"org.memstate.max\":12}}"
complains annotation_is_no_size 1 "annotation org.memstate.max: '12Q' is not a size" \
	"{\"pid\":1,$b,\"annotations\":{\"org.memstate.max\":\"12Q\"}}"
complains annotation_is_two_lines 1 "annotation org.memstate.max: '1?2' is not a size" \
	"{\"pid\":1,$b,\"annotations\":{\"org.memstate.max\":\"1\\n2\"}}"
complains annotation_of_no_such_name 1 'annotation org.memstate.maximum: there is none of this name' \
	"{\"pid\":1,$b,\"annotations\":{\"org.memstate.maximum\":\"1M\"}}"
complains optional_does_not_excuse 1 "annotation org.memstate.high: 'x' is not a size" \
	"{\"pid\":1,$b,\"annotations\":{\"org.memstate.optional\":\"true\",\"org.memstate.high\":\"x\"}}"
complains no_such_process 1 'process 2147483647: No such process' \
	"{\"pid\":2147483647,$b,\"annotations\":{\"org.memstate.max\":\"1M\"}}"
config '{"annotations":{"org.memstate.high":"9Z"}}'
complains config_annotation 1 "annotation org.memstate.high: '9Z' is not a size" "{\"pid\":1,$b,$none}"
complains state_annotation_goes_before 1 "annotation org.memstate.high: '8Z' is not a size" \
	"{\"pid\":1,$b,\"annotations\":{\"org.memstate.high\":\"8Z\"}}"
config '{"linux":{"resources":{"memory":{"limit":"1G"}}}}'
complains config_limit_is_text 1 "$out/bundle/config.json: 'limit' is not of type int" "{\"pid\":1,$b,$none}"
config '{"linux":[]}'
complains config_linux_is_a_list 1 "$out/bundle/config.json: 'linux' is not of type object" "{\"pid\":1,$b,$none}"
config '{"linux":'
complains config_unfinished 1 "$out/bundle/config.json: JSON that does not come to its end" "{\"pid\":1,$b,$none}"
# This shell is in the hook's own cgroup, or in none of version 2.
config '{"linux":{"resources":{"memory":{"limit":1073741824}}}}'
derive='"org.memstate.derive":"true"'
complains no_cgroup_of_its_own 1 "process $$: it " "{\"pid\":$$,$b,\"annotations\":{$derive}}"
complains no_cgroup_and_derived_by_the_host 1 "process $$: it " "{\"pid\":$$,$b,$none}" --derive
complains no_cgroup_but_optional 0 "process $$: it " "{\"pid\":$$,$b,\"annotations\":{$derive,\"org.memstate.optional\":\"true\"}}"
try a_memory_limit_alone_asks_for_nothing bash -c "echo '{\"pid\":$$,$b,$none}' | $hook && true"
config '{"linux":{"resources":{"memory":{"limit":-1}}}}'
try no_cgroup_and_nothing_asked bash -c "echo '{\"pid\":$$,$b,$none}' | $hook && true"
# What goes into a container's environment before it is created.
precreated() { # CONFIG EXPRESSION of d, what comes out, and e, its environment
	printf '%s' "$1" | "$hook" precreate | python3 -c "
import json, sys
d = json.load(sys.stdin); e = dict(v.split('=', 1) for v in d['process'].get('env', []))
assert $2, d"
}
asked='"org.memstate.adapt":"true"'
try precreate_tells_of_max precreated "{\"process\":{\"env\":[\"PATH=/bin\"]},\"x\":[1],\"annotations\":{$asked,\"org.memstate.max\":\"512M\"}}" \
	"e['GOMEMLIMIT'] == '458MiB' and e['PATH'] == '/bin' and d['x'] == [1] and 'PHP_INI_SCAN_DIR' not in e"
try precreate_makes_an_environment precreated "{\"process\":{},\"annotations\":{$asked,\"org.memstate.max\":\"512M\"}}" \
	"e['GOMEMLIMIT'] == '458MiB'"
try precreate_shares_it_among_workers precreated "{\"process\":{},\"annotations\":{$asked,\"org.memstate.max\":\"1G\",\"org.memstate.workers\":\"2\"}}" \
	"e['GOMEMLIMIT'] == '458MiB'"
try precreate_keeps_what_is_set precreated "{\"process\":{\"env\":[\"GOMEMLIMIT=1GiB\",\"JAVA_TOOL_OPTIONS=-Xint\"]},\"annotations\":{$asked,\"org.memstate.max\":\"512M\"}}" \
	"e['GOMEMLIMIT'] == '1GiB' and e['JAVA_TOOL_OPTIONS'].startswith('-Xmx344m ') and e['JAVA_TOOL_OPTIONS'].endswith(' -Xint') and len(e) == len(d['process']['env'])"
try precreate_derives precreated "{\"process\":{},\"linux\":{\"resources\":{\"memory\":{\"limit\":1073741824}}},\"annotations\":{$asked,$derive}}" \
	"e['GOMEMLIMIT'] == '804MiB'"
try precreate_of_who_did_not_ask precreated "{\"process\":{\"env\":[]},\"annotations\":{\"org.memstate.max\":\"512M\"}}" "not e"
complains precreate_without_a_limit 1 "annotation org.memstate.adapt: there is no limit to tell of" \
	"{\"process\":{},\"annotations\":{$asked}}" precreate
complains precreate_without_a_process 1 "config: 'process' is missing" "{\"annotations\":{$asked,\"org.memstate.max\":\"1G\"}}" precreate
complains precreate_env_is_text 1 "config: 'env' is not of type array" \
	"{\"process\":{\"env\":\"x\"},\"annotations\":{$asked,\"org.memstate.max\":\"1G\"}}" precreate
complains precreate_of_nothing 1 'config: JSON that is empty' '' precreate
complains adapt_is_no_bool 1 "annotation org.memstate.adapt: 'yes' is neither true nor false" \
	'{"process":{},"annotations":{"org.memstate.adapt":"yes"}}' precreate
complains workers_is_no_number 1 "annotation org.memstate.workers: '0' is not a number from 1 to 65536" \
	'{"process":{},"annotations":{"org.memstate.workers":"0"}}' precreate
complains precreate_and_more 2 "'more' is not expected" '' precreate more
complains unknown_option 2 "unknown option '--check', try --help" '' --check
complains argument 2 "'state.json' is not expected" '' state.json
try help bash -c "$hook --help | grep -q ^usage:"
try version bash -c "$hook --version | grep -q '^memstate-oci-hook test'"
try cdi_names_what_is_installed python3 -c "
import json, os
spec = json.load(open('$out/prefix/share/memstate/cdi/memstate.json'))
assert spec['cdiVersion'] == '0.3.0' and spec['kind'] == 'memstate.org/accounting'
assert all(os.access(hook['path'], os.X_OK) for hook in spec['containerEdits']['hooks'])
devices = {device['name']: device['containerEdits'] for device in spec['devices']}
assert set(devices) == {'default', 'reported'} and set(devices['default']) == {'deviceNodes'}
edits = devices['reported']
assert all(os.path.isfile(mount['hostPath']) for mount in edits['mounts'])
preloaded = edits['env'][0].split('=')[1]
paths = [mount['containerPath'] for mount in edits['mounts']]
assert len(set(paths)) == len(paths)
for lib in 'lib', 'lib64', 'lib/' + os.popen('gcc -print-multiarch').read().strip():
    assert preloaded.replace('\$LIB', lib) in paths, (preloaded, paths)"
try hooks_d_names_what_is_installed python3 -c "
import json, os, re
hook = json.load(open('$out/prefix/share/containers/oci/hooks.d/memstate-oci-hook.json'))
assert hook['version'] == '1.0.0' and hook['stages'] == ['createRuntime']
assert os.access(hook['hook']['path'], os.X_OK)
(pattern, value), = hook['when']['annotations'].items()
assert re.search(pattern, 'org.memstate.max') and not re.search(pattern, 'xorg.memstate.max')
assert re.search(value, '64M')"

try hooks_d_has_the_precreate_stage python3 -c "
import json, os, re
hook = json.load(open('$out/prefix/share/containers/oci/hooks.d/memstate-oci-adapt.json'))
assert hook['stages'] == ['precreate'] and hook['hook']['args'][1:] == ['precreate']
assert os.access(hook['hook']['path'], os.X_OK)
(pattern, value), = hook['when']['annotations'].items()
assert re.search(pattern, 'org.memstate.adapt') and not re.search(pattern, 'org.memstate.adapted')
assert re.search(value, 'true') and not re.search(value, 'false')"

! part guest || guest
tap_end
