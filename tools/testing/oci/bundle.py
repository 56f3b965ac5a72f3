#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Make an OCI bundle: the system's own /usr, and what a CDI specification adds.

bundle.py DIR [--cdi FILE [--device NAME]] [--hook PATH] [--cgroup PATH] [--memory BYTES]
          [--annotation KEY=VALUE]... [--bind DIR]... -- COMMAND...

The specification's device (default) and its common edits are applied as a container
engine applies them: https://github.com/cncf-tags/container-device-interface.
"""
import argparse
import json
import os
import stat

CAPABILITIES = ["CAP_" + name for name in (
    "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE "
    "SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP").split()]
NO = ["nosuid", "noexec", "nodev"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("dir")
    parser.add_argument("--cdi")
    parser.add_argument("--device", default="default")
    parser.add_argument("--hook")
    parser.add_argument("--cgroup")
    parser.add_argument("--memory", type=int)
    parser.add_argument("--annotation", action="append", default=[])
    parser.add_argument("--bind", action="append", default=[])
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def bind(path):
    return {"type": "bind", "source": path, "destination": path,
            "options": ["bind", "ro", "nosuid", "nodev"]}


def make_root(root):
    """Directories, and /bin, /lib and so on as the system has them."""
    mounts = [bind("/usr")]
    for name in "usr", "proc", "dev", "sys", "tmp":
        os.makedirs(os.path.join(root, name), exist_ok=True)
    for name in "bin", "lib", "lib64", "sbin":
        if os.path.islink("/" + name):
            if not os.path.lexists(os.path.join(root, name)):
                os.symlink(os.readlink("/" + name), os.path.join(root, name))
        elif os.path.isdir("/" + name):
            os.makedirs(os.path.join(root, name), exist_ok=True)
            mounts.append(bind("/" + name))
    return mounts


def device(node):
    """What a runtime wants to know, of a device of this machine."""
    found = os.stat(node.get("hostPath", node["path"]))
    kind = "c" if stat.S_ISCHR(found.st_mode) else "b"
    numbers = {"major": os.major(found.st_rdev), "minor": os.minor(found.st_rdev)}
    return ({"path": node["path"], "type": kind, "fileMode": stat.S_IMODE(found.st_mode),
             "uid": found.st_uid, "gid": found.st_gid, **numbers},
            {"allow": True, "type": kind, "access": node.get("permissions", "rwm"),
             **numbers})


def apply_edits(config, edits):
    known = {"env", "deviceNodes", "mounts", "hooks"}
    if set(edits) - known:
        raise SystemExit(f"edits that are none: {set(edits) - known}")
    config["process"]["env"] += edits.get("env", [])
    for node in edits.get("deviceNodes", []):
        entry, rule = device(node)
        config["linux"]["devices"].append(entry)
        config["linux"]["resources"]["devices"].append(rule)
    for mount in edits.get("mounts", []):
        config["mounts"].append({"type": "bind", "source": mount["hostPath"],
                                 "destination": mount["containerPath"],
                                 "options": mount["options"]})
    for hook in edits.get("hooks", []):
        name = hook["hookName"]
        config["hooks"].setdefault(name, []).append(
            {key: value for key, value in hook.items() if key != "hookName"})


def main():
    args = arguments()
    mounts = make_root(os.path.join(args.dir, "rootfs"))
    mounts += [
        {"type": "proc", "source": "proc", "destination": "/proc"},
        {"type": "tmpfs", "source": "tmpfs", "destination": "/dev",
         "options": ["nosuid", "mode=755", "size=65536k"]},
        {"type": "sysfs", "source": "sysfs", "destination": "/sys", "options": NO + ["ro"]},
        # its own, to be written to
        {"type": "cgroup", "source": "cgroup", "destination": "/sys/fs/cgroup",
         "options": NO + ["rw"]},
    ]
    config = {
        "ociVersion": "1.0.2",
        "hostname": "container",
        "root": {"path": "rootfs"},
        "process": {
            "terminal": False, "user": {"uid": 0, "gid": 0}, "cwd": "/",
            "args": args.command, "noNewPrivileges": True,
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            "capabilities": {kind: CAPABILITIES for kind in (
                "bounding", "effective", "permitted")},
        },
        "mounts": mounts + [bind(path) for path in args.bind],
        "annotations": dict(pair.split("=", 1) for pair in args.annotation),
        "hooks": {},
        "linux": {
            "cgroupsPath": args.cgroup,
            "namespaces": [{"type": kind} for kind in (
                "pid", "ipc", "uts", "mount", "cgroup")],
            "devices": [],
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        },
    }
    if args.memory:
        config["linux"]["resources"]["memory"] = {"limit": args.memory}
    if args.hook:
        config["hooks"]["createRuntime"] = [{"path": args.hook}]
    if args.cdi:
        with open(args.cdi, encoding="utf-8") as spec:
            spec = json.load(spec)
        if (spec["cdiVersion"], spec["kind"]) != ("0.3.0", "memstate.org/accounting"):
            raise SystemExit("not our specification")
        apply_edits(config, spec["containerEdits"])
        found, = [device for device in spec["devices"] if device["name"] == args.device]
        apply_edits(config, found["containerEdits"])
    with open(os.path.join(args.dir, "config.json"), "w", encoding="utf-8") as out:
        json.dump(config, out, indent=1)


main()
