# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=bash
# What gate.sh and run.sh share: building, and running in a virtual machine.

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top=$(readlink -f "$here/../../..")
vm=$top/tools/testing/vm
out=$top/build/bench
mkdir -p "$out"

# The program, static: then its own instructions do not depend on the loader.
bench_build() {
	gcc -std=gnu11 -O2 -Wall -Wextra -D_GNU_SOURCE -static -pthread \
		-I"$top/include/uapi" -I"$top/kmod/core" \
		-I"$top/tools/testing/selftests/memstate" \
		-o "$out/bench" "$here/bench.c" "$top/kmod/core/rules.c" >&2 || return
	gcc -std=gnu11 -O2 -Wall -Wextra -D_GNU_SOURCE -static -pthread \
		-I"$top/include/uapi" -I"$top/kmod/core" \
		-I"$top/userspace/include" -I"$top/userspace/lib" \
		-o "$out/batch" "$here/batch.c" "$top"/userspace/lib/*.c \
		"$top"/kmod/core/{rules,fold}.c >&2
}

# memstate record on made-up figures, in place of those that the kernel would have
bench_build_record() {
	local cli=$top/userspace/cli lib=$top/userspace/lib
	gcc -std=gnu11 -O2 -Wall -Wextra -D_GNU_SOURCE -DMS_VERSION='"bench"' \
		-DMS_LIBDIR='"/nowhere"' -DMS_PRELOADDIR='"/nowhere"' \
		-I"$top/include/uapi" -I"$top/kmod/core" \
		-I"$top/userspace/include" -I"$lib" -I"$cli" \
		-o "$out/record" "$here/../plot/fake_record.c" \
		"$cli"/record/{file,header,lines,loop,record,recorder,sample,trace,trace_{event,instance,tasks}}.c \
		"$cli"/{args,cgroup,cgroup_{dirs,names,v1},figures,files,handle,json,launch,limit_words,now}.c \
		"$cli"/{observe,observe_why,out,place,place_{cgroup,job},process,program,refusal,refusal_words}.c \
		"$cli"/{tally,tally_ask}.c \
		"$lib"/*.c "$top"/kmod/core/{rules,fold}.c -pthread -ljson-c -lz >&2
}

# bench_vm KERNEL MODE [vm.sh options]
bench_vm() {
	local kernel=$1 mode=$2
	shift 2
	bench_in_vm "$kernel" "$out/bench $mode" "$@"
}

# batch_vm KERNEL "MODE [NUMBER...]" [vm.sh options]
batch_vm() {
	local kernel=$1 mode=$2
	shift 2
	bench_in_vm "$kernel" "env MEMSTATE_BACKEND=device $out/batch $mode" "$@"
}

# bench_in_vm KERNEL COMMAND [vm.sh options]
bench_in_vm() {
	local kernel=$1 command=$2 module
	shift 2
	module=$("$vm/module.sh" "$kernel" | tail -n 1) || return 1
	"$vm/vm.sh" -k "$kernel" -s 2 -t 1800 "$@" -- \
		sh -c "insmod $module && $command && rmmod memstate"
}
