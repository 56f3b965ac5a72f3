#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""names.py MEMSTATE HOOK DIR [device]: names are data, whatever bytes they are made of.

Each name of one list becomes that of a program, a file, a cgroup, a container, and what stands in
a log; each command is then looked at: nothing that a terminal acts on, JSON, XML and OpenMetrics
that others can read, no command of gnuplot's that is not ours. "device": the commands that take
the module, in a virtual machine; else the others.
"""
import json
import os
import re
import signal
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

memstate, hook, where = (os.path.abspath(a) for a in sys.argv[1:4])
device = sys.argv[4:] == ["device"]

# Each fits a command's name: 15 bytes. A program's file cannot have a slash.
NAMES = {
    "plain": b"plain",
    "blank": b"two words ",
    "colour": b"\x1b[31mred",
    "title": b"\x1b]0;own\x07x",
    "C1 in UTF-8": b"\xc2\x9b31mred",
    "C1 as a byte": b"\x9b31mred",
    "newline": b"a\nb\n\n1 c",
    "carriage return": b"good\rbad",
    "tab and bell": b"a\tb\x07c\x08\x08",
    "delete": b"a\x7fb",
    "single quote": b"'; !touch pwn '",
    "quote and command": b"';system'>pwn'",
    "both quotes": b"\"'; !touch pwn",
    "back quote": b"`touch pwn`",
    "shell": b"$(touch pwn)",
    "backslash": b"\\",
    "backslash quote": b"\\'\\\"\\n\\x1b",
    "markup": b"<b>&amp;]]>--",
    "JSON": b"\",\"x\":[1}",
    "label": b"a\"} 1\n# EOF\n",
    "format": b"%s%n%d%999999d",
    "right to left": b"\xe2\x80\xaetxt.exe",
    "isolate": b"\xe2\x81\xa6a\xe2\x80\x8bb",
    "not UTF-8": b"\xff\xfe\xc0\xaf",
    "cut UTF-8": b"abc\xe2\x82",
    "surrogate": b"\xed\xa0\x80",
    "no XML": b"\xef\xbf\xbf\xef\xbf\xbe",
    "above": b"\xf0\x9f\x90\xa7\xf3\xa0\x81\x81",
    "line separator": b"a\xe2\x80\xa8b\xe2\x80\xa9c",
    "option": b"--help",
    "end of data": b"EOD",
}
BIDI = set("\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\ufeff\ufffe\uffff")


def harmful(char):
    """Would a terminal act on it, or somebody who reads it be misled?"""
    return (unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") or char in BIDI) \
        and char != "\n"


def clean(said):
    """What is wrong with a text, or nothing."""
    try:
        text = said.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error}"
    bad = sorted({c for c in text if harmful(c)})
    return f"has {bad!a} in it" if bad else ""


def read_json(said):
    clean_already = clean(said)
    if clean_already:
        return clean_already
    try:
        for text in [said] if said.startswith(b"{\n") else said.splitlines():
            json.loads(text)
    except ValueError as error:
        return f"not JSON: {error}"
    return ""


def read_xml(said):
    clean_already = clean(said.replace(b"\t", b" "))
    if clean_already:
        return clean_already
    try:
        xml.etree.ElementTree.fromstring(said)
    except xml.etree.ElementTree.ParseError as error:
        return f"not XML: {error}"
    return ""


LABEL = r'[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf'[a-z_]+(?:\{{{LABEL}(?:,{LABEL})*\}})? [0-9.e+-]+$')


def read_metrics(said):
    try:
        lines = said.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error}"
    ends = [i for i, line in enumerate(lines) if line == "# EOF"]
    if ends and ends != [len(lines) - 2]:
        return "ends in the middle"
    bad = [line for line in lines if line and not line.startswith("# ") and not SAMPLE.match(line)]
    return f"no sample: {bad[0]!a}" if bad else ""


FAULTS = {}     # of a command: what was wrong, by name


def see(command, name, *faults):
    """One look at what a command has said of a name."""
    found = FAULTS.setdefault(command, [])
    found += [f"{name}: {fault}" for fault in faults if fault]
    if os.path.exists("pwn"):
        found.append(f"{name}: was executed")
        os.unlink("pwn")


def run(*arguments, status=None, **more):
    """A command of memstate's; both of what it says."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **more.pop("env", {})}
    program = more.pop("program", memstate)
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=more.pop("stdin", subprocess.DEVNULL), timeout=300,
                          env=environment, check=False, **more)
    fault = ""
    if status is not None and done.returncode != status:
        fault = f"exit status {done.returncode}, not {status}: {done.stderr[-300:]!a}"
    elif done.returncode < 0 or done.returncode > 128:
        fault = f"ended by signal: {done.returncode}"
    return done.stdout, done.stderr, fault


def on_a_terminal(*arguments):
    """What a command prints there, without the terminal's own carriage returns."""
    ours, theirs = os.openpty()
    with subprocess.Popen([memstate, *arguments], stdin=subprocess.DEVNULL, stdout=theirs,
                          stderr=theirs):
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:     # nobody has it open any more
                break
            if not part:
                break
            said += part
    os.close(ours)
    return said.replace(b"\r\n", b"\n")


