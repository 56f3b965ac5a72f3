# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What an exporter's text says, and what it has to say by the module's files.

figures.py [--groups] [--tasks] DIR TEXT: compare the two; DIR has sysfs,
proc and a mount of cgroups as fake.py makes them, or is "/" for the real ones.

The names are made here by rule from those of the files, and not taken from the program.
"""
import argparse
import glob
import os
import re
import sys
import time

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as prometheus

COUNTERS = {"transitions", "drift", "rejected", "unmaps", "resyncs", "denied", "breaches"}
PLAIN = {"ranges": "ranges", "nr_tasks": "tasks", "observed_tasks": "observed_tasks",
         "enforced": "enforced"}
BYTES = {"ready_direct": "ready_direct", "peak_ready": "peak_ready", "charged": "charged",
         "inherited": "inherited", "breached": "breached", "commit": "commit", "backed": "backed",
         "pending": "pending", "excess": "excess", "observed_breached": "observed_breached",
         "commit_max": "limit_commit_max", "peak": "peak_charged",
         "high": "limit_high", "max": "limit_max", "alloc_data_bytes": "alloc_data",
         "alloc_idle_bytes": "alloc_idle", "alloc_slab_bytes": "alloc_slab"}
ALLOC = {"alloc_allocated_bytes": "allocated_bytes_total", "alloc_freed_bytes": "freed_bytes_total",
         "alloc_allocated_count": "allocations_total", "alloc_freed_count": "frees_total"}
STATES = ("reserved", "prepared", "ready")
PRESSURES = {"none": 0, "high": 1, "max": 2}


def parse(text):
    """{(name, labels): value}, by the strict parser if it is OpenMetrics."""
    strict = text.endswith("# EOF\n")
    families = (openmetrics if strict else prometheus).text_string_to_metric_families(text)
    found = {}
    for family in families:
        assert family.documentation, f"{family.name} has no help"
        assert family.type != "unknown", f"{family.name} has no type"
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def read(path):
    with open(path, "rb") as f:
        return f.read().decode("utf-8", "replace")[:-1]


def of_refusal(prefix, text):
    """{name: value} of the last refusal of a group."""
    if not text.strip():
        return {}
    said = dict(re.findall(r' ([a-z_]+)=([0-9.]+)', " " + re.sub(r'"[^"]*"', '""', text)))
    bytes_, charged, backed, percent = (int(said[key]) for key in ("bytes", "charged", "backed", "overcommit"))
    limit = int(said.get("max", 0))
    left = min(limit - backed, limit * percent // 100 - charged) if limit else int(said["commit_max"]) - charged
    boot = time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_BOOTTIME)
    return {f"{prefix}last_refusal_wanted_bytes": bytes_,
            f"{prefix}last_refusal_left_bytes": max(left, 0),
            f"{prefix}last_refusal_timestamp_seconds": int(boot + float(said["at"])),
            f"{prefix}refusals_total": int(said["nr"])}


def of_file(prefix, name, text, system):
    """(name, labels, value) of the sample that a file becomes, or None."""
    if text == "max" and name in ("high", "max", "commit_max"):
        return None
    if name == "pressure":
        return prefix + "pressure", {}, PRESSURES[text]
    value = int(text)
    parts = name.split("/")
    if parts[-1] in STATES:
        # The system has them by class, the others in sum.
        if system == (len(parts) == 1):
            return None
        labels = {"state": parts[-1]}
        if system:
            labels["class"] = parts[0]
        return prefix + "bytes", labels, value
    if name.endswith("_lazy"):
        return prefix + "lazy_bytes", {"state": name[:-5]}, value
    if name.startswith("events_local_"):
        return None if system else (prefix + "events_local_total", {"event": name[13:]}, value)
    if name.startswith("events_"):
        return prefix + "events_total", {"event": name[7:]}, value
    if name in COUNTERS:
        return f"{prefix}{name}_total", {}, value
    if name in PLAIN:
        return prefix + PLAIN[name], {}, value
    if name in ALLOC:
        return prefix + ALLOC[name], {}, value
    return f"{prefix}{BYTES[name]}_bytes", {}, value


def of_lines(found, lines, prefix, labels, passed):
    for key, text in lines.items():
        name = key.replace(".", "/")
        if name in passed:
            continue
        sample = of_file(prefix, name, text, False)
        if sample:
            found[sample[0], frozenset({**sample[1], **labels}.items())] = sample[2]


def of_directory(found, directory, prefix, labels, only="", passed=(), system=False):
    for path in glob.glob(f"{directory}/*") + glob.glob(f"{directory}/*/*"):
        name = os.path.relpath(path, directory)
        if not os.path.isfile(path) or name in passed or not re.match(only, name) or \
                re.match(r"(groups|tasks|power|subsystem)/|dev$|uevent$|path$|parent$|group$|"
                         r"hooks$|observe$|overcommit$|trust$|last_refusal$", name):
            continue
        sample = of_file(prefix, name, read(path), system)
        if sample:
            found[sample[0], frozenset({**sample[1], **labels}.items())] = sample[2]
    if not system and os.path.isfile(f"{directory}/last_refusal"):
        for name, value in of_refusal(prefix, read(f"{directory}/last_refusal")).items():
            found[name, frozenset(labels.items())] = value


def same(name, one, other):
    """The clock on the wall is not read at the same moment, and may be set meanwhile."""
    if name.endswith("_timestamp_seconds") and None not in (one, other):
        return abs(one - other) <= 2
    return one == other


def expected(top, groups, tasks):
    """The same as parse() should find, but for what the exporter says of itself."""
    fake = top != "/"
    sysfs = f"{top}/sysfs" if fake else "/sys/class/misc/memstate"
    mount = f"{top}/cgroup mount" if fake else "/sys/fs/cgroup"
    anon, found = {}, {}
    for directory, _, _ in os.walk(os.fsencode(mount)):
        stat = os.path.join(directory, b"memory.stat")
        if os.path.exists(stat):
            anon[str(os.stat(directory).st_ino)] = int(
                re.search(r"^anon (\d+)", read(stat), re.M)[1])
    of_directory(found, sysfs, "memstate_", {}, system=True)
    for directory in glob.glob(f"{sysfs}/groups/*"):
        number = os.path.basename(directory)
        if not os.path.exists(f"{directory}/parent"):
            continue
        # What nobody tells is found by its number.
        path = f"{directory}/path"
        name = read(path) if os.path.exists(path) else "/web.slice/blank me"
        labels = {"group": name, "cgroup_id": number}
        if number in anon and groups:
            found["memstate_group_anon_bytes", frozenset(labels.items())] = anon[number]
        if read(f"{directory}/parent") == "0":
            if number in anon:
                found["memstate_anon_bytes", frozenset()] = anon[number]
            of_directory(found, directory, "memstate_", {},
                         r"(peak|high|max|pressure|events_.*)$", system=True)
        if groups:
            of_directory(found, directory, "memstate_group_", labels)
    for path in glob.glob(f"{sysfs}/tasks/*") if tasks else ():
        lines = dict(line.split(" ", 1) for line in read(path).split("\n"))
        pid = lines["pid"]
        proc = f"{top}/proc/{pid}"
        labels = {"comm": read(f"{proc}/comm"), "pid": pid, "cgroup_id": lines["group"]}
        passed = {"pid", "group", "alloc_nr_shards"}
        if lines["alloc_nr_shards"] == "0":
            passed |= {name for name in lines if name.startswith("alloc_")}
        of_lines(found, lines, "memstate_task_", labels, passed)
        rss = re.search(r"^RssAnon:\s*(\d+)", read(f"{proc}/status"), re.M) \
            if os.path.exists(f"{proc}/status") else None
        if rss:
            found["memstate_task_anon_bytes", frozenset(labels.items())] = int(rss[1]) * 1024
    return found


def own(name):
    """Is it of the exporter itself?"""
    return re.match(r"memstate_(up|build_info|module_info|export_\w+)$", name)


def differences(found, wanted, ignore):
    """Lines that tell what is missing, too much, or another value."""
    lines = []
    for key in sorted(found.keys() | wanted.keys(), key=str):
        if own(key[0]) or re.search(ignore, key[0]):
            continue
        if not same(key[0], found.get(key), wanted.get(key)):
            lines.append(f"{key[0]} {dict(key[1])}: {found.get(key)}, want {wanted.get(key)}")
    return lines


def differences_of_all(texts, wanted, ignore):
    """The same of many texts. Those that differ in what the exporter says of itself only are
    parsed once: they may be many, and the parser is slow."""
    kinds = {re.sub(r"(?m)^memstate_export_.*\n", "", text): text for text in texts}
    return [line for text in kinds.values() for line in differences(parse(text), wanted, ignore)]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--groups", action="store_true")
    options.add_argument("--tasks", action="store_true")
    options.add_argument("dir")
    options.add_argument("text")
    options = options.parse_args()
    with open(options.text, encoding="utf-8", newline="") as f:
        found = parse(f.read())
    assert found["memstate_up", frozenset()] == 1
    wanted = expected(options.dir, options.groups, options.tasks)
    # In the real tree what is observed moves while we look.
    wrong = differences(found, wanted, ignore="anon_bytes$" if options.dir == "/" else "$^")
    print("\n".join(wrong[:40]))
    print(f"{len(found)} samples, {len(wanted)} wanted, {len(wrong)} differ")
    sys.exit(1 if wrong or len(wanted) < 45 else 0)


if __name__ == "__main__":
    main()
