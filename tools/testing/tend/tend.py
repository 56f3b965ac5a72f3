#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""tend.py FAKE DIR [TEST]...: what memstate tend tells to whom, and that nobody misleads or holds it."""
import os
import signal
import socket
import subprocess
import sys
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
import peers
import tap
from peers import log_line
from tap import end, ok

FAKE, WORK = (os.path.abspath(a) for a in sys.argv[1:3])
ONLY = sys.argv[3:]
MIB = 1 << 20
NOBODY = 65534
os.makedirs(WORK)
os.chmod(WORK, 0o777)
os.chdir(WORK)


def soon(function):
    return tap.soon(function, 0.05, tap.PATIENCE)


def skip(name, why):
    tap.COUNTS["seen"] += 1
    print(f"ok {tap.COUNTS['seen']} - {name} # SKIP {why}", flush=True)


class Group:
    """Who lives there, and what the module says of it."""
    nr = 0

    def __init__(self, *pids, limit=256 * MIB):
        Group.nr += 1
        self.dir = os.path.join(WORK, f"group{Group.nr}")
        os.makedirs(os.path.join(self.dir, "below"))
        self.denied = 0
        self.hold(*pids)
        self.be(limit)
        self.put("cgroup.events", "populated 1\nfrozen 0\n")

    def put(self, name, text):
        """At once, as files of the kernel are."""
        with open(f"{self.dir}/new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(f"{self.dir}/new", f"{self.dir}/{name}")

    def hold(self, *pids):
        self.put("below/cgroup.procs", "".join(f"{pid}\n" for pid in pids))

    def be(self, limit, pressure=0):
        self.put("limit", f"{limit} {pressure} {self.denied}\n")

    def refuse(self, limit, pressure=0):
        self.denied += 1
        self.be(limit, pressure)


class Tend:
    """It, at work."""

    def __init__(self, group, *options):
        self.log = f"{group.dir}/said"
        with open(self.log, "w", encoding="utf-8") as f:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [FAKE, *options, group.dir], stdin=subprocess.DEVNULL, stdout=f, stderr=f)

    def said(self):
        with open(self.log, encoding="utf-8") as f:
            return f.read()

    def says(self, text):
        """As soon as it has said that; it is still at work."""
        return soon(lambda: text in self.said() or self.process.poll() is not None) and \
            text in self.said()

    def stop(self):
        """Its exit status; nobody who spoke for it is left."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


class Redis:
    """A real one."""
    nr = 0

    def __init__(self, *options, **more):
        Redis.nr += 1
        self.path = f"{WORK}/redis{Redis.nr}.sock"
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            ["redis-server", "--save", "", "--unixsocket", self.path, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=WORK, **more)
        self.pid = self.process.pid
        soon(lambda: os.path.exists(self.path))

    def ask(self, *command):
        """An answer, as bytes."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.path)
            s.sendall(" ".join(command).encode() + b"\r\n")
            return s.recv(65536)

    def max(self, *auth):
        answer = self.ask(*auth, "CONFIG GET maxmemory")
        return int(answer.split(b"\r\n")[-2])

    def calls(self, command):
        """How often it was asked so."""
        said = self.ask("INFO commandstats").partition(b"cmdstat_%s:calls=" % command)[2]
        return int(said.split(b",")[0] or 0)

    def purges(self):
        return self.calls(b"memory|purge")

    def asked(self):
        return self.calls(b"config|get")

    def end(self):
        self.process.kill()
        self.process.wait()


def share(limit, percent=75):
    return limit * percent // 100 // MIB * MIB - 1


# ---- a real redis ------------------------------------------------------------------------

