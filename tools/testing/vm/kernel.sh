#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# kernel.sh [-u] NAME...: make sure that NAME is in the cache, and say where.
#
# NAME   stock kernels 6.1 6.12 7.2 7.3, debug kernels kasan kcsan, or source, qemu;
#        arm64-6.1 arm64-6.12: headers to compile modules for that, on this machine
# -u     look for newer packages even if a version of NAME is there
#
# Prints NAME=value lines for the shell: IMAGE KDIR MODULES CHROOT RELEASE,
# LINUX_SOURCE, QEMU VIRTIOFSD; of "mirror" MIRROR and SECURITY, by which Debian's
# packages come here. Progress goes to stderr.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
say() { echo "kernel: $*" >&2; }
# shellcheck source=tools/testing/vm/debian.sh
. "$here/debian.sh"

# --- stock kernels ----------------------------------------------------------

# kernel_packages RELEASE PACKAGE=VERSION: and the kernel packages it depends on
kernel_packages() {
	local release=$1 package=$2 next
	apt "$release" apt-cache show "$package" | sed -n 's/^Depends: //p' |
		tr , '\n' | sed -n -E 's/^ *(linux-(base|image|binary|modules|headers|kbuild)-[0-9][^ ]*).*/\1/p' |
		sort -u | while read -r next; do
			echo "$next"
			kernel_packages "$release" "$next"
		done
}

# Backports go on to the next series and keep the last of each: so by the name of the
# image's own package, not by linux-image-cloud-amd64.
stock() {
	local name=$1 release=$2 compiler=$3 dir image version packages temp
	if [ -n "$update" ] || ! newest "stock-$name-" >/dev/null; then
		apt_update "$release"
		need depmod
		image=$(apt "$release" apt-cache search --names-only "^linux-image-${name//./[.]}[.].*-cloud-amd64\$" |
			cut -d ' ' -f 1 | sort -V | tail -n 1)
		[ -n "$image" ] || die "$release has no linux-image-$name.*-cloud-amd64"
		version=$(candidate "$release" "$image" "$name.")
		if [ ! -e "$cache/stock-$name-$version" ]; then
			say "fetching Linux $version"
			temp=$(mktemp -d "$cache/tmp.$$.XXXXXX")
			packages=$(
				echo "$image=$version"
				kernel_packages "$release" "$image=$version"
				echo "${image/image/headers}=$version"
				kernel_packages "$release" "${image/image/headers}=$version"
			)
			[ -z "$compiler" ] || packages+=" $(closure "$release" base-files bash dash coreutils \
				sed grep findutils mawk make "$compiler" libc6-dev libelf1t64 xz-utils kmod)"
			# shellcheck disable=SC2086 # a list of words
			unpack "$release" "$temp/root" $packages
			stock_finish "$temp" "$compiler"
			publish "$temp" "stock-$name-$version"
		fi
	fi
	dir=$(newest "stock-$name-")
	stock_print "$dir"
}

# The headers of Debian name each other by absolute paths.
stock_headers() {
	local makefile
	for makefile in "$1"/linux-headers-*/Makefile; do
		sed -i 's,/usr/src/,../,g' "$makefile"
	done
}

stock_finish() {
	local temp=$1 root=$1/root modules image
	modules=$(modules_of "$root")
	image=$(find "$root/boot" "$modules" -name 'vmlinuz*' 2>/dev/null | head -n 1)
	[ -n "$image" ] || die "no kernel image in the packages"
	mv "$image" "$temp/vmlinuz"
	rm -rf "$root/usr/share/doc" "$root/usr/share/man" "$root/usr/share/locale"
	depmod -b "${modules%/lib/modules/*}" "${modules##*/}"
	if [ -n "$2" ]; then
		touch "$temp/chroot"
		ln -s mawk "$root/usr/bin/awk" # what mawk's installation would do
	else
		stock_headers "$root/usr/src"
	fi
}

