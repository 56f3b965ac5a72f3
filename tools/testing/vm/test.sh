#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# test.sh: that machines made from one that was booted once are as new as one that is booted,
# and have nothing to do with each other; what vm.sh says of them; that none is left.
# shellcheck disable=SC2016 # what is in single quotes the guest expands
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/cache.sh
. "$here/../cache.sh"
out=$top/build/vm
vm=$here/vm.sh

tap_begin "$out"
needs pgrep:procps || tap_end
"$here/kernel.sh" 6.1 qemu >"$out/said" 2>&1 || bail "no kernel: $(tail -n 1 "$out/said")"
module=$("$here/module.sh" 6.1 2>"$out/said" | tail -n 1)
[ -f "$module" ] || bail "no module: $(tail -n 1 "$out/said")"

# A cache of its own, with nothing kept; and a place by which its processes are known
rm -rf "$out/cache" "$out/host" "$out/results" "$out/tree"
mkdir -p "$out/cache" "$out/host" "$out/results"
ln -s "$cache"/{stock-6.1-,qemu-}* "$out/cache"
export MEMSTATE_CACHE=$out/cache
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/memstate-test.XXXXXX")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

# kept NUMBER: so many machines are
kept() {
	local found
	found=$(find "$out/cache/booted" -mindepth 1 -maxdepth 1 -type d | wc -l)
	[ "$found" = "$1" ] || { echo "$found are kept, not $1"; return 1; }
}

# left: what vm.sh started and is still there
left() { pgrep -fa "$TMPDIR/memstate-vm"; }
none_is_left() { ! left; }

# In a machine: until the other is there as well
meet='touch "$0/$1"; until [ -e "$0/$2" ]; do sleep 0.1; done; cat /proc/sys/kernel/random/uuid'

# --- together -----------------------------------------------------------------

# Each waits for the other's file: they run at the same time.
together() {
	local one two failed=0
	"$vm" -w "$out/results" -- sh -c "$meet" "$out/results" a b >"$out/a" 2>"$out/a.err" &
	one=$!
	"$vm" -w "$out/results" -- sh -c "$meet" "$out/results" b a >"$out/b" 2>"$out/b.err" &
	two=$!
	wait $one || failed=1
	wait $two || failed=1
	cat "$out/a.err" "$out/b.err"
	return $failed
}
try "two at once" together
try "one was booted for both, and is kept" kept 1
try "they have random numbers of their own" eval \
	"grep -qE '^[0-9a-f-]{36}$' '$out/a' && ! cmp '$out/a' '$out/b'"
try "what they wrote for the host is there" ls "$out/results/a" "$out/results/b"

# --- as new -------------------------------------------------------------------

# What suites leave behind or build on. Of the settings not those that count, and not those
# that follow from the free memory at the time of the boot.
cat >"$out/state.sh" <<'GUEST'
echo "cmdline $(cat /proc/cmdline)"
awk '/^MemTotal/ { printf "memory %d MB\n", $2 / 1024 + 0.5 }' /proc/meminfo
sed -n 's/^flags[^:]*: /cpu /p' /proc/cpuinfo
awk '{ print "module", $1, $3, $4 }' /proc/modules | sort
awk '{ print "mount", $1, $2, $3, $4 }' /proc/mounts
awk 'NR > 1 { print "swap", $1 }' /proc/swaps
find /sys/fs/cgroup -mindepth 1 -type d | sed 's/^/cgroup /'
for d in /sys/bus/pci/devices/*; do
	echo "pci ${d##*/} $(cat "$d/vendor" "$d/device" "$d/enable" | tr '\n' ' ')"
