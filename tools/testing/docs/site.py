#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""site.py TOP SITE: whether the site is whole, as TAP.

Its links lead somewhere, each page is reached from the first, nothing comes from
elsewhere, and what is written in the sources is there.
"""

import html.parser
import os
import pathlib
import re
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
import tap  # noqa: E402

# Reached by the search field, and by nobody.
NO_LINK = {"search.html", "genindex.html"}


class Page(html.parser.HTMLParser):
    """Links, targets and resources of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.resources = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if attrs.get("id"):
            self.ids.add(attrs["id"])
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
        elif tag in ("script", "img", "iframe", "source") and attrs.get("src"):
            self.resources.append(attrs["src"])
        elif tag == "link" and attrs.get("rel") in ("stylesheet", "icon", "preload", "shortcut icon"):
            self.resources.append(attrs["href"])


def result(name, wrong):
    """One test: good if nothing is wrong."""
    wrong = list(wrong)
    tap.ok(not wrong, name, "\n".join(map(str, wrong[:20])))


def outside(url):
    """Whether it is on another machine."""
    return bool(urllib.parse.urlparse(url).netloc) or url.startswith(("mailto:", "data:"))


def target(page, url):
    """The page and the anchor that a link leads to."""
    parts = urllib.parse.urlparse(url)
    path = urllib.parse.unquote(parts.path)
    where = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
    return where, urllib.parse.unquote(parts.fragment)


def main():
    """The command line."""
    top, site = map(pathlib.Path, sys.argv[1:])
    pages = {str(path.relative_to(site)): Page(path.read_text(encoding="utf-8"))
             for path in site.rglob("*.html")}
    print("TAP version 13")

    broken, to = [], {}
    for name, page in pages.items():
        to[name] = set()
        for url in filter(lambda url: not outside(url), page.links):
            where, anchor = target(name, url)
            to[name].add(where)
            if not (site / where).is_file():
                broken.append(f"{name}: no {where}")
            elif anchor and where in pages and anchor not in pages[where].ids:
                broken.append(f"{name}: no '{anchor}' in {where}")
    result("links_lead_somewhere", broken)

    seen, queue = set(), ["index.html"]
    while queue:
        name = queue.pop()
        if name in pages and name not in seen:
            seen.add(name)
            queue += to[name]
    result("each_page_is_reached_from_the_first", sorted(set(pages) - seen - NO_LINK))

    result("nothing_comes_from_elsewhere",
                [f"{name}: {url}" for name, page in pages.items() for url in page.resources
                 if outside(url)] +
                [f"{path.name}: {url}" for path in site.rglob("*.css")
                 for url in re.findall(r"(?:@import|url\()\s*[\"']?(https?://[^\"')]+)",
                                       path.read_text(encoding="utf-8"))])
    result("resources_are_there",
                [f"{name}: {url}" for name, page in pages.items() for url in page.resources
                 if not outside(url) and not (site / target(name, url)[0]).is_file()])

    def lacks(page, names, of="c."):
        ids = pages[page].ids if page in pages else set()
        return [f"{page}: no {name}" for name in names if of + name not in ids] \
            or ([] if names else [f"{page}: nothing to look for"])

    script = (top / "userspace/lib/memstate.map").read_text(encoding="utf-8")
    exported = re.findall(r"(\w+);", script.split("local:")[0])
    result("each_exported_function_has_its_description",
                lacks("api/libmemstate.html", exported))
    header = (top / "userspace/include/memstate-malloc.h").read_text(encoding="utf-8")
    result("each_function_of_the_allocator_has_its_description",
                lacks("api/libmemstate-malloc.html", re.findall(r"\b(memstate_malloc_\w+)\(", header)))
    header = (top / "include/uapi/linux/memstate.h").read_text(encoding="utf-8")
    structs = re.findall(r"^struct (\w+) \{", header, re.M)
    text = (site / "api/uapi-header.html").read_text(encoding="utf-8")
    result("each_structure_of_the_abi_has_its_description",
                [name for name in structs
                 if f'id="c.{name}"' not in text and f'id="c.tag.{name}"' not in text] or
                ([] if structs else ["no structures"]))
    manuals = sorted([*(top / "userspace").rglob("*.[1-8]"),
                      *(top / "Documentation/man").glob("*.[1-8]")])
    result("each_man_page_is_a_page",
                [path.name for path in manuals
                 if not any(f"<h1>{path.stem.lower()}({path.suffix[1:]})<" in
                            page.read_text(encoding="utf-8")
                            for page in site.glob(f"man/**/{path.stem}.html"))] or
                ([] if manuals else ["no man pages"]))
    files = [what for path in (top / "Documentation/ABI/testing").iterdir()
             for what in re.findall(r"^(?:What:|\t)\s*(/sys/\S.*)$",
                                    path.read_text(encoding="utf-8"), re.M)]
    text = html.unescape(re.sub(r"<[/a-z][^>]*>", "",
                                (site / "abi.html").read_text(encoding="utf-8")))
    result("each_file_in_sysfs_is_described",
                [name for name in files if name not in text] or
                ([] if files else ["no files"]))
    sources = [path.relative_to(top / "Documentation") for path in
               sorted((top / "Documentation").rglob("*.rst")) if "man" not in path.parts]
    result("each_source_has_its_page",
                [str(path) for path in sources if not (site / path.with_suffix(".html")).is_file()])
    tap.end()


main()
