#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [host] [guest]: memstate record, plot, and replay --record, as TAP.
# host: on made-up figures. guest: with the module, in a virtual machine.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
build=$top/build/plot
kernel=${MEMSTATE_KERNEL:-6.1}
python=/usr/bin/python3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:exitcode=99
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

parts "host guest" "$@"
tap_begin "$dir"
tap_limit=2100
mkdir -p "$build"
needs gnuplot:gnuplot-nox xmllint:libxml2-utils strace

# ---- build ------------------------------------------------------------------------

if part host; then
	try "builds" userspace all
	try "builds under sanitizers" sanitized
	programs plot
	try "recorder of made-up figures builds" program plot fake_record
	try "trace test builds" program plot trace
	try "books test builds" program plot books
	for program in steps shares later.so; do
		try "$program builds" program plot $program
	done
else
	must userspace all
	must sanitized
	must program plot books steps shares later.so
fi
[ $tap_failed = 0 ] || tap_end
memstate=$top/build/san/memstate
fake=$build/fake_record
check() { "$python" "$here/check.py" "$@"; }
# sampled FILE: a recorder, which is not waited for, has got so far
sampled() { soon grep -qs '"type":"sample"' "$1"; }

# ---- with the module --------------------------------------------------------------

guest() {
	local module out name kind
	cd "$dir" || exit 1
	module=$("$here/../vm/module.sh" "$kernel" 2>said | tail -n 1)
	if [ -f "$module" ]; then
		out=$build/out
		rm -rf "$out"
		mkdir -p "$out"
		relay "kernel $kernel" "$here/../vm/vm.sh" -k "$kernel" -t 1800 -w "$out" -- \
			bash "$here/guest.sh" "$module" "$top/build/userspace/memstate" "$build" "$out" "$here"
		# And what was recorded there can be plotted.
		for name in command pid; do
			for kind in time map; do
				try "$name: $kind" "$memstate" plot --kind $kind -o "$out/$name-$kind.svg" "$out/$name.rec"
			done
		done
		for name in command pid group; do
			try "$name: transitions give the last sample" "$build/books" "$out/$name.rec"
			try "$name: holds together" check lines "$out/$name.rec"
		done
		for name in pid group system; do
			try "$name: the last sample is what stat says" check rest "$out/$name.rec" \
				"$out/$name.json" "$(cat "$out/$name.key")"
		done
	else
		result 1 "module builds"
	fi
}
part host || { guest; tap_end; }

# ---- the trace's text -------------------------------------------------------------

relay trace "$build/trace"

# ---- advise ------------------------------------------------------------------------

{
	echo 'mmap(NULL, 41943040, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x10000000'
	for ((i = 0; i < 200; i++)); do
		echo 'madvise(0x10000000, 20971520, MADV_DONTNEED) = 0'
		echo 'munmap(0x10000000, 4096) = 0'
	done
} >"$build/advise.log"
try "a log is recorded" sh -c "'$memstate' replay --record '$build/advise.rec' '$build/advise.log' >'$build/advise.out'"
says_like "advise: what would have refused nothing" 0 "^max +45.0 MiB +the most that was held was 40.0 MiB, after " \
	"$memstate" advise "$build/advise.rec"
cp "$tap_dir/said" "$build/advise.said"
ok "memory.max beside it" "grep -E '^memory.max +61.0 MiB' $build/advise.said"
ok "and what to do with it" "grep 'memstate adapt --max 45M' $build/advise.said && grep 'memstate plot .*advise.rec --max 45M' $build/advise.said"
try "advise --json is JSON" sh -c "'$memstate' advise --json '$build/advise.rec' | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d[\"max\"] == 45 << 20 and d[\"held\"] == 40 << 20 and not d[\"exact\"], d'"
try "plot draws a limit that there might be" sh -c "'$memstate' plot --max 45M -o '$build/advise.gp' '$build/advise.rec' && grep -q 'max 45.0 MiB' '$build/advise.gp'"
says "plot --max x" 2 "'x' is not a size" "$memstate" plot --max x "$build/advise.rec"
says "plot --max of a map" 2 "--max does not go with --kind map" "$memstate" plot --max 1M --kind map "$build/advise.rec"
says "advise of nothing" 2 "one recording or target is needed" "$memstate" advise
says "advise --duration x" 2 "'x' is not a number of seconds" "$memstate" advise --duration x /
says "advise of what is no recording" 1 "this is no recording of memstate's" "$memstate" advise "$build/advise.log"

