# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A parser for man pages, so that they are pages of the site, found by its search.

mandoc knows the language; its HTML is taken apart into Sphinx's nodes. What it would
show and this does not know is a warning, not left out.
"""

import html.parser
import re
import subprocess

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.parsers import Parser
from sphinx.util import logging

logger = logging.getLogger(__name__)
IGNORED = {"br", "tr", "td", "table", "div", "section", "a", "tbody", "cite"}


class Reader(html.parser.HTMLParser):
    """mandoc's HTML to nodes."""

    INLINE = {"b": nodes.strong, "i": nodes.emphasis, "var": nodes.emphasis,
              "code": nodes.literal, "em": nodes.emphasis}
    LISTS = {"ul": nodes.bullet_list, "ol": nodes.enumerated_list}

    def __init__(self, document, complain):
        super().__init__()
        self.document, self.complain = document, complain
        self.page = None	# the section of the whole page
        self.stack = []		# the open nodes
        self.title = None	# "NAME(1)"
        self.skip = 0		# inside of the header or footer

    @property
    def here(self):
        """The innermost open node."""
        return self.stack[-1]

    def push(self, node):
        """Open a node."""
        self.stack[-1].append(node)
        self.stack.append(node)

    def pop(self, kind):
        """Close nodes up to one of a kind."""
        while len(self.stack) > 1:
            if isinstance(self.stack.pop(), kind):
                return

    def begin_page(self, name):
        """The page and its title, once its name is known."""
        name = re.sub(r"^(.*)\(", lambda m: m.group(1).lower() + "(", name)
        self.page = nodes.section("", nodes.title(name, name), ids=[nodes.make_id(name)])
        self.document.note_implicit_target(self.page, self.page)
        self.document += self.page
        self.stack = [self.page]

    def section(self, depth):
        """A section, of which the title is still to come."""
        while len(self.stack) > 1 and not (
                isinstance(self.here, nodes.section) and self.here["depth"] < depth):
            self.stack.pop()
        self.push(nodes.section(depth=depth))
        self.push(nodes.title())

    def handle_starttag(self, tag, attrs):
        classes = dict(attrs).get("class", "")
        if tag == "table" and classes in ("head", "foot"):
            self.skip += 1
        elif self.skip and tag == "td" and classes == "head-ltitle":
            self.title = ""
        elif self.skip:
            pass
        elif tag in ("h1", "h2"):
            self.section(int(tag[1]))
        elif tag == "p":
            self.push(nodes.paragraph())
        elif tag == "pre":
            self.push(nodes.literal_block(language="none"))
        elif tag == "dl":
            self.push(nodes.definition_list(classes=["man"]))
        elif tag == "dt":
            self.push(nodes.definition_list_item())
            self.push(nodes.term())
        elif tag == "dd":
            if not isinstance(self.here, nodes.definition_list_item):
                self.push(nodes.definition_list_item("", nodes.term()))
            self.push(nodes.definition())
        elif tag in self.LISTS:
            self.push(self.LISTS[tag]())
        elif tag == "li":
            self.push(nodes.list_item())
        elif tag in self.INLINE:
            if not isinstance(self.here, nodes.literal_block):
                self.push(self.INLINE[tag]())
        elif tag not in IGNORED:
            self.complain(f"mandoc's <{tag}> is not known here")

    def handle_endtag(self, tag):
        if tag == "table" and self.skip:
            self.skip -= 1
        elif self.skip:
            if tag == "td" and self.title and not self.page:
                self.begin_page(self.title.strip())
        elif tag in ("h1", "h2"):
            title = self.here
            self.pop(nodes.title)
            self.here["ids"] = [nodes.make_id(title.astext())]
            self.document.note_implicit_target(self.here, self.here)
        elif tag == "p":
            self.pop(nodes.paragraph)
        elif tag == "pre":
            self.pop(nodes.literal_block)
        elif tag == "dl":
            self.pop(nodes.definition_list)
        elif tag == "dt":
            self.pop(nodes.term)
        elif tag == "dd":
            self.pop(nodes.definition_list_item)
        elif tag in self.LISTS:
            self.pop(self.LISTS[tag])
        elif tag == "li":
            self.pop(nodes.list_item)
        elif tag in self.INLINE and isinstance(self.here, self.INLINE[tag]):
            self.pop(self.INLINE[tag])

    def handle_data(self, data):
        if self.skip:
            if self.title is not None and not self.page:
                self.title += data
            return
        node = self.here
        if isinstance(node, nodes.literal_block):
            node.append(nodes.Text(data))
            node.rawsource += data
        elif isinstance(node, nodes.TextElement):
            node.append(nodes.Text(re.sub(r"\s+", " ", data)))
        elif data.strip():	# text of a definition or list item
            self.push(nodes.paragraph())
            self.here.append(nodes.Text(re.sub(r"\s+", " ", data.lstrip())))

    def tidy(self):
        """Text whose spaces are only the source's, and terms that share a definition."""
        for node in list(self.page.findall(nodes.TextElement)):
            if isinstance(node, nodes.literal_block) or not len(node):
                continue
            if isinstance(node, (nodes.paragraph, nodes.term, nodes.title)):
                if isinstance(node[0], nodes.Text):
                    node[0] = nodes.Text(node[0].lstrip())
                if isinstance(node[-1], nodes.Text):
                    node[-1] = nodes.Text(node[-1].rstrip())
        for node in list(self.page.findall(nodes.paragraph)):
            if not node.astext().strip():
                node.parent.remove(node)


class ManParser(Parser):
    """What Sphinx calls for files of type "man"."""

    supported = ("man",)

    def parse(self, inputstring, document):
        self.setup_parse(inputstring, document)
        path = document["source"]
        try:
            done = subprocess.run(["mandoc", "-T", "html", "-O", "fragment", "-W", "warning"],
                                  input=inputstring, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise ExtensionError("no mandoc: install the Debian package mandoc") from None
        for line in done.stderr.splitlines():
            logger.warning("%s", line, location=path)
        reader = Reader(document, lambda text: logger.warning("%s", text, location=path))
        reader.feed(done.stdout)
        reader.close()
        if reader.page is None:
            logger.warning("no man page: it has no title", location=path)
        else:
            reader.tidy()
        self.finish_parse()


def setup(app):
    """Called by Sphinx."""
    app.add_source_parser(ManParser)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
