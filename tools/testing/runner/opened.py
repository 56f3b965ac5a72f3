# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Whether suites declare all that they read: from outside, by looking which files of the tree are
opened while one runs.

The suite runs alone in a copy in which nothing is built, and inotify tells of whatever opens a
file there, also for a virtual machine. What it does not tell of is a file that is only looked
for, or whose name alone is read.
"""

import pathlib
import shutil
import subprocess
import time

from tree import Tree

# git's own, and what it reads beside
UNDECLARED = {".gitignore"}


class TraceError(Exception):
    """It cannot be looked."""


class Watch:
    """Which files below a folder are opened, but for what is built there."""

    def __init__(self, top, names, log):
        self.top = pathlib.Path(top)
        self.log = pathlib.Path(log)
        self.log.unlink(missing_ok=True)    # it would be appended to
        folders = sorted({str(self.top / pathlib.Path(name).parent) for name in names})
        listed = self.log.with_suffix(".folders")
        listed.write_text("\n".join(folders) + "\n", encoding="utf-8")
        if not shutil.which("inotifywait"):
            raise TraceError("no inotifywait: install the Debian package inotify-tools")
        with open(self.log.with_suffix(".err"), "w+", encoding="utf-8") as err:
            self.process = subprocess.Popen(
                ["inotifywait", "-m", "-e", "open", "--format", "%w%f", "-o", self.log, "--fromfile", listed],
                stdout=subprocess.DEVNULL, stderr=err)
            until = time.monotonic() + 300
            while "Watches established" not in self._read(err):
                if self.process.poll() is not None or time.monotonic() > until:
                    raise TraceError(f"inotifywait: {self._read(err)}")
                time.sleep(0.05)

    @staticmethod
    def _read(file):
        file.seek(0)
        return file.read()

    def end(self):
        """The names of what was opened, in the tree. A file that is opened now must come last."""
        last = self.top / "opened-last"
        last.touch()
        until = time.monotonic() + 300
        opened = ""
        while str(last) not in opened:
            if time.monotonic() > until:
                raise TraceError("inotifywait tells of nothing any more")
            time.sleep(0.05)
            opened = self.log.read_text(encoding="utf-8", errors="replace")
        self.process.terminate()
        self.process.wait()
        last.unlink()
        return {str(pathlib.Path(line).relative_to(self.top)) for line in opened.splitlines()}


def copy_of(tree, top):
    """A copy for a suite, with git's history, in which nothing is built."""
    shutil.rmtree(top, ignore_errors=True)
    top.parent.mkdir(parents=True, exist_ok=True)
    if (tree.top / ".git").exists():
        subprocess.run(["git", "clone", "-q", "--shared", "--no-checkout", tree.top, top], check=True)
        subprocess.run(["git", "-C", top, "reset", "-q"], check=True)
    tree.copy_to(top)


def undeclared(suite, tree, opened):
    """Of what was OPENED, files of the TREE that SUITE does not declare."""
    return sorted((opened & set(tree.files)) - set(tree.matching(suite.inputs)) - UNDECLARED)
