#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# any.sh MEMSTATE PROGRAMS: in the machine: programs with nothing of ours in them, in cgroups
# that are limited from outside: by memstate limit, while they run. PROGRAMS has "static" and
# "musl", both made of selftests/memstate/observe_prog.c, which says what they can be told.
set -u
memstate=$1 programs=$2
# shellcheck source=tools/testing/tap.sh
. "$(dirname "$0")/../tap.sh"
work=$(mktemp -d)
tap_begin "$work/tap"
cgroups=/sys/fs/cgroup
groups=/sys/class/misc/memstate/groups
M=$((1 << 20))

is() { [ "$1" = "$2" ] || { echo "got '$1', want '$2'"; return 1; }; }
between() { # low value high
	[ "$1" -le "$2" ] && [ "$2" -le "$3" ] && return
	echo "$2 is not in $1 .. $3"
	return 1
}
has() { grep -qE -- "$1" "$work/said" || { echo "no '$1' in:"; cat "$work/said"; return 1; }; }
group() { echo "$groups/$(stat -c %i "$cgroups/$1")"; }
denied() { cat "$(group "$1")/events_denied"; }
killed() { sed -n 's/^oom_kill //p' "$cgroups/$1/memory.events"; }
echo +memory >$cgroups/cgroup.subtree_control

# within CGROUP COMMAND...: in a cgroup of this name, which is made
within() {
	local name=$1
	shift
	mkdir -p "$cgroups/$name"
	# shellcheck disable=SC2016 # the shell that becomes the program
	bash -c 'echo 0 >"$1" && shift && exec "$@"' bash "$cgroups/$name/cgroup.procs" "$@"
}
# without CGROUP: all that is in it ends, and it goes
empty() { [ -z "$(cat "$cgroups/$1/cgroup.procs" 2>/dev/null)" ]; }
without() {
	echo 1 >"$cgroups/$1/cgroup.kill"
	soon empty "$1" && soon rmdir "$cgroups/$1"
}

# A program that is told what to do, in a cgroup: told NAME COMMAND
begin() { # cgroup program
	mkfifo "$work/$1.in" "$work/$1.out"
	within "$1" "$2" again <"$work/$1.in" >"$work/$1.out" &
	exec {to}>"$work/$1.in" {from}<"$work/$1.out"
	rm "$work/$1.in" "$work/$1.out"
	read -r answer <&"$from"	# it runs
	pid=$(cat "$cgroups/$1/cgroup.procs")
}
tell() {
	echo "$*" >&"$to"
	read -r -t "$tap_patience" answer <&"$from"
}
finish() { # cgroup
	exec {to}>&- {from}<&-
	without "$1"
}

# --- one program, limited while it runs -----------------------------------------------