def real_redis():
    redis = Redis("--port", "0")
    group = Group(redis.pid)
    tend = Tend(group, "--pause", "0.1")
    ok(soon(lambda: redis.max() == share(256 * MIB)), "a server is told its share", tend.said())
    ok(tend.says(f"redis-server[{redis.pid}]: maxmemory is 192 MiB\n"), "which is said", tend.said())
    group.be(512 * MIB)
    ok(soon(lambda: redis.max() == share(512 * MIB)), "a limit that has risen is followed")
    group.be(128 * MIB)
    ok(soon(lambda: redis.max() == share(128 * MIB)), "and one that has fallen")
    ok(not redis.purges(), "without pressure nothing is purged")
    group.be(128 * MIB, 1)
    ok(soon(lambda: redis.purges() == 1), "it purges when pressure rises")
    group.be(128 * MIB, 2)
    ok(soon(lambda: redis.purges() == 2), "and when it rises more")
    group.refuse(128 * MIB, 2)
    ok(soon(lambda: redis.purges() == 3), "and when something is refused")
    said = tend.said()
    ok(tend.stop() == 0 and redis.max() == share(128 * MIB), "SIGTERM ends it, and leaves what it told",
       said)
    group.be(64 * MIB, 2)
    tend = Tend(group)
    ok(soon(lambda: redis.max() == share(64 * MIB)), "started again it follows what has changed")
    ok(soon(lambda: redis.purges() == 4), "and tells of the pressure that is")
    group.be("max")
    ok(soon(lambda: redis.max() == 0), "without a limit there is none")
    tend.stop()
    redis.end()


def own_limits():
    redis = Redis("--port", "0", "--maxmemory", "100mb")
    group = Group(redis.pid)
    tend = Tend(group, "--pause", "0.1")
    soon(redis.asked)
    group.refuse(256 * MIB)
    ok(soon(redis.purges) and redis.max() == 100 * MIB, "what the user has set lower stays",
       tend.said())
    group.be(64 * MIB)
    ok(soon(lambda: redis.max() == share(64 * MIB)), "until it is above the share")
    group.be(512 * MIB)
    ok(soon(lambda: redis.max() == 100 * MIB), "and comes back")
    redis.ask("CONFIG SET maxmemory 50mb")
    purges = redis.purges()
    group.refuse(1024 * MIB)
    ok(soon(lambda: redis.purges() > purges) and redis.max() == 50 * MIB,
       "what the user sets meanwhile is the user's")
    tend.stop()
    tend = Tend(group, "--redis-share", "2")
    ok(soon(lambda: redis.max() == share(1024 * MIB, 2)), "--redis-share", tend.said())
    tend.stop()
    group.be(1 * MIB)
    tend = Tend(group)
    ok(tend.says("a limit of 1.00 MiB is too small for a share"), "no share of next to nothing",
       tend.said())
    tend.stop()
    redis.end()


def secrets():
    redis = Redis("--port", "0", "--requirepass", "open sesame")
    group = Group(redis.pid)
    tend = Tend(group)
    ok(tend.says(f"redis-server[{redis.pid}] cannot be reached: it wants a password"),
       "a password that is not known is said", tend.said())
    tend.stop()
    for name, text, worked in (("a wrong password is said", "no\n", False),
                               ("with its password it is told", "open sesame\n", True),
                               ("and with a user's", "open sesame\ndefault\n", True)):
        with open("secret", "w", encoding="utf-8") as f:
            f.write(text)
        tend = Tend(group, "--redis-secret", "secret")
        ok(tend.says("maxmemory is 192 MiB" if worked else "it answers: WRONGPASS"), name, tend.said())
        tend.stop()
        redis.ask("AUTH 'open sesame'\r\nCONFIG SET maxmemory 0")
    redis.end()
    redis = Redis("--port", "0", "--rename-command", "CONFIG", "")
    group.hold(redis.pid)
    tend = Tend(group)
    ok(tend.says("it answers: ERR unknown command"), "one that has no CONFIG is said", tend.said())
    tend.stop()
    redis.end()


def busy():
    log = f"{WORK}/busy"
    pid = peers.process(peers.redis, log, None, b"redis-server", peers.busy(2))
    tend = Tend(Group(pid))
    ok(tend.says("maxmemory is 192 MiB") and "cannot be reached" not in tend.said() and
       read(log).count("CONFIG GET") == 3, "one that is busy is told later", tend.said() + read(log))
    tend.stop()
    peers.end_all()


