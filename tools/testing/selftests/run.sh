#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh KERNEL[@PROCESSORS] [PERCENT] [PROGRAM...|but PROGRAM...]: the selftests in a virtual machine with that
# kernel, and two processors, as one TAP stream. PERCENT is how much of what is repeated. Without
# PROGRAM all run, which memstate/Makefile lists; "but": all but these.
#
# The programs' own exit status is not believed: what they print is counted, and a
# machine that did not come to its end, or whose kernel complained, is a failure.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
vm=$top/tools/testing/vm
kernel=${1:?usage: run.sh KERNEL[@PROCESSORS] [PERCENT] [PROGRAM...|but PROGRAM...]}
cpus=2
case $kernel in *@*) cpus=${kernel#*@} kernel=${kernel%@*} ;; esac
scale=100
shift
if [[ ${1-} =~ ^[0-9]+$ ]]; then
	scale=$1
	shift
fi
out=$top/build/selftests-$kernel@$cpus-$scale
built=$top/build/selftests

scale=${MEMSTATE_TEST_SCALE:-$scale}
limit=2400
case $kernel in kasan|kcsan) limit=3000 ;; esac

die() { printf 'TAP version 13\n1..1\nnot ok 1 - %s: %s\n' "$kernel" "$*"; exit 1; }

all=$(make -s -C "$here/memstate" list) || die "its tests are not listed"
programs=${*:-$all}
if [ "${1-}" = but ]; then
	programs=
	for p in $all; do [[ " ${*:2} " == *" $p "* ]] || programs+="$p "; done
fi

mkdir -p "$out" "$built"
source=$("$vm/kernel.sh" source | sed -n 's/^LINUX_SOURCE=//p')
[ -n "$source" ] || die "no kernel source for the test harness"
# They are the same for all kernels: whoever is first builds them.
# shellcheck disable=SC2046,SC2086 # lists
flock "$built" make -s -j2 -C "$here/memstate" KSFT="$source/tools/testing/selftests" OUTPUT="$built" \
	$(printf "$built/%s " $programs) >"$out/build.log" 2>&1 || { cat "$out/build.log" >&2; die "selftests do not build"; }
module=$("$vm/module.sh" "$kernel" | tail -n 1)
[ -f "$module" ] || die "the module does not build"

# Inside: twice in and out, and the tests in between; then nothing may be left.
cat >"$out/guest.sh" <<GUEST
export MEMSTATE_TEST_SCALE=$scale MEMSTATE_BACKEND=device MEMSTATE_TEST_MODULE=$module
ulimit -c 0
insmod $module && rmmod memstate && insmod $module || { echo "# insmod failed"; exit 1; }
for p in $programs; do
	echo "# program \$p \$(cut -d. -f1 /proc/uptime) s"
	$built/\$p 2>&1
done
for f in reserved prepared ready reserved_lazy prepared_lazy ready_direct ranges nr_tasks; do
	v=\$(cat /sys/class/misc/memstate/\$f)
	[ "\$v" = 0 ] && echo "ok 0 nothing_is_left.\$f" || echo "not ok 0 nothing_is_left.\$f: \$v"
done
rmmod memstate && echo "ok 0 module_goes" || echo "not ok 0 module_goes"
insmod $module && rmmod memstate && echo "ok 0 module_comes_back" || echo "not ok 0 module_comes_back"
echo "# end of programs"
GUEST
"$vm/vm.sh" -k "$kernel" -s "$cpus" -t $limit -o "$out/console.log" -- \
	bash "$out/guest.sh" >"$out/raw.log" 2>"$out/vm.err" </dev/null
status=$?

echo "TAP version 13"
awk -v kernel="$kernel" -v status=$status -v wanted="$programs" '
	/^# program / { program = $3; started[program] = 1; next }
	/^1\.\.[0-9]+/ { split($1, a, "[.][.]"); planned[program] = a[2]; next }
	/^# +RUN / { run = $3 }
	/^(not )?ok [0-9]+/ {
		verdict = /^not ok/ ? "not ok" : "ok"
		sub(/^(not )?ok [0-9]+ (- )?/, "")
		skip = ""
		if (match($0, /# *SKIP.*/)) { skip = substr($0, RSTART); $0 = substr($0, 1, RSTART - 1) }
		sub(/ +$/, "")
		# a skipped one is printed without its name
		if ($0 == "") $0 = run
		seen[program]++
		if (verdict == "not ok") dump()
		said = ""
		printf "%s %d - %s.%s.%s %s\n", verdict, ++n, kernel, program, $0, skip
		next
	}
	/^# end of programs/ { ended = 1; next }
	{ said = said "# " $0 "\n" }
	function dump() { printf "%s", said }
	function check(ok, what) { printf "%s %d - %s.%s\n", ok ? "ok" : "not ok", ++n, kernel, what }
	END {
		m = split(wanted, w, " ")
		for (i = 1; i <= m; i++)
			check(started[w[i]] && planned[w[i]] > 0 && seen[w[i]] >= planned[w[i]],
			      w[i] ".ran_all_it_planned")
		check(ended, "came_to_its_end")
		check(status == 0, "console_is_clean_and_the_machine_ended (vm.sh: " status ")")
		printf "1..%d\n", n
	}' "$out/raw.log" | tee "$out/tap.log"
[ $status -eq 0 ] || sed 's/^/# /' "$out/vm.err" | tail -n 60
! grep -q '^not ok' "$out/tap.log"
