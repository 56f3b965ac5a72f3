# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The files of a tree, and what they are worth to a suite: names, and hashes of contents."""

import fnmatch
import hashlib
import os
import pathlib
import shutil
import subprocess


class Tree:
    """What is tracked by git, or would be; without git, everything but what was built."""

    def __init__(self, top):
        self.top = pathlib.Path(top)
        self.hashes = {}
        self.files = sorted(self._by_git() or self._by_walk())

    def _by_git(self):
        try:
            said = subprocess.run(
                ["git", "-C", self.top, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                check=True, capture_output=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return None
        names = {os.fsdecode(name) for name in said.split(b"\0") if name}
        return [name for name in names if os.path.lexists(self.top / name)]

    def _by_walk(self):
        found = []
        for path, folders, names in os.walk(self.top):
            folders[:] = [name for name in folders if name not in (".git", "__pycache__")]
            if pathlib.Path(path) == self.top:
                folders[:] = [name for name in folders if name != "build"]
            found += [os.path.relpath(os.path.join(path, name), self.top) for name in names]
        return found

    def matching(self, patterns):
        """The files that PATTERNS name: a file, a folder, or a glob, in which a star does not
        stand for a slash; what a pattern with an exclamation mark names is taken away. A pattern
        that names nothing is an error, as it would protect nothing."""
        chosen = set()
        for pattern in patterns:
            without = pattern.startswith("!")
            found = self._named(pattern.lstrip("!"))
            if not found:
                raise ValueError(f"there is no {pattern.lstrip('!')} in the tree")
            chosen = chosen - found if without else chosen | found
        return sorted(chosen)

    def _named(self, pattern):
        folder = pattern.rstrip("/") + "/"
        parts = pattern.split("/")
        return {name for name in self.files
                if pattern == "." or name == pattern or name.startswith(folder) or
                (len(parts) == name.count("/") + 1 and
                 all(map(fnmatch.fnmatchcase, name.split("/"), parts)))}

    def hash(self, name):
        """Of a file's kind, mode and contents, as they are at the first look."""
        if name not in self.hashes:
            path = self.top / name
            if path.is_symlink():
                what = b"link " + os.fsencode(os.readlink(path))
            else:
                mode = b"x" if os.access(path, os.X_OK) else b"-"
                what = mode + path.read_bytes()
            self.hashes[name] = hashlib.sha256(what).hexdigest()
        return self.hashes[name]

    def digest(self, names):
        """Of all NAMES together."""
        whole = hashlib.sha256()
        for name in names:
            whole.update(f"{name} {self.hash(name)}\n".encode())
        return whole.hexdigest()

    def copy_to(self, top):
        """Makes a copy of it, or renews one. What was built there stays, and is good for all
        files that do not differ."""
        top = pathlib.Path(top)
        top.mkdir(parents=True, exist_ok=True)
        for name in set(Tree(top).files) - set(self.files):
            (top / name).unlink()
        for name in self.files:
            self.restore(name, top)

    def restore(self, name, top):
        """One file of a copy, if it differs."""
        old, new = self.top / name, pathlib.Path(top) / name
        if new.is_file() and not new.is_symlink() and old.read_bytes() == new.read_bytes():
            return
        new.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        shutil.copy(old, new, follow_symlinks=False)