def others():
    """As another user, in a network of its own."""
    if os.geteuid():
        skip("another user, another network", "only for root")
        return
    log = f"{WORK}/other"
    pid = peers.process(peers.redis, log, None, b"valkey-server", None, True, NOBODY)
    group = Group(pid)
    tend = Tend(group)
    ok(tend.says(f"valkey-server[{pid}]: maxmemory is 192 MiB"),
       "one in another network, of another user, is told at its port", tend.said())
    tend.stop()
    os.makedirs("own", mode=0o777, exist_ok=True)
    os.chmod("own", 0o777)
    os.symlink("own", "link")
    log = f"{WORK}/own/log"
    open(log, "w", encoding="utf-8").close()
    os.chmod(log, 0o666)
    pid = peers.process(peers.redis, log, f"{WORK}/link/sock", b"redis-server", None, False, NOBODY)
    group.hold(pid)
    os.chmod(f"{WORK}/own/sock", 0o666)
    tend = Tend(group)
    ok(tend.says(f"redis-server[{pid}]: maxmemory is 192 MiB"), "and at its file, whatever leads there",
       tend.said())
    none = "0" * 16
    ok(f"from {NOBODY}:{NOBODY} CapEff={none} CapPrm={none} NoNewPrivs=1 Groups=\n" in read(log),
       "by somebody who is that user, and can do nothing else", read(log))
    tend.stop()
    os.chmod(f"{WORK}/own/sock", 0)
    group.be(128 * MIB)
    tend = Tend(group)
    ok(tend.says("cannot be reached: Permission denied"), "root's rights are not used", tend.said())
    tend.stop()


# ---- hostile ones --------------------------------------------------------------------------

LONG = b"x" * 4096
SILENT = {
    "never answers": peers.silent,
    "answers a byte at a time": peers.drop_by_drop,
}
HOSTILE = {
    "answers without end": (peers.endless(LONG), "it answers without end"),
    "sends one line without end": (peers.endless(b"+" + b"a" * 300), "it answers without end"),
    "sends lists in lists without end": (peers.endless(b"*1\r\n"), "it answers without end"),
    "sends a list of very many": (peers.once(b"*99999999999999999999\r\n"), "Protocol error"),
    "sends a list of too many": (peers.once(b"*60\r\n" * 60 + b"+a\r\n" * 65536), "it answers without end"),
    "sends a word that is too long": (peers.once(b"$600\r\n" + LONG), "Protocol error"),
    "sends a word of no length": (peers.once(b"$x\r\n"), "Protocol error"),
    "sends a word without its end": (peers.once(b"$2\r\nabcdef"), "Protocol error"),
    "sends no number": (peers.fixed(b"+12x\r\n"), "Protocol error"),
    "sends a number that is too large": (peers.fixed(b"+" + b"9" * 40 + b"\r\n"), "Protocol error"),
    "sends nothing that is known": (peers.once(b"HTTP/1.1 400\r\n\r\n"), "Protocol error"),
    "hangs up": (peers.once(b""), "Connection reset by peer"),
    "stops in a word": (peers.once(b"*2\r\n$9\r\nmaxm"), "Connection reset by peer"),
    "answers for a terminal": (peers.fixed(b"-ERR \x1b]0;own\x07\xe2\x80\xae\xff\r\n"), "it answers: ERR "),
}


def harmful(text):
    return any(unicodedata.category(c) in ("Cc", "Cf") and c != "\n" for c in text)