# ---- record, on made-up figures ---------------------------------------------------

cd "$dir" || exit 1
says_like "record ends after --duration, and says what there is" 0 \
	' (1|[2-9]|[1-9][0-9]+)\.[0-9] s \(duration\), ' \
	"$fake" -o a.rec --interval 0.01 --duration 1
try "record's lines hold together" check lines a.rec
says "a compressed recording" 0 "(duration)" \
	"$fake" -o a.rec.gz --interval 0.01 --duration 1
try "its lines hold together" check lines a.rec.gz
try "and it is compressed" gzip -t a.rec.gz
FAKE_SLOW_MS=35 FAKE_END=20 says "ticks that come late are missed, not caught up with" 0 \
	"(target ended), 20 samples, " "$fake" -o slow.rec --interval 0.01
$python - slow.rec >said 2>&1 <<'CHECK'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
end = lines[-1]
times = [line["t"] for line in lines if line["type"] == "sample"]
# A reading takes three ticks and a half.
assert end["missed"] >= 2 * end["samples"], end
# Each tick was kept or counted: the first sample has none, and the last tick no sample.
ticks = end["samples"] + end["missed"]
assert (times[-1] - times[0]) / 0.01 - 2 <= ticks <= end["t"] / 0.01 + 2, (end, times)
CHECK
result $? "and all are counted"
FAKE_EVENTS=1 FAKE_END=20 try "a count that grows" "$fake" -o events.rec --interval 0.01
try "has an event for each sample" check lines events.rec
[ "$(grep -c '"event":"denied"' events.rec)" = 19 ]
result $? "and there are some"
FAKE_END=5 says "the target ends" 0 "(target ended), 5 samples" \
	"$fake" -o end.rec --interval 0.01
try "a recording whose target ended" check lines end.rec
FAKE_END=5 says "a duration longer than a poll's" 0 "(target ended), 5 samples" \
	"$fake" -o long.rec --interval 0.01 --duration 1e9
for signal in INT TERM; do
	rm -f signal.rec
	"$fake" -o signal.rec --interval 0.01 --duration 300 >said 2>&1 &
	sampled signal.rec
	kill -$signal $!
	wait $!
	status=$?
	[ $status = 0 ] && grep -q interrupted said && check lines signal.rec >>said 2>&1
	result $? "SIG$signal ends it in order"
done
for name in big.rec big.rec.gz; do
	says "$name: --max-size is kept, loudly" 1 "has reached --max-size" \
		"$fake" -o $name --interval 0.001 --max-size 64K
	[ "$(stat -c %s $name)" -le 65536 ] && check lines $name >said 2>&1
	result $? "$name: and the file is whole"
done
says "a full disk is told" 1 "/dev/full: No space left on device" \
	"$fake" -o /dev/full --interval 0.01 --duration 5
for name in kept.rec kept.rec.gz; do
	echo "what was there" >$name
	says "$name: a recording that cannot begin is told" 1 "process 999999999: No such process" \
		"$fake" -o $name -p 999999999
	[ "$(cat $name)" = "what was there" ]
	result $? "$name: and leaves the file as it was"
	says "$name: one that can" 0 "(duration)" "$fake" -o $name --interval 0.01 --duration 0.1
	try "$name: takes its place" check lines $name
done
says "a recording that cannot begin" 1 "No such process" "$fake" -o none.rec -p 999999999
[ ! -e none.rec ]
result $? "makes no file"
rm -f killed.rec.gz
"$fake" -o killed.rec.gz --interval 0.01 --duration 300 2>said &
soon test -s killed.rec.gz
kill -9 $!
wait $! 2>/dev/null
says "of a recorder that was killed there is what was written" 0 "cut off after line" \
	"$memstate" plot -o killed.svg killed.rec.gz

