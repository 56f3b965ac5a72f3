#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# guest.sh MODULE OUT: containers of runc and crun with the hook. The part of the
# suite in the virtual machine; OUT has prefix/ (what was installed) and bin/.
#
# A test is a function; what it says is shown when it fails.
set -u

module=$1 out=$2
here=$(dirname "$(readlink -f "$0")")
groups=/sys/class/misc/memstate/groups
top=/sys/fs/cgroup
run=/run/memstate-oci
inside=$out/bin/inside
rt=''
M=$((1 << 20))
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"

is() { # got want
	[ "$1" = "$2" ] || { echo "got '$1', want '$2'"; return 1; }
}
between() { # low value high
	[ "$1" -le "$2" ] && [ "$2" -le "$3" ] && return
	echo "$2 is not in $1 .. $3"
	return 1
}

bundle() { # id options of bundle.py
	local id=$1
	shift
	mkdir -p "$run/$id"
	# crun throws away what hooks say, unless it is told where to put it
	"$here/bundle.py" "$run/$id" --cgroup "/oci/$id" --bind "$out/bin" "$@" \
		--annotation run.oci.hooks.stderr="$run/hook.err" -- "$inside" wait
}
cdi=(--cdi "$out/prefix/share/memstate/cdi/memstate.json")
runtime() { timeout 600 "$rt" --root "$run/$rt" "$@"; }
start() { # id: detached; what it says goes to a file, as its programs keep stdout
	rm -f $run/hook.err
	runtime run -d --bundle "$run/$1" "$1" </dev/null >"$run/$1/log" 2>&1 && return
	cat "$run/$1/log"
	[ ! -e $run/hook.err ] || cat $run/hook.err
	return 1
}
execute() { runtime exec "$@" </dev/null; }
delete() { runtime delete -f "$1"; }
group() { echo "$groups/$(stat -c %i "$top/oci/$1")"; }
max_of() { cat "$(group "$1")/max"; }

# --- one container with limits by annotation ---------------------------------------

starts() {
	bundle one "${cdi[@]}" --annotation org.memstate.max=64M \
		--annotation org.memstate.high=48M && start one
}
limit_is_seen() {
	is "$(max_of one)" $((64 * M)) && is "$(cat "$(group one)/high")" $((48 * M)) &&
		is "$(cat "$(group one)/observe")" 1 && is "$(cat "$(group one)/overcommit")" 100
}
nothing_is_preloaded() {
	execute one /bin/sh -c 'ls -l /dev/memstate; cat /proc/self/maps; env' |
		tee $run/maps && grep -q /dev/memstate $run/maps &&
		! grep -q -e libmemstate -e LD_PRELOAD $run/maps
}
# Also where it cannot be: what is no program of glibc's starts all the same, and is limited.
shim_is_there_where_asked() {
	bundle shim "${cdi[@]}" --device reported --annotation org.memstate.max=64M && start shim || return 1
	# Not by themselves: crun hands the file on, and its pages would be the container's.
	execute shim /bin/sh -c 'ls -l /dev/memstate; exec cat /proc/self/maps' | cat >$run/maps
	execute shim "$out/bin/musl" hog | cat >$run/musl
	cat $run/maps $run/musl
	delete shim && grep -q /dev/memstate $run/maps &&
		grep -q libmemstate-observe $run/maps && grep -q ENOMEM $run/musl
}
over_gets_enomem() { # with libmemstate, and with nothing of ours
	local got program
	for program in inside bare musl; do
		got=$(execute one "$out/bin/$program" hog) || { echo "status $?: $got"; return 1; }
		echo "$program: $got"
		is "${got#* }" ENOMEM && between $((48 * M)) "${got% *}" $((64 * M)) || return
	done
}
container_lives() {
	is "$(runtime state one | sed -n 's/.*"status": *"\([a-z]*\)".*/\1/p')" running &&
		is "$(sed -n 's/^oom_kill //p' $top/oci/one/memory.events)" 0
}
refusal_is_counted() { between 1 "$(cat "$(group one)/events_denied")" 1000000; }
# As containers.rst has it; with nothing of ours, and no right.
its_root_reads_why() {
	local said
	# shellcheck disable=SC2016 # the container's shell
	said=$(execute one /bin/sh -c 'cat /sys/class/misc/memstate/groups/$(stat -c %i /sys/fs/cgroup)/last_refusal') &&
		[[ $said == "pid="*" inner_pid="*' comm="musl" bytes=1048576 group='*" max=$((64 * M)) "* ]] && return
	echo "$said"
	return 1
}
little_is_charged() { [ "$(cat "$(group one)/charged")" -lt $((8 * M)) ]; }
all_is_given_back() { soon little_is_charged; }
cannot_raise_its_own() {
	is "$(execute one "$inside" limit /sys/fs/cgroup 1G)" EPERM &&
		is "$(execute one "$inside" limit /sys/fs/cgroup max)" EPERM &&
		is "$(max_of one)" $((64 * M))
}
cannot_lower_its_own() {
	is "$(execute one "$inside" limit /sys/fs/cgroup 1M)" EPERM
}
can_limit_below() {
	execute one mkdir /sys/fs/cgroup/below &&
		is "$(execute one "$inside" limit /sys/fs/cgroup/below 16M)" fine &&
		is "$(max_of one/below)" $((16 * M))
}
hog_below() { # low high
	local got
	# shellcheck disable=SC2016 # the container's shell
	got=$(execute one /bin/sh -c \
		'echo $$ >/sys/fs/cgroup/below/cgroup.procs && exec "$0" hog' "$inside") ||
		{ echo "status $?: $got"; return 1; }
	echo "$got"
	is "${got#* }" ENOMEM && between "$1" "${got% *}" "$2"
}
own_limit_holds_below() { hog_below $((8 * M)) $((16 * M)); }
containers_limit_holds_below() {
	is "$(execute one "$inside" limit /sys/fs/cgroup/below 1G)" fine &&
		hog_below $((48 * M)) $((64 * M))
}
cannot_reach_above() {
	# the way up leads out of the cgroups
	! execute one "$inside" limit /sys/fs/cgroup/.. 1G && is "$(max_of one)" $((64 * M))
}
nothing_is_left() {
	local one below
	one=$(group one) below=$(group one/below)
	delete one && soon [ ! -e "$one" ] && soon [ ! -e "$below" ] && [ ! -e $top/oci/one ]
}