def hostile():
    log = f"{WORK}/hostile"
    pids = {name: peers.process(peers.redis, log, None, b"redis-server", answer)
            for name, (answer, _) in HOSTILE.items()}
    good = peers.process(peers.redis, log)
    group = Group(*pids.values(), good)
    tend = Tend(group, "--patience", "300")
    ok(tend.says(f"redis-server[{good}]: maxmemory is 192 MiB"), "among hostile ones one is told",
       tend.said())
    for name, (_, text) in HOSTILE.items():
        ok(tend.says(f"redis-server[{pids[name]}] cannot be reached: {text}"), f"one that {name}",
           tend.said())
    group.be(128 * MIB)
    ok(tend.says(f"redis-server[{good}]: maxmemory is 96.0 MiB"), "and told again", tend.said())
    # All have been tried once more by then, as whoever has waited longest is the first.
    soon(lambda: read(log).count("CONFIG GET") > 3 * len(HOSTILE))
    ok(all(tend.said().count(f"[{pid}] cannot") == 1 for pid in pids.values()),
       "what is wrong is said once", tend.said())
    ok(not harmful(tend.said()), "nothing of it acts on a terminal", repr(tend.said()))
    ok(tend.stop() == 0 and soon(lambda: not speakers()), "and nobody is left of it", speakers())
    peers.end_all()


def silent():
    """More of them than are spoken to at once."""
    log = f"{WORK}/silent"
    pids = {name: peers.process(peers.redis, log, None, b"redis-server", answer)
            for name, answer in SILENT.items()}
    more = [peers.process(peers.redis, log, None, b"redis-server", peers.silent) for _ in range(18)]
    good = peers.process(peers.redis, log)
    group = Group(*pids.values(), *more, good)
    tend = Tend(group, "--patience", "1")
    ok(tend.says(f"redis-server[{good}]: maxmemory is"), "many that never answer hold nobody up",
       tend.said())
    for name, pid in pids.items():
        ok(tend.says(f"redis-server[{pid}] cannot be reached: it did not answer in time"),
           f"one that {name}", tend.said())
    ok(tend.stop() == 0 and soon(lambda: not speakers()), "nobody is left who waits", speakers())
    peers.end_all()


def speakers():
    """Those that speak for one of them, and them."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/exe") == FAKE:
                found.append(pid)
        except OSError:
            pass
    return found


def files():
    """What is at a path is another's, or no socket."""
    log = f"{WORK}/files"
    wanted = {}
    for name, text in (("fifo", "on non-socket"), ("link", "on non-socket"), ("other", "not permitted"),
                       ("gone", "No such file"), ("loop", "Too many levels")):
        path = f"{WORK}/at-{name}/sock"
        os.makedirs(os.path.dirname(path))
        wanted[name] = peers.process(peers.redis, log, path), text
        os.unlink(path)
        if name == "fifo":
            os.mkfifo(path)
    victim = f"{WORK}/victim"
    peers.process(peers.redis, f"{WORK}/victim.log", victim, b"victim")
    os.symlink(victim, f"{WORK}/at-link/sock")
    os.link(victim, f"{WORK}/at-other/sock")
    os.rmdir(f"{WORK}/at-loop")
    os.symlink("at-loop", f"{WORK}/at-loop")
    group = Group(*(pid for pid, _ in wanted.values()))
    tend = Tend(group)
    for name, (pid, text) in wanted.items():
        tend.says(f"[{pid}]")
        said = [line for line in tend.said().splitlines() if f"[{pid}]" in line]
        ok(said and text in said[0], f"a socket's file that is replaced: {name}", said)
    ok("CONFIG" not in read(f"{WORK}/victim.log"), "nobody else is told anything",
       read(f"{WORK}/victim.log"))
    tend.stop()
    peers.end_all()


# ---- JVMs ------------------------------------------------------------------------------------

