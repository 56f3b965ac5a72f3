#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""rst.py PAGE...: what docutils says of each page by itself, as PAGE:LINE: on stderr.

It is what rst2html --report=1 says, without a process for each page. Exit status: 0 nothing,
1 there is something.
"""

import sys

from docutils import core
from docutils.parsers.rst import roles


class Said:
    """Passes on what is said; what goes on on further lines, or has no line number, is told of PAGE."""

    def __init__(self):
        self.page = None
        self.lines = 0

    def write(self, text):
        """A file's."""
        for line in filter(str.strip, text.splitlines()):
            begins = line.startswith(f"{self.page}:") and not line.startswith(f"{self.page}::")
            print(line if begins else f"{self.page}:0:   {line}", file=sys.stderr)
            self.lines += 1


def main():
    """Returns the exit status."""
    said = Said()
    for said.page in sys.argv[1:]:
        roles._roles.clear()    # pylint: disable=protected-access # what the page before has defined
        with open(said.page, "rb") as page:
            core.publish_string(page.read(), source_path=said.page, writer_name="html4css1",
                                settings_overrides={"report_level": 1, "halt_level": 5,
                                                    "warning_stream": said, "_disable_config": True})
    return 1 if said.lines else 0


if __name__ == "__main__":
    sys.exit(main())
