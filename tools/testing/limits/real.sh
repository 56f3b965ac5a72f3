#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# real.sh MEMSTATE PROGRAMS HOW [NAME]...: in the machine: programs with nothing of ours in them,
# each in a cgroup of its own that is limited from outside. HOW is "both": by memstate limit,
# with memory.max a little above; or "table": under memory.max alone, under ours alone, and
# under both. With names, only rows in whose name one of these is. Prints TAP: whether under
# both it is as wanted; lines "# row NAME|LIMIT|MEMORY.MAX|OURS|BOTH" are the table.
#
# real.sh in NAME ARGUMENT...: what a row of several programs does, in its cgroup.
set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
tap_patience=60
cgroups=/sys/fs/cgroup
groups=/sys/class/misc/memstate/groups

# outside COMMAND...: of what is not to be limited, such as a client
outside() {
	bash -c 'echo 0 >/sys/fs/cgroup/cgroup.procs && exec "$@"' bash "$@"
}

# --- rows of several programs ---------------------------------------------------------

answers() { redis-cli -s "$1" ping 2>/dev/null | grep -q PONG; }
saved() { redis-cli -s "$1" info persistence | grep -q 'rdb_bgsave_in_progress:0'; }

# Much is held, and saved by a child, while some of it is written.
in_redis() {
	local at=/run/redis-$$ kept
	redis-server --port 0 --enable-debug-command yes --unixsocket $at --save '' --dir /run --daemonize no \
		--rdbcompression no --rdbchecksum no >/run/redis.log &
	outside bash -c ". '$here/../tap.sh'; $(declare -f answers); soon answers $at"
	outside redis-cli -s $at debug populate "$1" key 2000 >/dev/null
	outside redis-cli -s $at bgsave >/dev/null
	outside bash -c ". '$here/../tap.sh'; $(declare -f saved); soon saved $at"
	kept=$(outside redis-cli -s $at debug populate "$2" more 1000)
	echo "=> $(redis-cli -s $at info persistence | sed -n 's/\r//; s/rdb_last_bgsave_status://p')," \
		"then $kept"
	kill -9 %1
}

mariadb_() { mariadb -u root -S /run/mariadb.sock -N -e "$1"; }
in_mariadb() {
	local i text='' large
	mariadbd --no-defaults --user=root --datadir=/run/mariadb --socket=/run/mariadb.sock --skip-networking \
		--pid-file=/run/mariadb.pid >/run/mariadb.log 2>&1 &
	outside bash -c ". '$here/../tap.sh'; $(declare -f mariadb_); soon mariadb_ 'select 1'" >/dev/null 2>&1
	for i in {1..30}; do text+="set @v$i = repeat('x', 15000000); "; done
	large=$(outside mariadb -u root -S /run/mariadb.sock -N -e "$text" 2>&1 | grep -o 'ERROR [0-9]*.*')
	echo "=> $large; then $(outside mariadb -u root -S /run/mariadb.sock -N -e "select 'answers'" 2>&1)"
	kill -9 %1
}

# It is full, and stays so; somebody looks what is the matter.
in_full() {
	local well=''
	"$1/shapes" hog 64 >/run/hog &
	soon test -s /run/hog
	sh -c 'exit 0' && well+=" sh"
	ps >/dev/null && well+=" ps"
	curl --version >/dev/null && well+=" curl"
	curl -s file:///etc/hostname >/dev/null && well+=" curl-file"
	python3 -c 1 && well+=" python3"
	redis-cli --version >/dev/null && well+=" redis-cli"
	psql --version >/dev/null && well+=" psql"
	perl -e 1 && well+=" perl"
	tar -C /etc -czf /dev/null apt && well+=" tar+gzip"
	echo "=> start:$well"
	kill -9 %1
}