for kind in static musl; do
	begin "$kind" "$programs/$kind"
	tell M 20480
	echo $((72 * M)) >"$cgroups/$kind/memory.max"
	limited() {
		"$memstate" limit "$pid" --max 64M >"$work/said" && has '^Max +64.0 MiB' &&
			has '^Observed +2[0-9]\.[0-9] MiB .* of 1 process that reports nothing' &&
			has '^Reported +0 B' && has '^memory.max +72.0 MiB'
	}
	try "$kind: a limit holds at once for a program that runs" limited
	is_told_of() {
		"$memstate" limit "$pid" --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["max"] == 64 << 20 and d["observed"]["on"] and d["observed"]["nr_tasks"] == 1, d
assert 20 << 20 <= d["observed"]["backed"] <= 24 << 20 and d["reported_ready"] == 0, d
assert d["memory"]["max"] == 72 << 20 and d["memory"]["advised_max"] > 72 << 20, d'
	}
	try "$kind: and in JSON" is_told_of
	for piece in 1024 64; do
		tell p $piece
		fills() { between $((36 * M)) "$answer" $((44 * M)); }
		try "$kind: refused when it is full, by pieces of $piece KiB" fills
		[ $piece = 64 ] || while tell u 0 && [ "$(cat "$(group "$kind")/backed")" -gt $((22 * M)) ]; do :; done
	done
	alive() { kill -0 "$pid" && is "$(killed "$kind")" 0 && between 1 "$(denied "$kind")" 100; }
	try "$kind: it is alive, and the refusals are counted" alive
	shown() {
		"$memstate" stat -g "/$kind" --json | python3 -c '
import json, sys
g, = json.load(sys.stdin)["groups"]
assert g["observed"]["nr_tasks"] == 1 and g["reported"]["nr_tasks"] == 0, g
assert 56 << 20 <= g["observed"]["backed"] <= 65 << 20, g
assert 98 <= g["coverage_percent"] <= 100 and g["unaccounted"] <= g["memory"]["anon"] // 50, g'
	}
	try "$kind: stat -g accounts for nearly all that the kernel counts" shown
	one() {
		"$memstate" stat "$pid" >"$work/said" && has "^$pid .* observed +[0-9.]+ ([KMG]i)?B .* 6[0-9]\.[0-9] MiB +- +\|" &&
			"$memstate" stat --json "$pid" | python3 -c '
import json, sys
p, = json.load(sys.stdin)["processes"]
o = p["observed"]
assert p["source"] == "observed" and p["reported"] is None and p["unaccounted"] == 0, p
assert o["ready"] == o["anonymous"] + o["swap"] and o["ready"] + o["prepared"] >= o["commit"], o
assert 60 << 20 <= o["ready"] <= 65 << 20 and o["shared"] == 0, o'
	}
	try "$kind: stat of a process has the kernel's figures, and says so" one
	topped() {
		"$memstate" top --batch --iterations 1 >"$work/said" && has "^ +$pid [a-z]+ \(observed\) .* 6[0-9]\.[0-9] MiB +9[89]%|100%" &&
			! grep -qE '^ +[0-9]+ memstate ' "$work/said"
	}
	try "$kind: top has a row for it" topped
	raised() {
		"$memstate" limit "/$kind" --max 68M >"$work/said" && has '^Max +68.0 MiB' &&
			has "^last refusal: .*pid=$pid .*comm=\"[a-z]+\" bytes=65536 .*max=67108864"
	}
	try "$kind: the limit can be raised" raised
	who() {
		"$memstate" stat -g "/$kind" >"$work/said" &&
			has "^ +refused [0-9]+ times?( since [0-9:]{8})?, last at [0-9:]{8}: $kind\\[$pid\\] wanted 64\\.0 KiB, .* left of max 64\\.0 MiB$" &&
			"$memstate" stat -g "/$kind" --json | python3 -c '
import json, sys, time
g, = json.load(sys.stdin)["groups"]
r = g["last_refusal"]
assert r["pid"] == int(sys.argv[1]) and r["wanted"] == 65536 > r["left"] and r["path"] == g["path"], r
assert r["first_time"] <= r["time"] and abs(r["time"] - time.time()) < 600, r' "$pid"
	}
	try "$kind: stat -g tells who was refused" who
	watched() {
		local a b status
		rm -f "$work/watch" "$work/watch.json"	# of who was watched before
		"$memstate" watch "/$kind" >"$work/watch" & a=$!
		"$memstate" watch --json >"$work/watch.json" & b=$!
		soon test -s "$work/watch" && soon test -s "$work/watch.json" && tell p 64 &&
			soon grep -qE "^[0-9:]{8} .* observed=1 .* refused: $kind\\[$pid\\] wanted 64\\.0 KiB, .* left of max 68\\.0 MiB$" "$work/watch" &&
			soon grep -q '"refusals":\[{' "$work/watch.json" && python3 - "$work/watch.json" "$pid" "/$kind" <<'P'
import json, sys
found = [r for line in open(sys.argv[1]) for r in json.loads(line)["refusals"]]
assert found and all(r["pid"] == int(sys.argv[2]) and r["wanted"] == 65536 for r in found), found
assert all(r["path"] == r["limit_path"] == sys.argv[3] and r["limit_bytes"] == 68 << 20 for r in found), found
P
		status=$?
		kill $a $b
		wait $a $b
		return $status
	}
	try "$kind: watch tells who is refused" watched
	taken_back() {
		"$memstate" limit "/$kind" --max max >/dev/null && is "$(cat "$(group "$kind")/observe")" 0
	}
	try "$kind: without a limit it is not observed any more" taken_back
	finish "$kind"
done

# Mapped now, touched later: the one that does not fit is refused when it is mapped.
begin later "$programs/static"
"$memstate" limit "$pid" --max 64M >/dev/null
mapped=0
for _ in {1..16}; do
	tell m 8192
	mapped=$((mapped + answer))
done
tell t 0
later() { between 7 "$mapped" 8 && is "$(cat "$(group later)/observed_tasks")" 1; }
try "what is mapped at once and touched later is refused in time" later
# Twice as much may be granted, as long as it is not touched.
"$memstate" limit "$pid" --overcommit 200 >"$work/said"
overcommit() { has 'overcommit 200 %' && is "$(cat "$(group later)/overcommit")" 200; }
try "overcommit can be set beside the limit" overcommit
finish later
begin lazy "$programs/static"
"$memstate" limit "$pid" --max 64M --overcommit 200 >/dev/null
mapped=0
for _ in {1..20}; do
	tell m 8192
	mapped=$((mapped + answer))
done
lazy() { between 14 "$mapped" 16; }
try "with overcommit 200 twice as much can be mapped" lazy
finish lazy

