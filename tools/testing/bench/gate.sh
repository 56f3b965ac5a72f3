#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# gate.sh [--update]: instructions per operation of each kernel path, as ratios to
# a getppid in the same boot, against the committed table. A rise of more than 2 %
# fails, or of what the table says in a third column where a path is not the same each time;
# so does a path that is not measured any more. --update writes the table.
#
# A row that is above is measured once more, in a boot of its own, and the lower figure counts:
# what the kernel did beside us is not there again, what a change costs is.
#
# And, whatever the table says: totals of a group of a thousand idle tasks take no more
# than twice those of one; a process that opens the device, forks, executes and exits among ten
# thousand that have books takes at most five percent more than one that opens /dev/null; one that
# has books, five percent more among ten thousand than among none. What observing may cost, in
# getppids above a kernel that is not hooked, stands below.
# shellcheck disable=SC1091,SC2154 # lib.sh says where everything is
set -u
. "$(dirname "$(readlink -f "$0")")/lib.sh"
table=$here/icount.table

bench_build || { echo "Bail out! bench does not build"; exit 1; }

measured() {
	bench_vm 6.1 icount -i -m 3G >"$out/icount" 2>"$out/icount.err" && return
	sed 's/^/# /' "$out/icount.err" | tail -n 20
	printf '1..1\nnot ok 1 - the benchmark came to its end\n'
	return 1
}

[ "${1-}" = --update ] || echo "TAP version 13"
measured || exit 1

if [ "${1-}" = --update ]; then
	{
		echo "# SPDX-License-Identifier: GPL-2.0-only OR MIT"
		echo "# path, ratio of its instructions to a getppid's, percent that it may rise by if not"
		echo "# 2; made by gate.sh --update"
		awk 'FNR == NR { if (NF == 3) loose[$1] = " " $3; next }
			$4 == "getppid" && $1 != "getppid" { print $1, $5 loose[$1] }' \
			<(grep -v '^#' "$table") "$out/icount"
	} >"$table.new" && mv "$table.new" "$table"
	echo "wrote $table"
	exit 0
fi

judge() {
	awk '
		FNR == NR { if ($4 == "getppid") got[$1] = $5; next }
		/^#/ || !NF { next }
		{
			n++
			most = 1 + (NF > 2 ? $3 : 2) / 100
			if (!($1 in got)) {
				print "not ok " n " - icount." $1 ": not measured"
				bad = 1
			} else if (got[$1] > $2 * most) {
				printf "not ok %d - icount.%s: %.2f getppid, was %.2f\n", n, $1, got[$1], $2
				bad = 1
			} else {
				if (got[$1] < $2 * (2 - most))
					printf "# %s fell from %.2f to %.2f: gate.sh --update keeps that\n", $1, $2, got[$1]
				print "ok " n " - icount." $1
			}
		}
		# A refusal asks nobody who has nothing to give.
		function bound(name, value, most,   good) {
			good = (value > 0 && value <= most)
			bad = bad || !good
			printf "%sok %d - icount.%s: %.2f, at most %.2f\n",
				good ? "" : "not ", ++n, name, value, most
		}
		function above(name, op, how, most,   by, good) {
			by = got[op "_" how] - got[op "_off"]
			good = got[op "_" how] > 0 && got[op "_off"] > 0 && by <= most
			bad = bad || !good
			printf "%sok %d - icount.%s: %.2f getppid more, at most %.2f\n",
				good ? "" : "not ", ++n, name, by, most
		}
		END {
			bound("charge_denied_1000 in getppid", got["charge_denied_1000"], 15)
			bound("charge_denied_1000 in charge_denied_1",
			      got["charge_denied_1000"] / (got["charge_denied_1"] + 1e-9), 1.5)
			bound("life_open_10000 in life_plain_1",
			      got["life_open_10000"] / (got["life_plain_1"] + 1e-9), 1.05)
			bound("life_books_10000 in life_books_1",
			      got["life_books_10000"] / (got["life_books_1"] + 1e-9), 1.05)
			# What observing costs others, and who is observed: above not being hooked.
			above("write hooked", "write", "hooked", 0.01)
			above("write observed", "write", "observed", 0.01)
			above("mprotect hooked", "mprotect", "hooked", 0.5)
			above("mprotect observed", "mprotect", "observed", 1.9)
			above("mmap_munmap hooked", "mmap_munmap", "hooked", 0.9)
			above("mmap_munmap observed", "mmap_munmap", "observed", 3.2)
			bound("process observed in process off",
			      got["process_observed"] / (got["process_off"] + 1e-9), 1.03)
			bound("growth_refused_1000 in growth_refused_1",
			      got["growth_refused_1000"] / (got["growth_refused_1"] + 1e-9), 1.5)
			one = got["group_totals_drained_1"]
			many = got["group_totals_drained_1000"]
			flat = (one > 0 && many > 0 && many <= 2 * one)
			bad = bad || !flat
			printf "%sok %d - icount.group_totals_of_idle_tasks: %.2f getppid with 1000, %.2f with one\n",
				flat ? "" : "not ", ++n, many, one
			print "1.." n
			exit bad
		}' "$out/icount" "$table"
}

judge >"$out/judged" || {
	sed -n 's/^not ok [0-9]* - /# once more, because of /p' "$out/judged"
	mv "$out/icount" "$out/icount.first"
	measured || exit 1
	awk '$4 == "getppid" && (!($1 in best) || $5 < best[$1]) { best[$1] = $5; row[$1] = $0 }
		END { for (name in row) print row[name] }' \
		"$out/icount.first" "$out/icount" >"$out/icount.both"
	mv "$out/icount.both" "$out/icount"
	judge >"$out/judged"
}
bad=$?
cat "$out/judged"
exit $bad
