#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The documentation: the site is made without a warning, is whole, and says what is wrong
# with it; its pictures can be drawn; the tutorial, the pages of Documentation/uses and the
# one-liners for the tracepoints run as they stand, in virtual machines.
#
# KERNELS="6.1": kernels for the one-liners; bpftrace of Debian 12 is of its time
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/copied.sh
. "$here/../copied.sh"
out=$top/build/docs
tree=$out/tree
kernels=${KERNELS:-6.1}

rm -rf "$out"
tap_begin "$out"
tap_limit=2700
mkdir -p "$tree"
PATH=$PATH:/usr/sbin:/sbin
needs sphinx-build:python3-sphinx mandoc perl rsvg-convert:librsvg2-bin gcc make python3 podman \
	perf:linux-perf bpftrace psql:postgresql pytest-3:python3-pytest || tap_end

# --- the site ------------------------------------------------------------------------

# In a copy, so that what is planted is planted there
copied "$tree" product
try site_is_made_without_a_warning make -s -C "$tree" html || tap_end
cp -a "$tree/build/html" "$out/html"
relay site "$here/site.py" "$tree" "$out/html"

# planted NAME FILE WANTED: what is on stdin is added to FILE; make html has to fail, and to
# say where, and WANTED, as a warning or an error, since each of these fails it. All at once.
mkdir "$out/kept"
wants=()
planted() {
	[ ! -e "$tree/$2" ] || (cd "$tree" && cp --parents -n "$2" "$out/kept")
	cat >>"$tree/$2"
	wants+=("$@")
}
planted no_such_page Documentation/admin.rst 'unknown document' <<<$'\nSee ``Documentation/nowhere.rst``.'
planted no_such_function Documentation/admin.rst 'reference target not found: memstate_nowhere' \
	<<<$'\nCall memstate_nowhere().'
planted page_in_no_toctree Documentation/planted.rst "isn't included in any toctree" \
	<<<$'=======\nPlanted\n======='
planted parameter_without_description userspace/lib/format.c "Function parameter or member 'b'" <<'C'
/**
 * memstate_state_name() - planted
 * @a: described
 *
 * Return: nothing
 */
void memstate_state_name(int a, int b) { }
C
planted markup_in_kernel_doc include/uapi/linux/memstate.h 'Inline strong start-string' <<'C'
/**
 * struct memstate_planted - planted
 * @a: with a **star
 */
struct memstate_planted { int a; };
C
planted abi_entry_without_description Documentation/ABI/testing/sysfs-class-misc-memstate \
	"no 'Description'" <<<$'\nWhat:\t\t/sys/planted\nDate:\t\tToday'
planted abi_entry_twice Documentation/ABI/testing/sysfs-class-misc-memstate \
	"'/sys/class/misc/memstate/drift' is described twice" \
	<<<$'\nWhat:\t\t/sys/class/misc/memstate/drift\nDate:\t\tToday\nDescription:\tPlanted.'
planted man_page_with_an_unknown_macro userspace/cli/man/memstate.1 'unknown macro' <<<'.Planted'
make -s -C "$tree" html >"$out/warned" 2>&1
status=$?
for ((i = 0; i < ${#wants[@]}; i += 3)); do
	grep -F "$(basename "${wants[i + 1]}")" "$out/warned" | grep -E 'WARNING|ERROR' |
		grep -F -- "${wants[i + 2]}" >"$out/said" &&
		[ $status != 0 ]
	result $? "site_tells_of.${wants[i]}" "$out/warned"
	rm -f "$tree/${wants[i + 1]}"
done
cp -r "$out/kept/." "$tree"
try site_is_made_again make -s -C "$tree" html

for picture in "$tree"/Documentation/*.svg; do
	name=$(basename "$picture")
	try "picture_is_drawn.$name" rsvg-convert -w 1000 -o "$out/${name%.svg}.png" "$picture"
	try "picture_has_a_title.$name" grep -q '<title>.*</title>' "$picture"
done
try readme_shows_the_architecture grep -q '(Documentation/architecture.svg)' "$tree/README.md"

# --- what tests of pages are worth ---------------------------------------------------

# compares NAME STATUS EXPECTED: a page whose one command prints "Ready 40.0 MiB in 7"
compares() {
	local name=$1 want=$2
	printf '.. code-block:: console\n\n   $ echo; echo Ready 40.0 MiB in 7; %s\n%s\n' \
		"${4-true}" "$3" >"$out/page.rst"
	"$here/console.py" run "$out/page.rst" >"$out/said" 2>&1
	[ $? = "$want" ]
	result $? "console.$name"
}
compares same_shape 0 '   Ready 39.1 MiB in 12'
compares nothing_shown 0 ''
compares other_word 1 '   Prepared 40.0 MiB in 7'
compares other_size 1 '   Ready 1.00 GiB in 7'
compares line_is_missing 1 $'   Ready 40.0 MiB in 7\n   and more'
compares line_too_many 1 '   Ready 40.0 MiB in 7' 'echo more'
compares anything_after 0 $'   Ready 40.0 MiB in 7\n   ...' 'echo more'
for date in 'Nov 27 10:00' 'Dec  1 09:59' 'May 31  2027'; do
	compares "date.${date//[ :]/_}" 0 $'   Ready 40.0 MiB in 7\n   root Nov 27 10:00 /dev' \
		"echo 'root $date /dev'"
done
compares month_is_a_word 1 $'   Ready 40.0 MiB in 7\n   it May be' 'echo it Dec be'
compares exit_status 1 '' false
compares goes_on_at_an_empty_line 0 $'   >\n   > false || echo Ready 1 MiB in 8\n   Ready 40.0 MiB in 7\n   Ready 1 MiB in 9'
printf 'Nothing to run.\n' >"$out/page.rst"
"$here/console.py" run "$out/page.rst" >"$out/said" 2>&1
[ $? = 1 ] && grep -q 'page.rst: no commands' "$out/said"
result $? console.page_without_commands_is_an_error

# --- in the virtual machine ------------------------------------------------------------

kdir=$("$here/../vm/kernel.sh" 6.1 2>"$out/kernel.err" | sed -n 's/^KDIR=//p')
[ -n "$kdir" ] || { result 1 "kernel 6.1 is there" "$out/kernel.err"; tap_end; }
try tree_is_built make -C "$tree" KDIR="$kdir" CONFIG_DEBUG_INFO_BTF_MODULES= || tap_end
relay guest "$here/../vm/vm.sh" -k 6.1 -m 3G -t 2400 -- bash "$here/guest.sh" "$tree" "$kdir"

try program_with_events_builds gcc -g -O1 -Wall -Wextra -Werror -D_GNU_SOURCE -pthread \
	"-I$tree/include/uapi" "-I$tree/userspace/include" -o "$out/ms-events" "$here/events.c" \
	"$tree/build/userspace/libmemstate.a" || tap_end
for kernel in $kernels; do
	module=$("$here/../vm/module.sh" "$kernel" 2>"$out/module.err" | tail -n 1)
	[ -n "$module" ] || { result 1 "$kernel module builds" "$out/module.err"; continue; }
	relay "trace $kernel" "$here/../vm/vm.sh" -k "$kernel" -m 2G -t 2400 -- bash "$here/guest-trace.sh" \
		"$module" "$out/ms-events" "$tree/build/userspace/memstate"
done
tap_end
