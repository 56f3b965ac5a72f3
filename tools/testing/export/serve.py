# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""serve.py PROGRAM DIR: the server on a tree made by fake.py, as TAP.

What a scraper asks, what nobody should ask, many at once, and those who are slow on
purpose. The tree is changed and put back.
"""
import collections
import concurrent.futures
import mmap
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import figures

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import PATIENCE, end, ok, soon  # noqa: E402

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
# What Prometheus 2.42 and 3 send.
PROMETHEUS_2 = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
PROMETHEUS_3 = ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
                "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")


class Server:
    """A server on a port of the kernel's choice."""

    def __init__(self, program, *options, listen="0", clock=None):
        env = dict(os.environ, FAKE_CLOCK=clock.file.name) if clock else None
        self.process = subprocess.Popen([*program, "--listen", listen, *options], env=env,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        line = self.process.stderr.readline().decode()
        match = re.search(r"listening on http://(.*):(\d+)/metrics$", line)
        self.address = (match[1].strip("[]"), int(match[2])) if match else None
        self.said = line

    def connect(self):
        s = socket.create_connection(self.address, timeout=PATIENCE)
        return s

    def raw(self, request):
        """Everything that comes back."""
        with self.connect() as s:
            try:
                s.sendall(request)
            except OSError:
                # It has had enough.
                pass
            return receive(s)

    def get(self, url="/metrics", method="GET", **headers):
        """(status, headers, body); 0 for the status if nothing came back"""
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n"
                        for name, value in headers.items())
        head, _, body = self.raw(f"{method} {url} HTTP/1.1\r\nHost: x\r\n{lines}\r\n"
                                 .encode()).partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        said = collections.defaultdict(str)
        said.update((k.lower(), v) for k, _, v in (line.partition(": ") for line in rest))
        return int((first.split() + ["0", "0"])[1]), said, body

    def descriptors(self):
        """How many it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def rest(self):
        """Until it has closed all connections; those that it closes count still."""
        soon(lambda: self.sockets() <= 1, 0.01)

    def sockets(self):
        """How many it has open; it listens on one."""
        directory = f"/proc/{self.process.pid}/fd"
        nr = 0
        for name in os.listdir(directory):
            try:
                nr += os.readlink(f"{directory}/{name}").startswith("socket:")
            except FileNotFoundError:
                pass
        return nr

    def unread(self):
        """How many bytes have come that it has not read."""
        port = f":{self.address[1]:04X}"
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [row.split() for row in table]
        return sum(int(row[4].split(":")[1], 16) for row in rows[1:]
                   if row[1].endswith(port) and row[3] == "01")

    def end(self):
        """(status, what it said)"""
        self.process.send_signal(signal.SIGTERM)
        try:
            _, said = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, said = self.process.communicate()
        return self.process.returncode, said.decode()


class Clock:
    """What fake_export.c takes for the time. It stands still until it is set."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile()
        self.file.write(struct.pack("=QQ", 1000, 0))
        self.file.flush()
        self.page = mmap.mmap(self.file.fileno(), 16)

    def looks(self):
        """How often the server has looked whom it has to end."""
        return struct.unpack_from("=Q", self.page, 8)[0]

    def set(self, seconds):
        """So many seconds after it began, as the server knows when this returns."""
        struct.pack_into("=Q", self.page, 0, 1000 + seconds)
        # One look may be under way.
        before = self.looks()
        soon(lambda: self.looks() > before + 1, 0.01)


def receive(s):
    data = b""
    try:
        while True:
            more = s.recv(1 << 20)
            if not more:
                return data
            data += more
    except OSError:
        return data


def wrong(server, top, groups, tasks, **headers):
    """What differs from the tree in an answer."""
    status, said, body = server.get(**headers)
    if status != 200 or int(said["content-length"]) != len(body):
        return [f"status {status}, {said}, {len(body)} bytes"]
    return figures.differences(figures.parse(body.decode()),
                               figures.expected(top, groups, tasks), "$^")


def formats(server):
    for name, accept, want in (
            ("Prometheus 2", PROMETHEUS_2, OPENMETRICS),
            ("Prometheus 3", PROMETHEUS_3, OPENMETRICS),
            ("curl", "*/*", TEXT),
            ("a browser", "text/html,application/xhtml+xml,*/*;q=0.8", TEXT),
            ("one that likes text better",
             "application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.5", TEXT),
            ("one that wants no OpenMetrics", "application/openmetrics-text;q=0", TEXT),
            ("one that names no version", "application/openmetrics-text", OPENMETRICS),
            ("one that quotes the version",
             'Application/OpenMetrics-Text; Version="1.0.0"; q=1.0', OPENMETRICS),
            ("one that knows only 0.0.1", "application/openmetrics-text;version=0.0.1", TEXT),
            ("one of another type of a like name", "application/openmetrics-textual", TEXT),
            ("nonsense", ";;,,q=;,/;q=x;q=1.99999999999999999999,", TEXT)):
        status, headers, body = server.get(Accept=accept)
        ok(status == 200 and headers["content-type"] == want and
           (body[-6:] == b"# EOF\n") == (want == OPENMETRICS),
           f"{name} gets {want.split(';')[0]}", f"{status} {headers}")
    status, headers, _ = server.get()
    ok(headers["content-type"] == TEXT, "one that says nothing gets text/plain", headers)


