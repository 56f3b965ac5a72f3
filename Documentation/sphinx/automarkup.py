# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Links without markup: ``memstate_charge()``, ``Documentation/malloc.rst`` and
memstate-run(1) lead to where they are described, so that pages stay readable, and
valid, without Sphinx. One that names nothing is a warning, by Sphinx's own check,
but for man pages of others.
"""

import posixpath
import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

FUNCTION = re.compile(r"\b(memstate_\w+)\(\)")
PAGE = re.compile(r"^(?:Documentation/)?([\w/-]+)\.rst$")
MANUAL = re.compile(r"\b([a-z][\w.-]*)\(([1-8])\)")
BEHIND = re.compile(r"^\(([1-8])\)")
NOT_INSIDE = (nodes.literal_block, nodes.reference, nodes.title, nodes.comment, nodes.raw,
              nodes.system_message, addnodes.pending_xref, addnodes.desc_signature)


def inside(node, kinds):
    """Whether a node lies in one of these kinds."""
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


class AutoMarkup(SphinxTransform):
    """Before references are looked up."""

    default_priority = 450

    def apply(self, **kwargs):
        manuals = {}	# (name, section): page
        for name in self.env.found_docs:
            if name.startswith("man/"):
                section = posixpath.splitext(self.env.doc2path(name))[1][1:]
                manuals[posixpath.basename(name), section] = name
        for node in list(self.document.findall(nodes.strong)):
            self.strong(node, manuals)
        for node in list(self.document.findall(nodes.literal)):
            if not inside(node.parent, NOT_INSIDE):
                self.literal(node, manuals)
        for node in list(self.document.findall(nodes.Text)):
            if not inside(node.parent, NOT_INSIDE + (nodes.literal,)):
                self.text(node, manuals)

    def page(self, target, content, titled=False):
        """A reference to a page, by its title if that is wanted."""
        return addnodes.pending_xref("", content, refdomain="std", reftype="doc",
                                     refdoc=self.env.docname, refexplicit=not titled,
                                     refwarn=True, reftarget="/" + target)

    def function(self, target, content):
        """A reference to a function."""
        return addnodes.pending_xref("", content, refdomain="c", reftype="func",
                                     refdoc=self.env.docname, refexplicit=True, refwarn=True,
                                     reftarget=target)

    def strong(self, node, manuals):
        """**name**\\ (1), as man pages have it."""
        text = node.next_node(descend=False, siblings=True, ascend=False)
        behind = BEHIND.match(text) if isinstance(text, nodes.Text) else None
        page = manuals.get((node.astext(), behind.group(1))) if behind else None
        if page:
            node.parent.replace(node, self.page(page, node.deepcopy()))

    def literal(self, node, manuals):
        """``name()``, ``page.rst`` and ``name(1)``."""
        text = node.astext()
        function = FUNCTION.fullmatch(text)
        page = PAGE.match(text)
        manual = MANUAL.fullmatch(text)
        if manual and manual.groups() in manuals:
            node.parent.replace(node, self.page(manuals[manual.groups()], node.deepcopy()))
        elif function:
            node.parent.replace(node, self.function(function.group(1), node.deepcopy()))
        elif page:
            node.parent.replace(node, self.page(page.group(1), node.deepcopy(), titled=True))

    def text(self, node, manuals):
        """Functions and man pages in running text."""
        out, done = [], 0
        text = node.astext()
        found = [(m, "function") for m in FUNCTION.finditer(text)]
        found += [(m, "manual") for m in MANUAL.finditer(text) if m.groups() in manuals]
        for match, kind in sorted(found, key=lambda pair: pair[0].start()):
            out.append(nodes.Text(text[done:match.start()]))
            if kind == "function":
                out.append(self.function(match.group(1),
                                         nodes.literal(match.group(0), match.group(0))))
            else:
                out.append(self.page(manuals[match.groups()],
                                     nodes.inline(match.group(0), match.group(0))))
            done = match.end()
        if out:
            out.append(nodes.Text(text[done:]))
            node.parent.replace(node, out)


def setup(app):
    """Called by Sphinx."""
    app.add_transform(AutoMarkup)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