in_git() {
	local at=/run/git-$$ i
	mkdir -p $at && cd $at || return
	git init -q . && for i in {1..10}; do seq "$i" 5000 >"f$i"; done
	git add -A && git -c user.name=x -c user.email=x@x commit -qm x && git gc -q --aggressive &&
		echo "=> packed $(git count-objects -v | sed -n 's/^in-pack: //p')"
}

if [ "${1-}" = in ]; then
	"in_$2" "${@:3}"
	exit
fi

# --- one program, three ways ---------------------------------------------------------------

memstate=$1 programs=$2 how=$3
shift 3
names=("$@")
log=$(mktemp)
tap_begin "$(mktemp -d)"
M=$((1 << 20))
nr=0

over() { [ "$(sed -n 's/^populated //p' "$cgroups/$1/cgroup.events")" = 0 ]; }

# under KERNEL OURS COMMAND...: MiB, or 0; what became of it in one line, in $outcome
under() {
	local kernel=$1 ours=$2 name=real-$((nr += 1)) at status kills denied=- peak
	shift 2
	at=$cgroups/$name
	mkdir "$at"
	if [ "$kernel" != 0 ]; then
		echo $((kernel * M)) >"$at/memory.max"
		echo 0 >"$at/memory.swap.max" 2>/dev/null
	fi
	[ "$ours" = 0 ] || "$memstate" limit "/$name" --max "${ours}M" --overcommit "$overcommit" >/dev/null
	# shellcheck disable=SC2016 # the shell that becomes the program
	timeout -k 5 90 bash -c 'echo 0 >"$1" && shift && exec "$@"' bash "$at/cgroup.procs" "$@" \
		>"$log" 2>&1 </dev/null
	status=$?
	# Who has ended may have left somebody.
	[ $status = 124 ] || tap_patience=30 soon over "$name"
	if [ "$ours" != 0 ]; then
		denied=$(cat "$groups/$(stat -c %i "$at")/events_denied")
		[ "$denied" = 0 ] || sed 's/^/# last: /' "$groups/$(stat -c %i "$at")/last_refusal"
	fi
	kills=$(sed -n 's/^oom_kill //p' "$at/memory.events")
	peak=$(cat "$at/memory.peak" 2>/dev/null || echo 0)
	echo 1 >"$at/cgroup.kill"
	soon over "$name" && soon rmdir "$at"
	outcome=$(grep -a '^=> ' "$log" | tail -n 1)
	outcome=${outcome#=> }
	[ $status = 0 ] && [ -n "$outcome" ] ||
		outcome+="${outcome:+; }status $status: $(grep -avE '^\s*$|^=> ' "$log" | head -n 1 | head -c 90)"
	[ $status != 124 ] || outcome="hung; $outcome"
	[ "$kills" = 0 ] || outcome="killed $kills; $outcome"
	[ "$ours" = 0 ] || outcome+=" [denied $denied]"
	outcome+=" {$((peak / M))}"
}

overcommit=100
# row NAME LIMIT ABOVE WANTED COMMAND...: MiB, how much above memory.max is, an ERE of what is
# wanted of it under both
row() {
	local name=$1 limit=$2 above=$3 wanted=$4 kernel=- ours=- match=$((${#names[@]} == 0)) n
	shift 4
	for n in "${names[@]}"; do
		[[ $name != *"$n"* ]] || match=1
	done
	[ $match = 1 ] || return
	if [ "$how" = table ]; then
		under "$limit" 0 "$@"
		kernel=$outcome
		under 0 "$limit" "$@"
		ours=$outcome
	fi
	under $((limit + above)) "$limit" "$@"
	[[ ! $outcome =~ ^(killed|hung) && $outcome =~ $wanted ]]
	result $? "$name: under $limit MiB" "$log"
	echo "# row $name|$limit|$kernel|$ours|$outcome"
}
several() { # as row, of the rows above
	row "$1" "$2" "$3" "$4" bash "$here/real.sh" in "${@:5}"
}
shape() { row "$1" "$2" "$3" "$4" "$programs/shapes" "${@:5}"; }
preload() { # library, and as row
	row "$2" "$3" "$4" "$5" env "LD_PRELOAD=$1" "$programs/shapes" "${@:6}"
}

shape "malloc, 1 MiB" 64 8 '^(5[89]|6[0-3]) MiB' fill 1024
shape "malloc, 64 KiB" 64 8 '^(59|6[0-3]) MiB' fill 64
shape "mapped, then touched" 64 8 '^7 pieces' later 16 8
shape "200 threads" 64 12 '^200 threads' threads 200 16
shape "400 threads, 230 KiB each" 64 16 '^2[0-9][0-9] threads' threads 400 230
row "bss of 200 MiB" 64 8 '^4 MiB of bss' "$programs/shapes-bss" bss 4
shape "file of 100 MiB" 64 8 '^100 MiB of a file' file "$programs/sparse"
shape "MADV_FREE" 64 8 '^0 refused' free 40
shape "flips" 64 8 '^0 flips' flip 62 0
shape "flips, with an arena" 64 8 '^0 flips' flip 62 262144
shape "churn, glibc" 64 8 '^0 mallocs' churn 52
preload libjemalloc.so.2 "churn, jemalloc" 74 8 '^0 mallocs' churn 56
preload libtcmalloc_minimal.so.4 "churn, tcmalloc" 74 8 '^0 mallocs' churn 56
preload libmimalloc.so.2 "churn, mimalloc" 74 8 '^0 mallocs' churn 40
shape "dropped, touched again" 64 8 '^0 mappings' drop 50
shape "daemon" 64 8 '^(1[89]|2[0-4]) MiB beside' daemon 40 64
shape "16 racing" 64 12 '^(4[5-9]|5[0-9]|6[0-3]) MiB in all' race 16 64
row "ASan" 256 16 '^0 mallocs' "$programs/shapes-asan" churn 30
row "Go server" 64 8 '^800 requests' "$programs/server"
row "Go fills" 64 12 '^[56][0-9] MiB held' "$programs/server" fill
row "JVM, 300 threads" 512 32 '^300 threads' java -Xmx256m -cp "$programs" Threads 300
row "node server" 128 16 '^60 answered, nothing' node "$here/real/server.js" /
row "node, too large" 128 16 '^60 answered, RangeError' node "$here/real/server.js" /large
several "redis, BGSAVE" 128 16 '^ok, then OK' redis 30000 100
overcommit=200
several "MariaDB" 256 32 'answers' mariadb
overcommit=100
several "full group" 64 16 "start: sh ps curl curl-file python3 redis-cli psql perl tar.gzip" full "$programs"
row "readers" 64 200 '4 have read, .*parent refused' python3 "$here/real/readers.py" 40 4
several "git gc" 128 8 '^packed' git
row "perl" 64 8 'Out of memory' perl "$here/real/hog.pl"
row "lua" 64 8 '^not enough memory, and goes on' lua5.4 "$here/real/hog.lua"
row "numpy" 96 8 '^MemoryError, and goes on' python3 "$here/real/numpy_hog.py"
row "xz -9" 96 8 'Cannot allocate memory|^status 0' xz -9 -T1 -kc "$programs/server"
row "sort" 64 8 '^300000' bash -c 'seq 300000 | sort -R -S 40M | wc -l | sed "s/^/=> /"'
# It maps 256 KiB for each directory, and touches a page of each.
overcommit=200
row "rsync" 64 8 '^done' bash -c 'rsync -a /etc/ /run/rsync-etc/ && echo "=> done"'
overcommit=100
row "ImageMagick" 128 8 '^done' bash -c 'convert-im6.q16 -size 2500x2500 gradient:red-blue -resize 50% /run/x.png && echo "=> done"'
row "erlang" 128 16 '^erl' erl -noshell -eval 'L = [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, 5000)], io:format("=> erl ~p~n", [length(L)]), halt().'
tap_end