# What a sample costs, beside what it takes to start: as counts. What it costs the processor is
# a matter of make bench.
program plot fake_count >said 2>&1 &&
	for samples in 2 202; do
		FAKE_END=$samples "$build/fake_count" -o cost.rec --interval 0.001 >>said 2>&1
	done
$python - said <<'CHECK'
import re, sys
text = open(sys.argv[1]).read()
print("# " + text.strip().replace("\n", "\n# "))
short, long_ = map(int, re.findall(r"(\d+) blocks", text))
per = (long_ - short) / 200
print("# %.0f basic blocks a sample" % per)
sys.exit(not 0 < per < 300)
CHECK
result $? "a sample takes few steps"
for samples in 2 202; do
	FAKE_END=$samples strace -f -c -o calls.$samples "$build/fake_count" -o cost.rec \
		--interval 0.01 >said 2>&1
done
$python - calls.2 calls.202 <<'CHECK'
import sys
def read(path):
    calls = {row.split()[-1]: int(row.split()[3]) for row in open(path)
             if len(row.split()) > 4 and row.split()[3].isdigit()}
    return sum(calls.get(name, 0) for name in ("read", "write", "poll", "ioctl"))
short, long_ = map(read, sys.argv[1:])
per = (long_ - short) / 200
print("# %.2f calls a sample, without the source's two" % per)
sys.exit(per > 3.5)
CHECK
result $? "and three calls, beside the two that read"

# ---- record's command line --------------------------------------------------------

record() { says "record: $1" "$2" "$3" "$memstate" record "${@:4}"; }
record "--help" 0 "usage: memstate record" --help
record "without -o" 2 "--output is needed"
record "-o without its value" 2 "option '-o' needs a value" -o
record "unknown option" 2 "unknown option '--nonsense'" --nonsense
for value in 0 0.0001 x -1 3601 '' nan; do
	record "--interval '$value'" 2 "'--interval': '$value' is not" -o x --interval "$value"
done
for value in 0 x -5 1e10; do
	record "--duration '$value'" 2 "'--duration': '$value' is not" -o x --duration "$value"
done
for value in 0 x -1 1x; do
	record "--ranges '$value'" 2 "'--ranges': '$value' is not" -o x -p 1 --ranges "$value"
done
for value in 1K x -1 2G; do
	record "--trace-buffer '$value'" 2 "'--trace-buffer': '$value' is not a size from 4.00 KiB to 1.00 GiB" \
		-o x --trace-buffer "$value"
done
for value in 63K x; do
	record "--max-size '$value'" 2 "'--max-size': '$value' is not a size from 64.0 KiB" -o x --max-size "$value"
done
record "-p 'x'" 2 "'x' is not a process id" -o x -p x
record "-p and -g" 2 "only one of --pid, --group and a command" -o x -p 1 -g /
record "-p and a command" 2 "only one of" -o x -p 1 -- true
record "--ranges of the system" 2 "--ranges is for a process" -o x --ranges 1
record "--ranges of a group" 2 "--ranges is for a process" -o x -g / --ranges 1
record "--max without a command" 2 "are for a command" -o x --max 1G
record "--malloc without a command" 2 "are for a command" -o x --malloc
record "--max 'x'" 2 "'x' is not a size" -o x --max x -- true
record "--high 'x'" 2 "'x' is not a size" -o x --high x -- true
record "no such process" 1 "no process 4194303" -o x -p 4194303
record "no such cgroup" 1 "no such cgroup" -o x -g /no/such
if [ ! -e /dev/memstate ]; then
	record "without the module" 1 "the module is not loaded" -o x
	says "record: a program without the module" 1 "takes the device" \
		"$top/build/userspace/memstate" record -o x -- true
	[ ! -e x ]
	result $? "and nothing is left of them"
fi

# ---- plot -------------------------------------------------------------------------

# Others draw at the same time: what is left behind is looked for in a place of its own.
mkdir tmp
export TMPDIR=$dir/tmp
for kind in waves bare seen zeros one many long hostile header; do
	"$python" "$here/make.py" $kind >$kind.rec || exit 1
