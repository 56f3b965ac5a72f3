# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Processes that look like programs that are tended, some of them hostile."""
import ctypes
import mmap
import os
import signal
import socket
import struct
import time
import traceback

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_NAME, CLONE_NEWNET, CLONE_NEWNS = 15, 0x40000000, 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
ALIVE = []
AS_USUAL = "as usual"


def named(name):
    """Be called so."""
    LIBC.prctl(PR_SET_NAME, name, 0, 0, 0)


def process(function, *arguments):
    """A child that does so and sleeps then; it is there when it has said so. Its number."""
    ready, told = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(ready)
        try:
            function(lambda: os.write(told, b"."), *arguments)
            signal.pause()
        except BaseException:  # pylint: disable=broad-except
            traceback.print_exc()
        os._exit(1)
    os.close(told)
    if os.read(ready, 1) != b".":
        raise RuntimeError(f"{function.__name__} did not begin")
    os.close(ready)
    ALIVE.append(pid)
    return pid


def end(pid):
    """It goes, and is waited for."""
    if pid in ALIVE:
        ALIVE.remove(pid)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def end_all():
    for pid in list(ALIVE):
        end(pid)


def listen(where):
    """At a file, or at some port of this machine."""
    if where:
        s = socket.socket(socket.AF_UNIX)
        s.bind(where)
    else:
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
    s.listen(64)
    return s


def own_network():
    """Only with its own loopback, which is up."""
    if LIBC.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as s:
        request = struct.pack("16sh", b"lo", 1)  # IFF_UP
        if LIBC.ioctl(s.fileno(), 0x8914, request):  # SIOCSIFFLAGS
            raise OSError(ctypes.get_errno(), "lo")


def words(connection):
    """Commands of redis's as lists, from a connection."""
    f = connection.makefile("rb")
    while head := f.readline():
        yield [f.read(int(f.readline()[1:]) + 2)[:-2].decode() for _ in range(int(head[1:]))]


def redis(ready, log, where=None, name=b"redis-server", answer=None, net=False, user=0):
    """One that writes down who speaks to it, and what; it answers as a real one, or otherwise."""
    named(name)
    if net:
        own_network()
    s = listen(where)
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    state = {"maxmemory": "0"}
    ready()
    while True:
        with s.accept()[0] as connection:
            if where:
                pid, uid, gid = struct.unpack("3i", connection.getsockopt(
                    socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
                log_line(log, f"from {uid}:{gid} {status(pid)}")
            try:
                redis_talk(connection, log, answer, state)
            except OSError:
                pass  # it does not listen to all that is said


def redis_talk(connection, log, answer, state):
    for command in words(connection):
        log_line(log, " ".join(command))
        how = answer(connection) if answer else AS_USUAL
        if not how:
            return
        if how != AS_USUAL:
            continue
        if command[1] == "GET":
            value = state["maxmemory"].encode()
            connection.sendall(b"*2\r\n$9\r\nmaxmemory\r\n$%d\r\n%s\r\n" % (len(value), value))
        else:
            if command[1] == "SET":
                state["maxmemory"] = command[3]
            connection.sendall(b"+OK\r\n")


def status(pid):
    """What a process may do, as far as anybody is told."""
    kept = ("CapEff", "CapPrm", "NoNewPrivs", "Groups")
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        found = dict(line.rstrip("\n").split(":", 1) for line in f)
    return " ".join(f"{key}={found[key].strip()}" for key in kept)


def log_line(path, line):
    with open(path, "a", encoding="utf-8") as f:
        f.write(line + "\n")


# ---- a JVM -------------------------------------------------------------------------------

FLAGS = "-XX:MaxHeapSize=1073741824 -XX:+UseZGC\n"


def library():
    """What it is known by."""
    with open("libjvm.so", "a+b") as f:
        f.truncate(4096)
        return mmap.mmap(f.fileno(), 4096, prot=mmap.PROT_READ)


def jvm(ready, log, answer=None, own_tmp=False, user=0, before=None):
    """One that opens its socket on SIGQUIT where the file is that asks for it."""
    named(b"java \x1b[31m")
    mapped = library()
    # As itself, whatever is mounted in front of it.
    log = f"/proc/self/fd/{os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)}"
    if own_tmp:
        if LIBC.unshare(CLONE_NEWNS) or LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) or \
                LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, b"mode=1777"):
            raise OSError(ctypes.get_errno(), "mount")
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    signal.signal(signal.SIGQUIT, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGQUIT})
    path = f"/tmp/.java_pid{os.getpid()}"
    if before:
        before(path)
    ready()
    flags = {}
    while mapped:
        signal.sigwait({signal.SIGQUIT})
        asked = os.path.exists(f"/tmp/.attach_pid{os.getpid()}")
        log_line(log, f"quit {asked}")
        if asked and not before:
            break
    with listen(path) as s:
        while True:
            with s.accept()[0] as connection:
                try:
                    jvm_talk(connection, log, answer, flags)
                except OSError:
                    pass


def jvm_talk(connection, log, answer, flags):
    said = b""
    while said.count(b"\0") < 5:
        said += connection.recv(4096) or bytes(5)
    command = said.decode().split("\0")
    pid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    log_line(log, " ".join(command).strip() + f" from {pid[1]}:{pid[2]} {status(pid[0])}")
    if answer:
        answer(connection)
        return
    if command[1] == "setflag":
        flags[command[2]] = command[3]
    if command[2] == "VM.flags":
        listed = "".join(f"-XX:{name}={value} " for name, value in flags.items())
        connection.sendall(f"0\n{listed}{FLAGS}".encode())
    elif command[2] == "System.trim_native_heap":
        connection.sendall(b"1\njava.lang.IllegalArgumentException: Unknown diagnostic command\n")
    else:
        connection.sendall(b"0\n")


def deaf(ready):
    """It has the library, and SIGQUIT would end it."""
    mapped = library()
    ready()
    while mapped:
        signal.pause()


def busy(times):
    """It has something else to do so often."""
    left = [times]

    def answer(connection):
        left[0] -= 1
        if left[0] < 0:
            return AS_USUAL
        connection.sendall(b"-LOADING Redis is loading the dataset in memory\r\n")
        return True
    return answer


# ---- answers of hostile ones: true where the next command is to be read -----------------

def silent(connection):
    """Holds who asks until that one goes away."""
    while connection.recv(1):
        pass


def endless(piece):
    """The same for ever."""
    def answer(connection):
        while True:
            connection.sendall(piece)
    return answer


def drop_by_drop(connection):
    """Always one more byte of the same answer."""
    connection.sendall(b"*2\r\n$9\r\nmaxmemory\r\n$500\r\n")
    while True:
        connection.sendall(b"1")
        time.sleep(0.05)


def once(piece):
    """That, and the end."""
    def answer(connection):
        connection.sendall(piece)
    return answer


def fixed(piece):
    """That to everything."""
    def answer(connection):
        connection.sendall(piece)
        return True
    return answer
