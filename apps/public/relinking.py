"""Pages with other links: each address in a page is replaced, and nothing else of it is touched. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser

ADDRESSES = frozenset(
    {
        "action",
        "background",
        "cite",
        "data",
        "data-library",
        "formaction",
        "href",
        "icon",
        "longdesc",
        "manifest",
        "poster",
        "src",
        "xlink:href",
    }
)
"""Attributes that hold one address."""

CANDIDATES = frozenset({"srcset", "imagesrcset"})
"""Attributes that hold addresses with commas between them, each with a size after it."""

SPACED = frozenset({"ping", "archive"})
"""Attributes that hold addresses with spaces between them."""

CANONICAL = frozenset({"canonical"})
"""Kinds of links that say where else the page is."""

_REFRESH = re.compile(r"(?i)^(\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?)(['\"]?)(.*?)(['\"]?\s*)$", re.DOTALL)
_CANDIDATE = re.compile(r"(\s*,*\s*)(\S*[^\s,])((?:\s+[^\s,]+)?)")

Relink = Callable[[str], str | None]
"""From an address in a page to the one to put there; None to leave out the whole link with its words."""

Attributes = list[tuple[str, str | None]]


def relinked(page: str, relink: Relink) -> str:
    """The page with each of its addresses replaced."""
    parser = _Relinker(relink)
    parser.feed(page)
    parser.close()
    return "".join(parser.found)


class _Relinker(HTMLParser):
    def __init__(self, relink: Relink) -> None:
        super().__init__(convert_charrefs=False)
        self.relink = relink
        self.found: list[str] = []
        self.leaving_out = False

    def write(self, text: str) -> None:
        if not self.leaving_out:
            self.found.append(text)

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        self._start(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        self._start(tag, attrs)

    def _start(self, tag: str, attributes: Attributes) -> None:
        replaced = [(name, self._value(tag, name, value, attributes)) for name, value in attributes]
        if any(
            value is None and old is not None
            for (_, value), (_, old) in zip(replaced, attributes, strict=True)
        ):
            self.leaving_out = tag == "a"
            return
        raw = self.get_starttag_text() or ""
        if replaced != attributes:
            end = "/>" if raw.endswith("/>") else ">"
            raw = f"<{tag}{''.join(map(_written, replaced))}{end}"
        self.write(raw)

    def _value(self, tag: str, name: str, value: str | None, attributes: Attributes) -> str | None:
        if value is None:
            return None
        if name in CANDIDATES:
            return _CANDIDATE.sub(lambda one: f"{one[1]}{self.relink(one[2])}{one[3]}", value)
        if name in SPACED:
            return " ".join(str(self.relink(one)) for one in value.split())
        known = dict(attributes)
        if tag == "meta" and name == "content" and (known.get("http-equiv") or "").lower() == "refresh":
            return _REFRESH.sub(lambda one: f"{one[1]}{one[2]}{self.relink(one[3])}{one[4]}", value)
        if name == "href" and CANONICAL & set((known.get("rel") or "").lower().split()):
            return value
        if name in ADDRESSES or (value.startswith("/") and not value.startswith("//")):
            return self.relink(value)
        return value

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self.leaving_out:
            self.leaving_out = False
            return
        self.write(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.write(data)

    def handle_entityref(self, name: str) -> None:
        self.write(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.write(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self.write(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.write(f"<!{decl}>")

    def unknown_decl(self, data: str) -> None:
        self.write(f"<![{data}]>")

    def handle_pi(self, data: str) -> None:
        self.write(f"<?{data}>")


def _written(attribute: tuple[str, str | None]) -> str:
    name, value = attribute
    return f" {name}" if value is None else f' {name}="{escape(value)}"'
