#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What make install puts where, that it works from there, and that make uninstall
# takes all of it away; the sources that dkms gets build by themselves.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
n=0 failed=0

ok() {
	n=$((n + 1))
	if eval "$2" >"$root/said" 2>&1; then
		echo "ok $n - $1"
	else
		sed 's/^/# /' "$root/said"
		echo "not ok $n - $1"
		failed=1
	fi
}

echo "TAP version 13"
"$top/tools/testing/vm/kernel.sh" 6.1 >"$root/kernel" || { echo "Bail out! no kernel 6.1"; exit 1; }
kdir=$(sed -n 's/^KDIR=//p' "$root/kernel")
release=$(sed -n 's/^RELEASE=//p' "$root/kernel")

# A copy, so that the tree stays as it is.
mkdir "$root/src"
(cd "$top" && git ls-files -z | xargs -0 cp --parents -t "$root/src")
dest=$root/dest
# shellcheck disable=SC2317 # called by ok
make_in() { make --no-print-directory -C "$root/src" KDIR="$kdir" DESTDIR="$dest" PREFIX=/usr "$@"; }

ok "make_builds_everything" 'make_in all'
ok "make_install" 'make_in install'
for file in usr/bin/memstate usr/lib/libmemstate.so.0 usr/lib/libmemstate.so usr/lib/libmemstate.a \
	usr/lib/libmemstate-observe.so usr/lib/pkgconfig/memstate.pc usr/include/memstate.h \
	usr/include/linux/memstate.h usr/share/man/man1/memstate.1 usr/share/man/man1/memstate-replay.1 usr/share/man/man1/memstate-limit.1 \
	usr/share/man/man1/memstate-watch.1 usr/share/bash-completion/completions/memstate usr/lib/libmemstate-malloc.so.0 usr/share/man/man1/memstate-top.1 usr/sbin/memstate-oci-hook \
	usr/share/man/man8/memstate-oci-hook.8 usr/share/memstate/cdi/memstate.json \
	usr/share/containers/oci/hooks.d/memstate-oci-hook.json \
	usr/share/man/man1/memstate-export.1 usr/libexec/memstate/memstate-export-http \
	usr/lib/systemd/system/memstate-export.service usr/lib/systemd/system/memstate-textfile.service \
	usr/lib/systemd/system/memstate-textfile.timer usr/share/memstate/prometheus/memstate.rules.yml \
	usr/share/memstate/grafana/memstate.json lib/udev/rules.d/60-memstate.rules "lib/modules/$release/updates/memstate.ko"; do
	ok "installs.$file" "[ -e '$dest/$file' ]"
done
ok "udev_rule_gives_mode_0666" "grep -q 'KERNEL==\"memstate\".*MODE=\"0666\"' '$dest/lib/udev/rules.d/60-memstate.rules'"
ok "installed_program_runs" "'$dest/usr/bin/memstate' --version | grep -q '^memstate [0-9]'"
ok "installed_program_finds_its_shim" \
	"MEMSTATE_BACKEND=embedded '$dest/usr/bin/memstate' run --json --output '$root/out' -- true && grep -q embedded '$root/out'"
ok "installed_program_finds_its_allocator" \
	"MEMSTATE_BACKEND=embedded '$dest/usr/bin/memstate' run --malloc --quiet -- grep -q 'usr/lib/libmemstate-malloc' /proc/self/maps"

# The server says where it listens, and ends when it is told to.
ok "installed_program_finds_its_server" \
	"timeout -s TERM 3 '$dest/usr/bin/memstate' export --listen 0 2>&1 | grep -q 'listening on http://127.0.0.1:'"
ok "units_name_what_is_installed" "grep -q '^ExecStart=/usr/bin/memstate export ' '$dest/usr/lib/systemd/system/memstate-export.service'"

# completions WORDS...: of the last one
# shellcheck disable=SC2016,SC2317 # another shell expands it; ok calls it
completions() {
	PATH=$dest/usr/bin:$PATH MEMSTATE_SYSFS=$root/sysfs bash -c '
		source "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_memstate "$1" "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$dest/usr/share/bash-completion/completions/memstate" memstate "$@"
}
# shellcheck disable=SC2317 # ok calls it
every_option_is_completed() {
	local command option
	for command in $("$dest/usr/bin/memstate" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
		completions "$command" - >"$root/options"
		for option in $("$dest/usr/bin/memstate" "$command" --help | grep -o '^  .*--[a-z-]*' |
			grep -o -- '--[a-z-]*'); do
			grep -qxe "$option" "$root/options" || { echo "$command $option"; return 1; }
		done
	done
}
mkdir -p "$root/sysfs/tasks/4711"
# shellcheck disable=SC2016 # ok evaluates it
ok "completion.commands" 'completions st | grep -qx stat && [ "$(completions sc)" = scan ]'
ok "completion.every_option_that_help_tells" every_option_is_completed
# shellcheck disable=SC2016 # ok evaluates it
ok "completion.processes_that_report" '[ "$(completions stat 4)" = 4711 ]'
# shellcheck disable=SC2016 # ok evaluates it
ok "completion.no_limit_is_a_size" '[ "$(completions run --max "")" = max ]'
ok "completion.programs_after_two_dashes" 'completions run -- mkfif | grep -qx mkfifo'
ok "completion.cgroups" 'completions limit /sys/fs/cg | grep -qx /sys/fs/cgroup'
ok "make_uninstall" 'make_in uninstall'
ok "uninstall_leaves_nothing_of_ours" "! find '$dest' -name '*memstate*' | grep ."

ok "dkms_sources_are_installed" 'make_in dkms'
ok "dkms_version_is_the_modules" \
	"grep -q \"PACKAGE_VERSION=\\\"\$(sed -n 's/^MODULE_VERSION(\"\\(.*\\)\");/\\1/p' '$top/kmod/main.c')\\\"\" '$dest/usr/src/memstate-0.1.0/dkms.conf'"
ok "dkms_sources_build_by_themselves" \
	"make -s -C '$kdir' M='$dest/usr/src/memstate-0.1.0' modules && [ -f '$dest/usr/src/memstate-0.1.0/memstate.ko' ]"

# As on a user's own machine: installed into its own root, loaded by modprobe.
cat >"$root/guest.sh" <<GUEST
set -e
cd $root/src
make --no-print-directory KDIR=$kdir install
modprobe memstate
[ "\$(stat -c %a /dev/memstate)" = 666 ]
[ -f /lib/udev/rules.d/60-memstate.rules ]
memstate run --json --output /tmp/out -- true
grep -q '"backend":"device"' /tmp/out
memstate stat | grep -q ^Ready
rmmod memstate
make --no-print-directory KDIR=$kdir uninstall
! modprobe memstate 2>/dev/null
! command -v memstate
echo "the guest came to its end"
GUEST
ok "installed_module_is_loaded_by_modprobe_and_used" \
	"make --no-print-directory -C '$root/src' KDIR='$kdir' all &&
	 '$top/tools/testing/vm/vm.sh' -k 6.1 -- bash -c 'bash $root/guest.sh && echo fine' | grep -q ^fine"
echo "1..$n"
exit $failed