# --- limits from the memory limit ----------------------------------------------------

derive=(--annotation org.memstate.derive=true)
memory_limit_alone_changes_nothing() {
	bundle memory "${cdi[@]}" --memory $((256 * M)) && start memory || return 1
	[ ! -e "$(group memory)" ] || { is "$(max_of memory)" max && is "$(cat "$(group memory)/observe")" 0; } || return
	delete memory
}
derived() { # id low high options of bundle.py
	local id=$1 low=$2 high=$3 max status
	shift 3
	bundle "$id" "${cdi[@]}" "$@" && start "$id" || return 1
	max=$(max_of "$id")
	between "$low" "$max" "$high" && is $((max % 4096)) 0
	status=$?
	cat "$top/oci/$id/memory.max" "$(group "$id")/high"
	return $status
}
from_memory_limit() {
	derived memory $((160 * M)) $((224 * M)) --memory $((256 * M)) "${derive[@]}" &&
		is "$(cat $top/oci/memory/memory.max)" $((256 * M)) &&
		is "$(cat "$(group memory)/overcommit")" 200 &&
		is "$(cat "$(group memory)/high")" max
}
derived_refuses_before_the_kernel_kills() {
	local got
	got=$(execute memory "$inside" hog) || { echo "status $?: $got"; return 1; }
	echo "$got"
	is "${got#* }" ENOMEM && between $((128 * M)) "${got% *}" "$(max_of memory)" &&
		is "$(sed -n 's/^oom_kill //p' $top/oci/memory/memory.events)" 0 && delete memory
}
allowance() {
	derived allowance $((64 * M)) $((128 * M)) --memory $((256 * M)) \
		--annotation org.memstate.allowance=128M && delete allowance
}
max_goes_before() {
	derived before $((200 * M)) $((200 * M)) --memory $((256 * M)) "${derive[@]}" \
		--annotation org.memstate.max=200M && delete before
}
too_small() {
	bundle small "${cdi[@]}" --memory $((24 * M)) --annotation org.memstate.allowance=24M
	! start small >$run/small.said && cat $run/small.said &&
		grep -q 'memstate-oci-hook: the memory limit of 25165824 bytes leaves nothing' $run/small.said
}
nothing_to_do() {
	bundle free "${cdi[@]}" && start free || return 1
	[ ! -e "$(group free)" ] || is "$(max_of free)" max || return 1
	is "$(execute free "$inside" limit /sys/fs/cgroup 1G)" EPERM && delete free
}