def look(command, name, reader, *arguments, **more):
    """Run it, and look at both outputs."""
    out, err, fault = run(*arguments, **more)
    see(command, name, fault, reader(out), clean(err))
    return out


def program_named(name, of="/bin/sleep"):
    """A file of that name which is a program."""
    os.makedirs(b"bin", exist_ok=True)
    path = b"bin/" + name
    if not os.path.lexists(path):
        os.symlink(of, path)
    return path


def read(path):
    """A file that was written, and is not wanted any more; nothing if it was not."""
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b"\xff: was not written"
    finally:
        if os.path.exists(path):
            os.unlink(path)


# ---- without the module -----------------------------------------------------------------

def on_the_command_line(title, name):
    for command in re.findall(r"^  ([a-z]+) ", run("help")[0].decode(), re.MULTILINE):
        for arguments in ([b"--" + name], [name, b"x", b"x"], [b"--max", name],
                          [b"--output", b"nowhere/" + name, name]):
            if b"\0" in b"".join(arguments) or (command == "top" and name == b"plain"):
                continue
            look(f"{command}: what is wrong with its arguments", title, clean, command, *arguments)
    look("memstate: no such command", title, clean, name)
    look("memstate help: no such command", title, clean, "help", name)


def of_a_program(title, name):
    program = program_named(name, "/bin/true")
    look("run", title, clean, "run", "--", program, status=0)
    run("run", "--json", "--output", b"x.json", "--", program)
    see("run --json", title, read_json(read("x.json")))
    look("run: no such program", title, clean, "run", "--", b"./none-" + name, status=127)
    os.unlink(program)
    program = program_named(name)
    process = subprocess.Popen([program, "600"])
    look("scan", title, clean, "scan", str(process.pid), status=0)
    look("scan --json", title, read_json, "scan", "--json", str(process.pid), status=0)
    process.kill()
    process.wait()
    os.unlink(program)


LOG = b"""1<NAME> execve("/bin/NAME", ["NAME"], 0x7ffc /* 1 var */) = 0
1<NAME> mmap(NULL, 1048576, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
1<NAME> mmap(NAME, 4096, PROT_READ, MAP_PRIVATE, 3</NAME>, 0) = 0x7f1000000000
1<NAME> madvise(0x7f0000000000, NAME) = 0
NAME
1<NAME> mmap(NULL, 4096, NAME
1<NAME> exit_group(0) = ?
"""


def of_a_log(title, name):
    log = b"log-" + name
    with open(log, "wb") as f:
        f.write(LOG.replace(b"NAME", name))
    for option in ((), ("--classes",), ("--marks",)):
        look("replay", title, clean, "replay", *option, log)
    look("replay --json", title, lambda out: read_json(out) if out else "", "replay", "--json", log)
    with open(log, "wb") as f:
        f.write(LOG.split(b"\n")[1].replace(b"<NAME>", b"") + b"\n")
    recording = b"rec-" + name
    look("replay --record", title, clean, "replay", "--record", recording, log, status=0)
    with open(recording, "rb") as f:
        see("replay --record", title, read_json(f.read()))
    of_a_recording(title, recording, name)
    os.unlink(log)


def of_a_recording(title, recording, name):
    """Pictures of it; then it goes."""
    for form, reader in ((b".svg", read_xml), (b".gp", clean)):
        picture = b"plot-" + name + form
        look("plot", title, clean, "plot", recording, "-o", picture, b"--title=" + name, status=0)
        see(f"plot: a picture {form.decode()}", title, reader(read(picture)))
    os.unlink(recording)


def of_a_damaged_recording(title, name):
    path = b"bad-" + name
    with open(path, "wb") as f:
        f.write(b'{"type":"header","format":"' + name + b'"}\n{' + name + b"\n")
    look("plot: what is no recording", title, clean, "plot", path, "-o", b"x.svg")
    os.unlink(path)


def of_a_container(title, name):
    text = name.decode("utf-8", "surrogateescape")
    state = {"ociVersion": "1.0.2", "id": text, "status": "created", "pid": os.getpid(),
             "bundle": "/nonexistent/" + text,
             "annotations": {"io.memstate." + text: text, "io.memstate.max": text}}
    document = json.dumps(state, ensure_ascii=False).encode("utf-8", "surrogateescape")
    for said in (document, name, b'{"id":' + name + b"}"):
        with open("state", "wb") as f:
            f.write(said)
        with open("state", "rb") as f:
            look("memstate-oci-hook", title, clean, program=hook, stdin=f)
        with open("state", "rb") as f:
            look("memstate-oci-hook", title, clean, "--dry-run", program=hook, stdin=f)


# ---- with the module --------------------------------------------------------------------

CGROUPS = b"/sys/fs/cgroup/"


def enter(cgroup):
    with open(cgroup + b"/cgroup.procs", "w") as f:
        f.write("0")