done
for d in /sys/bus/virtio/devices/*; do echo "virtio $(readlink "$d/driver")"; done
cd /sys/kernel/tracing
echo "trace $(cat tracing_on current_tracer set_event kprobe_events | tr '\n' ' ')"
for p in /proc/[0-9]*; do
	[ -s "$p/cmdline" ] && [ "${p#/proc/}" != $$ ] && echo "process $(tr '\0' ' ' <"$p/cmdline")"
done 2>/dev/null | grep -v 'find\|sort\|/proc/self' | sort
ls -A /run /dev/shm /dev | sed 's/^/file /'
id
ulimit -a
hostname
ls -l /proc/self/fd | awk '{ print "fd", $9 }'
cd /proc/sys
find . -type f -perm -400 ! -path './kernel/random/*' ! -path './net/ipv6/*stable_secret' \
	! -path './fs/*-nr' ! -path './fs/*-state' ! -name file-max ! -name user_reserve_kbytes ! -name ns_last_pid ! -name tcp_fastopen_key |
	sort | xargs grep -H . 2>/dev/null
GUEST
echo before >"$out/host/changes"
echo here >"$out/host/goes"

# state NAME: of a machine that has just come up
state() { "$vm" -- sh "$out/state.sh" >"$out/$1.state" 2>"$out/$1.err" || { cat "$out/$1.err"; return 1; }; }
export MEMSTATE_BOOT=1
try "one that is booted" state booted
unset MEMSTATE_BOOT
try "one that is made" state made
try "it is as the one that was booted" diff "$out/booted.state" "$out/made.state"
try "there is something to be compared" eval "[ \$(wc -l <'$out/made.state') -gt 500 ]"

# Everything that comes to mind
cat >"$out/leave.sh" <<GUEST
cat $out/host/changes $out/host/goes
insmod $module && modprobe zram && modprobe loop || exit 1
setsid sleep 1000 &
mkdir /sys/fs/cgroup/left
echo \$! >/sys/fs/cgroup/left/cgroup.procs
echo 1 >/proc/sys/vm/overcommit_memory
echo 1 >/sys/kernel/tracing/events/sched/sched_switch/enable
echo 'p:left do_exit' >/sys/kernel/tracing/kprobe_events
mount -t tmpfs tmpfs /mnt
ip link add left type dummy || exit 1
hostname left
echo left >$out/host/left
echo left >$out/host/changes
rm $out/host/goes
echo left >/tmp/left
echo left >/dev/shm/left
echo left >/run/left
echo left
GUEST
ok "one in which everything is left behind" "
	'$vm' -- sh '$out/leave.sh' >'$out/leave.said' &&
	diff '$out/leave.said' - <<<\$'before\nhere\nleft'"
ok "nothing of it is on the host" "[ ! -e '$out/host/left' ] && grep -q here '$out/host/goes' &&
	[ ! -e /dev/shm/left ] && grep -q before '$out/host/changes'"
try "the one after it" state after
try "it is as the one that was booted" diff "$out/booted.state" "$out/after.state"

echo after >"$out/host/changes"
rm "$out/host/goes"
echo new >"$out/host/comes"
before=$(date +%s)
"$vm" -o "$out/console" -- sh -c 'cd "$0" && cat changes comes && ls -A && date +%s >&2; exit 7' \
	"$out/host" >"$out/now" 2>"$out/now.err"
status=$?
after=$(date +%s)
try "a command's own status" [ $status = 7 ]
ok "the host's files are as they are now" "
	diff '$out/now' - <<<\$'after\nnew\nchanges\ncomes'"
ok "errors are apart; the time is the host's" "
	time=\$(grep -E '^[0-9]+\$' '$out/now.err') && echo \"$before \$time $after\" &&
	[ \$time -ge $((before - 2)) ] && [ \$time -le $after ]"
ok "the console has how it booted, once, and what came then" "
	[ \$(grep -c 'Linux version' '$out/console') = 1 ] && grep -q 'reboot: ' '$out/console'"
ok "arguments arrive as they are" "
	'$vm' -- printf '%s|' 'a  b' \"it's\" '\$HOME' '' '*' >'$out/arguments' &&
	diff '$out/arguments' <(printf '%s|' 'a  b' \"it's\" '\$HOME' '' '*')"
try "all that is from one" kept 1

ok "two processors run" "'$vm' -s 2 -- sh -c '
	for cpu in 0 1; do taskset -c \$cpu awk \"/^processor/ { n++ } END { exit n != 2 }\" \
		/proc/cpuinfo || exit 1; done; [ \$(nproc) = 2 ]'"
try "such a one is another" kept 2

# --- faults -------------------------------------------------------------------

says "a report of the kernel's is 124" 124 "BUG: planted" \
	"$vm" -- sh -c 'echo "<3>BUG: planted" >/dev/kmsg'
says "a panic is 125" 125 "6.1: died" "$vm" -- sh -c 'echo c >/proc/sysrq-trigger'
says "what takes too long is 125" 125 "did not end within 30 s" "$vm" -t 30 -- sleep 1000
try "what is kept is none the worse for it" "$vm" true
try "and is kept" kept 2

# started: in the background, a machine that is busy
started() {
	rm -f "$out/results"/*
	"$vm" -w "$out/results" -- sh -c 'touch "$0/began"; sleep 1000' "$out/results" \
		>/dev/null 2>&1 </dev/null &
	victim=$!
	soon [ -e "$out/results/began" ]
}
for signal in INT TERM KILL; do
	tap_patience=60
	# bash has background jobs ignore INT
	[ $signal != INT ] || set -m
	started
	result $? "one to be killed by $signal"
	set +m
	left >"$out/said"
	result $? "it has processes"
	kill -$signal $victim
	wait $victim 2>/dev/null
	soon none_is_left >"$out/said"
	result $? "after $signal none is left"
done

# --- what is kept is no good ----------------------------------------------------

mkdir -p "$out/tree"
cp -r "$here" "$here/../cache.sh" "$out/tree"
echo "# changed" >>"$out/tree/vm/guest-init"
try "with another guest-init" "$out/tree/vm/vm.sh" true
try "another is kept" kept 3

spoil() {
	local entry
	for entry in "$out"/cache/booted/*/state; do truncate -s 1M "$entry"; done
	"$vm" -- sh -c 'exit 7'
}
says "what is spoilt is told, and the machine booted" 7 "is of no use" spoil
try "it is gone" kept 2
rm -rf "$out/cache/booted"
touch "$out/cache/booted"
says "where nothing can be kept, it is booted" 7 "exit 7" "$vm" -- sh -c 'exit 7'
try "none is left" none_is_left
tap_end