modules_of() {
	local found=("$1"/usr/lib/modules/*/kernel "$1"/lib/modules/*/kernel)
	[ ${#found[@]} -gt 0 ] || die "no kernel modules in the packages"
	echo "${found[0]%/kernel}"
}

stock_print() {
	local modules release
	modules=$(modules_of "$1/root")
	release=${modules##*/}
	echo "RELEASE=$release"
	echo "IMAGE=$1/vmlinuz"
	echo "MODULES=$modules"
	if [ -e "$1/chroot" ]; then
		echo "CHROOT=$1/root"
		echo "KDIR=/usr/src/linux-headers-$release"
	else
		echo "KDIR=$1/root/usr/src/linux-headers-$release"
	fi
}

# The headers for another architecture, with the tools of this one
cross() {
	local name=$1 arch=${1%%-*} series=${1#*-} dir headers version packages temp release
	release=bookworm-$arch
	if [ -n "$update" ] || ! newest "headers-$name-" >/dev/null; then
		apt_update "$release"
		apt_update bookworm
		headers=$(apt "$release" apt-cache search --names-only \
			"^linux-headers-${series//./[.]}[.].*-cloud-$arch\$" | cut -d ' ' -f 1 |
			sort -V | tail -n 1)
		[ -n "$headers" ] || die "$release has no linux-headers-$series.*-cloud-$arch"
		version=$(candidate "$release" "$headers" "$series.")
		if [ ! -e "$cache/headers-$name-$version" ]; then
			say "fetching the headers of Linux $version for $arch"
			temp=$(mktemp -d "$cache/tmp.$$.XXXXXX")
			packages=$(apt "$release" apt-cache show "$headers=$version" |
				sed -n 's/^Depends: //p' | tr , '\n' |
				sed -n -E 's/^ *(linux-(headers|kbuild)-[0-9][^ :]*).*/\1/p' | sort -u)
			unpack "$release" "$temp/root" "$headers=$version"
			# shellcheck disable=SC2086 # a list of words
			unpack bookworm "$temp/root" $packages
			stock_headers "$temp/root/usr/src"
			publish "$temp" "headers-$name-$version"
		fi
	fi
	dir=$(newest "headers-$name-")
	for headers in "$dir/root"/usr/src/linux-headers-*-"cloud-$arch"; do
		echo "KDIR=$headers"
	done
}

# --- Debian's source of 6.1, and debug kernels made from it ------------------

# The parts that stay: what modules are built against, and what tests them.
source_parts=(Makefile Kbuild Kconfig COPYING LICENSES .clang-format .cocciconfig
	scripts include arch/Kconfig arch/x86 tools/arch tools/build tools/include
	tools/lib tools/memory-model tools/objtool tools/scripts tools/testing)

source_tree() {
	local version temp
	if [ -n "$update" ] || ! newest linux-source- >/dev/null; then
		apt_update bookworm
		version=$(candidate bookworm linux-source-6.1 6.1.)
		if [ ! -e "$cache/linux-source-$version" ]; then
			need xz
			say "fetching the source of Linux $version"
			temp=$(mktemp -d "$cache/tmp.$$.XXXXXX")
			unpack bookworm "$temp/deb" linux-source-6.1="$version"
			mv "$temp/deb/usr/src/linux-source-6.1.tar.xz" "$temp/linux.tar.xz"
			rm -r "$temp/deb"
			tar -xf "$temp/linux.tar.xz" -C "$temp" --strip-components=1 \
				"${source_parts[@]/#/linux-source-6.1/}"
			publish "$temp" "linux-source-$version"
		fi
	fi
	linux_source=$(newest linux-source-)
}

# Most of the source, of which the debug kernels need only what configures it
unneeded() {
	printf -- '--exclude=linux-source-6.1/%s\n' 'Documentation/*/*' {samples,sound}/'*.[chS]' \
		tools/{perf,testing}/'*' arch/{'[a-t]*','xt*'}/{'*.[chS]','boot/dts/*'} \
		drivers/{clk,crypto,gpu,hid,hwmon,iio,infiniband,input,media,mfd,misc,mtd}/'*.[chS]' \
		drivers/{net/'*',pinctrl,platform,scsi,soc,staging,usb,video}/'*.[chS]'
}

# debug_tree: set tree to the source, unpacked, which is in use from then on. It is for
# both kernels, and goes when they are there.
debug_tree() {
	local temp exclude
	mapfile -t exclude < <(unneeded)
	tree=$cache/linux-tree-${linux_source##*/linux-source-}-$({
		printf '%s\n' "${exclude[@]}"
		cat "$here/config/Kconfig"
	} | sha256sum | cut -c 1-12)
	lock tree
	if [ ! -e "$tree" ]; then
		need xz
		say "unpacking the source"
		temp=$(mktemp -d "$cache/tmp.$$.XXXXXX")
		tar -xf "$linux_source/linux.tar.xz" -C "$temp" --strip-components=1 "${exclude[@]}"
		cat "$here/config/Kconfig" >>"$temp/Kconfig"
		publish "$temp" "${tree##*/}"
	fi
	exec {using}>"$cache/lock.tree-used"
	flock -s "$using"
	unlock
}

# debug_entry NAME: set fragments, and entry to the name of what is made from them
debug_entry() {
	local part
	fragments=()
	for part in base guest debug-common "$1"; do
		fragments+=("$here/config/$part.config")
	done
	entry=$1-${linux_source##*/linux-source-}-$(cat "${fragments[@]}" "$here/config/Kconfig" |
		sha256sum | cut -c 1-12)
}

debug() {
	local name=$1 entry fragments temp tree using
	lock source
	source_tree
	unlock
	debug_entry "$name"
	if [ ! -e "$cache/$entry" ]; then
		need make gcc bc bison flex lz4
		debug_tree
		temp=$(mktemp -d "$cache/tmp.$$.XXXXXX")
		configure "$tree" "$temp/build" "${fragments[@]}"
		say "building $name: takes minutes, log in $temp/log"
		KBUILD_BUILD_USER=memstate KBUILD_BUILD_HOST=memstate \
			make -s -C "$tree" O="$temp/build" -j"$(nproc)" bzImage modules \
			>"$temp/log" 2>&1 || {
			mv "$temp/log" "$cache/$name.log"
			tail -n 30 "$cache/$name.log" >&2
			die "$name did not build: $cache/$name.log"
		}
		debug_keep "$temp/build"
		publish "$temp/build" "$entry"
		rm -rf "$temp"
		debug_tidy
	fi
	echo "RELEASE=$(cat "$cache/$entry/include/config/kernel.release")"
	echo "IMAGE=$cache/$entry/bzImage"
	echo "KDIR=$cache/$entry"
	echo "MODULES="
}

# debug_tidy: drop the tree if neither kernel is left to be made of it, nor is another
# run making something of it
debug_tidy() {
	local entry fragments name
	exec {using}>&-
	for name in kasan kcsan; do
		debug_entry "$name"
		[ -e "$cache/$entry" ] || return 0
	done
	lock tree
	exec {using}>"$cache/lock.tree-used"
	! flock -n "$using" || rm -rf "$tree"
	exec {using}>&-
	unlock
}

# configure TREE OUT FRAGMENT...: what is asked for must be what comes out
configure() {
	local tree=$1 out=$2 line key failed=
	shift 2
	mkdir -p "$out"
	make -s -C "$tree" O="$out" tinyconfig >/dev/null
	(cd "$out" && "$tree/scripts/kconfig/merge_config.sh" -m -O . .config "$@") >/dev/null 2>&1
	make -s -C "$tree" O="$out" olddefconfig 2>"$out/warnings" ||
		die "no configuration: $(cat "$out/warnings")"
	# of an option in several fragments the last counts
	while read -r line; do
		key=${line%%=*}
		if [ "${line#*=}" = n ]; then
			grep -q "^$key=" "$out/.config" || continue
		elif grep -qxF "$line" "$out/.config"; then
			continue
		fi
		say "option did not stick: $line ($(grep -E "^$key=|^# $key is" "$out/.config" || echo absent))"
		failed=1
	done < <(cat "$@" | grep ^CONFIG_ | tac | awk -F= '!seen[$1]++')
	[ -z "$failed" ] || die "the configuration is not what was asked for"
}

# debug_keep BUILD: leave what it takes to boot it and to build modules for it
debug_keep() {
	mv "$1/arch/x86/boot/bzImage" "$1/bzImage"
	find "$1" \( -name '*.o' -o -name '*.a' -o -name '*.cmd' -o -name '*.ko' \
		-o -name '*.mod' -o -name '*.mod.c' -o -name '*.order' -o -name 'vmlinux*' \
		-o -name '.*.d' -o -name '.tmp_*' \) ! -name 'vmlinux.lds*' -delete
	rm -rf "$1/source" "$1/arch/x86/boot"
	find "$1" -type d -empty -delete
	printf 'include ../%s/Makefile\n' "${linux_source##*/}" >"$1/Makefile"
}

# --- QEMU -------------------------------------------------------------------

# Bookworm's own QEMU 7.2 corrupts newer guests under TCG, hence 10.0; but 7.2 is
# the last that has virtiofsd in it. Each comes with its libraries, down to libc.
qemu() {
	local version temp
	if [ -n "$update" ] || ! newest qemu- >/dev/null; then
		apt_update bookworm
		version=$(candidate bookworm qemu-system-x86 1:10.0.)
		version=${version#*:}
		if [ ! -e "$cache/qemu-$version" ]; then
			say "fetching QEMU $version"
			temp=$(mktemp -d "$cache/tmp.$$.XXXXXX")
			mapfile -t packages < <(closure bookworm -t bookworm-backports qemu-system-x86)
			unpack bookworm "$temp/qemu.root" "${packages[@]}"
			mapfile -t packages < <(closure bookworm qemu-system-common)
			unpack bookworm "$temp/virtiofsd.root" "${packages[@]}"
			# shellcheck disable=SC2016 # the wrapper expands it
			wrapper "$temp/qemu" usr/bin/qemu-system-x86_64 \
				'-L "$r/usr/share/qemu" -L "$r/usr/share/seabios"'
			wrapper "$temp/virtiofsd" usr/lib/qemu/virtiofsd ''
			rm -rf "$temp"/*.root/usr/share/{doc,man,locale}
			"$temp/qemu" --version >&2 || die "this QEMU does not run"
			publish "$temp" "qemu-$version"
		fi
	fi
	temp=$(newest qemu-)
	echo "QEMU=$temp/qemu"
	echo "VIRTIOFSD=$temp/virtiofsd"
}

# --- main -------------------------------------------------------------------

update=
if [ "${1-}" = -u ]; then
	update=1
	shift
fi
[ $# -gt 0 ] || die "usage: kernel.sh [-u] 6.1|6.12|7.2|7.3|arm64-6.1|arm64-6.12|kasan|kcsan|source|qemu|mirror ..."
cache_begin
for name; do
	lock "$name"
	case $name in
	6.1)    stock 6.1 bookworm "" ;;
	6.12)   stock 6.12 bookworm "" ;;
	7.2|7.3) stock "$name" trixie gcc-14 ;;
	kasan)  debug kasan ;;
	kcsan)  debug kcsan ;;
	arm64-6.1|arm64-6.12) cross "$name" ;;
	source) source_tree; echo "LINUX_SOURCE=$linux_source" ;;
	qemu)   qemu ;;
	mirror) mirrors; echo "MIRROR=$mirror"; echo "SECURITY=$security" ;;
	*)      die "unknown kernel $name" ;;
	esac
	unlock
done