# --- one process: where its memory lies, and over time ------------------------------------

begin ranged "$programs/static"
tell M 20480
"$memstate" limit "$pid" --max 64M >/dev/null
ranges() {
	"$memstate" ranges "$pid" >"$work/said" && has ' prepared +- +observed, backed 20[.][0-9] MiB$' &&
		"$memstate" ranges --json "$pid" | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["source"] == "observed" and all(r["class"] is None for r in d["ranges"]), d
assert 20 << 20 <= sum(r["backed"] for r in d["ranges"]) <= 24 << 20, d
assert all(r["backed"] <= r["end"] - r["start"] for r in d["ranges"]), d'
}
try "ranges of a process that reports nothing, with what is backed" ranges
recorded() { # OPTION...
	"$memstate" record --quiet -o "$work/rec" --interval 0.05 --duration 0.1 "$@" &&
		python3 - "$work/rec" <<'P'
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
samples = [l for l in lines if l["type"] == "sample"]
for s in samples:
    o = s["observed"]
    assert o["nr_tasks"] == 1 and 20 << 20 <= o["backed"] <= 24 << 20 and s["ready"] == 0, s
    assert s["limits"]["charged"] >= o["charged"] >= 20 << 20, s
ranges = [r for l in lines if l["type"] == "ranges" for r in l["ranges"]]
assert samples and all(r[4] & 4 for r in ranges), lines
P
}
try "record of a group: what is observed" recorded -g /ranged
try "record of such a process" recorded -p "$pid"
finish ranged

# --- observe ---------------------------------------------------------------------------

begin seen "$programs/static"
tell M 10240
says "observe turns it on, and shows what is seen" 0 "Observe                  on" "$memstate" observe /seen
observed() { "$memstate" observe "$pid" --show >"$work/said" && has '^Processes +1 ' && has '^Backed +1[0-9]\.[0-9] MiB'; }
try "observe --show changes nothing" observed
in_json() {
	"$memstate" observe /seen --json --overcommit 300% | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["on"] and d["overcommit"] == 300 and d["nr_tasks"] == 1 and d["commit"] >= d["backed"] >= 10 << 20, d'
}
try "observe in JSON" in_json
says "observe --off turns it off" 0 "Observe                 off" "$memstate" observe seen --off
off() { is "$(cat "$(group seen)/observe")" 0 && is "$(cat "$(group seen)/observed_tasks")" 0; }
try "and then nothing is seen" off
again() {
	"$memstate" limit /seen --max 48M --trust-reports >"$work/said" && has '^Trust +yes' &&
		is "$(cat "$(group seen)/observe")" 1 && is "$(cat "$(group seen)/trust")" 1
}
try "a limit after that turns it on again; reports can be trusted" again
reports_only() {
	"$memstate" limit /seen --max 16M --reports-only >"$work/said" &&
		has 'programs that report nothing are not limited; try: memstate observe /seen' &&
		is "$(cat "$(group seen)/observe")" 0
}
try "limit --reports-only does not observe" reports_only
tell M 65536
unlimited() { is "$answer" 1 && is "$(denied seen)" 0; }
try "and what reports nothing is not limited by it" unlimited
above() {
	"$memstate" observe / >/dev/null && ! "$memstate" observe /seen --off 2>"$work/said" &&
		has 'a cgroup above it is' && "$memstate" observe / --off >/dev/null
}
try "where one above is observed, turning it off is told to be in vain" above
says_like "a size of two words, as it is printed" 0 "^Max +1.50 GiB" "$memstate" limit /seen --max 1.5 GiB --high 20 MiB
says "a size that is none" 2 "'1MB' is not a size (as 512M, 1.5GiB, or max)" "$memstate" limit /seen --max 1MB
finish seen
# shellcheck disable=SC2016 # the inner shell expands it
old_cgroups() { # ARGUMENT...
	unshare -m sh -c 'mkdir -p "$1" && mount -t cgroup -o none,name=old none "$1" && shift && exec "$@"' \
		sh "$work/old" "$memstate" "$@"
}
says "what is not found where there are cgroups of version 1" 1 "systemd.unified_cgroup_hierarchy=1" \
	old_cgroups limit docker-0123456789ab --max 1G
says "observe with a wrong percentage" 2 "'50' is not a percentage from 100 to 10000" "$memstate" observe / --overcommit 50
says "limit likewise" 2 "'x' is not a percentage" "$memstate" limit / --overcommit x
says "--show goes alone" 2 "--show changes nothing" "$memstate" observe / --show --off
says "--reports-only goes with --max" 2 "says for whom --max holds" "$memstate" limit / --reports-only
says "--release goes alone" 2 "for the whole machine" "$memstate" observe / --release
says "observe of nobody" 1 "neither a cgroup, nor a process id, nor a container or unit that runs" "$memstate" observe nobody
says "a process in the root cgroup does not stand for the machine" 1 "name '/' if that is meant" "$memstate" limit $$ --max 64M
says "nor is the machine observed for one" 1 "name '/' if that is meant" "$memstate" observe $$
says "who may not observe is told" 1 "CAP_SYS_RESOURCE" setpriv --reuid 65534 --clear-groups "$memstate" observe /

