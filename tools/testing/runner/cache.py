# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The cache, outside the tree, of what is slow to make or to find out; cache.sh says so to the
scripts. Here it is kept from growing for ever."""

import os
import pathlib
import re
import shutil
import time

KEPT_DAYS = 45          # of notes that nobody asks for
SUPERSEDED_DAYS = 14    # of a kernel or a tool of which there is a newer one, and which is not used
NOTES = ("passed", "static", "model", "faults")
NOTES_AT_MOST = 20000   # in each of these
COMPILED = "2G"         # by ccache

# NAME-VERSION, for instance of a kernel
ENTRY = re.compile(r"(.+?)-[0-9].*")


def place():
    """Where it is."""
    home = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(os.environ.get("MEMSTATE_CACHE") or pathlib.Path(home) / "memstate")


def bound(cache, now=None):
    """Removes what has not been used for long. Using something renews its time of change."""
    now = now or time.time()
    for kind in NOTES:
        notes = sorted(_aged(cache / kind), reverse=True)
        for n, (used, path) in enumerate(notes):
            if n >= NOTES_AT_MOST or now - used > KEPT_DAYS * 86400:
                path.unlink(missing_ok=True)
    newest = {}
    for used, path in sorted(_aged(cache), reverse=True):
        entry = ENTRY.fullmatch(path.name)
        if path.name.startswith("tmp."):
            old = now - used > 2 * 86400    # nobody makes anything for so long
        elif entry:
            old = newest.setdefault(entry[1], path) is not path and now - used > SUPERSEDED_DAYS * 86400
        else:
            continue
        if old and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif old:
            path.unlink(missing_ok=True)


def _aged(folder):
    """What is in FOLDER, as (when it was used, path)."""
    try:
        paths = list(folder.iterdir())
    except OSError:
        return
    for path in paths:
        try:
            yield path.stat().st_mtime, path
        except OSError:
            pass    # somebody else has removed it
