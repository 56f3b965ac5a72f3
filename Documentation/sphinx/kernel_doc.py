# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""``.. kernel-doc:: FILE``: the kernel-doc comments of a source file, by the kernel's
own script, which comes with the headers that the module is built with.

FILE is relative to the top of the tree. If it is a pattern, it stands for what no other
directive of the page has named before, which may be nothing.

:public: FILE  only functions that this header declares, or version script exports
:type: KIND    only "struct", "enum" or "function"

What the script complains about is a warning, at the line in the source. The script
is what KERNEL_DOC names, or the newest of the installed kernel headers.
"""

import glob
import os
import pathlib
import re
import subprocess
import tempfile

import sphinx
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import switch_source_input
from sphinx.util.nodes import make_refnode, nested_parse_with_titles

HEADERS = ("userspace/include/memstate.h", "userspace/include/memstate-malloc.h")
TOP = pathlib.Path(__file__).resolve().parents[2]
logger = logging.getLogger(__name__)


def script():
    """Path of the kernel's script."""
    named = os.environ.get("KERNEL_DOC")
    if named:
        found = [named]
    else:
        def version(path):
            return [int(n) for n in re.findall(r"\d+", path)]
        found = sorted(glob.glob("/usr/lib/linux-kbuild-*/scripts/kernel-doc"), key=version)
        found += sorted(glob.glob("/lib/modules/*/build/scripts/kernel-doc"), key=version)
    found = [path for path in found if os.path.isfile(path)]
    if not found:
        raise ExtensionError("no script kernel-doc: install kernel headers (Debian: "
                             "linux-headers-cloud-amd64), or name one in KERNEL_DOC")
    return found[-1]


def public(path):
    """Names that a header declares or a version script exports."""
    return re.findall(r"\b(memstate_\w+)[;(]", path.read_text(encoding="utf-8"))


def documented(text):
    """Names that have a kernel-doc comment, with their kind."""
    for kind, name in re.findall(r"^/\*\*\n \* (struct |enum |union |typedef )?(\w+)", text, re.M):
        yield kind.strip() or "function", name


class KernelDoc(Directive):
    """Parse what the script makes of a file."""

    required_arguments = 1
    option_spec = {
        "public": directives.unchanged_required,
        "type": lambda value: directives.choice(value, ("struct", "enum", "function")),
    }

    def run(self):
        env = self.state.document.settings.env
        seen = env.temp_data.setdefault("kernel-doc", set())
        if "*" not in self.arguments[0]:
            seen.add(self.arguments[0])
            return self.one(env, self.arguments[0], False)
        found = [str(path.relative_to(TOP)) for path in sorted(TOP.glob(self.arguments[0]))]
        return [node for name in found if name not in seen for node in self.one(env, name, True)]

    def one(self, env, name, rest):
        """Nodes of one file, which may have none if it is one of the rest."""
        source = TOP / name
        where = (env.docname, self.lineno)
        if not source.is_file():
            logger.warning("kernel-doc: no file %s", name, location=where)
            return []
        env.note_dependency(str(source))
        text = source.read_text(encoding="utf-8")
        names = {name: kind for kind, name in documented(text)}
        if "type" in self.options:
            names = {name: kind for name, kind in names.items()
                     if kind == self.options["type"]}
        if "public" in self.options:
            env.note_dependency(str(TOP / self.options["public"]))
            wanted = public(TOP / self.options["public"])
            names = {name: kind for name, kind in names.items() if name in wanted}
        if not names:
            if not rest:
                logger.warning("kernel-doc: %s documents nothing of that kind", name,
                               location=where)
            return []
        lines = StringList()
        for line, number in self.generate(name, text, names, where):
            lines.append(line, str(source), number)
        node = nodes.section()
        node.document = self.state.document
        with switch_source_input(self.state, lines):	# what is said names the source
            nested_parse_with_titles(self.state, lines, node)
        return node.children

    def generate(self, path, text, names, where):
        """Yield lines of reStructuredText and where they come from."""
        # The script takes the spaces in a member's [N - 1] for the end of a type.
        text = re.sub(r"\[([A-Z_]+) - (\d+)\]", r"[\1-\2]", text)
        # A section begins a line, for it.
        text = re.sub(r"^ \* (Context: .*?) Return: ", r" * \1\n * Return: ", text, flags=re.M)
        text = re.sub(r"^EXPORT ", "", text, flags=re.M)
        with tempfile.TemporaryDirectory() as scratch:
            copy = pathlib.Path(scratch) / pathlib.Path(path).name
            copy.write_text(text, encoding="utf-8")
            command = ["perl", script(), "-rst", "-enable-lineno", "-sphinx-version",
                       sphinx.__version__]
            for name in names:
                command += ["-function", name]
            done = subprocess.run(command + [str(copy)], capture_output=True, text=True,
                                  check=False)
            complaints = [line.replace(str(copy), path)
                          for line in done.stderr.splitlines() if line.strip()]
        for line in complaints:
            at = re.match(r"(?:\S+: )?\S+:(\d+): ", line)
            logger.warning("kernel-doc: %s", line,
                           location=(str(TOP / path), int(at.group(1))) if at else where)
        if done.returncode and not complaints:
            logger.warning("kernel-doc: exit status %d for %s", done.returncode,
                           path, location=where)
        number = 0
        functions = {name for header in HEADERS for name in public(TOP / header)}
        text = done.stdout.replace("**Parameters**\n\n``void``\n  no arguments\n\n", "")
        for line in text.splitlines():
            marker = re.match(r"\s*\.\. LINENO (\d+)", line)
            struct = re.match(r"\.\. c:struct:: (\w+)$", line)
            if marker:
                number = int(marker.group(1)) - 1
            elif struct and struct.group(1) in functions:
                for text in ("", ".. c:namespace:: tag", "", f".. _struct-{struct.group(1)}:",
                             "", line):
                    yield text, number
            elif re.match(r"\.\. c:\w+:: ", line):
                for text in ("", ".. c:namespace:: NULL", "", line):
                    yield text, number
            else:
                yield line, number


class StructReferences(SphinxPostTransform):
    """A struct and a function may share a name; Sphinx knows only one of them. That is
    the function; the struct has a label, and what speaks of the struct is led there. What
    a header only declares is nobody's to know, and is no reference."""

    default_priority = 5	# before references are looked up

    def run(self, **kwargs):
        labels = self.env.get_domain("std").anonlabels
        opaque = {name for header in HEADERS for name in
                  re.findall(r"^struct (\w+);", (TOP / header).read_text(encoding="utf-8"), re.M)}
        for node in list(self.document.findall(addnodes.pending_xref)):
            label = "struct-" + node.get("reftarget", "").lower()
            if node.get("refdomain") != "c":
                continue
            if node["reftarget"] in opaque:
                node.replace_self(list(node.children))
            if label not in labels or node["reftarget"] in opaque:
                continue
            before = "".join(child.astext() for child in
                             node.parent[:node.parent.index(node)])
            if node["reftype"] in ("type", "struct") or before.rstrip().endswith("struct"):
                docname, anchor = labels[label]
                node.replace_self(make_refnode(self.app.builder, self.env.docname, docname,
                                               anchor, list(node.children)))


def setup(app):
    """Called by Sphinx."""
    app.add_directive("kernel-doc", KernelDoc)
    app.add_post_transform(StructReferences)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