def of_a_group(title, name):
    cgroup = CGROUPS + b"names-" + name
    try:
        os.mkdir(cgroup)
    except OSError:     # as cgroupfs takes none with a newline
        cgroup = CGROUPS + b"names-" + title.replace(" ", "-").encode()
        os.mkdir(cgroup)
    # Not --quiet: it reports from its beginning, though it does nothing that is reported.
    process = subprocess.Popen([memstate, "run", "--reported", "--", program_named(name), "600"],
                               stderr=subprocess.DEVNULL, preexec_fn=lambda: enter(cgroup))
    reports = tap.soon(lambda: subprocess.run(
        ["pgrep", "-P", str(process.pid)], stdout=subprocess.PIPE, check=False).stdout.split(), 0.1)
    pid = reports[0].decode()
    tap.soon(lambda: not run("stat", pid, status=0)[2], 0.1)
    try:
        with_module(title, name, cgroup, pid)
    finally:
        os.kill(int(pid), signal.SIGKILL)
        process.wait()
        tap.soon(lambda: gone(cgroup), 0.1)


def gone(cgroup):
    try:
        os.rmdir(cgroup)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


# Takes memory until it is refused.
HOG = 'BEGIN { s = "x"; while (1) s = s s }'


def hog_named(name):
    os.makedirs(b"hog", exist_ok=True)
    path = b"hog/" + name
    if not os.path.lexists(path):
        os.symlink("/usr/bin/mawk", path)
    return path


def refuse(title, name, cgroup):
    """A program of that name is refused memory in the group."""
    run("limit", cgroup, "--max", "16M", status=0)
    subprocess.run([hog_named(name), HOG], stderr=subprocess.DEVNULL, check=False,
                   preexec_fn=lambda: enter(cgroup))
    group, = json.loads(run("stat", "--groups", "--json", cgroup, status=0)[0])["groups"]
    said = group["last_refusal"] and group["last_refusal"]["comm"]
    try:
        wrong = said != name.decode()
    except UnicodeDecodeError:
        wrong = "\ufffd" not in said
    see("stat --groups --json: who was refused", title, f"it is {said!a}" if wrong else "")


def with_module(title, name, cgroup, pid):
    refuse(title, name, cgroup)
    for options in ((), ("--line",), ("--classes",)):
        look("stat", title, clean, "stat", *options, pid, status=0)
    look("stat --json", title, read_json, "stat", "--json", pid, status=0)
    look("limit", title, clean, "limit", cgroup, "--max", "1G", status=0)
    look("limit --json", title, read_json, "limit", "--json", cgroup, status=0)
    look("observe", title, clean, "observe", cgroup, status=0)
    look("observe --json", title, read_json, "observe", "--json", cgroup, status=0)
    look("stat --groups", title, clean, "stat", "--groups", status=0)
    look("stat --groups", title, clean, "stat", "--groups", cgroup, status=0)
    look("stat --groups --json", title, read_json, "stat", "--groups", "--json", status=0)
    look("watch", title, clean, "watch", "--count", "1", cgroup, status=0)
    look("watch --json", title, read_json, "watch", "--json", "--count", "1", cgroup, status=0)
    look("ranges", title, clean, "ranges", pid, status=0)
    look("audit", title, clean, "audit", pid, status=0)
    look("top --batch", title, clean, "top", "--batch", "--iterations", "1", status=0)
    look("top --batch", title, clean, "top", "--batch", "--iterations", "1", "--cgroup", cgroup)
    look("top --batch in another locale", title, lambda out: clean(out) and "has more than ASCII",
         "top", "--batch", "--iterations", "1", status=0, env={"LC_ALL": "C"})
    for form in ("prometheus", "openmetrics"):
        look(f"export --format {form}", title, read_metrics, "export", "--format", form, "--groups", "--tasks",
             status=0)
    see("export on a terminal", title, clean(on_a_terminal("export", "--groups", "--tasks")))
    for target in (("--pid", pid), ("--group", cgroup)):
        look("record", title, clean, "record", "-o", b"rec-" + name, "--duration", "0.1",
             "--interval", "0.05", *target, status=0)
        with open(b"rec-" + name, "rb") as f:
            see("record", title, read_json(f.read()))
        of_a_recording(title, b"rec-" + name, name)
    look("run --max, below such a group", title, clean, "run", "--max", "8M", "--",
         "sh", "-c", 'exec "$0" "$1" 2>/dev/null', hog_named(name), HOG, status=2, preexec_fn=lambda: enter(cgroup))


os.makedirs(where, exist_ok=True)
os.chdir(where)
if os.path.exists("pwn"):
    os.unlink("pwn")
for title, name in NAMES.items():
    if device:
        of_a_group(title, name)
        continue
    on_the_command_line(title, name)
    of_a_program(title, name)
    of_a_log(title, name)
    of_a_damaged_recording(title, name)
    of_a_container(title, name)
for command, faults in FAULTS.items():
    tap.ok(not faults, command, "\n".join(faults))
tap.end()