done
for kind in waves bare seen one; do
	try "plot $kind as a script" "$memstate" plot -o $kind.gp $kind.rec
	try "its figures are the recording's" check plot $kind.rec $kind.gp
done
for kind in waves one many; do
	try "map of $kind as a script" "$memstate" plot --kind map -o $kind-map.gp $kind.rec
	try "its states are the recording's" check map $kind.rec $kind-map.gp
done
"$memstate" plot -o again.gp waves.rec >said 2>&1 && cmp again.gp waves.gp >>said 2>&1
result $? "the same recording gives the same script"
gzip -k waves.rec
"$memstate" plot -o again.gp waves.rec.gz >said 2>&1 && cmp again.gp waves.gp >>said 2>&1
result $? "compressed as well"
echo "what was there" >kept.gp
says "a map of what has no ledger is refused" 1 "neither ledgers nor transitions" \
	"$memstate" plot --kind map -o kept.gp a.rec
[ "$(cat kept.gp)" = "what was there" ]
result $? "and leaves the file as it was"
[ "$(wc -c <many-map.gp)" -lt 3000000 ]
result $? "a map's size is bounded by the picture's"
try "plot 200000 samples" "$memstate" plot -o long.gp long.rec
# The one sample that is larger is seen, and the rest is thinned out.
awk '/^\$samples/ { on = 1; next } /^EOD/ { on = 0 } on { n++; if ($3 > most) most = $3 }
	END { print n, most; exit n > 900 || most != 77 * 1048576 }' long.gp >said
result $? "they are thinned out, and the peak is there"

pictures() { # name recording options...: SVG and PNG of it
	local name=$1 recording=$2
	shift 2
	try "$name.svg" "$memstate" plot -o "$name.svg" "$@" "$recording.rec"
	try "$name.svg is one" xmllint --noout "$name.svg"
	try "$name.png" "$memstate" plot -o "$name.png" "$@" "$recording.rec"
	try "$name.png is one" check png "$name.png" 960 540
}
has() { # file text...: as a text of the picture
	local file=$1 text
	shift
	for text; do
		grep -qF -- ">$text<" "$file" || grep -qF -- "> $text<" "$file"
		result $? "$file says '$text'"
	done 2>said
}
pictures waves waves
pictures waves-classes waves --kind classes
pictures waves-map waves --kind map
pictures many-map many --kind map
pictures one-map one --kind map
pictures zeros zeros
pictures seen seen
has waves.svg "redis-server --port 6399: memory by state" "Time since the start [s]" \
	"Ready and Prepared" "Reserved" "64 MiB" "64 GiB" "max 100 MiB" "high 64.0 MiB" \
	"denied" "pressure" "charged" "Prepared (lazy), peak 6.66 MiB" \
	"300 samples, one each 0.1 s, from 2026-11-27T03:20:00Z"
has seen.svg "Ready (observed), peak 41.0 MiB" "Prepared (observed), peak 8.00 MiB" "Ready, peak 5.00 MiB"
has waves-classes.svg "Ready, by class" "stack, peak 3.00 MiB" "max 100 MiB"
has waves-map.svg "Address" "7f1200000000" "64.0 GiB" "Prepared (lazy)" "Time since the start [s]"
has one-map.svg "0.5 s after the start" "000010000000" "7.00 MiB"
# The lines of limits and the marks of events, by their colours
for colour in 'rgb(230, 159,   0)' 'rgb(213,  94,   0)' 'rgb(204,  51,  17)'; do
	grep -qF "$colour" waves.svg
	result $? "waves.svg draws in $colour"
done
grep -q 'prefers-color-scheme: dark' waves.svg
result $? "an SVG file follows the reader's theme"
for theme in light dark; do
	"$memstate" plot --theme $theme -o $theme.svg waves.rec >said 2>&1 &&
		! grep -q prefers-color-scheme $theme.svg
	result $? "--theme $theme stays as it is"
