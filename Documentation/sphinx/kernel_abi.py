# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""``.. kernel-abi:: DIRECTORY``: the files of an ABI directory, as in the kernel.

An entry begins with a line "What:" and has "Date:" and "Description:", and may have
"KernelVersion:", "Contact:" and "Users:". What is named by two entries, an entry that
lacks something, or a line that belongs to none, is a warning.
"""

import pathlib
import re

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.util import logging
from sphinx.util.nodes import make_id

HERE = pathlib.Path(__file__).resolve().parents[1]
FIELDS = ("What", "Date", "KernelVersion", "Contact", "Description", "Users")
REQUIRED = ("What", "Date", "Description")
logger = logging.getLogger(__name__)


def entries(path, complain):
    """Yield (line, {field: [text lines]}) of each entry of a file."""
    entry, field, began = None, None, 0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        start = re.match(r"(\w+):\s*(.*)$", line)
        if start and start.group(1) not in FIELDS:
            complain(number, f"'{start.group(1)}' is no field")
        elif start and start.group(1) == "What":
            if entry:
                yield began, entry
            entry, field, began = {"What": [start.group(2)]}, "What", number
        elif start:
            field = start.group(1)
            if entry is None:
                complain(number, f"'{field}' before any 'What'")
                entry, began = {}, number
            if field in entry:
                complain(number, f"'{field}' twice in one entry")
            entry[field] = [start.group(2)]
        elif line[:1].isspace() or not line:
            if entry is not None and field:
                entry[field].append(line.strip())
        else:
            complain(number, "a line that belongs to no field")
    if entry:
        yield began, entry


def paragraphs(lines):
    """Text that blank lines part."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", "\n".join(lines))
            if part.strip()]


class KernelAbi(Directive):
    """A definition list of all entries, in the files' order."""

    required_arguments = 1

    def run(self):
        env = self.state.document.settings.env
        found = sorted(path for path in (HERE / self.arguments[0]).glob("*") if path.is_file())
        if not found:
            logger.warning("kernel-abi: no files in %s", self.arguments[0],
                           location=(env.docname, self.lineno))
        seen, out = set(), nodes.definition_list()
        for path in found:
            env.note_dependency(str(path))

            def complain(number, text, path=path):
                logger.warning("kernel-abi: %s", text, location=(str(path), number))

            for number, entry in entries(path, complain):
                for field in REQUIRED:
                    if not any(entry.get(field, [])):
                        complain(number, f"no '{field}'")
                out += self.item(entry, seen, lambda text, n=number, c=complain: c(n, text))
        return [out] if len(out) else []

    def item(self, entry, seen, complain):
        """One entry: what it is about, and what is said of it."""
        term = nodes.term()
        for what in filter(None, entry.get("What", [])):
            if what in seen:
                complain(f"'{what}' is described twice")
            seen.add(what)
            if len(term):
                term += nodes.raw("", "<br/>", format="html")
            name = nodes.literal(what, what)
            name["ids"] = [make_id(self.state.document.settings.env, self.state.document,
                                   "abi", what)]
            term += name
        definition = nodes.definition()
        for text in paragraphs(entry.get("Description", [])):
            definition += nodes.paragraph(text, text)
        rest = [f"{field}: {' '.join(' '.join(entry[field]).split())}"
                for field in ("KernelVersion", "Contact", "Users") if field in entry]
        since = f"Since {' '.join(entry.get('Date', ['?'])).strip()}."
        if not len(definition):
            definition += nodes.paragraph()
        definition[-1] += [nodes.Text(" "), nodes.emphasis("", " ".join([since] + rest))]
        return nodes.definition_list_item("", term, definition)


def setup(app):
    """Called by Sphinx."""
    app.add_directive("kernel-abi", KernelAbi)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