# --- commit_max ------------------------------------------------------------------------------

begin commit "$programs/static"
if "$memstate" limit /commit --max 64M >/dev/null && [ -e "$(group commit)/commit_max" ]; then
	committed() { "$memstate" limit /commit --commit-max 32M >"$work/said" && has '^Commit max +32.0 MiB'; }
	try "commit_max can be set beside max" committed
	committed_json() {
		"$memstate" limit /commit --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["commit_max"] == d["observed"]["commit_max"] == 32 << 20 and d["lowest_max"] == 64 << 20, d'
	}
	try "and in JSON" committed_json
	committed_by_owner() {
		mkdir $cgroups/owned && chown 65534 $cgroups/owned && as_owner() { setpriv --reuid 65534 --clear-groups "$@"; } &&
			as_owner mkdir $cgroups/owned/below &&
			as_owner "$memstate" limit /owned/below --commit-max 32M >"$work/said" && has '^Commit max +32.0 MiB' &&
			! as_owner "$memstate" limit /owned --commit-max 32M 2>"$work/said" && has 'right to write to the directory above'
	}
	try "by whoever may set max, and by nobody else" committed_by_owner
	rmdir $cgroups/owned/below $cgroups/owned
	tell m 20480
	mapped=$answer
	tell m 20480
	commits() { is "$mapped" 1 && is "$answer" 0; }
	try "and what could be written to is held to it, touched or not" commits
	lifted() { "$memstate" limit /commit --commit-max max >"$work/said" && ! grep -q '^Commit max' "$work/said"; }
	try "it can be taken back" lifted
else
	says "a module without commit_max says so" 1 "knows no commit_max" "$memstate" limit /commit --commit-max 1G
fi
finish commit

# --- memstate run: any program, observed --------------------------------------------------

# lines_end ERE: what the last line is like
lines_end() { tail -n 1 "$work/said" | grep -qE -- "$1" || { echo "not the last line: '$1' in:"; cat "$work/said"; return 1; }; }
runs() { "$memstate" run "$@" >"$work/out" 2>"$work/said"; }
prints() { grep -qx -- "$1" "$work/out" || { echo "no '$1' in:"; cat "$work/out"; return 1; }; }
# held LOW HIGH PROGRAM...: what a program is told of to have held, MiB
held() {
	local low=$1 high=$2
	shift 2
	echo "M 20480" | "$memstate" run --json --output "$work/run" -- "$@" >"$work/out" 2>"$work/said" &&
		python3 - "$work/run" "$low" "$high" <<'P'
import json, sys
d = json.load(open(sys.argv[1]))
o = d["observed"]
assert d["source"] == "observed" and d["processes"] == [] and o["place"] == "cgroup", d
assert int(sys.argv[2]) << 20 <= o["held_peak"] <= int(sys.argv[3]) << 20 and o["denied"] == 0, o
assert o["running"] == 0 and o["backed_seen"] <= o["held_peak"], o
P
}
no_group_left() { ! ls -d $cgroups/memstate-run-* 2>/dev/null; }
run_python() {
	runs -- python3 -c 'x = bytearray(50 << 20)' && has '^memstate: observed in cgroup /memstate-run-' &&
		has '^Held +[56][0-9]\.[0-9] MiB' && has '^Refused +0 '
}
try "run: what python3 gets is told, and nothing is put into it" run_python
# shellcheck disable=SC2016 # the inner shell expands it
run_nothing() { runs -- sh -c 'echo "[$LD_PRELOAD]"' && prints '\[\]'; }
try "run: nothing is preloaded" run_nothing
for kind in static musl; do
	try "run: a $kind program is seen" held 20 24 "$programs/$kind" again
