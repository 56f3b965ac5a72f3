#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [host] [guest]: memstate export, as TAP.
# host: its text and its server on a made-up tree, under sanitizers; alert rules, dashboard and
# units by promtool and systemd-analyze. guest: the module, exporters, and Debian's prometheus
# and node_exporter, in a virtual machine.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
build=$top/build/export
kernel=${MEMSTATE_KERNEL:-6.1}
python=/usr/bin/python3	# that of the package of prometheus_client
rules=$top/packaging/prometheus/memstate.rules.yml
dashboard=$top/packaging/grafana/memstate.json
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
export ASAN_OPTIONS=abort_on_error=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
PATH=$PATH:/usr/sbin:/sbin

# complains NAME STATUS ERE COMMAND...: on standard error; the other one goes to $dir/out
complains() { says_like "$1" "$2" "$3" apart "${@:4}"; }
apart() { "$@" >"$dir/out"; }

parts "host guest" "$@"
tap_begin "$dir"
tap_limit=1200
needs promtool:prometheus prometheus systemd-analyze:systemd prometheus-node-exporter
try "needs python3-prometheus-client" "$python" -c "import prometheus_client.openmetrics"
[ $tap_failed = 0 ] || tap_end

# install_to DIR: where memstate is taken from
install_to() { userspace PREFIX="$1" SYSTEMDUNITDIR="$1/units" install; }

# ---- the real thing -----------------------------------------------------------------

guest() {
	local module
	module=$("$here/../vm/module.sh" "$kernel" 2>"$dir/said" | tail -n 1)
	[ -f "$module" ] || { result 1 "module builds"; return; }
	must install_to "$build/guest"
	tap_limit=2700
	relay "kernel $kernel" "$here/../vm/vm.sh" -k "$kernel" -m 3G -t 2400 -- \
		env PYTHONDONTWRITEBYTECODE=1 "$python" "$here/guest.py" "$module" "$build/guest" \
		"$rules" "$dashboard"
}
part host || { guest; tap_end; }

# ---- build ------------------------------------------------------------------------

try "builds and installs" install_to "$build/prefix"
memstate=$build/prefix/bin/memstate
programs export
for cc in gcc clang; do
	try "$cc has no warning" program export "fake.$cc"
done
try "builds with sanitizers" program export fake
try "builds with the thread sanitizer" program export fake.tsan
[ $tap_failed = 0 ] || tap_end
fake=$build/fake
# What the library brings along is not to slow every program down that memstate runs.
try "memstate itself has nothing to do with HTTP" sh -c "! ldd '$memstate' | grep -E 'http|gnutls'"

# ---- text -------------------------------------------------------------------------

tree=$dir/tree
try "trees are made" "$python" "$here/fake.py" "$dir/tree" "$dir/tree.server" "$dir/tree.tsan"

# Servers are tested beside all that comes before they are told of: their tests wait a lot.
beside server "$python" "$here/serve.py" "$fake" "$dir/tree.server"
beside "server, thread sanitizer" "$python" "$here/serve.py" "$build/fake.tsan" "$dir/tree.tsan"

for format in prometheus openmetrics; do
	for what in "" --groups --tasks "--groups --tasks"; do
		# shellcheck disable=SC2086 # options
		"$fake" "$tree" $what --format $format >"$dir/text.$format" 2>"$dir/said"
		# shellcheck disable=SC2086 # options
		try "$format $what: figures are those of the tree" \
			"$python" "$here/figures.py" $what "$tree" "$dir/text.$format"
	done
done
"$fake" "$tree" >"$dir/out" 2>"$dir/said"
! grep -qE 'EOF|UNIT|_group_|_task_' "$dir/out" && grep -q '^# TYPE memstate_drift_total counter' "$dir/out"
result $? "without options: the system, in the format that all read"
# It says nothing if there is nothing to say.
# shellcheck disable=SC2016 # another shell expands it
try "promtool has nothing to say against the names" \
	sh -c 'said=$(promtool check metrics <"$1" 2>&1) && [ -z "$said" ] || { echo "$said"; exit 1; }' \
	sh "$dir/text.prometheus"
# shellcheck disable=SC2016 # another shell expands it
try "promtool takes a bad name" sh -c \
	'printf "# HELP x_count y\n# TYPE x_count gauge\nx_count 1\n" | promtool check metrics 2>&1 | grep count'
"$fake" "$tree" --groups --tasks --max-series 300 >"$dir/out" 2>"$dir/said"
[ "$(grep -vc '^#' "$dir/out")" -le 300 ] && [ "$(grep -vc '^#' "$dir/out")" -gt 260 ]
result $? "--max-series 300 is kept"
complains "and what is left out is told" 0 \
	'^memstate: [1-9][0-9]* groups and 1[23] tasks are left out: more than 300 samples \(--max-series\)$' \
	"$fake" "$tree" --groups --tasks --max-series 300
