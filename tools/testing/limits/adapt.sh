#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# adapt.sh MEMSTATE PROGRAMS [NAME]...: in the machine: programs with nothing of ours in them, the
# same work three times, each in a cgroup of its own: under memory.max; under our max; and under our
# max, told of it by memstate adapt and memstate tend. With names, only rows in whose name one of these
# is. Prints lines "# told NAME|MEMORY.MAX|MAX|TOLD", each outcome as one of
#
#	killed			the kernel has killed, whom it chose; or it has stalled in reclaim, which
#				goes on for minutes before, until we did
#	goes on: WHAT		one request was told so, all others were answered
#	all answered		of those that want no more than there is
#	ends: WHAT		it was told so, and came to its end
#	not held		one request had more than the limit
#
# adapt.sh in NAME: what a row of several programs does, in its cgroup.
set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
tap_patience=60
cgroups=/sys/fs/cgroup

# outside COMMAND...: of what is not to be limited, such as a client
outside() {
	bash -c 'echo 0 >/sys/fs/cgroup/cgroup.procs && exec "$@"' bash "$@"
}
# soon_outside FUNCTION ARGUMENT...: polls without taking of what is limited
soon_outside() {
	outside bash -c ". '$here/../tap.sh'; tap_patience=$tap_patience; $(declare -f "$1"); soon \"\$@\"" bash "$@" \
		>/dev/null 2>&1
}

# --- rows of several programs ---------------------------------------------------------

