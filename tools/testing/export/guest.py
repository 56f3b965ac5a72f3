# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""guest.py MODULE PREFIX RULES DASHBOARD: the part in the virtual machine, as TAP.

PREFIX is where memstate is installed. The module, programs in groups with limits, three exporters, and Debian's prometheus and
node_exporter that scrape them. All of it on the loopback interface.
"""
import concurrent.futures
import http.client
import os
import re
import shutil
import subprocess
import sys
import urllib.request

import dashboard as board
import figures

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import PATIENCE, end, ok, soon  # noqa: E402

MODULE, PREFIX, RULES, DASHBOARD = sys.argv[1:5]
CGROUPS = "/sys/fs/cgroup"
GROUPS = "/sys/class/misc/memstate/groups"
URL = "http://127.0.0.1:9090"
DIR = "/tmp/export-guest"
MEMSTATE = f"{DIR}/bin/memstate"
# instance: its user and options
EXPORTERS = {
    "127.0.0.1:10190": ("root", ("--groups", "--tasks")),
    "[::1]:10191": ("nobody", ("--groups", "--tasks")),
    "127.0.0.2:10192": ("nobody", ()),
}
# What is in a state of its own on the inside, held by a program that is at rest.
WORK = """
import sys
held = [bytearray(1 << 16) for _ in range(int(sys.argv[1]) * 16)]
print("ready", flush=True)
for line in sys.stdin:
    try:
        bytearray(256 << 20)
        print("there was room", flush=True)
    except MemoryError:
        print("refused", flush=True)
"""
# What a server that is late, or not there yet, may answer.
FAILURES = (OSError, http.client.HTTPException)
children = []


def at_last(name, wrong):
    """A test: in the end nothing is wrong. wrong() lists what is; what it says last counts, and
    it is not asked again: one scrape that comes too late makes everything stale."""
    said = []

    def right():
        said[:] = wrong()
        return not said
    ok(soon(right), name, "\n".join(said[:20]))


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def start(*command, **options):
    child = subprocess.Popen(command, **options)
    children.append(child)
    return child


def program(cgroup, megabytes, *options):
    """A Python that holds memory, in a cgroup."""
    child = start("sh", "-c", f"echo $$ >'{cgroup}/cgroup.procs' && exec \"$@\"", "sh", MEMSTATE,
                  "run", "--reported", "--quiet", *options, "--", sys.executable, "-c", WORK, str(megabytes),
                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ok(child.stdout.readline() == "ready\n", f"a program with {megabytes} MiB is at rest")
    return child


def silent(cgroup, megabytes):
    """A Python that reports nothing, in a cgroup; it holds nothing, and wants so much."""
    return subprocess.run(
        ["sh", "-c", f"echo $$ >'{cgroup}/cgroup.procs' && exec \"$@\"", "sh", sys.executable, "-c",
         f"try:\n bytearray({megabytes} << 20)\nexcept MemoryError:\n print('refused')"],
        stdout=subprocess.PIPE, text=True, check=False).stdout == "refused\n"


def refused(child):
    child.stdin.write("more\n")
    child.stdin.flush()
    return child.stdout.readline() == "refused\n"


def exporter(instance):
    user, options = EXPORTERS[instance]
    command = [MEMSTATE, "export", "--listen", instance, *options]
    if user != "root":
        # As the unit has it: no rights at all.
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                   "--bounding-set=-all", "--no-new-privs", *command]
    child = start(*command, stderr=subprocess.PIPE, text=True)
    line = child.stderr.readline()
    ok(f"listening on http://{instance}/metrics" in line, f"an exporter listens on {instance}", line)
    return child


def instant(query):
    """{(name, labels without instance and job): value}"""
    answer = board.get(URL, "/api/v1/query", query=query)
    found = {}
    for result in answer.get("data", {}).get("result", ()):
        labels = {k: v for k, v in result["metric"].items()
                  if k not in ("instance", "job", "__name__")}
        found[result["metric"].get("__name__"), frozenset(labels.items())] = float(result["value"][1])
    return found


def targets():
    answer = board.get(URL, "/api/v1/targets")
    return {t["labels"]["instance"]: t for t in answer.get("data", {}).get("activeTargets", ())}


def scrape(address, path="/metrics"):
    request = urllib.request.Request(f"http://{address}{path}", headers={
        "Accept": "application/openmetrics-text;version=1.0.0"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return answer.read().decode()


def run_prometheus():
    write(f"{DIR}/prometheus.yml", f"""