# --- where containers are below something -----------------------------------------------

pod_limit_holds() {
	local got
	mkdir -p $top/oci/pod && is "$("$inside" limit $top/oci/pod 32M)" fine || return 1
	bundle pod/inner "${cdi[@]}" --annotation org.memstate.max=64M || return 1
	runtime run -d --bundle $run/pod/inner inner </dev/null >$run/inner.log 2>&1 ||
		{ cat $run/inner.log; return 1; }
	is "$(max_of pod/inner)" $((64 * M)) || return 1
	got=$(execute inner "$inside" hog)
	echo "$got"
	is "${got#* }" ENOMEM && between $((16 * M)) "${got% *}" $((32 * M)) || return 1
	# to where the pod's permission is not the container's
	is "$(execute inner "$inside" limit /sys/fs/cgroup 1M)" EPERM || return 1
	delete inner && rmdir $top/oci/pod
}

# Of the smallest one runc has to have room for its own process, which Go's run-time begins with a
# request of 32 MiB: by chance it is in the container's group by then.
eight_at_once() {
	local i pids=() bad=0 max
	for i in 1 2 3 4 5 6 7 8; do
		bundle "many$i" "${cdi[@]}" --annotation org.memstate.max=$((i * 16 + 32))M || return 1
	done
	for i in 1 2 3 4 5 6 7 8; do
		start "many$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || bad=1; done
	for i in 1 2 3 4 5 6 7 8; do
		is "$(max_of "many$i")" $(((i * 16 + 32) * M)) || bad=1
	done
	pids=()
	for i in 1 2 3 4 5 6 7 8; do
		# not by itself: the page of the file would be the container's
		execute "many$i" "$inside" hog | cat >"$run/many$i.hog" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || bad=1; done
	for i in 1 2 3 4 5 6 7 8; do
		read -r got why <"$run/many$i.hog"
		max=$((i * 16 + 32))
		is "$why" ENOMEM && between $(((max - 8) * M)) "$got" $((max * M)) || bad=1
	done
	for i in 1 2 3 4 5 6 7 8; do
		delete "many$i" || bad=1
	done
	return $bad
}

# --- what is wrong -------------------------------------------------------------------------

wrong_annotation() {
	bundle wrong "${cdi[@]}" --annotation org.memstate.max=12Q
	! start wrong >$run/wrong.said && cat $run/wrong.said &&
		grep -q "memstate-oci-hook: annotation org.memstate.max: '12Q' is not a size" $run/wrong.said
}
unknown_annotation() {
	bundle wrong "${cdi[@]}" --annotation org.memstate.maximum=12M
	! start wrong >$run/wrong.said && cat $run/wrong.said &&
		grep -q 'memstate-oci-hook: annotation org.memstate.maximum: there is none' $run/wrong.said
}
no_cgroup_of_containers() { [ -z "$(find $top/oci -mindepth 1 -type d)" ]; }
failed_start_leaves_nothing() { ! runtime list -q | grep . && soon no_cgroup_of_containers; }
dry_run() { # state's members: what the hook would do with a process of ours
	local pid status
	mkdir -p $top/oci/dry $run/dry
	# shellcheck disable=SC2016 # the shell that becomes that process
	sh -c 'echo $$ >"$0" && exec "$1" wait' $top/oci/dry/cgroup.procs "$inside" &
	pid=$!
	soon grep -qx $pid $top/oci/dry/cgroup.procs
	echo "{\"pid\":$pid,\"bundle\":\"$run/dry\",$1}" |
		"$out/prefix/sbin/memstate-oci-hook" --dry-run >$run/dry/said
	status=$?
	cat $run/dry/said
	[ ! -e "$(group dry)" ] || is "$(max_of dry)" max || status=1
	kill $pid
	wait $pid 2>/dev/null
	soon rmdir $top/oci/dry && return $status
}
dry_run_sets_nothing() {
	dry_run '"annotations":{"org.memstate.max":"8M"}' &&
		is "$(cat $run/dry/said)" "cgroup $top/oci/dry
max 8388608
overcommit 100"
}
limit_from_the_configuration() {
	mkdir -p $run/dry
	echo '{"linux":{"resources":{"memory":{"limit":67108864}}}}' >$run/dry/config.json
	dry_run '"annotations":{"org.memstate.allowance":"0"}' &&
		between $((32 * M)) "$(sed -n 's/^max //p' $run/dry/said)" $((64 * M))
}