done
grep -q 'fill="#0d1117"' dark.svg && grep -q 'fill="#ffffff"' light.svg
result $? "and has its background"
# Colours of the theme that a rule is there for, and no black by default but for marks' shapes
sed '/<style>/,/<\/style>/d; /<defs>/,/<\/defs>/d' waves.svg |
	grep -oE 'fill *= *.rgb\( *31, *41, *40\)' >said
result $((! $?)) "no colour is a slip"
for place in stack none; do
	"$memstate" plot --reserved $place -o place.svg waves.rec >said 2>&1 &&
		! grep -q ">Reserved<" place.svg
	result $? "--reserved $place has no panel of its own"
done
"$memstate" plot --reserved panel -o place.svg bare.rec >said 2>&1 && grep -q ">Reserved<" place.svg
result $? "--reserved panel has one"
try "--size" "$memstate" plot --size 1200x700 -o size.png waves.rec
try "is kept" check png size.png 1200 700
"$memstate" plot --title "A & B" -o title.svg waves.rec >said 2>&1 && grep -q "<title>A &amp; B</title>" title.svg
result $? "--title is there, as XML has it"
pictures hostile hostile
[ -e owned ]
result $((! $?)) "names are texts, and nothing is run"
cp waves.rec plain.rec
"$memstate" plot plain.rec >said 2>&1 && [ -s plain.rec.svg ]
result $? "without -o it stands beside the recording"
head -c 100000 waves.rec >cut.rec
says "a recording that is cut off" 0 "cut off after line" "$memstate" plot -o cut.svg cut.rec
has cut.svg "$(grep -c '"sample"' <(head -n -1 cut.rec)) samples, one each 0.1 s, from 2026-11-27T03:20:00Z; the recording is cut off"
gzip -c waves.rec | head -c 3000 >cut.rec.gz
says "a compressed one that is cut off" 0 "cut off after line" "$memstate" plot -o cut.svg cut.rec.gz
says "no gnuplot: its package is named" 1 "install the Debian package gnuplot-nox" \
	env PATH="$dir/nothing" "$memstate" plot -o none.svg waves.rec
[ ! -e none.svg ] && [ "$(ls -d "$TMPDIR"/memstate-plot-* 2>/dev/null)" = "" ]
result $? "and nothing is left behind"
mkdir bad
printf '#!/bin/sh\nexit 3\n' >bad/gnuplot
chmod 755 bad/gnuplot
says "a gnuplot that fails" 1 "gnuplot did not make the picture (status 3)" \
	env PATH="$dir/bad:$PATH" "$memstate" plot -o none.svg waves.rec

plot() { says "plot: $1" "$2" "$3" "$memstate" plot "${@:4}"; }
plot "--help" 0 "usage: memstate plot" --help
plot "no recording" 2 "one recording is needed"
plot "two recordings" 2 "one recording is needed" a b
plot "unknown option" 2 "unknown option '--nonsense'" --nonsense
plot "-o without its value" 2 "option '-o' needs a value" -o
for name in x x.jpg .svg x.d/.png; do
	plot "-o $name" 2 "'$name' ends neither in .svg nor in .png nor in .gp" -o $name waves.rec
done
plot "--kind x" 2 "option '--kind': 'x' is none of time, classes, map" --kind x waves.rec
plot "--theme x" 2 "option '--theme': 'x' is none of auto, light, dark" --theme x waves.rec
plot "--reserved x" 2 "option '--reserved': 'x' is none of auto, stack, panel, none" --reserved x waves.rec
for size in x 100x100 960 9000x540 960x540x; do
	plot "--size $size" 2 "option '--size': '$size' is not a size" --size $size waves.rec
done
plot "--pid x" 2 "'x' is not a process id" --pid x waves.rec
plot "--pid without a map" 2 "--pid goes with --kind map" --pid 123 waves.rec
plot "--reserved with a map" 2 "--reserved goes with --kind time" --kind map --reserved none waves.rec
plot "a process that is not there" 1 "neither ledgers nor transitions of process 77" \
	--kind map --pid 77 -o x.svg waves.rec
