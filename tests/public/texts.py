"""The texts that a reader of an answer sees, one by one: of pages, pictures, feeds, and files."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

SEEN_ATTRIBUTES = {
    "alt",
    "aria-label",
    "data-copied",
    "data-label",
    "data-not-allowed",
    "placeholder",
    "title",
}
SEEN_KEYS = {
    "abstract",
    "customdata",
    "description",
    "hovertemplate",
    "name",
    "text",
    "ticktext",
    "variableMeasured",
}
"""Keys of a drawing and of a description of data under which words stand; `name` is a role in some places."""
META = {"description", "og:description", "og:title", "og:image:alt"}
ROLE = re.compile(r"[a-z]+(-\d)?")
CODE = {"code", "pre", "style"}


class Page(HTMLParser):
    """A page's texts; not what stands in another language by its own word, and no code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[tuple[str, bool, str]] = []  # tag, left out or not, type of a script
        self.language = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = known["lang"]
        foreign = known.get("lang", self.language) != self.language
        left_out = foreign or tag in CODE or bool(self.open and self.open[-1][1])
        if not left_out:
            self.found += [value for name, value in known.items() if name in SEEN_ATTRIBUTES]
            if tag == "meta" and META & {known.get("name"), known.get("property")}:
                self.found.append(known["content"])
        if tag not in {"link", "meta", "img", "br", "input", "hr", "rect"}:
            self.open.append((tag, left_out, known.get("type", "")))

    def handle_endtag(self, tag: str) -> None:
        if any(one == tag for one, _, _ in self.open):
            while self.open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        tag, left_out, kind = self.open[-1] if self.open else ("", False, "")
        if tag == "script" and "json" in kind:
            self.found += words_of(json.loads(data))
        elif tag != "script" and not left_out:
            self.found.append(data)


def words_of(data: Any, key: str = "") -> Iterator[str]:
    """The words in a drawing or a description of data."""
    if isinstance(data, str):
        if key in SEEN_KEYS and not (key == "name" and ROLE.fullmatch(data)):
            yield from re.split(r"<br>|<extra></extra>", data)
    elif isinstance(data, list):
        for each in data:
            yield from words_of(each, key)
    elif isinstance(data, dict):
        for name, value in data.items():
            yield from words_of(value, name)


def texts_of(content_type: str, text: str) -> list[str]:
    """Each text of an answer, without the space around it. None of what is written for programs."""
    kind = content_type.partition(";")[0]
    found: list[str] = []
    if kind == "text/html":
        found = [part for each in Page(text).found for part in each.split(" · ")]
    elif kind in {"application/atom+xml", "image/svg+xml"}:
        tree = ElementTree.fromstring(text)
        for one in tree.iter():
            if one.tag.rpartition("}")[2] not in {"id", "updated"}:
                found += [one.text or "", one.get("aria-label", "")]
    elif kind == "text/csv":
        found = [cell for row in list(csv.reader(text.splitlines()))[1:] for cell in row]
    elif kind == "text/markdown":
        lines = re.sub(r"`[^`]*`", "", text).splitlines()
        found = [part for line in lines for part in line.lstrip("#-: ").split("|")]
    plain = (" ".join(each.split()) for each in found)
    return [each for each in plain if each]