done
cp "$programs/static" "$work/raised" && chown 65534 "$work/raised" && chmod 4755 "$work/raised"
chmod 755 "$work"
try "run: a setuid one as well" held 20 24 "$work/raised" again
try "run: and children of children" held 20 28 sh -c "sh -c '$programs/static again; :'; :"
run_limited() {
	runs --max 32 MiB -- python3 -c '
try:
    bytearray(50 << 20)
except MemoryError:
    print("MemoryError")' && prints MemoryError && has 'limited in cgroup /memstate-run-' &&
		has 'enforced: max 32.0 MiB, .*denied [1-9]' && lines_end '^refused [1-9] times?: python3\[[0-9]+\] wanted 5[01][.0-9]* MiB, 2[0-9.]* MiB were left of max 32\.0 MiB$'
}
try "run --max: it is refused, and told who, what, and what was left" run_limited
run_refused_json() {
	runs --max 32M --json --output "$work/run" -- python3 -c '
import os
try:
    bytearray(50 << 20)
except MemoryError:
    print(os.getpid())' && python3 - "$work/run" "$(cat "$work/out")" <<'P'
import json, sys
d = json.load(open(sys.argv[1]))
r = d["last_refusal"]
assert 1 <= d["refused"] == r["nr"] == d["observed"]["denied"] < 10 and d["adaptable"] is None, d
assert r["pid"] == r["inner_pid"] == int(sys.argv[2]) and r["comm"] == "python3", r
assert 50 << 20 <= r["wanted"] <= 51 << 20 and 10 << 20 < r["left"] == (32 << 20) - r["charged"], r
assert r["limit"] == "max" and r["limit_bytes"] == 32 << 20 and r["container"] is None, r
assert r["limit_path"] == r["path"] == d["observed"]["path"], r
P
}
try "run --max: and in JSON" run_refused_json
run_committed() {
	runs --commit-max 48M -- python3 -c '
try:
    bytearray(100 << 20)
except MemoryError:
    print("MemoryError")' && prints MemoryError && has 'enforced: max max, high max, commit max 48.0 MiB, ' &&
		lines_end '^refused [1-9] times?: python3\[[0-9]+\] wanted 10[01][.0-9]* MiB, 4[0-9.]* MiB were left of commit max 48\.0 MiB$'
}
try "run --commit-max likewise" run_committed
# A daemon goes on, in its group, which goes later.
run_daemon() {
	runs -- sh -c 'sleep 600 & echo $!' && has '^1 process of it that reports nothing goes on in cgroup /memstate-run-' &&
		has '^memstate: processes of the program go on in cgroup' && ! no_group_left >/dev/null &&
		kill "$(cat "$work/out")" && soon run_sweeps
}
run_sweeps() { "$memstate" run --quiet -- true && no_group_left; }
try "run: who goes on is told of, and the next run takes the group away" run_daemon
run_killed() {
	local runner
	rm -f "$work/out"
	"$memstate" run --quiet -- sh -c 'echo $$; exec sleep 600' >"$work/out" &
	runner=$!
	soon test -s "$work/out" && kill -9 $runner && kill "$(cat "$work/out")" && soon run_sweeps
}
try "run: so it does with that of one that was killed" run_killed
run_signalled() {
	local runner
	rm -f "$work/out"
	"$memstate" run --quiet -- sh -c 'echo $$; exec sleep 600' >"$work/out" &
	runner=$!
	soon test -s "$work/out" && kill $runner
	wait $runner
	is $? 143 && no_group_left
}
try "run: a signal is passed on, and nothing is left" run_signalled
run_delegated() {
	mkdir -p $cgroups/delegated && chown 65534 $cgroups/delegated $cgroups/delegated/cgroup.procs &&
		within delegated setpriv --reuid 65534 --clear-groups "$memstate" run --max 32M -- true 2>"$work/said" &&
		has 'observed and limited in cgroup /delegated/memstate-run-' && without delegated
}
try "run: a user does so in a cgroup that is his" run_delegated
# Who may make no cgroup has a job.
nobody() { setpriv --reuid 65534 --clear-groups "$@"; }
run_job() {
	nobody "$memstate" run --max 48M -- sh -c "echo M 20480 | $programs/static again; echo p 1024 | $programs/static again" \
		>"$work/out" 2>"$work/said" && has '^memstate: observed and limited in a job$' &&
		has '^Held +4[0-9]\.[0-9] MiB' && has '^Refused +[1-9]' &&
		lines_end '^refused [0-9]+ times?: static\[[0-9]+\] wanted 1\.00 MiB, .* left of max 48\.0 MiB$'
}
try "run: in a job, where no cgroup may be made" run_job
run_job_goes_on() {
	nobody "$memstate" run -- sh -c 'sleep 600 & echo $!' >"$work/out" 2>"$work/said" &&
		has '^1 process of it that reports nothing goes on in a job' && kill "$(cat "$work/out")"
}
try "run: and who goes on there is told of" run_job_goes_on
run_job_untrusted() {
	nobody "$memstate" run --max 32M -- env "LD_PRELOAD=$(dirname "$memstate")/libmemstate-observe.so" \
		python3 -c 'x = [bytes(1 << 10) for i in range(1 << 16)]' 2>"$work/said"
	is $? 1 && has '^MemoryError'
}
try "run: who reports there, and little, is charged what he has" run_job_untrusted
run_both() {
	runs --reported -- sh -c "echo M 20480 | $programs/static again" && has ' sh +device ' && has '^observed of what does not report: backed '
}
try "run --reported: what does not report is seen beside it" run_both
run_both_refused() {
	runs --reported --max 32M -- sh -c "echo p 1024 | $programs/static again" &&
		has '^memstate: limits hold for what is reported: not for the heap of libc.s own malloc' &&
		lines_end '^refused [0-9]+ times?: static\[[0-9]+\] wanted 1\.00 MiB, .* were left of max 32\.0 MiB$'
}
try "run --reported --max: who is refused is told as well, and first what is not limited" run_both_refused
run_malloc_refused() {
	runs --malloc --max 48M -- python3 -c '
try:
    bytearray(100 << 20)
except MemoryError:
    print("MemoryError")' && prints MemoryError &&
		lines_end '^refused [1-9] times?: python3\[[0-9]+\] wanted (9[0-9.]+|100) MiB, .* left of max 48\.0 MiB$'
}
try "run --malloc --max: so is who reports" run_malloc_refused
# A limit above the program's own.
run_above() {
	mkdir -p $cgroups/above && "$memstate" limit /above --max 32M >/dev/null &&
		within above "$memstate" run -- python3 -c '
try:
    bytearray(50 << 20)
except MemoryError:
    print("MemoryError")' >"$work/out" 2>"$work/said" && prints MemoryError && has '^Refused +[1-9] ' &&
		lines_end '^refused [1-9] times?: python3\[[0-9]+\] wanted .* were left of max 32\.0 MiB of /above$' && without above
}
try "run: a limit above it is named" run_above
watch_above() {
	local watcher status
	rm -f "$work/watch"
	mkdir -p $cgroups/above/below && "$memstate" limit /above --max 32M >/dev/null || return
	"$memstate" watch /above/below >"$work/watch" & watcher=$!
	soon test -s "$work/watch" && ! within above/below python3 -c 'bytearray(50 << 20)' 2>/dev/null &&
		soon grep -qE 'refused: python3\[[0-9]+\] wanted .* left of max 32\.0 MiB of /above$' "$work/watch"
	status=$?
	kill $watcher
	wait $watcher
	[ $status = 0 ] || cat "$work/watch"
	without above/below && without above && return $status
}
try "watch: a refusal by a limit above it is told" watch_above
# What ends at its limit is told of what would have helped.
cp "$programs/static" "$work/ruby"
adapts() { echo "p 1024" | runs --max 16M "$@" -- sh -c "'$work/ruby' again; exit 1"; }
run_adapt() {
	! adapts && lines_end 'with --adapt Ruby would have been told of it' && ! adapts --adapt && ! lines_end adapt >/dev/null &&
		! RUBY_GC_MALLOC_LIMIT_MAX=9 RUBY_GC_OLDMALLOC_LIMIT_MAX=9 adapts && ! lines_end adapt >/dev/null
}
try "run --max: what ends at it is told of --adapt, if that would have helped" run_adapt