def real_jvm():
    """What a JDK has that stays, and takes nothing to compile."""
    with subprocess.Popen(["java", "-XX:TieredStopAtLevel=1", "-XX:+UseG1GC", "-Xmx256m",
                           "-m", "java.rmi/sun.rmi.registry.RegistryImpl", "0"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as java:
        group = Group(java.pid)
        tend = Tend(group, "--patience", "300")
        ok(tend.says(f"java[{java.pid}]: keeps 10 to 20 % of its heap free\n"),
           "a JVM is told to keep less free", tend.said())
        ok(flag(java.pid, "MaxHeapFreeRatio") == "-XX:MaxHeapFreeRatio=20", "and does")
        ok(not os.path.exists(f"/tmp/.attach_pid{java.pid}"), "no file is left that asked for it")
        group.refuse(256 * MIB)
        ok(tend.says(f"java[{java.pid}]: collected"), "it collects under pressure", tend.said())
        group.be("max")
        ok(tend.says("keeps 40 to 70 % of its heap free"), "without a limit it does as usual", tend.said())
        tend.stop()
        java.kill()


def flag(pid, name):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(f"/tmp/.java_pid{pid}")
        s.sendall(f"1\0printflag\0{name}\0\0\0".encode())
        # It comes in parts: the status, and what it is asked for.
        with s.makefile() as answer:
            return answer.read().split("\n")[1]


def made_up_jvm():
    log = f"{WORK}/jvm"
    open(log, "w", encoding="utf-8").close()
    os.chmod(log, 0o666)
    root = not os.geteuid()
    pid = peers.process(peers.jvm, log, None, root, NOBODY if root else 0)
    who = f"{NOBODY}:{NOBODY} CapEff={'0' * 16} CapPrm={'0' * 16} NoNewPrivs=1 Groups=\n" if root else ""
    group = Group(pid)
    tend = Tend(group, "--pause", "0.1")
    ok(tend.says(f"[{pid}]: keeps 10 to 20 % of its heap free; its heap is to stay below 152 MiB"),
       "ZGC is told where its heap is to end", tend.said())
    ok(f"1 setflag SoftMaxHeapSize {152 * MIB - 1} from {who}" in read(log),
       "by somebody who is that user and can do nothing else, at its own /tmp", read(log))
    sets = read(log).count("setflag")
    tend.stop()
    group.be(256 * MIB, 1)
    tend = Tend(group)
    ok(tend.says(f"[{pid}]: collected\n") and read(log).count("setflag") == sets,
       "started again it is told nothing twice; what it does not know is no failure", tend.said())
    group.be("max")
    ok(tend.says("keeps 40 to 70 % of its heap free; its heap is to stay below 1.00 GiB"),
       "without a limit all is as it was", tend.said())
    ok(not harmful(tend.said()) and read(log).count("quit") == 1, "it was asked for its socket once",
       read(log))
    tend.stop()
    peers.end_all()


def own_ratios():
    log = f"{WORK}/ratios"
    pid = peers.process(peers.jvm, log, peers.once(
        b"0\n-XX:MaxHeapFreeRatio=30 -XX:MaxHeapSize=134217728 -XX:SoftMaxHeapSize=67108864 -XX:+UseZGC\n"))
    group = Group(pid)
    tend = Tend(group)
    soon(lambda: "VM.flags" in read(log))
    group.refuse(256 * MIB)
    ok(tend.says("collected") and "setflag" not in read(log), "what the user has set stays", read(log))
    tend.stop()
    peers.end_all()


def hostile_jvm():
    def at(kind):
        def before(path):
            if kind == "link":
                os.symlink(f"{WORK}/victim-jvm", path)
            elif kind == "fifo":
                os.mkfifo(path)
            elif kind == "other":
                os.link(f"{WORK}/victim-jvm", path)
        return before

    log, good = f"{WORK}/hostile-jvm", f"{WORK}/good-jvm"
    peers.process(peers.redis, f"{WORK}/victim-jvm.log", f"{WORK}/victim-jvm", b"victim")
    wanted = {
        "has its socket as a link": (peers.process(peers.jvm, log, None, False, 0, at("link")),
                                   "on non-socket"),
        "has its socket as a FIFO": (peers.process(peers.jvm, log, None, False, 0, at("fifo")),
                                   "on non-socket"),
        "has its socket as another's": (peers.process(peers.jvm, log, None, False, 0, at("other")),
                                      "not permitted"),
        "answers without end": (peers.process(peers.jvm, log, peers.endless(b"0\n" + LONG)),
                                "it answers without end"),
        "answers nothing": (peers.process(peers.jvm, log, peers.once(b"")), "Protocol error"),
        "answers no number": (peers.process(peers.jvm, log, peers.once(b"x\n")), "Protocol error"),
        "refuses": (peers.process(peers.jvm, log, peers.once(b"101\n\x1b[31mno")), "it answers: "),
        "opens no socket": (peers.process(peers.jvm, f"{WORK}/never-jvm", None, False, 0, at("none")),
                            "it opens no socket"),
    }
    deaf = peers.process(peers.deaf)
    pid = peers.process(peers.jvm, good)
    group = Group(*(p for p, _ in wanted.values()), pid, deaf)
    tend = Tend(group, "--patience", "300")
    for name, (other, text) in wanted.items():
        ok(tend.says(f"[{other}] cannot be reached: ") and text in tend.said(), f"a JVM that {name}",
           tend.said())
    ok(tend.says(f"[{pid}]: keeps 10"), "one among them is told", tend.said())
    group.be(128 * MIB)
    ok(tend.says("stay below 56.0 MiB"), "and told again", tend.said())
    ok(read(f"{WORK}/never-jvm").count("quit") == 1, "SIGQUIT is sent once to one that opens no socket")
    ok(os.waitpid(deaf, os.WNOHANG) == (0, 0), "and not to one that it would end")
    heard = [line for line in read(f"{WORK}/victim-jvm.log").splitlines() if not line.startswith("from ")]
    ok(not heard, "nobody else is told anything", heard)
    ok(not harmful(tend.said()), "nothing acts on a terminal", repr(tend.said()))
    tend.stop()
    silent_one = peers.process(peers.jvm, log, peers.silent)
    group.hold(silent_one)
    tend = Tend(group, "--patience", "5")
    ok(tend.says(f"[{silent_one}] cannot be reached: it did not answer in time"), "one that never answers",
       tend.said())
    ok(tend.stop() == 0 and soon(lambda: not speakers()), "and nobody waits for it any longer", speakers())
    for other in peers.ALIVE:
        for name in ("java", "attach"):
            try:
                os.unlink(f"/tmp/.{name}_pid{other}")
            except FileNotFoundError:
                pass
    peers.end_all()


# ---- the socket ----------------------------------------------------------------------------

class Watcher:
    """A program that follows the protocol: it connects, waits, and throws away what comes."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)

    def hears(self, patience=None):
        """Whether there is something, or the end; not before it comes."""
        self.s.settimeout(patience or tap.PATIENCE)
        try:
            return len(self.s.recv(4096))
        except TimeoutError:
            return -1


def pressure_socket():
    path = f"{WORK}/pressure"
    group = Group()
    tend = Tend(group, "--socket", path)
    soon(lambda: os.path.exists(path))
    first, second = Watcher(path), Watcher(path)
    if not os.geteuid():
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
    other = Watcher(path)
    if not os.getuid():
        os.seteuid(0)
        os.setegid(0)
    group.be(256 * MIB, 1)
    ok(first.hears() == second.hears() == other.hears() == 1, "each that listens gets a byte at pressure")
    late = Watcher(path)
    ok(late.hears() == 1, "and who comes later while there is some")
    second.s.close()
    group.be(256 * MIB)
    group.refuse(256 * MIB)
    ok(first.hears() == 1 and other.hears() == 1, "and all that are left when something is refused")
    other.s.sendall(bytes(1000))
    group.be(256 * MIB, 1)
    ok(first.hears() == 1 and other.hears() == 1, "what somebody says is nothing to anybody")
    many = [Watcher(path) for _ in range(40)]
    heard = [w.hears() for w in many]
    ok(heard.count(0) == 40 - 16 + 3 and heard.count(1) == 16 - 3, "of one process so many, and no more",
       heard)

    def one(ready):
        w = Watcher(path)
        ready()
        if w.hears() == 1:
            log_line("another", "heard")

    peers.process(one)
    ok(soon(lambda: read("another")), "of another there is room")
    busy = Tend(Group(), "--socket", path)
    ok(busy.process.wait(60) == 1 and "Address already in use" in busy.said(), "where one serves there is no other",
       busy.said())
    tend.process.kill()
    tend.process.wait()
    tend = Tend(group, "--socket", path)
    ok(soon(lambda: connects(path)), "what was left by one that was killed is replaced", tend.said())
    ok(tend.stop() == 0 and not os.path.exists(path), "in the end it goes")
    with open(path, "w", encoding="utf-8") as f:
        f.write("data")
    tend = Tend(Group(), "--socket", path)
    ok(tend.process.wait(60) == 1 and "File exists" in tend.said() and read(path) == "data",
       "a file that is there stays", tend.said())
    tend = Tend(Group(), "--socket", "x" * 108)
    ok(tend.process.wait(60) == 1 and "File name too long" in tend.said(), "a path that is too long",
       tend.said())
    peers.end_all()


def connects(path):
    try:
        Watcher(path).s.close()
        return True
    except OSError:
        return False


# ---- who comes and goes --------------------------------------------------------------------

def lives():
    log = f"{WORK}/lives"
    first = peers.process(peers.redis, log)
    group = Group()
    tend = Tend(group)
    group.hold(first)
    ok(tend.says(f"[{first}]: maxmemory is 192 MiB"), "one that comes later is told", tend.said())
    group.hold()
    second = peers.process(peers.redis, log)
    group.hold(second)
    group.be(128 * MIB)
    ok(tend.says(f"[{second}]: maxmemory is 96.0 MiB") and f"[{first}]: maxmemory is 96" not in tend.said(),
       "one that has left is told nothing", tend.said())
    peers.end(second)
    group.put("cgroup.events", "populated 0\nfrozen 0\n")
    ok(tend.process.wait(60) == 0 and "nobody is there any more" in tend.said(),
       "it ends when all have left", tend.said())
    group.put("cgroup.events", "populated 0\nfrozen 0\n")
    tend = Tend(group, "--quiet")
    group.hold(first)
    group.put("cgroup.events", "populated 1\nfrozen 0\n")
    soon(lambda: read(log).count("SET") == 3)
    os.unlink(f"{group.dir}/cgroup.events")
    ok(tend.process.wait(60) == 0 and tend.said() == "",
       "an empty group may be filled; it ends when that is gone; --quiet", tend.said())
    tend = Tend(Group(first), "--not", "redis")
    tend.stop()
    peers.end_all()


def reused():
    """A number is another's now."""
    log = f"{WORK}/reused"
    try:
        with open("/proc/sys/kernel/ns_last_pid", "r+", encoding="utf-8") as f:
            f.write(f.read())
    except OSError:
        skip("a number that is another's", "only for root")
        return
    first = peers.process(peers.redis, log)
    group = Group(first)
    tend = Tend(group)
    ok(tend.says(f"[{first}]: maxmemory is 192 MiB"), "before its number is another's", tend.said())
    tend.process.send_signal(signal.SIGSTOP)

    def again():
        peers.end(first)
        with open("/proc/sys/kernel/ns_last_pid", "w", encoding="utf-8") as f:
            f.write(str(first - 1))
        pid = peers.process(peers.redis, f"{WORK}/reused.again")
        if pid != first:
            peers.end(pid)
        return pid == first

    came = soon(again)
    tend.process.send_signal(signal.SIGCONT)
    ok(came and soon(lambda: "SET maxmemory" in read(f"{WORK}/reused.again")),
       "a number that is another's is a new process", tend.said())
    tend.stop()
    peers.end_all()


try:
    for test in (real_redis, own_limits, secrets, busy, others, hostile, silent, files, real_jvm,
                 made_up_jvm, own_ratios, hostile_jvm, pressure_socket, lives, reused):
        if test.__name__ in ONLY or not ONLY:
            test()
finally:
    peers.end_all()
end()
