#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# programs.sh PRELOAD DIRECTORY: real programs with the allocator in them; each says whether
# it got the right result. TAP.
set -u

preload=$1
dir=$2
top=$(readlink -f "$(dirname "$0")/../../..")
# shellcheck source=tools/testing/tap.sh
. "$top/tools/testing/tap.sh"
tap_begin "$dir"

# program NAME NEEDED COMMAND...: it ends with 0 and its last line is "right"
program() {
	local name=$1 needed=$2 status
	shift 2
	if ! command -v "$needed" >/dev/null; then
		echo "$needed is missing (make deps installs it)" >"$dir/$name.log"
		result 1 "$name" "$dir/$name.log"
		return
	fi
	# The shell that runs a script has it, too; so do all children.
	LD_PRELOAD=$preload timeout 600 "$@" >"$dir/$name.log" 2>&1 </dev/null
	status=$?
	[ $status = 0 ] && [ "$(tail -n 1 "$dir/$name.log")" = right ]
	result $? "$name" "$dir/$name.log" || echo "# exit status $status"
}

cat >"$dir/work.py" <<'PY'
import hashlib, json, os, subprocess, sys, threading, zlib
objects = [{"id": i, "name": "x" * (i % 50), "list": list(range(i % 40))} for i in range(20000)]
text = json.dumps(objects)
assert json.loads(text) == objects
assert zlib.decompress(zlib.compress(text.encode())).decode() == text
totals = []
def work(n):
    d = {}
    for i in range(20000):
        d[i % 997] = [i] * (i % 17)
    totals.append(sum(len(v) for v in d.values()))
threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
[t.start() for t in threads]
[t.join() for t in threads]
assert len(set(totals)) == 1
assert subprocess.run([sys.executable, "-c", "print('child')"], capture_output=True).stdout == b"child\n"
pid = os.fork()
if pid == 0:
    os._exit(0 if json.loads(text) == objects else 1)
assert os.waitpid(pid, 0)[1] == 0
print("right")
PY
cat >"$dir/work.pl" <<'PL'
use strict; my %h; my $s = "";
for my $i (1 .. 100000) { $h{"key$i"} = "v" x ($i % 60); $s .= chr(65 + $i % 26); }
delete $h{"key$_"} for grep { $_ % 2 } 1 .. 100000;
my $n = () = $s =~ /ABC/g;
my $pid = fork(); if (!$pid) { my @a = map { "$_" x 3 } 1 .. 10000; exit(@a == 10000 ? 0 : 1); }
waitpid($pid, 0); die "child" if $?;
die "count" unless keys(%h) == 50000 && $n == 3846;
print "right\n";
PL
cat >"$dir/work.js" <<'JS'
const { Worker, isMainThread, parentPort } = require("worker_threads");
const zlib = require("zlib"), assert = require("assert");
function work() {
	const list = [];
	for (let i = 0; i < 2000; i++) list.push(Buffer.alloc(i * 10, i & 255));
	assert(zlib.gunzipSync(zlib.gzipSync(Buffer.concat(list))).equals(Buffer.concat(list)));
	return list.length;
}
if (!isMainThread) { parentPort.postMessage(work()); } else {
	let left = 3;
	for (let i = 0; i < 3; i++) new Worker(__filename).on("message", (n) => {
		assert.strictEqual(n, 2000);
		if (!--left) { work(); console.log("right"); }
	});
}
JS
cat >"$dir/Work.java" <<'JAVA'
import java.nio.ByteBuffer;
import java.util.*;
import java.util.zip.*;
public class Work {
	public static void main(String[] a) throws Exception {
		Thread[] threads = new Thread[6];
		for (int i = 0; i < 6; i++) (threads[i] = new Thread(() -> {
			for (int j = 0; j < 300; j++) {
				ByteBuffer b = ByteBuffer.allocateDirect(10000 + j * 100);
				b.putInt(b.capacity() - 4, j);
				byte[] in = new byte[20000], out = new byte[30000];
				Deflater d = new Deflater(); d.setInput(in); d.finish();
				if (d.deflate(out) <= 0) System.exit(1);
				d.end();
			}
		})).start();
		for (Thread t : threads) t.join();
		System.out.println("right");
	}
}
JAVA
cat >"$dir/sqlite.sh" <<'SH'
set -e
db=$1/test.db
rm -f "$db"
sqlite3 "$db" "create table t(a integer primary key, b text); create index i on t(b);
	with recursive n(x) as (select 1 union all select x + 1 from n where x < 100000)
	insert into t select x, printf('%08d', x * 7919 % 100003) from n;"