# --- advise, shrink ------------------------------------------------------------------------

begin shrunk "$programs/static"
"$memstate" limit /shrunk --max 64M >/dev/null
tell M 20480
says "advise, of what runs" 0 "by the module's own count: this would have refused nothing" "$memstate" advise /shrunk --duration 0.1
advised() {
	"$memstate" advise shrunk --duration 0 --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert 20 << 20 <= d["held"] <= 24 << 20 and d["held"] < d["max"] < d["memory_max"] and d["exact"], d'
}
try "advise in JSON" advised
max() { cat "$(group shrunk)/max"; }
fits() {
	"$memstate" shrink /shrunk --max 32M --memory-max >"$work/said" && has '^/shrunk: max 32.0 MiB, of which 2' &&
		is "$(max)" $((32 * M)) && is "$(cat $cgroups/shrunk/memory.max)" $((48 * M))
}
try "shrink: what fits already is set, memory.max after it" fits
fits_not() {
	! "$memstate" shrink /shrunk --max 8M --memory-max=16M --timeout 0.2 2>"$work/said" &&
		has 'it did not fall in time; 2[0-9].* are charged: max is 32.0 MiB, as it was' &&
		is "$(max)" $((32 * M)) && is "$(cat $cgroups/shrunk/memory.max)" $((48 * M)) && is "$(killed shrunk)" 0
}
try "shrink: what does not fit in time is undone" fits_not
lowered() { is "$(max)" $((16 * M)); }
shrinking() {
	"$memstate" shrink /shrunk --max 16M --memory-max --timeout 600 >"$work/out" 2>"$work/said" &
	shrinker=$!
	soon lowered
}
interrupted() {
	shrinking && kill $shrinker
	wait $shrinker
	is $? 1 && has 'interrupted; .*: max is 32.0 MiB, as it was' && is "$(max)" $((32 * M))
}
try "shrink: nor is anything left of it when it is interrupted" interrupted
# It has said that it waits: what is given back only now is seen as well.
waiting() { grep -q ' s left$' "$work/said"; }
# And it sleeps meanwhile, though the pressure has changed: else it gives its time up to nobody.
sleeps() { [ "$(sed -n 's/^voluntary_ctxt_switches:\t//p' "/proc/$shrinker/status")" -gt 15 ]; }
gives_back() {
	shrinking && soon waiting && soon sleeps && tell u 0 && wait $shrinker && prints '/shrunk: max 16.0 MiB, of which .*' &&
		is "$(cat $cgroups/shrunk/memory.max)" $((32 * M)) && is "$(killed shrunk)" 0
}
try "shrink: memory.max follows when the program has given back" gives_back
finish shrunk
# Who reports has told so in its ring, from which nobody has taken it yet.
reporter() {
	mkfifo "$work/end"
	within reporter env "LD_PRELOAD=$(dirname "$memstate")/libmemstate-observe.so" python3 -c '
import ctypes, mmap, sys
m = mmap.mmap(-1, 40 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for i in range(0, len(m), mmap.PAGESIZE):
    m[i] = 1
at = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(m)))
none = ctypes.CDLL(None).mprotect(at, ctypes.c_size_t(len(m)), 0)
m.madvise(mmap.MADV_DONTNEED)
print("given back", none, flush=True)
sys.stdin.read()' <"$work/end" >"$work/out" 2>"$work/said" &
	exec {to}>"$work/end"
	soon grep -q "back 0" "$work/out"
}
mkdir $cgroups/reporter
"$memstate" limit /reporter --max 96M >/dev/null
reporter
reported() {
	"$memstate" shrink /reporter --max 32M >"$work/said" && has '^/reporter: max 32.0 MiB, of which'
}
try "shrink: what was reported and waits in a ring counts as given back" reported
exec {to}>&-
without reporter
says "shrink without a limit" 2 "--max is needed" "$memstate" shrink /
says "shrink --max max" 2 "'max' is not a size" "$memstate" shrink / --max max
says "shrink to what would kill" 2 "memory.max below max would kill" "$memstate" shrink / --max 64M --memory-max=32M
says "shrink --timeout x" 2 "'x' is not a number of seconds" "$memstate" shrink / --max 64M --timeout x
says "shrink of nobody" 1 "neither a cgroup" "$memstate" shrink nobody --max 64M