def requests(server):
    status, headers, body = server.get(method="HEAD")
    ok(status == 200 and not body and int(headers["content-length"]) > 1000,
       "HEAD has no body", f"{status} {headers} {body[:99]}")
    ok(headers.get("connection") == "close", "a connection is good for one request", headers)
    status, headers, body = server.get("/")
    ok(status == 200 and headers["content-type"].startswith("text/html") and b"/metrics" in body,
       "/ leads to /metrics", f"{status} {headers} {body}")
    status, _, body = server.get("/metrics?collect[]=x")
    ok(status == 200 and b"memstate_up 1" in body, "a query is passed over", status)
    for url in "/metrics/", "/Metrics", "//metrics", "/../metrics", "/favicon.ico", "/" + "a" * 4000:
        status, _, _ = server.get(url)
        ok(status == 404, f"404 for {url[:20]}", status)
    for method in "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "X":
        status, headers, _ = server.get(method=method, Content_Length=0)
        ok(status == 405 and headers.get("allow") == "GET, HEAD", f"405 for {method}",
           f"{status} {headers}")
    answer = server.raw(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n" +
                        b"x" * 100000)
    ok(answer.startswith(b"HTTP/1.1 405"), "405 for POST, whatever it brings", answer[:200])
    status, _, body = server.get(Content_Length="3\r\n\r\nabc\r\nX: y")
    ok(status == 200, "GET may bring a body", f"{status} {body[:99]}")
    for name, request in (("nothing", b""), ("binary", bytes(range(256)) * 8),
                          ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500),
                          ("a request line alone", b"GET /metrics HTTP/1.1\r\n"),
                          ("an endless header", b"GET / HTTP/1.1\r\nX: " + b"y" * 200000),
                          ("no version", b"GET /metrics\r\n\r\n")):
        with server.connect() as s:
            try:
                s.sendall(request)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            answer = receive(s)
        ok(not answer or b" 4" in answer[:20] or name == "no version",
           f"{name} gets no answer or 4xx", answer[:200])
    status, _, _ = server.get()
    ok(status == 200, "and the next scrape is answered", status)


def many(server, top, connections, rounds):
    """As many at once, each compared with the tree; later, as who parses here lets others wait,
    who have connected and not asked yet."""
    wanted = figures.expected(top, True, True)
    answers = []
    for _ in range(rounds):
        server.rest()
        with concurrent.futures.ThreadPoolExecutor(connections) as pool:
            answers += pool.map(lambda _: server.get(Accept=PROMETHEUS_2), range(connections))
    good = [body.decode() for status, headers, body in answers
            if status == 200 and int(headers["content-length"]) == len(body)]
    differ = figures.differences_of_all(good, wanted, "$^")
    ok(len(good) == connections * rounds and not differ,
       f"{connections} scrapes at once, {rounds} times: each is right",
       f"{len(good)} of {connections * rounds}, {set(a[0] for a in answers)}; {differ[:9]}")


def nothing_stays_open(server):
    """A scrape looks at many directories."""
    def after(scrapes):
        for _ in range(scrapes):
            server.get()
        server.rest()
        return server.descriptors()
    few, more = after(2), after(20)
    ok(few == more, "scrapes leave no descriptor behind", f"{few}, and after 20 more {more}")


def module_goes(server, top):
    os.rename(f"{top}/sysfs", f"{top}/elsewhere")
    status, headers, body = server.get()
    ok(status == 503 and b"the module is not loaded" in body and
       headers["content-type"].startswith("text/plain"), "503 when the module is gone",
       f"{status} {headers} {body}")
    os.rename(f"{top}/elsewhere", f"{top}/sysfs")
    ok(not wrong(server, top, True, True), "and 200 when it is back")
    os.rename(f"{top}/sysfs/groups", f"{top}/elsewhere")
    status, _, body = server.get()
    ok(status == 500 and b"No such file" in body, "500 when it is not what it was",
       f"{status} {body}")
    os.rename(f"{top}/elsewhere", f"{top}/sysfs/groups")


def fresh(server, top):
    """Who asks is told what was read after that, also if others are being served."""
    stop = threading.Event()
    changes = range(1, 21)
    seen = []
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        others = [pool.submit(lambda: [server.get()[0] for _ in iter(stop.is_set, True)])
                  for _ in range(16)]
        try:
            for number in changes:
                with open(f"{top}/sysfs/ranges.new", "w", encoding="ascii") as f:
                    f.write(f"{number}\n")
                os.rename(f"{top}/sysfs/ranges.new", f"{top}/sysfs/ranges")
                seen += re.findall(rb"^memstate_ranges (\d+)$", server.get()[2], re.M)
        finally:
            stop.set()
        served = [status for other in others for status in other.result()]
    seen = [int(number) for number in seen]
    ok(seen == [*changes] and set(served) == {200},
       f"{len(changes)} changes are seen at once, while {len(served)} others ask",
       f"{seen}; {set(served)}")