[ "$(sqlite3 "$db" "pragma integrity_check; select count(*), min(b), max(b) from t;")" = "ok
100000|00000001|00100002" ]
echo right
SH
cat >"$dir/git.sh" <<'SH'
set -e
export HOME=$1 GIT_CONFIG_NOSYSTEM=1
rm -rf "$1/repo" "$1/clone"
git init -q "$1/repo"
cd "$1/repo"
git config user.name t
git config user.email t@example.org
for i in 1 2 3; do
	for f in $(seq 60); do seq $((f * i)) $((f * i + 2000)) >"f$f"; done
	git add .
	git commit -q -m "c$i"
done
git gc -q --aggressive
git fsck --full --strict
git clone -q "$1/repo" "$1/clone"
[ "$(git -C "$1/clone" log --format=%s | tr '\n' ' ')" = "c3 c2 c1 " ]
echo right
SH
cat >"$dir/build.sh" <<'SH'
set -e
# $1 directory, $2 top, $3 compiler: the library it builds keeps its own books rightly
make -s -C "$2/userspace" O="$1/$3" CC="$3" "$1/$3/libmemstate.a" -j2
"$3" -O1 -D_GNU_SOURCE -I"$2/include/uapi" -I"$2/kmod/core" -I"$2/userspace/include" \
	-I"$2/userspace/lib" -I"$2/tools/testing/core" -o "$1/$3/rules" \
	"$2/tools/testing/core/rules.c" "$1/$3/libmemstate.a" -pthread
"$1/$3/rules" | tail -n 1
"$1/$3/rules" >/dev/null && echo right
SH
cat >"$dir/redis.sh" <<'SH'
set -e
. "$2/tools/testing/tap.sh"
sock=$1/redis.sock
answers() { redis-cli -s "$sock" ping >/dev/null 2>&1; }
saved() { redis-cli -s "$sock" info persistence | grep -q 'rdb_bgsave_in_progress:0'; }
rm -f "$sock" "$1/dump.rdb"
redis-server --port 0 --unixsocket "$sock" --dir "$1" --save '' --appendonly no >"$1/redis.out" &
server=$!
trap 'kill $server' EXIT
soon answers
redis-benchmark -s "$sock" -q -n 20000 -r 10000 -P 16 -d 200 -t set,get,lpush,sadd,hset,zadd >/dev/null
redis-cli -s "$sock" set answer 42 >/dev/null
redis-cli -s "$sock" bgsave >/dev/null
soon saved
redis-cli -s "$sock" info persistence | grep -q 'rdb_last_bgsave_status:ok'
[ "$(redis-cli -s "$sock" get answer)" = 42 ]
redis-cli -s "$sock" flushall >/dev/null
redis-check-rdb "$1/dump.rdb" >/dev/null
echo right
SH

program python python3 /usr/bin/python3 "$dir/work.py"
program python-malloc python3 env PYTHONMALLOC=malloc /usr/bin/python3 "$dir/work.py"
program perl perl perl "$dir/work.pl"
program sqlite sqlite3 bash "$dir/sqlite.sh" "$dir"
program git git bash "$dir/git.sh" "$dir"
program redis redis-server bash "$dir/redis.sh" "$dir" "$top"
program gcc gcc bash "$dir/build.sh" "$dir" "$top" gcc
program clang clang bash "$dir/build.sh" "$dir" "$top" clang
program node node node "$dir/work.js"
if command -v javac >/dev/null; then
	javac -d "$dir" "$dir/Work.java"
fi
program java java java -XX:+UseSerialGC -Xmx256m -cp "$dir" Work
tap_end