# --- a container: why it was refused, by its own root and from outside --------------------

box=libpod-$(printf '%064d' 7).scope
# shellcheck disable=SC2016 # the inner shells expand it
boxed() {
	mkdir $cgroups/"$box" $cgroups/other && "$memstate" limit /"$box" --max 32M >/dev/null &&
		"$memstate" limit /other --max 32M >/dev/null &&
		within "$box" unshare -C -p -f -m --mount-proc sh -c '
			umount /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec setpriv --bounding-set -all --inh-caps -all sh -c "$1" sh "$2" "$3"' \
			sh 'python3 -c "
import os
try:
    bytearray(50 << 20)
except MemoryError:
    print(os.getpid())" && cat /sys/class/misc/memstate/groups/$(stat -c %i /sys/fs/cgroup)/last_refusal && "$1" stat -g / &&
			! cat "$2/last_refusal"' "$memstate" "$(group other)" >"$work/said" 2>&1
}
says_own() {
	inner=$(head -n 1 "$work/said")
	[ "$inner" -lt 10 ] && has "^pid=$inner inner_pid=$inner comm=\"python3\" bytes=5[0-9]+ group=" &&
		has "refused [1-9] times?( since [0-9:]{8})?, last at .*: python3\\[$inner\\] in container 000000000000 wanted 5" &&
		has '^cat: .*: Permission denied$'
}
boxed_said() { boxed; status=$?; cat "$work/said"; [ $status = 0 ] && says_own; }
try "a container's own root reads who was refused there, and nobody else's" boxed_said
outside() {
	"$memstate" stat -g "$box" --json >"$work/said" && python3 - "$work/said" "/$box" <<'P'
import json, sys
r = json.load(open(sys.argv[1]))["groups"][0]["last_refusal"]
assert r["container"] == "0" * 12 and r["path"] == r["limit_path"] == sys.argv[2] and r["inner_pid"] < 10 < r["pid"], r
P
}
try "and who is outside reads which container it was" outside
rmdir $cgroups/"$box" $cgroups/other

# --- the hooks themselves, taken away and set again ----------------------------------------