# Nine of hostile names, top's five, and one that goes before it is opened; 13 tasks.
complains "without time: what is left out is told" 0 \
	"^memstate: 15 groups and 13 tasks are left out: there was no time to read them$" \
	"$fake" "$tree" --groups --tasks --timeout 0
grep -q 'object="group",reason="time"} 15$' "$dir/out" && grep -q '^memstate_denied_total ' "$dir/out"
result $? "in the figures as well, and the system is there"
"$fake" "$tree" --groups --tasks --max-series 300 >"$dir/out" 2>"$dir/said"
groups=$(sed -n 's/^memstate_export_left_out{object="group",reason="max_series"} //p' "$dir/out")
[ "$((groups + $(grep -c '^memstate_group_ranges' "$dir/out")))" -ge 14 ]
result $? "in the figures as well: $groups groups are not there"
if [ "$(id -u)" = 0 ]; then
	chmod 400 "$tree/sysfs/tasks/4101" "$tree/sysfs/tasks/4201"
	setpriv --reuid=65534 --regid=65534 --clear-groups "$fake" "$tree" --tasks >"$dir/out" 2>"$dir/said"
	grep -q 'object="task",reason="permission"} 2$' "$dir/out" && ! grep -q 'pid="101"' "$dir/out" &&
		grep -q 'pid="102"' "$dir/out"
	result $? "others' tasks are counted"
	chmod 644 "$tree"/sysfs/tasks/*
else
	skip "others' tasks are counted" "not root"
fi

# ---- what is not there, cannot be written ------------------------------------------

absent=$dir/absent
mkdir "$absent" "$dir/place"
complains "without the module" 1 "^memstate: $absent/sysfs is not there: the module is not loaded \(modprobe memstate\)$" \
	"$fake" "$absent"
grep -q '^memstate_up 0$' "$dir/out" && ! grep -q memstate_bytes "$dir/out"
result $? "and the figures say so"
"$fake" "$tree" --groups --output "$dir/place/memstate.prom" >"$dir/said" 2>&1 &&
	[ "$(stat -c '%a' "$dir/place/memstate.prom")" = 644 ] && [ "$(ls -A "$dir/place")" = memstate.prom ] &&
	"$python" "$here/figures.py" --groups "$tree" "$dir/place/memstate.prom" >>"$dir/said"
result $? "--output writes one file, for all to read"
ln "$dir/place/memstate.prom" "$dir/before"
(umask 077; "$fake" "$absent" --output "$dir/place/memstate.prom") >"$dir/said" 2>&1
[ $? = 1 ] && grep -q '^memstate_up 0$' "$dir/place/memstate.prom" &&
	[ "$(stat -c '%a' "$dir/place/memstate.prom")" = 644 ] && [ "$(ls -A "$dir/place")" = memstate.prom ]
result $? "--output without the module says so in the file"
grep -q '^memstate_up 1$' "$dir/before"
result $? "and whoever reads the file of before reads it as it was"
(cd "$dir/place" && "$fake" "$tree" --output here.prom) >"$dir/said" 2>&1 && [ -s "$dir/place/here.prom" ]
result $? "--output into the directory one is in"
complains "--output: no such directory" 1 "^memstate: $dir/none/x: No such file" \
	"$fake" "$tree" --output "$dir/none/x"
complains "--output: a directory" 1 "^memstate: $dir/place: not a regular file$" \
	"$fake" "$tree" --output "$dir/place"
complains "--output: a device is not replaced" 1 "^memstate: /dev/null: not a regular file$" \
	"$fake" "$tree" --output /dev/null
complains "--output: a name that is too long" 1 ": File name too long$" \
	"$fake" "$tree" --output "$dir/$(printf 'x%.0s' $(seq 300))"
if [ "$(id -u)" = 0 ]; then
	complains "--output: a directory that one may not write to" 1 ": Permission denied$" \
		setpriv --reuid=65534 --regid=65534 --clear-groups "$fake" "$tree" --output "$dir/place/x"
fi
cp "$dir/before" "$dir/place/memstate.prom"
# Files of 1 KiB at the most; the sanitizer writes none.
(trap '' XFSZ; ulimit -f 1; exec "$build/fake.gcc" "$tree" --output "$dir/place/memstate.prom" 2>"$dir/said")
[ $? = 1 ] && grep -q ': File too large$' "$dir/said" &&
	cmp -s "$dir/before" "$dir/place/memstate.prom" &&
	[ "$(ls -A "$dir/place")" = "here.prom
memstate.prom" ]
result $? "--output: no room leaves the file of before, and nothing else"
complains "standard output is full" 1 "^memstate: standard output: cannot be written$" \
	sh -c "'$fake' '$tree' >/dev/full"

# ---- command line -----------------------------------------------------------------

for value in 99 0 -1 x '' 10000001 99999999999999999999; do
	complains "--max-series '$value' is refused" 2 "'$value' is not a number from 100 to 10000000" \
		"$memstate" export --max-series "$value"
done
for value in -1 x '' 301 nan 1s; do
	complains "--timeout '$value' is refused" 2 "'$value' is not a number of seconds from 0 to 300" \
		"$memstate" export --timeout "$value"
done
complains "--format xml is refused" 2 "'xml' is none of prometheus, openmetrics" \
	"$memstate" export --format xml
for value in '' x 65536 -1 1x 127.0.0.1 127.0.0.1: 127.0.0.1:x; do
	complains "--listen '$value' is refused: no port" 2 \
		"option '--listen': '$value' does not end in a port, from 0 to 65535" "$memstate" export --listen "$value"
done
complains "--listen :9 is refused: all addresses are to be said" 2 \
	"option '--listen': ':9' has no address; 0.0.0.0 and \[::\] are all there are" "$memstate" export --listen :9
complains "--listen ::1:9 is refused: brackets" 2 "has an address of IPv6 without brackets" \
	"$memstate" export --listen ::1:9
complains "--listen [::1:9 is refused: bracket" 2 "has an address of IPv6 without brackets" \
	"$memstate" export --listen '[::1:9'
for value in localhost:9 1.2.3:9 256.0.0.1:9 '[]:9' '[127.0.0.1]:9' '[::1%lo]:9' \
	"$(printf '1%.0s' $(seq 200)):9"; do
	complains "--listen '${value:0:20}' is refused: no address" 2 \
		"is not \[ADDRESS:\]PORT with a numeric ADDRESS" "$memstate" export --listen "$value"
done
complains "--listen with --output" 2 "--listen does not go with --output" \
	"$memstate" export --listen 1 --output x
complains "--listen with --format" 2 "--listen does not go with --format" \
	"$memstate" export --listen 1 --format openmetrics
complains "unknown option" 2 "unknown option '--nonsense'" "$memstate" export --nonsense
complains "option without its value" 2 "option '--listen' needs a value" "$memstate" export --listen
complains "an argument is one too many" 2 "'x' is one argument too many" "$memstate" export x
try "--help" sh -c "'$memstate' export --help | grep '^usage: memstate export '"
try "memstate help lists it" sh -c "'$memstate' help | grep '^  export '"

# ---- rules, dashboard, units -------------------------------------------------------

try "promtool takes the alert rules" promtool check rules "$rules"
sed "s,@RULES@,$rules," "$here/rules.test.yml" >"$dir/rules.test.yml"
try "each alert fires when it should, and not before" promtool test rules "$dir/rules.test.yml"
# Tests that cannot fail: another bound has to show.
sed 's/> 0.95/> 0.97/' "$rules" >"$dir/mutant.yml"
sed "s,@RULES@,$dir/mutant.yml," "$here/rules.test.yml" >"$dir/mutant.test.yml"
! promtool test rules "$dir/mutant.test.yml" >"$dir/said" 2>&1
result $? "another bound would show"
sed -n 's/.*- alert: //p' "$rules" | sort >"$dir/alerts"
sed -n 's/.*- alertname: //p' "$here/rules.test.yml" | sort -u >"$dir/tested"
try "each alert has a test" diff "$dir/alerts" "$dir/tested"
# shellcheck disable=SC2016 # rst's
sed -n 's/^``\(Memstate[A-Za-z]*\)``$/\1/p' "$top/Documentation/admin.rst" | sort >"$dir/told"
try "and each is told of in admin.rst" diff "$dir/alerts" "$dir/told"
try "dashboard and alerts speak of metrics that there are" \
	"$python" "$here/dashboard.py" "$dashboard" "$rules" "$dir/text.prometheus"
units=$build/prefix/units
try "systemd takes the units" systemd-analyze verify --man=no "$units/memstate-export.service" \
	"$units/memstate-textfile.service" "$units/memstate-textfile.timer"
try "systemd finds them well fenced in" sh -c "
	systemd-analyze security --offline=true --threshold=20 '$units/memstate-export.service' &&
	systemd-analyze security --offline=true --threshold=20 '$units/memstate-textfile.service'"

# ---- the server -------------------------------------------------------------------

kept server
kept "server, thread sanitizer"

! part guest || guest
tap_end
