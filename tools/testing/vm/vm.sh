#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# vm.sh [OPTIONS] [--] COMMAND [ARGS]: run COMMAND as root in a virtual machine
# that has this machine's files. What it writes is gone afterwards.
#
# -k NAME     kernel: 6.1 (default) 6.12 7.2 7.3 kasan kcsan
# -m SIZE     memory, 2G
# -s CPUS     1: an emulated machine with two takes nearly twice the time for what is sequential,
#             so 2 is for what is tested by threads at the same time
# -t SECONDS  limit of the whole run, 300
# -w DIR      a directory in which it may write
# -o FILE     keep the kernel's console there
# -i          count instructions: rdtsc advances by one per instruction
#
# MEMSTATE_VM_SECONDS is a lower limit for all, MEMSTATE_KVM=1 uses /dev/kvm if a first machine comes up with it.
# MEMSTATE_BOOT=1 boots the machine. Otherwise it is made from one that was booted once and is
# kept as it was then, before it had any files: that takes a fraction of the time.
#
# Exit: COMMAND's own status; 124 the kernel reported a fault; 125 the machine
# did not get to its end; 2 usage.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
say() { echo "vm: $*" >&2; }
die() { say "$*"; exit 125; }
usage() { sed -n 's/^# \{0,1\}//; 4,21p' "$0" >&2; exit 2; }

arguments=("$@")
name=6.1 memory=2G cpus=1 limit=300 outdir='' log='' count=''
while getopts k:m:s:t:w:o:i option; do
	case $option in
	k) name=$OPTARG ;;
	m) memory=$OPTARG ;;
	s) cpus=$OPTARG ;;
	t) limit=$OPTARG ;;
	w)
		outdir=$(readlink -e "$OPTARG") || { say "no directory $OPTARG"; exit 2; }
		;;
	o)
		log=$(readlink -f "$OPTARG") || { say "no directory for $OPTARG"; exit 2; }
		;;
	i) count=1 ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || usage
[ "$limit" -lt "${MEMSTATE_VM_SECONDS:-$limit}" ] || limit=${MEMSTATE_VM_SECONDS:-$limit}

for tool in busybox cpio modprobe perl setpriv unshare xz; do
	PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null || die "no $tool: run deps.sh machine"
done
PATH=$PATH:/usr/sbin:/sbin
sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || die "not root and no sudo: the host's files are shared by a daemon of root's"
	sudo=sudo
fi

# shellcheck source=tools/testing/cache.sh
. "$here/../cache.sh"

# --- what to boot -----------------------------------------------------------

places=$("$here/kernel.sh" "$name" qemu) || die "no kernel $name"
place() { sed -n "s/^$1=//p" <<<"$places"; }
qemu=$(place QEMU)
virtiofsd=$(place VIRTIOFSD)
modules=$(place MODULES)
release=$(place RELEASE)
# virtiofsd writes file contents into guest memory behind QEMU's back. TCG would
# go on executing what it translated from an earlier use of such a page, unless
# the guest itself has written to it in between.
rewrite=init_on_alloc=1
checks=
smp=$cpus pmtmr=''
case $name in
kasan|kcsan)
	# They have no ACPI, and of one package the other tables of the BIOS have one processor.
	smp+=",sockets=$cpus"
	pmtmr=0x608
	;;
esac
case $name in
kasan)
	checks="lockdep kmemleak"
	rewrite=page_poison=1 # unlike zeroes, it does not hide uninitialized memory
	;;
kcsan)
	checks="lockdep"
	;;
esac

dir=$(mktemp -d "${TMPDIR:-/tmp}/memstate-vm.XXXXXX")
pids=() unfinished=
# shellcheck disable=SC2317 # a trap calls it
cleanup() {
	local pid
	for pid in "${pids[@]}"; do
		kill "$pid" || $sudo kill "$pid" || :
	done 2>/dev/null
	wait
	rm -rf "$dir" ${unfinished:+"$unfinished"}
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
[ -n "$log" ] || log=$dir/console
: >"$log" || die "cannot write $log"
touch "$dir/out" "$dir/err" "$dir/end"

quote() {
	local word
	for word; do
		printf "'%s' " "${word//\'/\'\\\'\'}"
	done
}

# The drivers of a modular kernel, in the order in which they are loaded
drivers() {
	local number=100 path
	[ -n "$modules" ] || return 0
	modprobe -d "${modules%/lib/modules/*}" -S "$release" -a --show-depends \
		virtio_pci virtio_console virtiofs overlay | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r path; do
			number=$((number + 1))
			case $path in
			*.xz) xz -dc "$path" ;;
			*)    cat "$path" ;;
			esac >"$1/$number.ko"
		done
}