global: {{scrape_interval: 5s, scrape_timeout: 4s, evaluation_interval: 5s}}
rule_files: ["{RULES}"]
scrape_configs:
  - job_name: memstate
    static_configs: [{{targets: {[*EXPORTERS]}}}]
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:9100"]}}]
""")
    log = open(f"{DIR}/prometheus.log", "w", encoding="utf-8")
    start("prometheus", f"--config.file={DIR}/prometheus.yml", f"--storage.tsdb.path={DIR}/tsdb",
          "--web.listen-address=127.0.0.1:9090", stdout=log, stderr=log)

    def ready():
        try:
            return urllib.request.urlopen(f"{URL}/-/ready", timeout=10).status == 200
        except FAILURES:
            return False
    return soon(ready)


def textfile():
    """node_exporter's textfile collector takes what is written."""
    os.mkdir(f"{DIR}/textfile")
    path = f"{DIR}/textfile/memstate.prom"
    done = subprocess.run([MEMSTATE, "export", "--groups", "--tasks", "--output", path], check=False)
    ok(done.returncode == 0 and os.listdir(f"{DIR}/textfile") == ["memstate.prom"],
       "--output writes one file", os.listdir(f"{DIR}/textfile"))
    start("prometheus-node-exporter", "--web.listen-address=127.0.0.1:9100",
          "--collector.disable-defaults", "--collector.textfile",
          f"--collector.textfile.directory={DIR}/textfile", stdout=subprocess.DEVNULL,
          stderr=subprocess.DEVNULL)

    def told():
        try:
            return scrape("127.0.0.1:9100")
        except FAILURES:
            return ""
    text = soon(told)
    found = figures.parse(text)
    mine = {key: value for key, value in found.items() if key[0].startswith("memstate_")}
    wrong = figures.differences(mine, figures.expected("/", True, True), "anon_bytes$")
    ok(found.get(("node_textfile_scrape_error", frozenset())) == 0 and not wrong and len(mine) > 150,
       "node_exporter's textfile collector tells the same", f"{len(mine)} {wrong[:9]}")


def values():
    """Prometheus has for each instance what the module's files say."""
    for instance, (user, options) in EXPORTERS.items():
        wanted = figures.expected("/", "--groups" in options, "--tasks" in options and user == "root")

        def wrong(instance=instance, wanted=wanted):
            found = instant(f'{{instance="{instance}",__name__=~"memstate_.*"}}')
            return figures.differences(found, wanted, "anon_bytes$")
        at_last(f"Prometheus has the {len(wanted)} values of {instance} as sysfs has them", wrong)

    def not_counted():
        found = instant('memstate_export_left_out{instance="[::1]:10191",reason="permission"}')
        key = "memstate_export_left_out", frozenset({"object": "task",
                                                     "reason": "permission"}.items())
        return [] if found.get(key) == len(os.listdir(f"{GROUPS}/../tasks")) >= 2 else [f"{found}"]
    at_last("tasks that are others' are counted", not_counted)

    def no_path():
        paths = instant('memstate_group_tasks{instance="[::1]:10191"}')
        return [] if any(dict(labels).get("group") == '/export "odd\\'
                         for _, labels in paths) else [f"{paths}"]
    at_last("a hostile path arrives as it is, also from nobody's exporter", no_path)

    def other_anon():
        anon = instant('memstate_group_anon_bytes{instance="127.0.0.1:10190",group="/export"}')
        with open(f"{CGROUPS}/export/memory.stat", encoding="ascii") as f:
            real = int(re.search(r"^anon (\d+)", f.read(), re.M)[1])
        return [] if len(anon) == 1 and abs([*anon.values()][0] - real) < 4 << 20 < real else [
            f"{anon} {real}"]
    at_last("anon is what the cgroup has", other_anon)

    def no_unit():
        answer = board.get(URL, "/api/v1/targets/metadata", metric="memstate_group_charged_bytes")
        ours = [m for m in answer.get("data", ()) if "1019" in m["target"]["instance"]]
        return [] if ours and all(m["unit"] == "bytes" and m["type"] == "gauge"
                                  for m in ours) else [f"{answer}"]
    at_last("Prometheus has the unit, so it asked for OpenMetrics and got it", no_unit)


def at_once():
    """Parsed afterwards: who parses here lets others wait, who have connected and not asked yet."""
    wanted = figures.expected("/", True, True)
    texts, failures = [], []

    def one(_):
        try:
            texts.append(scrape("127.0.0.1:10190"))
        except FAILURES as error:
            failures.append(f"{error!r}")
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        list(pool.map(one, range(50)))
    wrong = failures + figures.differences_of_all(texts, wanted, "anon_bytes$")
    ok(not wrong and len(texts) == 50, "50 scrapes at once are all right", "\n".join(wrong[:20]))


def rules():
    found = []

    def evaluated():
        answer = board.get(URL, "/api/v1/rules")
        found[:] = [rule for group in answer.get("data", {}).get("groups", ())
                    for rule in group["rules"]]
        # unknown: not yet
        return found and all(rule["health"] != "unknown" for rule in found)
    soon(evaluated)
    ok(len(found) >= 15 and all(rule["health"] == "ok" for rule in found),
       f"{len(found)} alert rules are evaluated well",
       [(r["name"], r["health"], r.get("lastError")) for r in found if r["health"] != "ok"])


