"""What can be read from a body: title, headings, how much visible text, and a fingerprint of it.

Bodies come from strangers, so everything here takes time in proportion to their size. A tree-building parser
does not: 200,000 nested tags in one megabyte kept a common one busy for two minutes, 100,000 attributes for
18 seconds. Title, headings and text need no tree, only one pass over the tags.
"""

from __future__ import annotations

import codecs
import hashlib
import html
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.utils.functional import cached_property  # takes no lock, which all threads would share
from numpy.typing import NDArray

MAX_CHARACTERS = 2_000_000
MAX_HEADINGS = 50
MAX_MARKS = 10
MAX_BLOCKS = 20
MAX_BLOCK_CHARACTERS = 2_000
FINGERPRINT_WORDS = 2_000
_SHINGLE_WORDS = 3

_RAW_TEXT = frozenset(
    {"script", "style", "noscript", "template", "svg", "iframe", "textarea", "math", "object"}
)
_INLINE = frozenset(
    {
        *("a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "em", "font", "i", "kbd", "mark", "q", "s"),
        *("small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr"),
        *("/a", "/abbr", "/b", "/bdi", "/bdo", "/cite", "/code", "/data", "/em", "/font", "/i", "/kbd"),
        *("/mark", "/q", "/s", "/small", "/span", "/strong", "/sub", "/sup", "/time", "/u", "/var", "/wbr"),
    }
)
_CHARSETS = re.compile(
    r"(?:utf-?(?:8|16|16le|16be|32)|us-ascii|ascii|latin-?1|iso-?8859-?\d{1,2}|windows-(?:125\d|874)|cp125\d"
    r"|koi8-[ru]|gb2312|gbk|gb18030|big5(?:-hkscs)?|shift[_-]jis|euc-(?:jp|kr)|iso-2022-jp|tis-620)",
    re.IGNORECASE,
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{1,40})", re.IGNORECASE)
_TAG = re.compile(r"<(/?[a-zA-Z][^\s/<>]*|)([^<>]*>?)([^<]*)")
"""What begins with "<": its name, if it is a tag; its attributes; the text after it."""
_TAGS_AT_ONCE = 64 * 1024  # characters
_OF_ITS_OWN = frozenset({"title", "/title", "h1", "h2", "/h1", "/h2"}) | _RAW_TEXT
"""Tags that change what the text after them is."""
_ATTRIBUTE = re.compile(r"""([^\s"'=<>/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
# A status block is a page's word about itself: by its role (WAI-ARIA 1.2), or by what forums call theirs
# (XenForo, vBulletin, Discourse; phpBB by id). What is longer than a word about the page is its content.
_STATUS_ROLES = frozenset({"alert", "alertdialog", "status"})
_STATUS_CLASSES = frozenset({"blockMessage", "standard_error", "page-not-found"})
_STATUS_IDS = frozenset({"message"})
MAX_NOTICE_CHARACTERS = 500
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
_ASCII_WORDS = bytes(code if _WORD.fullmatch(chr(code)) else ord(" ") for code in range(128)) + bytes(128)
_SAME_CHARACTERS = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u02bc": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2026": "...",
        "\u00a0": " ",
    }
)


def normalise(text: str) -> str:
    """For comparing wording: case, kinds of quotation marks, dashes and spaces make no difference."""
    return " ".join(_folded(text).split())


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()  # the same in a tenth of the time
    return text.translate(_SAME_CHARACTERS).casefold()


@dataclass(frozen=True, slots=True)
class Page:
    """What a person would see of an answer, as far as a checker needs it."""

    title: str = ""
    headings: tuple[str, ...] = ()  # h1 and h2, in their order
    notices: tuple[str, ...] = ()  # status blocks: what the page says about itself, in their order
    text: str = ""  # visible text, white space collapsed


def read_page(markup: str) -> Page:
    """Read HTML in one pass. Never raises; what is not HTML is one long text."""
    reader = _Reader(_STATUS_CLASSES, _STATUS_IDS, _STATUS_ROLES)
    reader.read(markup)
    notices = tuple(text for text in reader.blocks() if 0 < len(text) <= MAX_NOTICE_CHARACTERS)
    return replace(reader.page(), notices=notices)


def read_blocks(markup: str, *, classes: Iterable[str] = (), ids: Iterable[str] = ()) -> tuple[str, ...]:
    """The visible text of the elements that carry one of the classes or ids, in their order.

    The class or id has to stand in a tag: neither a script nor the words of a page can feign one. An element
    inside another one that counts is not listed again. Reads in one pass, as `read_page` does; of broken
    markup a block may reach too far, but never past MAX_BLOCK_CHARACTERS.
    """
    reader = _Reader(frozenset(classes), frozenset(ids))
    reader.read(markup)
    return reader.blocks()


class _Reader:
    """Goes through the tags of a page, and remembers where it is.

    Beside title, headings and text it keeps the texts of the elements with certain classes, ids or roles.
    """

    def __init__(
        self, classes: frozenset[str], ids: frozenset[str], roles: frozenset[str] = frozenset()
    ) -> None:
        self._wanted = {"class": classes, "id": ids, "role": roles}
        self._hint = re.compile("|".join(map(re.escape, sorted(classes | ids | roles))) or "(?!)")
        self._text: list[str] = []
        self._title: list[str] = []
        self._title_read = False  # a page has one title; another one is of a picture, or nonsense
        self._headings: list[str] = []
        self._heading_at: int | None = None  # where in the text the heading begins that we are in
        self._inside = ""  # the raw element, comment or title that we are in
        self._blocks: list[list[str]] = []
        self._element = ""  # the name of the element that we are in and keep; "" outside of them
        self._depth = 0  # how many elements of that name are open
        self._kept = 0  # characters of it so far

    def read(self, markup: str) -> None:
        """Read it all. Most tags do no more than part words: they are taken here, without further calls."""
        markup = markup[:MAX_CHARACTERS]
        self._take_text(markup.partition("<")[0])
        keep, hint = self._text.append, self._hint.search
        spaces: dict[str, str | None] = {}
        plain = True
        for name, attributes, text in _tags_of(markup):
            if plain and name:
                try:
                    space = spaces[name]
                except KeyError:
                    space = spaces[name] = _space_for(name.lower())
                if space is not None and not (len(attributes) > 1 and hint(attributes)):
                    keep(space + text)
                    continue
            self._take(name, attributes, text)
            plain = not self._inside and not self._element

    def _take(self, name: str, attributes: str, text: str) -> None:
        """A tag with the text after it, or text that only looks like a tag."""
        lower = name.lower()
        if self._inside and lower != f"/{self._inside}":
            if self._inside == "!--":
                self._leave_comment(name + attributes + text)
            elif self._inside == "title":
                self._take_text("<" + name + attributes + text)
        elif name:
            self._inside = ""
            self._take_tag(lower, attributes.removesuffix(">"))
            self._take_text(text)
        elif attributes.startswith("!--"):
            self._inside = "!--"
            self._leave_comment(attributes + text)
        elif attributes[:1] in {"!", "?", "/"}:
            self._take_text(text)
        else:
            self._take_text("<" + attributes + text)

    def _leave_comment(self, markup: str) -> None:
        _, end, rest = markup.partition("-->")
        if end:
            self._inside = ""
            self._take_text(rest)

    def _take_tag(self, name: str, attributes: str) -> None:
        if name not in _INLINE:
            self._take_text(" ")
        if name in {"h1", "h2"}:
            self._heading_at = len(self._text)
        elif name in {"/h1", "/h2"}:
            self._end_heading()
        elif name == "title":
            self._inside = "title"
        elif name == "/title":
            self._title_read = True
        elif name in _RAW_TEXT:
            # Of these, only pictures and formulas can end in their own tag (HTML, section 13.1.2.1).
            self._inside = "" if attributes.endswith("/") and name in {"svg", "math"} else name
        if self._element:
            self._follow(name)
        elif len(self._blocks) < MAX_BLOCKS and not name.startswith("/") and self._counts(attributes):
            self._begin_block(name)

    def _end_heading(self) -> None:
        if self._heading_at is not None and len(self._headings) < MAX_HEADINGS:
            self._headings.append(_tidy("".join(self._text[self._heading_at :])))
        self._heading_at = None

    def _begin_block(self, name: str) -> None:
        self._blocks.append([])
        self._kept = 0
        if name not in _VOID and name not in _RAW_TEXT:
            self._element, self._depth = name, 1

    def _follow(self, name: str) -> None:
        """Notice where the element ends that we keep."""
        if name == self._element:
            self._depth += 1
        elif name == f"/{self._element}":
            self._depth -= 1
            if self._depth == 0:
                self._element = ""

    def _take_text(self, text: str) -> None:
        if self._inside == "title":
            if not self._title_read:
                self._title.append(text)
        elif not self._inside:
            self._text.append(text)
            if self._element and self._kept < MAX_BLOCK_CHARACTERS:
                self._blocks[-1].append(text[: MAX_BLOCK_CHARACTERS - self._kept])
                self._kept += len(text)

    def _counts(self, attributes: str) -> bool:
        if not self._hint.search(attributes):
            return False
        for found in _ATTRIBUTE.finditer(attributes):
            wanted = self._wanted.get(found[1].lower())
            if wanted:
                value = html.unescape(found[2] or found[3] or found[4] or "")
                if not wanted.isdisjoint([value] if found[1].lower() == "id" else value.split()):
                    return True
        return False

    def page(self) -> Page:
        return Page(
            title=_tidy("".join(self._title)),
            headings=tuple(heading for heading in self._headings if heading),
            text=_tidy("".join(self._text)),
        )

    def blocks(self) -> tuple[str, ...]:
        return tuple(_tidy("".join(texts)) for texts in self._blocks)


def _tags_of(markup: str) -> Iterator[tuple[str, str, str]]:
    """What stands between the "<" signs: the tag's name, its attributes, and the text after it.

    Without a name, what follows the sign is no tag. A part of the page at a time, so that little is held.
    """
    start = markup.find("<")
    while start >= 0:
        end = markup.find("<", start + _TAGS_AT_ONCE)
        yield from _TAG.findall(markup, start, end if end >= 0 else len(markup))
        start = end


def _space_for(name: str) -> str | None:
    """What a tag puts between the text before and after it; None where it does more than that."""
    if name in _OF_ITS_OWN:
        return None
    return "" if name in _INLINE else " "


def _tidy(markup: str) -> str:
    return " ".join(html.unescape(markup).split())


def decode(body: bytes, content_type: str) -> str:
    """The body as text: by byte order mark, header, `<meta>`, else UTF-8. The rest becomes U+FFFD."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if body.startswith(mark):
            return body.decode(name, errors="replace")
    named = re.search(r"charset\s*=\s*[\"']?\s*([\w-]+)", content_type, re.IGNORECASE)
    in_page = _META_CHARSET.search(body[:4096])
    for candidate in (named[1] if named else "", in_page[1].decode("ascii") if in_page else ""):
        # Only encodings of text: Python would also take names such as "rot13" or "unicode_escape".
        if _CHARSETS.fullmatch(candidate):
            try:
                return body.decode(candidate, errors="replace")
            except LookupError:
                continue
    return body.decode("utf-8", errors="replace")


def fingerprint(text: str, *, ignoring: Iterable[str] = ()) -> int:
    """A 64-bit simhash of three-word shingles: near texts differ in few bits (Charikar 2002).

    Names in `ignoring` are left out first: a page that repeats its own address is still the same page.
    """
    return _fingerprint(normalise(text), ignoring)


def _fingerprint(normal: str, ignoring: Iterable[str]) -> int:
    for name in ignoring:
        if len(name) > 2:
            normal = normal.replace(normalise(name), " ")
    words = _words(normal)
    if not words:
        return 0
    sums = np.zeros(max(len(words), _SHINGLE_WORDS), dtype=np.uint64)
    sums[: len(words)] = np.fromiter(map(zlib.crc32, words), dtype=np.uint64, count=len(words))
    hashes = _hashes(sums)
    bits = np.unpackbits(hashes.astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    set_in_most = 2 * bits.sum(axis=0, dtype=np.uint16) > len(hashes)
    return int.from_bytes(np.packbits(set_in_most, bitorder="little").tobytes(), "little")


def _words(normal: str) -> list[bytes]:
    """The first words of a text, encoded. Those of ASCII are found in a tenth of the time."""
    if normal.isascii():
        return normal.encode().translate(_ASCII_WORDS).split(None, FINGERPRINT_WORDS)[:FINGERPRINT_WORDS]
    return [word.encode(errors="replace") for word in _WORD.findall(normal)[:FINGERPRINT_WORDS]]


def _hashes(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash of 64 bits for each three words on end: their sums, mixed as in SplitMix64 (Steele 2014)."""
    last = len(words) - _SHINGLE_WORDS + 1
    mixed = np.zeros(last, dtype=np.uint64)
    for place in range(_SHINGLE_WORDS):
        mixed += words[place : place + last]
        mixed ^= mixed >> np.uint64(30)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(27)
        mixed *= np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return mixed


def distance(one: int, other: int) -> int:
    """In how many of 64 bits two fingerprints differ."""
    return (one ^ other).bit_count()


class Content:
    """A body with its headers, read only as far as somebody asks."""

    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:
        self.body = body
        self.content_type = headers.get("content-type", "")
        self._holds: dict[str, bool] = {}

    @property
    def media_type(self) -> str:
        """`text/html` and the like, without parameters."""
        return self.content_type.partition(";")[0].strip().lower()

    @cached_property
    def is_text(self) -> bool:
        """Whether the body is for reading: by its media type or, without one, for having no zero byte."""
        if self.media_type:
            return self.media_type.startswith("text/") or any(
                word in self.media_type for word in ("html", "xml", "json", "javascript")
            )
        return b"\0" not in self.body[:1024] or self.body.startswith(
            (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        )

    @cached_property
    def text(self) -> str:
        """The decoded body; empty for pictures and other files."""
        return decode(self.body, self.content_type) if self.is_text else ""

    def holds(self, mark: str) -> bool:
        """Whether the decoded body has `mark` in it, exactly."""
        if mark not in self._holds:
            self._holds[mark] = mark in self.text
        return self._holds[mark]

    @cached_property
    def page(self) -> Page:
        """Title, headings and visible text."""
        if self.media_type in {"text/plain", "application/json"}:
            return Page(text=" ".join(self.text.split()))
        return read_page(self.text)

    @cached_property
    def normal_page(self) -> Page:
        """The same, each part normalised for comparing wording."""
        page = self.page
        return Page(
            title=normalise(page.title),
            headings=tuple(map(normalise, page.headings)),
            notices=tuple(map(normalise, page.notices)),
            text=_folded(page.text),  # whose white space is collapsed already
        )

    def blocks(self, *, classes: Iterable[str] = (), ids: Iterable[str] = ()) -> tuple[str, ...]:
        """The visible text of the elements with one of the classes or ids; see `read_blocks`."""
        if self.media_type in {"text/plain", "application/json"}:
            return ()
        return read_blocks(self.text, classes=classes, ids=ids)

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None if it is none (JSON's own null is as good as nothing here)."""
        if self.body.lstrip()[:1] not in {b"{", b"["}:
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def json_after(self, mark: str) -> Any:
        """The JSON value that stands in the text right after `mark`; None if there is none.

        A page may name the mark before it uses it, so of its first places the one with a whole value counts.
        """
        place = 0
        for _ in range(MAX_MARKS):
            place = self.text.find(mark, place)
            if place < 0:
                return None
            place += len(mark)
            start = re.compile(r"\s*").match(self.text, place)
            assert start is not None  # noqa: S101 - it matches nothing as well
            if self.text[start.end() : start.end() + 1] in {"{", "["}:
                try:
                    return json.JSONDecoder().raw_decode(self.text, start.end())[0]
                except (ValueError, RecursionError):
                    continue
        return None

    def fingerprint(self, *, ignoring: Iterable[str] = ()) -> int:
        """Of the visible text; of the bytes where there is none to see, such as a picture."""
        if self.is_text:
            return _fingerprint(self.normal_page.text, ignoring)
        if not self.body:
            return 0
        return int.from_bytes(hashlib.blake2b(self.body, digest_size=8).digest())