# served NGINX-SERVER...: in $at, by a server that is not limited
front() {
	mkdir -p "$at"
	cat >"$at/front" <<-CONF
		worker_processes 1; error_log $at/error; pid $at/front.pid; daemon off; user root;
		events { worker_connections 64; }
		http { access_log off; client_body_temp_path $at; proxy_temp_path $at; fastcgi_temp_path $at;
			uwsgi_temp_path $at; scgi_temp_path $at; client_max_body_size 0; $1 }
	CONF
}
# got TIMES CURL-ARGUMENT...: how often there was an answer
got() {
	local i n=0 times=$1
	shift
	for ((i = 0; i < times; i++)); do
		outside curl -sf -m 60 -o /dev/null --unix-socket "$at/sock" "$@" && n=$((n + 1))
	done
	echo $n
}
answers() { [ "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$1" http://x/small)" = 200 ]; }

in_php() {
	local at=/run/fpm-$$ fpm n code
	front "server { listen unix:$at/sock; location / { fastcgi_pass unix:$at/fpm; fastcgi_param REQUEST_METHOD GET;
		fastcgi_param QUERY_STRING \$query_string; fastcgi_param SCRIPT_FILENAME $here/adapt/service.php; } }"
	cat >"$at/conf" <<-CONF
		[global]
		error_log = $at/log
		daemonize = no
		[www]
		user = root
		listen = $at/fpm
		pm = static
		pm.max_children = 2
		php_admin_flag[log_errors] = on
		catch_workers_output = yes
	CONF
	php-fpm8.2 -R -y "$at/conf" >/dev/null 2>&1 &
	fpm=$!
	outside nginx -c "$at/front" 2>/dev/null &
	soon_outside answers "$at/sock"
	n=$(got 5 http://x/)
	code=$(outside curl -s -o "$at/body" -w '%{http_code}' --unix-socket "$at/sock" 'http://x/?large')
	n=$((n + $(got 5 http://x/)))
	[ "$code" = 500 ] || echo "the large one: $code"
	echo "=> $n of 11, $(cat "$at/body" "$at/log" | grep -oE 'Allowed memory size|Out of memory' | head -n 1)"
	cat "$at/log"
	kill $fpm "$(cat "$at/front.pid")"
	wait $fpm
}

in_nginx() {
	local at=/run/nginx-$$ n code
	front "server { listen unix:$at/next; location / { return 200 next; } }
		server { listen unix:$at/sock; location / { root /etc; try_files /hostname =404; }
			location /large { client_body_buffer_size 200m; proxy_pass http://unix:$at/next; } }"
	nginx -c "$at/front" 2>/dev/null &
	soon_outside answers "$at/sock"
	n=$(got 5 http://x/)
	code=$(outside curl -s -m 60 -o /dev/null -w '%{http_code}' --unix-socket "$at/sock" -T "$1" http://x/large)
	n=$((n + $(got 5 http://x/)))
	echo "=> $n of 11, $code $(grep -om1 'Cannot allocate memory' "$at/error")"
	cat "$at/error"
	kill %1
	wait
}

pong() { redis-cli -s "$1" ping 2>/dev/null | grep -q PONG; }
# Its client has ended, or it has met its limit: it may take long to end by that.
filled() { ! kill -0 "$1" 2>/dev/null || grep -q 'Out Of Memory' /run/redis.log; }
limited() { [ "$(redis-cli -s "$1" config get maxmemory | tail -n 1)" != 0 ]; }
in_redis() {
	local at=/run/redis-$$ server i n=0
	redis-server --port 0 --unixsocket $at --save '' --daemonize no --crash-log-enabled no >/run/redis.log &
	server=$!
	soon_outside pong $at
	[ -z "${tended-}" ] || soon_outside limited $at
	outside timeout 60 redis-benchmark -s $at -t set -r 10000000 -n 10000 -d 10000 -P 50 -q >/run/redis.said 2>&1 &
	soon_outside filled $!
	grep -oE 'Out Of Memory allocating' /run/redis.log && kill -9 $server
	for i in 1 2 3 4 5; do
		[ "$(outside redis-cli -s $at ping 2>/dev/null)" = PONG ] && n=$((n + 1))
	done
	[ $n = 0 ] || echo "=> $n of 6, $(grep -om1 'OOM command not allowed' /run/redis.said || echo nothing)"
	kill -9 $server 2>/dev/null
	return 0
}

psql_() { psql -U postgres -h /run/postgres -qtA -c "$1" postgres; }
in_postgres() {
	local n large
	setpriv --reuid=postgres --regid=postgres --clear-groups postgres -D /run/postgres -k /run/postgres \
		-c listen_addresses= -c shared_buffers=16MB -c fsync=off >/run/postgres.log 2>&1 &
	soon_outside psql_ 'select 1'
	outside pgbench -U postgres -h /run/postgres -n -c 2 -t 30 postgres >/run/pgbench.log 2>&1 &
	large=$(outside psql -U postgres -h /run/postgres -qtA -c "set work_mem = '1GB'" -c \
		"select length(string_agg(repeat('x', 100000), '')) from generate_series(1, 2500)" postgres 2>&1)
	wait $!
	n=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' /run/pgbench.log)
	grep -q 'reinitializing\|terminated by signal' /run/postgres.log && n=0
	echo "=> ${n:-0} of 61, $(grep -om1 'out of memory' <<<"$large")"
	head -n 3 <<<"$large"
	kill -9 %1
}

in_sqlite() {
	local n
	n=$(printf '%s\n' 'create table t(x);' 'insert into t values (1);' \
		'insert into t with recursive c(i) as (select 1 union all select i + 1 from c where i < 2000)
			select randomblob(100000) from c;' \
		'insert into t values (2);' 'select count(*) from t;' | sqlite3 :memory: 2>/run/sqlite.said)
	[ -z "$n" ] || echo "=> $n of 3, $(grep -om1 'out of memory' /run/sqlite.said)"
	cat /run/sqlite.said
}

in_make() {
	local at=/run/make-$$ i what=''
	mkdir -p $at && cd $at || return
	for i in 1 2 3 4 5 6; do
		printf '#include <stdio.h>\nint f%s(void) { return puts("x"); }\n' $i >f$i.c
	done
	echo 'int large[] = { [0 ... 12000000] = 1 };' >large.c
	make -s -k -j2 f1.o f2.o large.o f3.o f4.o f5.o f6.o 2>said
	grep -qE 'out of memory|virtual memory exhausted' said && what="out of memory"
	echo "=> $(find . -name '*.o' | wc -l) of 7, $what"
	cat said
}

if [ "${1-}" = in ]; then
	"in_$2" "${@:3}"
	exit
fi

# --- one program, three ways ---------------------------------------------------------------

memstate=$1 programs=$2
shift 2
names=("$@")
log=$(mktemp)
M=$((1 << 20))
nr=0
workers=1

over() { [ "$(sed -n 's/^populated //p' "$cgroups/$1/cgroup.events")" = 0 ]; }

# under WAY MIB COMMAND...: kernel, ours, or adapted; $outcome is what became of it
under() {
	local way=$1 limit=$2 name=adapt-$((nr += 1)) at status kills tend='' set=() begun=$SECONDS patience=90
	shift 2
	at=$cgroups/$name
	mkdir "$at"
	if [ "$way" = kernel ]; then
		echo $((limit * M)) >"$at/memory.max"
		echo 0 >"$at/memory.swap.max" 2>/dev/null
		patience=$stalls
	else
		"$memstate" limit "/$name" --max "${limit}M" >/dev/null
	fi
	if [ "$way" = adapted ]; then
		mapfile -t set < <("$memstate" adapt --max "${limit}M" --workers $workers --format env)
		set+=("tended=1")
		"$memstate" tend "/$name" >"$log.tend" 2>&1 &
		tend=$!
	fi
	# shellcheck disable=SC2016 # the shell that becomes the program
	timeout -k 5 "$patience" bash -c 'echo 0 >"$1" && shift && exec env "$@"' bash "$at/cgroup.procs" "${set[@]}" "$@" \
		>"$log" 2>&1 </dev/null
	status=$?
	[ $status = 124 ] || tap_patience=30 soon over "$name"
	kills=$(sed -n 's/^oom_kill //p' "$at/memory.events")
	echo 1 >"$at/cgroup.kill"
	soon over "$name" && soon rmdir "$at"
	[ -z "$tend" ] || wait $tend
	outcome=$(became)
	echo "# $way: $((SECONDS - begun)) s, status $status, kills $kills: $(grep -a '^=> ' "$log" | tail -n 1)"
	grep -av '^=> ' "$log" | head -n 8 | cut -c 1-150 | sed 's/^/#    /'
	[ -z "$tend" ] || sed 's/^/#    tend: /' "$log.tend" | head -n 3
}

# Of the log, $status and $kills, in the words above
became() {
	local line n of what
	line=$(grep -a '^=> ' "$log" | tail -n 1)
	if [ "$kills" != 0 ]; then
		echo killed
	elif [ $status = 124 ]; then
		[ "$way" = kernel ] && echo killed || echo hung
	elif [ $status = 0 ] && [[ $line =~ ^'=> '([0-9]+)' of '([0-9]+)', '(.*)$ ]]; then
		n=${BASH_REMATCH[1]} of=${BASH_REMATCH[2]} what=${BASH_REMATCH[3]}
		if [ "$n" = "$of" ]; then
			[ $large = 1 ] && echo "not held" || echo "all answered"
		elif [ "$n" = $((of - 1)) ] && [ -n "$what" ]; then
			echo "goes on: $what"
		else
			echo "$n of $of were answered: $what"
		fi
	else
		what=$(grep -aoE "$ends" "$log" | head -n 1)
		: "${what:=status $status, $(tail -n 1 "$log" | cut -c 1-80)}"
		echo "ends: ${what/cannot allocate/out of}"
	fi
}
ends='OutOfMemoryError|insufficient memory|Out Of Memory allocating|out of memory|cannot allocate memory'
stalls=90
large=1

row() {
	local name=$1 limit=$2 match=$((${#names[@]} == 0)) n line=$1
	shift 2
	for n in "${names[@]}"; do
		[[ $name != *"$n"* ]] || match=1
	done
	[ $match = 1 ] || return
	echo "# $name, $limit MiB"
	for n in kernel ours adapted; do
		under $n "$limit" "$@"
		line+="|$outcome"
	done
	echo "# told $line"
}
several() { row "$1" "$2" bash "$here/adapt.sh" in "${@:3}"; }
jvm() {
	row "$1" 192 java -XX:-UsePerfData -XX:TieredStopAtLevel=1 "$2" -XX:ErrorFile=/dev/null -cp "$programs" Service
}

row "Python" 64 python3 "$here/adapt/service.py"
row "Python, jemalloc" 64 env LD_PRELOAD=libjemalloc.so.2 python3 "$here/adapt/service.py"
row "Python, libmemstate-malloc" 64 env "LD_PRELOAD=${memstate%/*}/libmemstate-malloc.so" python3 "$here/adapt/service.py"
jvm "JVM, G1" -XX:+UseG1GC
jvm "JVM, Serial" -XX:+UseSerialGC
jvm "JVM, ZGC" -XX:+UseZGC
row "Node" 128 node "$here/adapt/service.js"
large=0 row "Go, garbage alone" 96 "$programs/service"
row "Go" 96 "$programs/service" large
row "Ruby" 64 ruby "$here/adapt/service.rb"
workers=2 several "PHP-FPM" 64 php
several "nginx" 64 nginx "$programs/sparse"
# These stay in reclaim rather than being killed.
stalls=15 several "redis" 64 redis
several "PostgreSQL" 128 postgres
stalls=15 several "SQLite" 64 sqlite
several "gcc, make -j2" 96 make