# --- at the end ----------------------------------------------------------------------------

only_the_roots_group() { [ "$(ls $groups)" = "$(stat -c %i $top)" ]; }
none_is_dying() {
	# What they read stays charged to them as long as it is in the page cache.
	echo 3 >/proc/sys/vm/drop_caches
	[ "$(sed -n 's/^nr_dying_descendants //p' $top/cgroup.stat)" = 0 ]
}
no_group_is_left() { rmdir $top/oci && ls $groups && soon only_the_roots_group; }
no_cgroup_is_left() { cat $top/cgroup.stat && soon none_is_dying; }

# --- without the module ----------------------------------------------------------------------

hook=(--hook "$out/prefix/sbin/memstate-oci-hook" --bind "$out/prefix/lib")
missing_fails() {
	bundle gone "${hook[@]}" --annotation org.memstate.max=64M
	! start gone >$run/gone.said && cat $run/gone.said &&
		grep -q 'memstate-oci-hook: /dev/memstate: No such file' $run/gone.said
}
missing_and_optional_starts() {
	bundle maybe "${hook[@]}" --annotation org.memstate.max=64M \
		--annotation org.memstate.optional=true && start maybe || return 1
	is "$(execute maybe /bin/echo fine)" fine && delete maybe
}
missing_and_nothing_asked_starts() {
	bundle plain "${hook[@]}" && start plain && delete plain
}

tap_begin $run
insmod "$module" || bail "the module does not go in"
for rt in runc crun; do
	try "$rt container_with_limits_starts" starts
	try "$rt its_limits_are_in_sysfs" limit_is_seen
	try "$rt device_is_there_and_nothing_preloaded" nothing_is_preloaded
	try "$rt shim_is_there_where_asked" shim_is_there_where_asked
	try "$rt program_going_over_gets_ENOMEM" over_gets_enomem
	try "$rt nothing_is_killed" container_lives
	try "$rt refusal_is_counted" refusal_is_counted
	try "$rt its_own_root_reads_who_was_refused" its_root_reads_why
	try "$rt what_the_program_had_is_given_back" all_is_given_back
	try "$rt cannot_raise_its_own_limit" cannot_raise_its_own
	try "$rt cannot_lower_its_own_limit" cannot_lower_its_own
	try "$rt cannot_set_limits_above" cannot_reach_above
	try "$rt can_limit_a_cgroup_below" can_limit_below
	try "$rt limit_of_the_cgroup_below_holds" own_limit_holds_below
	try "$rt containers_limit_holds_for_the_cgroup_below" containers_limit_holds_below
	try "$rt deleted_container_leaves_no_group" nothing_is_left
	try "$rt memory_limit_alone_changes_nothing" memory_limit_alone_changes_nothing
	try "$rt limit_from_the_memory_limit" from_memory_limit
	try "$rt derived_limit_refuses_before_the_kernel_kills" derived_refuses_before_the_kernel_kills
	try "$rt allowance_is_kept" allowance
	try "$rt annotation_goes_before_the_memory_limit" max_goes_before
	try "$rt memory_limit_that_leaves_nothing_fails_the_start" too_small
	try "$rt nothing_asked_nothing_set" nothing_to_do
	try "$rt limit_of_the_cgroup_above_holds" pod_limit_holds
	try "$rt eight_start_at_once" eight_at_once
	try "$rt wrong_annotation_fails_the_start" wrong_annotation
	try "$rt unknown_annotation_fails_the_start" unknown_annotation
	try "$rt failed_start_leaves_nothing" failed_start_leaves_nothing
	try "$rt no_group_is_left" no_group_is_left
	try "$rt no_dying_cgroup_is_left" no_cgroup_is_left
done
rt=hook
try "$rt dry_run_sets_nothing" dry_run_sets_nothing
try "$rt limit_from_the_configuration" limit_from_the_configuration
try "$rt module_goes" soon rmmod memstate
for rt in runc crun; do
	try "$rt without_memstate_the_start_fails" missing_fails
	try "$rt without_memstate_optional_starts" missing_and_optional_starts
	try "$rt without_memstate_nothing_asked_starts" missing_and_nothing_asked_starts
done
tap_end