plot "a map without ledgers" 1 "'memstate record --ranges N'" --kind map -o x.svg bare.rec
plot "no samples" 1 "there is nothing to plot" -o x.svg header.rec
plot "no file" 1 "no.rec: No such file or directory" -o x.svg no.rec
plot "a place that is not there" 1 "no/x.svg: No such file or directory" -o no/x.svg waves.rec
plot "a full disk" 1 "full.svg: No space left on device" -o full.svg waves.rec \
	< <(ln -sf /dev/full full.svg)
: >empty.rec
plot "an empty file" 1 "empty: this is no recording" -o x.svg empty.rec
printf 'hello\nworld\n' >text.rec
plot "a text" 1 "text.rec: line 1: this is no recording of memstate's" -o x.svg text.rec
printf '{"type":"header","format":"other","version":1}\n' >other.rec
plot "another program's lines" 1 "line 1: this is no recording of memstate's" -o x.svg other.rec
sed 's/"version":1/"version":2/' waves.rec >later.rec
plot "a later version" 1 "line 1: a recording of a later version" -o x.svg later.rec
sed '5s/.*/{"type":/' waves.rec >broken.rec
plot "a broken line" 1 "broken.rec: line 5: this is no JSON" -o x.svg broken.rec
sed '5s/.*/[1]/' waves.rec >array.rec
plot "a line that is no object" 1 "array.rec: line 5: " -o x.svg array.rec
sed '5s/"t":[0-9.]*/"t":NaN/' bare.rec >nan.rec
plot "a time that is none" 1 "nan.rec: line 5: " -o x.svg nan.rec
sed '5s/"t":[0-9.]*/"t":0.01/' bare.rec >back.rec
plot "time that goes back" 1 "line 5: a sample that is older than the one before it" -o x.svg back.rec
sed '3s/"reserved_lazy":0/"reserved_lazy":99999999999/' bare.rec >lazy.rec
plot "more lazy than there is" 1 "line 3: a sample whose lazy bytes are more" -o x.svg lazy.rec
sed 's/"ranges":\[\[[0-9]*,/"ranges":[[99999999999999999,/' one.rec >range.rec
plot "a range that is none" 1 "line 3: a range that is none" --kind map -o x.svg range.rec
sed '/"first":512,/d' many.rec >part.rec
plot "part of a ledger is missing" 1 "part of a ledger without what comes before it" \
	--kind map -o x.svg part.rec
# What is lost is told in lines of its own, and all of it once more at the end.
sed '2i{"type":"lost","t":0,"events":30}' bare.rec | sed '/"type":"end"/d' >lost.rec
cp lost.rec cut.rec
echo '{"type":"end","t":60,"lost":42}' >>lost.rec
try "what is lost" "$memstate" plot -o lost.gp lost.rec
grep -q '; 42 transitions were lost' lost.gp
result $? "is not counted twice" <(grep 'lost' lost.gp)
"$memstate" plot -o lost.gp cut.rec >said 2>&1
grep -q '; 30 transitions were lost' lost.gp
result $? "nor is it forgotten where the end is missing" said
sed '2i{"type":"later","t":0,"x":[1]}' bare.rec >unknown.rec
try "a type that is not known is passed over" "$memstate" plot -o unknown.gp unknown.rec
check plot bare.rec unknown.gp >said 2>&1
result $? "and the rest is there"
# Any byte may be wrong: never a crash, never silence.
"$python" - waves.rec >said 2>&1 <<CHECK
import random, subprocess, sys
random.seed(${SEED:-11})
data = bytearray(open(sys.argv[1], "rb").read()[:60000])
for round_ in range(150):
    damaged = bytearray(data)
    for _ in range(random.choice((1, 3, 30))):
        at = random.randrange(len(damaged))
        damaged[at] = random.choice((random.randrange(256), ord("9"), ord("-"), ord('"')))
    open("damaged.rec", "wb").write(damaged)
    for kind in ("time", "map"):
        done = subprocess.run(["$memstate", "plot", "--kind", kind, "-o", "damaged.gp",
                               "damaged.rec"], capture_output=True, timeout=60)
        if done.returncode not in (0, 1) or (done.returncode and not done.stderr):
            sys.exit("round %d, %s: %d: %s" % (round_, kind, done.returncode, done.stderr[:2000]))