initrd() {
	local root=$dir/initrd
	[ ! -e "$dir/initrd.cpio" ] || return 0
	mkdir -p "$root"/{bin,vm/bin,vm/modules,proc,sys,dev,lower,upper,newroot}
	cp "$(command -v busybox)" "$root/vm/bin/busybox"
	ln -s ../vm/bin/busybox "$root/bin/busybox"
	cp "$here/guest-init" "$root/vm/init"
	chmod 755 "$root/vm/init"
	ln -s vm/init "$root/init"
	drivers "$root/vm/modules"
	(cd "$root" && find . | cpio -o -H newc --quiet) >"$dir/initrd.cpio"
}

{
	echo "name=$(quote "$name") cwd=$(quote "$PWD") outdir=$(quote "$outdir")"
	echo "modules=$(quote "$modules") release=$(quote "$release") checks=$(quote "$checks")"
	echo "limit=$([ -n "$count" ] && echo 0 || echo "$limit")" # its clock is its own
	echo "set -- $(quote "$@")"
} >"$dir/job"

# --- the host's files -------------------------------------------------------

# share TAG SOURCE CACHE [ro]: read-only is seen to outside of the guest, by
# mounts that only the daemon has
# shellcheck disable=SC2016 # the inner shell expands it
share() {
	local tag=$1
	$sudo unshare -m --propagation private sh -c '
		dir=$1 program=$2 socket=$3 source=$4 cache=$5 mode=$6 group=$7
		mount -t tmpfs tmpfs /run # virtiofsd keeps a lock there
		cp "$dir/job" /run/job # the guest finds it there
		if [ "$mode" = ro ]; then
			mount --bind "$dir" "$dir"
			findmnt -rno TARGET -t noproc,sysfs,devtmpfs,devpts,cgroup,cgroup2 |
			while read -r target; do
				case $target in "$dir"|/run|/run/*) continue ;; esac
				mount -o remount,bind,ro "$target" 2>/dev/null
			done
			! touch "/.memstate-vm.$$" 2>/dev/null || exit 1
		fi
		exec "$program" --socket-path="$socket" --socket-group="$group" -o source="$source" \
			-o cache="$cache" -o sandbox=chroot --rlimit-nofile=65536 -f
	' sh "$dir" "$virtiofsd" "$dir/$tag.socket" "$2" "$3" "${4-}" "$(id -gn)" \
		>"$dir/$tag.log" 2>&1 &
	pids+=($!)
	for _ in $(seq 1200); do
		[ ! -S "$dir/$tag.socket" ] || break
		kill -0 "${pids[-1]}" 2>/dev/null || break
		sleep 0.05
	done
	[ -S "$dir/$tag.socket" ] || die "virtiofsd did not start: $(cat "$dir/$tag.log")"
	shares+=(-chardev "socket,id=$tag,path=$dir/$tag.socket"
		-device "vhost-user-fs-pci,chardev=$tag,tag=$tag")
}
# --- what it is -------------------------------------------------------------

append="console=ttyS0 loglevel=7 panic=-1 printk.devkmsg=on random.trust_cpu=on $rewrite"
# A busy host is no fault of the guest's.
append+=" tsc=reliable no_timer_check watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=120"
append+=" workqueue.watchdog_thresh=120 sysctl.kernel.hung_task_timeout_secs=600"
# Four levels of page tables: where there are five, Linux 6.1 forgets that for a moment while it
# identifies the processor, and KASAN reports whatever an interrupt touches meanwhile.
[ -z "$pmtmr" ] || append+=" pmtmr=$pmtmr"
# Who wants lock statistics turns them on: they cost at each lock.
[ "$name" != kasan ] || append+=" sysctl.kernel.lock_stat=0"
machine=(-accel "tcg,thread=multi" -cpu "max,la57=off" -smp "$smp")
if [ -n "$count" ]; then
	machine=(-accel "tcg,thread=single" -cpu max -smp 1 -icount "shift=0,sleep=off"
		-rtc "base=2026-01-01,clock=vm")
	append+=" nokaslr"
elif [ "${MEMSTATE_KVM-}" = now ]; then
	machine[1]=kvm
elif [ "${MEMSTATE_KVM-}" = 1 ]; then
	# /dev/kvm may be there and hang
	if [ -w /dev/kvm ] && MEMSTATE_KVM=now "$0" -k "$name" -t 20 -- true >/dev/null 2>&1; then
		machine[1]=kvm
	else
		say "$name does not boot under KVM, emulating"
	fi
fi

# --- a machine that is kept ---------------------------------------------------

# Its memory and the state of its devices, as of when it has booted and waits for the device
# that its root is on. That device's daemon could not be kept; it is there only in the machines
# that are made from the one that is kept, which find it on their bus. No two of them have
# anything in common that one could write to.
#
# Not of what nobody has tried it with: debug kernels, KVM, counted instructions.
kept=
case ${MEMSTATE_BOOT:+boot}$count$checks${machine[1]} in
tcg,*)
	mark_of booted < <(
		echo "${machine[*]} $memory $append $(place IMAGE) $modules $qemu"
		cat "$here/vm.sh" "$here/guest-init" "$(command -v busybox)"
	)
	kept=$mark
	;;
esac

# run_qemu ARGUMENT...: these come last, so that the devices that all have are where they always are.
# It goes when this script does, however that ends.
run_qemu() {
	exec setpriv --pdeathsig TERM timeout --foreground -k 5 "$limit" \
		"$qemu" -nodefaults -no-user-config -display none -no-reboot \
		"${machine[@]}" -m "$memory" -machine memory-backend=memory \
		-kernel "$(place IMAGE)" -append "$append" \
		-chardev "file,id=console,path=$log,append=on" -serial chardev:console \
		-device virtio-serial-pci \
		-chardev "file,id=output,path=$dir/out" -device virtserialport,chardev=output,nr=1 \
		-chardev "file,id=errors,path=$dir/err" -device virtserialport,chardev=errors,nr=2 \
		-chardev "file,id=end,path=$dir/end" -device virtserialport,chardev=end,nr=3 \
		-global migration.mapped-ram=on "$@"
}

# keep: boot one, until it says that it waits, and write down what it is then
keep() {
	local pid
	mkdir -p "${kept%/*}" && exec 8>"${kept%/*}/lock" && flock 8 || return 1
	if [ ! -d "$kept" ]; then
		find "${kept%/*}" -mindepth 1 -maxdepth 1 -type d -mtime +7 -exec rm -rf {} +
		unfinished=$(mktemp -d "$kept.XXXXXX") && initrd && mkfifo "$dir/monitor" || return 1
		exec 7<>"$dir/monitor"
		log=$unfinished/console run_qemu -initrd "$dir/initrd.cpio" \
			-object "memory-backend-ram,id=memory,size=$memory" \
			-global migration.x-events=on -global migration.x-max-bandwidth=0 \
			-chardev stdio,id=monitor -mon chardev=monitor,mode=control \
			<&7 >"$dir/answers" 2>"$dir/qemu.log" 7>&- 8>&- &
		pid=$!
		pids+=("$pid")
		wait_for '^ready$' "$dir/end" "$pid" && echo '{"execute":"qmp_capabilities"}' \
			"{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"file:$unfinished/state\"}}" >&7 &&
			wait_for '"status": "(completed|failed)"' "$dir/answers" "$pid" &&
			echo '{"execute":"quit"}' >&7
		wait "$pid" || :
		pids=()
		exec 7>&-
		: >"$dir/end"
		if ! grep -q '"status": "completed"' "$dir/answers" || ! mv -T "$unfinished" "$kept"; then
			say "a machine that cannot be kept: $(tail -n 3 "$dir/answers" "$dir/qemu.log")"
			rm -rf "$unfinished"
		fi
	fi
	exec 8>&-
	[ -d "$kept" ]
}

# wait_for ERE FILE PID: until a line is there; 1 if the process ends before
wait_for() {
	until grep -qE "$1" "$2"; do
		kill -0 "$3" 2>/dev/null || return 1
		sleep 0.05
	done
}

started=$(date +%s)
say "$name: $*"
if [ -n "$kept" ] && { [ -d "$kept" ] || keep; }; then
	touch "$kept" # it is in use
	cat "$kept/console" >"$log"
	from=(-incoming "file:$kept/state")
else
	kept=
	initrd
	from=(-initrd "$dir/initrd.cpio")
fi

# --- the machine --------------------------------------------------------------

shares=()
share root / always ro
[ -z "$outdir" ] || share out "$outdir" auto
run_qemu "${from[@]}" -object "memory-backend-memfd,id=memory,size=$memory,share=on" \
	"${shares[@]}" </dev/null >"$dir/qemu.log" 2>&1 &
machine_pid=$!
pids+=("$machine_pid")
tail -c +1 -s 0.1 -f --pid="$machine_pid" "$dir/out" &
tails=($!)
tail -c +1 -s 0.1 -f --pid="$machine_pid" "$dir/err" >&2 &
tails+=($!)
code=0
wait "$machine_pid" 2>/dev/null || code=$?
wait "${tails[@]}" || :

# --- what became of it ------------------------------------------------------

# Reports of the kernel's. Under kcsan, only races with memstate in their stack
# count: the strict rules find many in the kernel's own code. Of these, too, one
# between a sleeper and its timer is the timer's: we merely slept. So is the workqueue's one
# between who queues a work and who runs it, which are to be able to at the same time; the
# compiler may have put process_one_work() into its caller.
reports() {
	tr -d '\r' <"$log" | awk -v noise="$noise" -v report="$(grep -v '^#' "$here/reports" | paste -sd '|')" '
		/BUG: KCSAN: data-race in hrtimer_wakeup \/ schedule_hrtimeout_range_clock/ { next }
		/BUG: KCSAN: data-race in (process_one_work \/ queue_work_on|queue_work_on \/ worker_thread)/ { next }
		/BUG: KCSAN: / { race = $0; next }
		race != "" {
			race = race "\n" $0
			if (/====================/) {
				if (race ~ /\[memstate\]/) print race
				race = ""
			}
			next
		}
		/ traps: / { next } # a program at fault, not the kernel
		(noise == "" || $0 !~ noise) && $0 ~ report
		END { if (race ~ /\[memstate\]/) print race }'
}
# Boot messages that match and have nothing to do with us
noise=''

status=$(sed -n 's/^done \([0-9]*\)$/\1/p' "$dir/end")
took=$(($(date +%s) - started))
if [ -n "$kept" ] && ! grep -q '^began$' "$dir/end"; then
	rm -rf "$kept"
	say "$name: the machine that was kept is of no use: $(tail -n 5 "$dir/qemu.log" "$log")"
	case $code in
	124|137) ;; # no time is left to try again
	*)
		cleanup
		MEMSTATE_BOOT=1 exec "$0" "${arguments[@]}"
		;;
	esac
fi
if [ -z "$status" ]; then
	case $code in
	124|137) why="did not end within $limit s" ;;
	0)       why="died" ;;
	*)       why="QEMU failed ($code): $(tail -n 3 "$dir/qemu.log")" ;;
	esac
	# From the watchdog's words on, if it came to them.
	grep -m 1 -A 400 '\] watchdog: ' "$log" >&2 || tail -n 40 "$log" >&2
	die "$name: $why (after $took s); the console's last lines are above"
fi
faults=$(reports) || die "$name: could not read the console"
if [ -n "$faults" ]; then
	{
		echo "$faults"
		echo "--- the console from the first of these lines on"
		tr -d '\r' <"$log" | grep -m 1 -A 40 -F -- "$(head -n 1 <<<"$faults")"
	} >&2
	say "$name: the kernel reported the above; exit $status after $took s"
	exit 124
fi
say "$name: exit $status after $took s"
exit "$status"
