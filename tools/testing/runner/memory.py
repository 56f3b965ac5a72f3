# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What has been proved stays proved: suites that passed, by all that they depend on.

A note lies in the cache under the hash of the suite's row, of the files that it declares, of the
tools' and kernels' versions. It is written when a suite has passed, so that a run that was
interrupted goes on where it was. cache.py removes what nobody has asked for for a while.
"""

import hashlib
import json
import os
import pathlib
import time

class Memory:
    """Notes of suites that passed."""

    def __init__(self, cache, reads=True, writes=True):
        self.dir = pathlib.Path(cache) / "passed"
        self.reads = reads
        self.writes = writes

    @staticmethod
    def key(suite, tree, machine):
        """The name of all that SUITE depends on."""
        lines = [f"{suite.name} {' '.join(suite.run)} {suite.skips}",
                 tree.digest(tree.matching(suite.inputs)), *machine.tools(suite)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]

    def recall(self, key):
        """The note of that key, or None."""
        path = self.dir / key
        if not self.reads:
            return None
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
            os.utime(path)
        except (OSError, ValueError):
            return None
        return note

    def remember(self, key, note):
        """Keeps NOTE, a dict."""
        if not self.writes:
            return
        self.dir.mkdir(parents=True, exist_ok=True)
        new = self.dir / f".{key}.{os.getpid()}"
        new.write_text(json.dumps(dict(note, since=time.strftime("%Y-%m-%d %H:%M"))), encoding="utf-8")
        new.rename(self.dir / key)
