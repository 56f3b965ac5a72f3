#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# agent.sh AGENT LOAD MEMSTATE OUT: in a virtual machine with the module: the example's agent
# among cgroups that come, meet their limits, and go; by epoll and by io_uring.
set -u

agent=$1 load=$2 memstate=$3 out=$4
top=/sys/fs/cgroup/ex
sysfs=/sys/class/misc/memstate
# shellcheck source=tools/testing/tap.sh
. "$(dirname "$0")/../tap.sh"
tap_begin "$out/agent.logs"

# until_ COMMAND...: soon, or it is told
until_() {
	soon "$@" && return
	echo "# in vain: $*"
	return 1
}
# lines FILE ERE N: at least so many
lines() { [ "$(grep -cE -- "$2" "$1")" -ge "$3" ]; }

begin() { # name option...
	local name=$1
	shift
	"$agent" "$@" >"$out/$name.out" 2>"$out/$name.err" &
	pid=$!
}
finish() { # name: SIGTERM ends it well
	kill -TERM "$pid" 2>/dev/null
	wait "$pid"
	result $? "$1: ends when told to"
}

descriptors() { find "/proc/$pid/fd" -type l | wc -l; }

# told FILE PATH EVENT: how many of them its lines add up to
told() {
	sed 's/; .*/ ./' "$1" | awk -v p="$2:" -v e="$3" '$1 == p { for (i = 2; i < NF; i++) if ($i == e) {
		n = $(i + 1); gsub(/[^0-9]/, "", n); sum += n } } END { print sum + 0 }'
}

# What the kernel has counted, before the cgroup goes: the agent's lines must add up to that.
counted() { # name path
	local id event
	id=$(stat -c %i "$top/$2")
	for event in high max denied breach drift; do
		local want got
		want=$(cat "$sysfs/groups/$id/events_$event")
		until_ eval "[ \$(told '$out/$1.out' '$top/$2' $event) = $want ]" >/dev/null
		got=$(told "$out/$1.out" "$top/$2" $event)
		[ "$got" = "$want" ]
		result $? "$1: $2: as many events '$event' are told as were counted ($got, $want)"
	done
}

scenario() { # name option...
	local name=$1 cg
	shift
	mkdir -p $top/{a,b,c}
	{
		"$memstate" limit $top/a --high 4M --max 8M >/dev/null &&
			"$memstate" limit $top/b --max 4M >/dev/null
	} || result 1 "$name: limits"
	begin "$name" --below "$@" $top
	until_ lines "$out/$name.out" ': watched;' 4
	result $? "$name: four cgroups are watched"

	"$load" $top/a +3 +2 '!16' - - +1
	result $? "$name: a passes high, and is denied"
	until_ lines "$out/$name.out" "^$top/a: .*high \+" 1
	result $? "$name: high is told"
	until_ lines "$out/$name.out" "^$top/a: .*denied \+1" 1
	result $? "$name: denied is told"
	"$load" $top/b '!6' +3 '!3'
	result $? "$name: b meets its max twice"
	"$load" $top/c +30 -
	result $? "$name: c has no limit"

	mkdir -p $top/d/e
	until_ lines "$out/$name.out" "^$top/d/e: watched;" 1
	result $? "$name: what is made later, two levels at once, is watched"
	"$memstate" limit $top/d/e --high 1M >/dev/null
	"$load" $top/d/e +2
	result $? "$name: d/e passes high"
	until_ lines "$out/$name.out" "^$top/d: .*high \+" 1
	result $? "$name: the parent is told of it as well"
	for cg in a b c d/e d; do counted "$name" $cg; done

	rmdir $top/c $top/d/e
	until_ lines "$out/$name.out" "^$top/(c|d/e): gone" 2
	result $? "$name: removal is told"
	mkdir $top/c
	until_ lines "$out/$name.out" "^$top/c: watched" 2
	result $? "$name: made anew, it is watched anew"
	finish "$name"
	rmdir $top/a $top/b $top/c $top/d $top
	[ "$(grep -c ': watched;' "$out/$name.out")" = 7 ]
	result $? "$name: nothing is watched twice"
	# but for where there is a reason
	[ "$name" = disabled ] ||
		try "$name: no complaint" sh -c "! grep -v '^agent: [0-9]* answers by [0-9]* submissions' '$out/$name.err'"
}

