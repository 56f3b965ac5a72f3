#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The documentation: the site is made without a warning, is whole, and says what is wrong
# with it; its pictures can be drawn; the tutorial and the one-liners for the tracepoints
# run as they stand, in a virtual machine.
#
# KERNELS="6.1": kernels for the one-liners; bpftrace of Debian 12 is of its time
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
out=$top/build/docs
tree=$out/tree
kernels=${KERNELS:-6.1}
n=0 failed=0

result() { # status name
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
}
ok() { # name command...
	local name=$1 status
	shift
	"$@" >"$out/said" 2>&1
	status=$?
	[ $status = 0 ] || sed 's/^/# /' "$out/said" | tail -n 40
	result $status "$name"
	return $status
}
relay() { # name: pass TAP on, renumbered
	local line
	while IFS= read -r line; do
		case $line in
		"ok "*)       result 0 "$1 ${line#*- }" ;;
		"not ok "*)   result 1 "$1 ${line#*- }" ;;
		"Bail out!"*) result 1 "$1 $line" ;;
		"# "*)        echo "$line" ;;
		esac
	done
}
finish() {
	echo "1..$n"
	exit $failed
}

echo "TAP version 13"
rm -rf "$out"
mkdir -p "$tree"
PATH=$PATH:/usr/sbin:/sbin
for need in sphinx-build:python3-sphinx mandoc:mandoc perl:perl rsvg-convert:librsvg2-bin \
	gcc:gcc make:make python3:python3 podman:podman perf:linux-perf bpftrace:bpftrace; do
	command -v "${need%:*}" >/dev/null && continue
	echo "# no ${need%:*}: install the Debian package ${need#*:}"
	result 1 "needs.${need%:*}"
done
[ $failed = 0 ] || finish

# --- the site ------------------------------------------------------------------------

# In a copy, so that what is planted is planted there
(cd "$top" && { git ls-files -z 2>/dev/null || find . -path ./build -prune -o \( -type f -o -type l \) -printf '%P\0'; }) |
	(cd "$top" && while IFS= read -r -d '' f; do [ -e "$f" ] && printf '%s\0' "$f"; done) |
	tar -C "$top" --null -T - -cf - | tar -C "$tree" -xf -
ok site_is_made_without_a_warning make -s -C "$tree" html || finish
cp -a "$tree/build/html" "$out/html"
"$here/site.py" "$tree" "$out/html" >"$out/site.tap" 2>"$out/site.err"
sed 's/^/# /' "$out/site.err"
relay site <"$out/site.tap"
grep -q '^1\.\.[1-9]' "$out/site.tap"
result $? site_checks_come_to_their_end

# planted NAME FILE WANTED: what is on stdin is added to FILE; make html has to fail,
# and to say where, and WANTED
planted() {
	local name=$1 file=$2 wanted=$3 status=0
	rm -f "$out/kept"
	[ ! -e "$tree/$file" ] || cp -a "$tree/$file" "$out/kept"
	cat >>"$tree/$file"
	make -s -C "$tree" html >"$out/said" 2>&1 && status=1
	grep -F "$(basename "$file")" "$out/said" | grep -qF -- "$wanted" || status=1
	[ $status = 0 ] || sed 's/^/# /' "$out/said" | tail -n 20
	result $status "site_tells_of.$name"
	rm "$tree/$file"
	[ ! -e "$out/kept" ] || cp "$out/kept" "$tree/$file"
}
planted no_such_page Documentation/admin.rst 'unknown document' <<<$'\nSee ``Documentation/planted.rst``.'
planted no_such_function Documentation/admin.rst 'reference target not found: memstate_planted' \
	<<<$'\nCall memstate_planted().'
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
ok site_is_made_again make -s -C "$tree" html

for picture in "$tree"/Documentation/*.svg; do
	name=$(basename "$picture")
	ok "picture_is_drawn.$name" rsvg-convert -w 1000 -o "$out/${name%.svg}.png" "$picture"
	ok "picture_has_a_title.$name" grep -q '<title>.*</title>' "$picture"
done
ok readme_shows_the_architecture grep -q '(Documentation/architecture.svg)' "$tree/README.md"

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
compares exit_status 1 '' false
printf 'Nothing to run.\n' >"$out/page.rst"
"$here/console.py" run "$out/page.rst" >"$out/said" 2>&1
[ $? = 1 ] && grep -q 'page.rst: no commands' "$out/said"
result $? console.page_without_commands_is_an_error

# --- in the virtual machine ------------------------------------------------------------

kdir=$("$here/../vm/kernel.sh" 6.1 2>"$out/kernel.err" | sed -n 's/^KDIR=//p')
[ -n "$kdir" ] || { sed 's/^/# /' "$out/kernel.err"; result 1 "kernel 6.1 is there"; finish; }
ok tree_is_built make -C "$tree" KDIR="$kdir" CONFIG_DEBUG_INFO_BTF_MODULES= || finish
"$here/../vm/vm.sh" -k 6.1 -m 3G -t 900 -- bash "$here/guest.sh" "$tree" "$kdir" \
	>"$out/tutorial.tap" 2>"$out/tutorial.err"
status=$?
relay tutorial <"$out/tutorial.tap"
grep -q '^guest came to its end$' "$out/tutorial.tap" && [ $status = 0 ]
status=$?
[ $status = 0 ] || tail -n 40 "$out/tutorial.err" | sed 's/^/# /'
result $status "tutorial comes to its end, leaves nothing, and the kernel has no complaint"

ok program_with_events_builds gcc -g -O1 -Wall -Wextra -Werror -D_GNU_SOURCE -pthread \
	"-I$tree/include/uapi" "-I$tree/userspace/include" -o "$out/ms-events" "$here/events.c" \
	"$tree/build/userspace/libmemstate.a" || finish
for kernel in $kernels; do
	module=$("$here/../vm/module.sh" "$kernel" 2>"$out/module.err" | tail -n 1)
	[ -n "$module" ] || { sed 's/^/# /' "$out/module.err"; result 1 "$kernel module builds"; continue; }
	"$here/../vm/vm.sh" -k "$kernel" -m 2G -t 900 -- bash "$here/guest-trace.sh" "$module" \
		"$out/ms-events" "$tree/build/userspace/memstate" \
		>"$out/trace-$kernel.tap" 2>"$out/trace-$kernel.err"
	status=$?
	relay "trace $kernel" <"$out/trace-$kernel.tap"
	grep -q '^guest came to its end$' "$out/trace-$kernel.tap" && [ $status = 0 ]
	status=$?
	[ $status = 0 ] || tail -n 40 "$out/trace-$kernel.err" | sed 's/^/# /'
	result $status "trace $kernel: comes to its end, and the kernel has no complaint"
done
finish