CHECK
result $? "300 damaged recordings are told or taken"

# ---- replay -----------------------------------------------------------------------

cat >timed.log <<'LOG'
10 1700000000.000000 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x10000000
10 1700000000.500000 mmap(NULL, 16384, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0) = 0x20000000
10 1700000001.000000 madvise(0x10000000, 4096, MADV_DONTNEED) = 0
10 1700000002.000000 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x30000000
10 1700000002.250000 munmap(0x30000000, 4096) = 0
LOG
sed 's/ 17000000\([0-9.]*\)/ /; s/^10 *[0-9.]* */10 /' timed.log >plain.log
sed 's/ 1700000000\./ 23:59:59./; s/ 1700000001\./ 00:00:00./; s/ 1700000002\./ 00:00:01./' timed.log >clock.log
awk '{ t = $2; $2 = sprintf("%.6f", NR > 1 ? t - last : 0); last = t; print }' timed.log >relative.log
cat >figures.py <<'CHECK'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
unit, times = sys.argv[2], [float(x) for x in sys.argv[3].split(",")]
assert lines[0]["time_unit"] == unit, lines[0]
assert lines[0]["target"]["kind"] == "log"
samples = [line for line in lines if line["type"] == "sample"]
have = [(s["t"], s["ready"] >> 12, s["prepared"] >> 12, s["prepared_lazy"] >> 12,
         s["reserved"] >> 12) for s in samples]
want = list(zip(times, (2, 2, 1, 2, 1), (0, 0, 1, 1, 1), (0, 0, 1, 1, 1), (0, 4, 4, 4, 4)))
assert have == want, have
last = [line for line in lines if line["type"] == "ranges"][-1]
assert [(r[0], r[1], r[2], r[4]) for r in last["ranges"]] == [
    (0x10000000, 0x10001000, "prepared", 1), (0x10001000, 0x10002000, "ready", 0),
    (0x20000000, 0x20004000, "reserved", 0)], last
assert lines[-1]["type"] == "end" and lines[-1]["samples"] == 5
CHECK
for log in timed clock relative; do
	try "replay --record of a log with $log times" "$memstate" replay --record $log.rec $log.log
	try "its figures and times" "$python" figures.py $log.rec s 0,0.5,1,2,2.25
done
try "replay --record of a log without times" "$memstate" replay --record nolog.rec plain.log
try "its figures, by line" "$python" figures.py nolog.rec line 1,2,3,4,5
grep -q '"start":"2023-11-14T22:13:20Z"' timed.rec
result $? "the time of day is the log's"
pictures replay timed
pictures replay-lines nolog
pictures replay-map nolog --kind map
has replay.svg "timed.log: memory by state" "Time since the start [s]" "Reserved, peak 16.0 KiB"
has replay-lines.svg "Line of the log (it has no times)"
for log in "$here"/../replay/logs/*.log; do
	"$memstate" replay --json "$log" >said.json 2>said &&
		"$memstate" replay --record log.rec.gz "$log" >>said 2>&1 &&
		"$python" - said.json log.rec.gz >>said 2>&1 <<'CHECK'
import gzip, json, sys
all_ = json.load(open(sys.argv[1]))["marks"][-1]["all"]
last = [json.loads(line) for line in gzip.open(sys.argv[2], "rt") if '"sample"' in line][-1]
# Of MAP_NORESERVE what is Ready is in no sum.
all_["ready"] -= all_["ready_noreserve"]
for key in ("reserved", "reserved_lazy", "prepared", "prepared_lazy", "ready"):
    assert all_[key] == last[key], (key, all_[key], last[key])
CHECK
	result $? "$(basename "$log"): the recording ends as the books do"
done
says "replay: --record without its value" 2 "option '--record' needs a value" \
	"$memstate" replay --record
says "replay: a place that is not there" 1 "no/x.rec: No such file" \
	"$memstate" replay --record no/x.rec timed.log
says "replay: a full disk" 1 "/dev/full: No space left on device" \
	"$memstate" replay --record /dev/full timed.log

! part guest || guest
tap_end