def slow(program):
    """Who does nothing is ended after 10 seconds, who sends byte by byte after 30, by the
    server's own clock; who does not read is no bother."""
    clock = Clock()
    server = Server(program, "--groups", "--tasks", clock=clock)
    silent, dripping, deaf = ([server.connect() for _ in range(8)] for _ in range(3))
    for s in dripping:
        s.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
    for s in deaf:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    status, _, _ = server.get()
    ok(status == 200, "others are served while 24 are slow", status)

    def ended(s):
        try:
            s.setblocking(False)
            return s.recv(1000) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def gone(which):
        return [s for s in which if ended(s)]

    def drip():
        for s in dripping:
            try:
                s.send(b"x")
            except OSError:
                pass    # it is gone
        # What has moved is known before the clock goes on.
        return soon(lambda: not server.unread(), 0.01)
    clock.set(9)
    ok(drip() and not gone(silent + dripping), "who does nothing has time")
    clock.set(18)
    ok(drip() and soon(lambda: len(gone(silent)) == 8, 0.1) and not gone(dripping),
       "who does nothing is gone, before who sends byte by byte", f"{len(gone(silent))} of 8")
    clock.set(27)
    ok(drip() and not gone(dripping), "who sends byte by byte has time", f"{len(gone(dripping))} of 8")
    clock.set(31)
    ok(soon(lambda: len(gone(dripping)) == 8, 0.1), "who sends byte by byte is gone as well",
       f"{len(gone(dripping))} of 8")
    for s in silent + dripping + deaf:
        s.close()
    status, _, _ = server.get()
    ok(status == 200, "and others are served", status)
    status, said = server.end()
    ok(status == 0, "SIGTERM ends it well after that", f"{status}\n{said}")


def full(server):
    """More connections than there may be are closed at once; it does not last."""
    idle = [server.connect() for _ in range(80)]
    answers = []

    def answered():
        answers.append(server.raw(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"))
        return answers[-1]
    ok(soon(answered, 0.5).startswith(b"HTTP/1.1 200") and len(answers) > 1,
       f"80 idle connections keep scrapes out, {len(answers) - 1} of them, and then no more",
       answers[-1][:100])
    for s in idle:
        s.close()


def addresses(program):
    for listen, address in (("0", "127.0.0.1"), ("127.0.0.1:0", "127.0.0.1"),
                            ("[::1]:0", "::1"), ("127.0.0.2:0", "127.0.0.2"),
                            ("0.0.0.0:0", "0.0.0.0"), ("[::]:0", "::")):
        server = Server(program, listen=listen)
        good = server.address and server.address[0] == address and server.get()[0] == 200
        status, _ = server.end()
        ok(good and status == 0, f"--listen {listen} is on {address}", server.said)
    server = Server(program)
    port = server.address[1]
    try:
        socket.create_connection(("::1", port), timeout=5).close()
        good = False
    except OSError:
        good = True
    ok(good, "without an address there is 127.0.0.1 and nothing else")
    second = subprocess.run([*program, "--listen", str(port)], stderr=subprocess.PIPE, check=False)
    ok(second.returncode == 1 and f"127.0.0.1:{port}: cannot listen: Address already in use".encode()
       in second.stderr, "a port in use is told", second.stderr)
    server.end()
    other = subprocess.run([*program, "--listen", "192.0.2.1:0"], stderr=subprocess.PIPE, check=False)
    ok(other.returncode == 1 and b"192.0.2.1:0: cannot listen: Cannot assign requested address"
       in other.stderr, "an address of another machine is told", other.stderr)
    for signal_ in signal.SIGTERM, signal.SIGINT:
        server = Server(program)
        server.process.send_signal(signal_)
        ok(server.process.wait(PATIENCE) == 0, f"{signal_.name} ends it well")
        again = Server(program, listen=str(server.address[1]))
        ok(again.address == server.address, "and its port is free at once", again.said)
        again.end()


def left_out(program):
    server = Server(program, "--groups", "--tasks", "--max-series", "200")
    texts = [server.get()[2].decode() for _ in range(3)]
    found = figures.parse(texts[0])
    _, said = server.end()
    ok(len(found) <= 200 and said.count("are left out: more than 200 samples") == 1,
       "what is left out is logged once, not at each scrape", f"{len(found)}: {said}")


def main():
    program, top = sys.argv[1], sys.argv[2]
    program = [*program.split(), top]
    addresses(program)
    server = Server(program, "--groups", "--tasks")
    ok(wrong(server, top, True, True) == [], "figures are those of the tree",
       wrong(server, top, True, True))
    ok(wrong(server, top, True, True, Accept=PROMETHEUS_2) == [], "in OpenMetrics as well")
    formats(server)
    requests(server)
    nothing_stays_open(server)
    many(server, top, 50, 2)
    module_goes(server, top)
    fresh(server, top)
    slow(program)
    full(server)
    status, said = server.end()
    ok(status == 0, "SIGTERM ends it well after all that", f"{status}\n{said}")
    left_out(program)
    end()


main()