# raise and command
acting() { # name option...
	local name=$1 load_pid
	shift
	mkdir -p $top/a
	"$memstate" limit $top/a --high 2M --max 8M >/dev/null
	rm -f "$out/$name.ran"
	# shellcheck disable=SC2016 # another shell's
	begin "$name" "$@" --raise 50 $top/a -- sh -c \
		'echo "$MEMSTATE_GROUP $MEMSTATE_WHAT $MEMSTATE_CHARGED $1" >>"$2"' sh '; $(false)' "$out/$name.ran"
	until_ lines "$out/$name.out" ': watched;' 1
	# It has that much until the agent has seen it.
	mkfifo /tmp/held
	"$load" $top/a +3 , - </tmp/held &
	load_pid=$!
	exec 8>/tmp/held
	rm /tmp/held
	until_ lines "$out/$name.out" "^$top/a: high raised to" 1
	exec 8>&-
	wait $load_pid
	result $? "$name: its program has come to its end"
	[ "$(cat "$sysfs/groups/$(stat -c %i $top/a)/high")" = $((3 << 20)) ]
	result $? "$name: high is raised by half"
	# shellcheck disable=SC2016 # as it is
	until_ lines "$out/$name.ran" "^$top/a .*high \+" 1 && grep -qF ' ; $(false)' "$out/$name.ran"
	result $? "$name: the command runs, with its arguments as they are"
	rmdir $top/a
	until_ lines "$out/$name.out" "^$top/a: gone" 1
	until_ eval "! kill -0 $pid 2>/dev/null"
	result $? "$name: without --below it ends when all are gone"
	wait $pid
	rmdir $top
}

# Many: bounded, and asked about together.
many() { # name nr option...
	local name=$1 nr=$2 i loads=()
	shift 2
	mkdir $top
	eval "mkdir $top/{1..$nr}"
	for i in 1 2 3; do
		"$memstate" limit $top/$i --max 1M >/dev/null
	done
	begin "$name" --below "$@" $top
	until_ lines "$out/$name.out" ': watched;' $((nr + 1))
	result $? "$name: $nr cgroups are watched"
	for i in 1 2 3; do
		"$load" $top/$i '!2' &
		loads+=($!)
	done
	wait "${loads[@]}"
	until_ lines "$out/$name.out" "^$top/[123]: .*denied \+1" 3
	result $? "$name: events of three of them are told"
	echo "# $(grep VmRSS "/proc/$pid/status" | tr -s '\t ' ' '), $(descriptors) descriptors"
	[ "$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")" -lt $((8192 + nr * 3)) ]
	result $? "$name: no more than 3 KiB for each, and 8 MiB"
	# It finds all of them at once, however fast it is.
	kill -STOP "$pid"
	eval "rmdir $top/{1..$nr}"
	kill -CONT "$pid"
	until_ lines "$out/$name.out" ': gone$' "$nr"
	result $? "$name: the removal of all is told"
	[ "$(descriptors)" -lt 20 ]
	result $? "$name: and their descriptors are closed"
	finish "$name"
	sed 's/^/# /' "$out/$name.err"
	rmdir $top
}

nr=${NR_GROUPS:-1000}
scenario epoll
acting epoll-acts
many epoll-many "$nr"
scenario uring --uring
if grep -q 'so by epoll' "$out/uring.err"; then
	skip io_uring "$(cat "$out/uring.err")"
	tap_end
fi
acting uring-acts --uring
many uring-many "$nr" --uring
read -r answers submissions < <(sed -n 's/^agent: \([0-9]*\) answers by \([0-9]*\) .*/\1 \2/p' "$out/uring-many.err")
[ "${answers:-0}" -ge "$nr" ] && [ "$submissions" -lt $((answers / 4)) ]
result $? "uring-many: one submission for many ($answers answers by $submissions)"

# The same, whichever way: which events, and how it ended, for each path. How many there are of
# each the kernel has counted (see counted): high is passed once more where what has been given
# back is seen, and then what was reported before.
digest() {
	sed 's/; .*/ ./' "$1" | awk '{ p = $1 } / watched / { n[p " watched"]++ } / gone$/ { n[p " gone"]++ }
		{ for (i = 2; i < NF; i++) if ($i ~ /^(high|max|denied|breach|drift)$/ &&
		  $(i + 1) ~ /^\+/) { n[p " " $i] = "told" } }
		END { for (k in n) print k, n[k] }' | sort
}
digest "$out/epoll.out" >"$out/epoll.digest"
digest "$out/uring.out" >"$out/uring.digest"
try "both ways tell the same" diff "$out/epoll.digest" "$out/uring.digest"

if [ -e /proc/sys/kernel/io_uring_disabled ]; then
	echo 2 >/proc/sys/kernel/io_uring_disabled
	scenario disabled --uring
	grep -q 'no io_uring: io_uring_setup: Operation not permitted; so by epoll' "$out/disabled.err"
	result $? "where io_uring is switched off it says so, and goes on by epoll"
	echo 0 >/proc/sys/kernel/io_uring_disabled
fi
tap_end
