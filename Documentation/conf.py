# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The site that "make html" makes: what is where, and that nothing is guessed.

Pages are plain reStructuredText wherever that will do, so that they can be read,
and checked, without Sphinx. What is written elsewhere (kernel-doc in the sources,
man pages, Documentation/ABI) is read from there, by the extensions in sphinx/.
"""

import pathlib
import re
import sys

sys.dont_write_bytecode = True	# not into the tree
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "sphinx"))

project = "memstate"
author = "the memstate authors"
project_copyright = author
release = re.search(r"^VERSION := (.*)$", (HERE.parent / "Makefile").read_text(encoding="utf-8"),
                    re.M).group(1)
version = release

extensions = ["kernel_doc", "kernel_abi", "manpage", "automarkup", "console_lexer"]
# man/ leads to the directories where the man pages are; pages are found by suffix.
source_suffix = {".rst": "restructuredtext", **{f".{section}": "man" for section in range(1, 9)}}
exclude_patterns = ["man/**.rst"]

# A reference that leads nowhere is a mistake. What C and the kernel bring along is
# described elsewhere.
nitpicky = True
nitpick_ignore_regex = [
    ("c:identifier", r"(u?int\d+|size|ssize|pid)_t|__u\d+|__s\d+|bool"),
]
highlight_language = "none"
smartquotes = False

html_theme = "furo"
html_title = f"memstate {release}"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_last_updated_fmt = None
html_static_path = ["sphinx/static"]
html_css_files = ["memstate.css"]