if [ -e /sys/class/misc/memstate/hooks ]; then
	released() {
		"$memstate" limit /released --max 64M >/dev/null &&
			"$memstate" observe --release >"$work/said" && has '^mmap_region off' &&
			! "$memstate" limit /released --max 48M 2>"$work/said" && has 'memstate observe --hook' &&
			! "$memstate" run --commit-max 64M -- true 2>"$work/said" && has 'memstate observe --hook' &&
			"$memstate" run --max 64M -- "$programs/static" again </dev/null 2>"$work/said" >/dev/null &&
			has '^memstate: limits hold for what reports: not for the heap of libc.s own malloc .*, static or setuid' &&
			has '^memstate: .*/static is statically linked: .*: its limits will not hold$' &&
			"$memstate" run -- true 2>"$work/said" && has ' true +device ' &&
			has '^memstate: not seen: static programs, .*memstate observe --hook'
	}
	told() {
		"$memstate" limit /released >"$work/said" && has '^Enforced +no ' &&
			"$memstate" stat -g /released >"$work/said" && has 'limits are not enforced' &&
			"$memstate" observe --show /released >"$work/said" && has '^Enforced +no ' &&
			"$memstate" watch --count 1 /released >"$work/said" && has ' enforced=no$' &&
			"$memstate" top --batch --iterations 1 >"$work/said" && has '^limits are not enforced' &&
			"$memstate" export --format prometheus --groups >"$work/said" && has '^memstate_group_enforced\{group="/released".*\} 0$'
	}
	hooked() {
		"$memstate" observe --hook >"$work/said" && has '^mmap_region set' &&
			"$memstate" limit /released --max 64M >"$work/said" && has '^Observed'
	}
	mkdir $cgroups/released
	try "observe --release takes the hooks away, and a limit says so" released
	try "and each command says that limits are not enforced" told
	try "observe --hook sets them again" hooked
	says "who may not is told" 1 "CAP_SYS_ADMIN" setpriv --reuid 65534 --clear-groups "$memstate" observe --release
	rmdir $cgroups/released
else
	says "a module that keeps its hooks says so" 1 "keeps its hooks until it is unloaded" "$memstate" observe --release
fi

# --- units of systemd ---------------------------------------------------------------------

mkdir -p $cgroups/system.slice/web.service $cgroups/system.slice/run-1.scope
unit() { "$memstate" limit "$1" --max 32M >"$work/said" && has "^GROUP +/system.slice/$2 "; }
try "a unit is found by its name" unit web.service web.service
try "also without .service" unit web web.service
try "and a scope" unit run-1.scope run-1.scope
rmdir $cgroups/system.slice/web.service $cgroups/system.slice/run-1.scope $cgroups/system.slice

# --- other programs -----------------------------------------------------------------------

# start_limited CGROUP MAX COMMAND...: limited before it starts; what it says is in $work/said
start_limited() {
	local name=$1 max=$2
	shift 2
	mkdir -p $cgroups/"$name"
	"$memstate" limit $cgroups/"$name" --max "$max" >/dev/null || return
	within "$name" "$@" >"$work/said" 2>&1
	status=$?
	return $status
}
python_goes_on() {
	start_limited python 64M python3 -c '
held = bytearray(30 << 20)
for i in range(0, len(held), 4096): held[i] = 1
try:
    bytearray(50 << 20)
except MemoryError:
    print("MemoryError")
print(len(bytearray(10 << 20)) >> 20, "and goes on")' && has '^MemoryError$' && has '^10 and goes on'
}
try "python3 gets its MemoryError, and goes on" python_goes_on
python_counts() { between 1 "$(denied python)" 10 && without python; }
try "one request is one refusal" python_counts
small() {
	start_limited small 16M busybox sh -c 'echo begun; busybox awk "BEGIN { s = \"x\"; while (1) s = s s }" || echo "awk is told"' &&
		has '^begun' && has 'awk is told' && between 1 "$(denied small)" 10 && is "$(killed small)" 0
	status=$?
	without small
	return $status
}
try "static busybox runs under 16 MiB, and is refused at it" small

# A group that is full, and stays so, can be looked at.
begin full "$programs/static"
"$memstate" limit /full --max 64M >/dev/null
tell p 64
look() {
	within full sh -c 'ps >/dev/null && echo shell' >"$work/said" && has '^shell' &&
		within full python3 -c 'print("python")' >"$work/said" && has '^python'
}
try "in a full group one can look around" look
finish full

# --- at the end ------------------------------------------------------------------------------

nothing() { is "$(cat $groups/1/observed_tasks)" 0 && is "$(cat $groups/1/observe)" 0; }
try "nothing is observed any more" soon nothing
rm -rf "$work"
tap_end