def firing():
    answer = board.get(URL, "/api/v1/alerts")
    return [(a["labels"]["alertname"], a["labels"].get("group"), a["labels"]["instance"])
            for a in answer.get("data", {}).get("alerts", ()) if a["state"] == "firing"]


def panels():
    """Each panel of the dashboard has something to show, sooner or later."""
    queries = list(board.queries(board.load(DASHBOARD)))
    answers = {}

    def shown():
        for panel in queries:
            status, nr = answers.get(panel, ("", 0))
            if status != "success" or not nr:
                answers[panel] = board.ask(URL, panel[1])
        return all(status == "success" and nr for status, nr in answers.values())
    soon(shown)
    for (title, query), (status, nr) in answers.items():
        ok(status == "success" and nr > 0, f"dashboard, {title}: {nr} series", f"{status}: {query}")


def main():
    # Where nobody may execute it, too.
    shutil.copytree(PREFIX, DIR, symlinks=True)
    absent = subprocess.run([MEMSTATE, "export"], capture_output=True, text=True, check=False)
    ok(absent.returncode == 1 and "the module is not loaded" in absent.stderr and
       "memstate_up 0" in absent.stdout, "without the module it says so", absent)
    ok(subprocess.run(["insmod", MODULE], check=False).returncode == 0, "the module is loaded")
    limited, odd = f"{CGROUPS}/export", f'{CGROUPS}/export "odd\\'
    inner = f"{limited}/inner"
    for cgroup in limited, odd, inner:
        os.mkdir(cgroup)
    number = os.stat(limited).st_ino
    first = program(limited, 24, "--malloc")
    second = program(odd, 8)
    write(f"{GROUPS}/{number}/max", "96M")
    write(f"{GROUPS}/{number}/high", "64M")
    subprocess.run([MEMSTATE, "limit", inner, "--max", "1G"], stdout=subprocess.DEVNULL, check=True)

    exporters = [exporter(instance) for instance in EXPORTERS]
    for instance, child in zip(EXPORTERS, exporters):
        again = subprocess.run([MEMSTATE, "export", "--listen", instance], stderr=subprocess.PIPE,
                               text=True, check=False)
        ok(again.returncode == 1 and "Address already in use" in again.stderr and
           child.poll() is None, f"a second one on {instance} is told", again)
    if not ok(run_prometheus(), "prometheus runs"):
        with open(f"{DIR}/prometheus.log", encoding="utf-8") as f:
            print("".join(f"# {line}" for line in f))
        return
    textfile()
    ok(soon(lambda: {i: t["health"] for i, t in targets().items()} ==
            dict.fromkeys([*EXPORTERS, "127.0.0.1:9100"], "up")),
       "prometheus scrapes three exporters and node_exporter",
       {i: (t["health"], t["lastError"]) for i, t in targets().items()})
    values()
    at_once()
    ok(refused(first), "a limit refuses")
    alert = ("MemstateGroupDenied", "/export", "127.0.0.1:10190")
    ok(soon(lambda: alert in firing()), "and the alert fires", firing())
    # Each target is scraped at its own time: the same refusal is seen seconds later here.
    alert_of_all = ("MemstateDenied", None, "127.0.0.2:10192")
    ok(soon(lambda: alert_of_all in firing()), "without groups it fires for the system", firing())
    ok(silent(inner, 256), "a limit above a group refuses")
    alert = ("MemstateGroupRefused", "/export/inner", "127.0.0.1:10190")
    ok(soon(lambda: alert in firing()), "and the alert of that group fires", firing())
    wanted = instant('memstate_group_last_refusal_wanted_bytes{instance="127.0.0.1:10190",group="/export/inner"}')
    ok(len(wanted) == 1 and 256 << 20 <= [*wanted.values()][0] < 258 << 20,
       "with what was wanted", wanted)
    values()
    rules()
    panels()

    for child in first, second:
        child.stdin.close()
        child.wait()
    gone = subprocess.run(["rmmod", "memstate"], stderr=subprocess.PIPE, text=True, check=False)
    ok(gone.returncode == 0, "the module can be unloaded beside three exporters", gone)
    ok(soon(lambda: all(t["health"] == "down" and "503" in t["lastError"]
                        for i, t in targets().items() if i in EXPORTERS)),
       "prometheus sees 503", {i: t["lastError"] for i, t in targets().items()})
    subprocess.run(["insmod", MODULE], check=True)
    ok(soon(lambda: all(t["health"] == "up" for i, t in targets().items() if i in EXPORTERS)),
       "and figures when it is back", {i: t["lastError"] for i, t in targets().items()})
    for child in exporters:
        child.terminate()
    ok([child.wait(PATIENCE) for child in exporters] == [0, 0, 0], "SIGTERM ends exporters well")
    subprocess.run(["rmmod", "memstate"], check=True)


try:
    main()
finally:
    for process in children:
        process.kill()
end()
