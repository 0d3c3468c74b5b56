"""Lists as people's programs write them: CSV in its many forms, or plainly one URL a line.

Read as a stream, so that a list of any length takes the same memory. Understood: UTF-8 with or without a byte
order mark, UTF-16; commas, semicolons or tabs (whichever the header has most of, or a first line `sep=;`);
any line ends; quoted cells with line breaks; lines that begin with `#` outside quotes, and empty lines, which
count as nothing. A `#` that stands alone in the first heading, or before a row with a URL in a later cell (as
a case number has it), begins no such line. Rows know the line on which they begin.

A quote that is never closed would swallow the rest of the file: the row that opens it is given back as one
with a problem, and reading goes on at the next line.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from apps.core.canonical import UnusableURL, canonicalise
from apps.core.csv_cells import plain_cell
from apps.core.defanging import refang

MAX_ROW = 100_000  # characters, all cells of a row together; csv's own limit for one cell is above it
DELIMITERS = (",", ";", "\t")

_SEPARATOR_LINE = re.compile(r"sep=([,;\t])\s*", re.IGNORECASE)
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_QUOTED = re.compile(r'"[^"]*"?')
_HEADING_IS_HASH = re.compile(r"#\s*[,;\t]")


class UnreadableFile(ValueError):
    """A file that is no list in a form that can be read. `str()` is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the physical line on which it begins, its cells, and what is wrong with its form (or "")."""

    line: int
    cells: tuple[str, ...]
    problem: str = ""


class _BorrowedText(io.TextIOWrapper):
    """The text of a stream that stays its owner's: let go of in the end, and not closed."""

    def __del__(self) -> None:
        with suppress(ValueError):
            self.detach()


class _TooLong(Exception):
    """The row has more characters than a row may have."""


class Table:
    """A file's header and, by iterating once, its rows. Raises UnreadableFile, when made or while iterating.

    `headers` are the first row's cells, each in one line (for a plain list of URLs: `url`); `delimiter` and
    `encoding` are what was found; `is_plain_list` is true for one URL a line.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.encoding, self.has_byte_order_mark = _encoding(stream)
        self._text = _BorrowedText(
            stream,
            encoding=self.encoding,
            # Kept apart, so that the line can be named.
            errors="surrogateescape" if self.encoding == "utf-8" else "strict",
            newline="",
        )
        self._line = 0
        self._again: deque[tuple[int, str]] = deque()
        self.delimiter = ","
        self.is_plain_list = False
        self.headers: tuple[str, ...] = ()
        self.headers = self._read_headers()

    @property
    def position(self) -> int:
        """How many bytes of the file have been taken in."""
        return self._stream.tell()

    def __iter__(self) -> Iterator[Row]:
        width = len(self.headers)
        for row in self._records():
            if not row.problem and not any(cell.strip() for cell in row.cells):
                continue
            yield self._squared(row, width)

    def _squared(self, row: Row, width: int) -> Row:
        """The row with as many cells as the header, or with the problem that it has not."""
        count = len(row.cells)
        if row.problem or count == width:
            return row
        if count > width and not any(cell.strip() for cell in row.cells[width:]):
            return Row(row.line, row.cells[:width])
        advice = (
            "put quotes around a cell that contains the delimiter"
            if count > width
            else "write the delimiter for empty cells, too"
        )
        cells = "1 cell" if count == 1 else f"{count} cells"
        return Row(row.line, row.cells, f"The row has {cells} where the header has {width}: {advice}.")

    def _read_headers(self) -> tuple[str, ...]:
        first = self._first_line()
        if first is None:
            raise UnreadableFile("The file is empty: there is no header and no row in it.")
        separator = _SEPARATOR_LINE.fullmatch(first[1])
        if separator is not None:
            self.delimiter = separator[1]
        else:
            outside_quotes = _QUOTED.sub("", first[1])
            self.delimiter = max(DELIMITERS, key=outside_quotes.count)
            self._again.appendleft(first)
        header = next(self._records(), None)
        if header is None:
            raise UnreadableFile("The file has no header: the first row names the columns, one of them url.")
        if header.problem:
            raise UnreadableFile(f"Line {header.line}, the header, cannot be read. {header.problem}")
        if any("\x00" in cell for cell in header.cells):
            raise UnreadableFile(
                f"Line {header.line}, the header, holds a NUL character: this is no text in UTF-8 or UTF-16."
            )
        if _is_url(header.cells[0]):
            return self._headers_of_plain_list(first, header)
        # Spreadsheets break long headings, and browsers do not give a line break back as it was.
        return tuple(" ".join(plain_cell(cell.strip()).split()) for cell in header.cells)

    def _headers_of_plain_list(self, first: tuple[int, str], header: Row) -> tuple[str, ...]:
        if len(header.cells) > 1:
            raise UnreadableFile(
                f"Line {header.line} begins with a URL, so the header is missing: put a line above it that "
                "names the columns, such as url,reported_at."
            )
        self.is_plain_list = True
        self._again.appendleft(first)
        return ("url",)

    def _first_line(self) -> tuple[int, str] | None:
        while (line := self._next_line()) is not None:
            if not line[1].isspace() and not self._is_comment(line[1]):
                return line
        return None

    def _is_comment(self, text: str) -> bool:
        if not text.startswith("#"):
            return False
        if not self.headers:
            return _HEADING_IS_HASH.match(text) is None
        first, *others = text.lstrip("# ").split(self.delimiter)
        return len(self.headers) == 1 or _is_address(first) or not any(map(_is_address, others))

    def _records(self) -> Iterator[Row]:
        while (first := self._first_line()) is not None:
            number, text = first
            if len(text) > MAX_ROW:
                yield Row(number, (text[:200],), f"The row is longer than {MAX_ROW:,} characters.")
            elif self.is_plain_list:
                yield Row(number, (text.strip(),))
            elif '"' not in text:
                yield Row(number, tuple(text.rstrip("\r\n").split(self.delimiter)))
            else:
                yield self._quoted_record(first)

    def _quoted_record(self, first: tuple[int, str]) -> Row:
        taken = [first]
        ended = False

        def lines() -> Iterator[str]:
            nonlocal ended
            length = len(first[1])
            yield first[1]
            while (line := self._next_line()) is not None:
                taken.append(line)
                length += len(line[1])
                if length > MAX_ROW:
                    raise _TooLong
                yield line[1]
            ended = True

        try:
            cells = next(csv.reader(lines(), delimiter=self.delimiter, skipinitialspace=True))
        except (_TooLong, csv.Error):
            ended = True
        if not ended:
            return Row(first[0], tuple(cells))
        self._again.extendleft(reversed(taken[1:]))
        return Row(
            first[0],
            (first[1].strip("\r\n"),),
            f"A quote is opened here and not closed within {MAX_ROW:,} characters: close it, or double it if "
            "it belongs to the text.",
        )

    def _next_line(self) -> tuple[int, str] | None:
        """The next physical line with its number; of one that is too long only the beginning."""
        if self._again:
            return self._again.popleft()
        try:
            line = self._text.readline(MAX_ROW + 1)
            rest = line
            while len(rest) > MAX_ROW and not rest.endswith(("\n", "\r")):
                rest = self._text.readline(MAX_ROW + 1)
        except UnicodeDecodeError as error:
            raise UnreadableFile(
                f"The file is damaged after line {self._line}: it is not {self.encoding.upper()} throughout. "
                "Save it anew as CSV in UTF-8."
            ) from error
        if not line:
            return None
        self._line += 1
        if not line.isascii() and _NOT_UTF8.search(line):
            raise UnreadableFile(
                f"Line {self._line} is not in UTF-8. Save the list as “CSV UTF-8” (or UTF-16) and try again."
            )
        return self._line, line


def _encoding(stream: BinaryIO) -> tuple[str, bool]:
    """(encoding that also takes the byte order mark away, whether there is such a mark)."""
    head = stream.read(4)
    stream.seek(0)
    if not head:
        raise UnreadableFile("The file is empty: there is no header and no row in it.")
    if head == b"PK\x03\x04" or head == b"\xd0\xcf\x11\xe0":
        raise UnreadableFile("This is a spreadsheet's own file: save the sheet as CSV and import that.")
    if head in {b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff"}:
        raise UnreadableFile("The file is in UTF-32. Save the list as “CSV UTF-8” and try again.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", True
    if head.startswith(b"\xef\xbb\xbf"):
        stream.seek(3)
        return "utf-8", True
    if len(head) > 1 and head[0] == 0:
        return "utf-16-be", False
    if len(head) > 1 and head[1] == 0:
        return "utf-16-le", False
    return "utf-8", False


def _is_url(cell: str) -> bool:
    return "://" in refang(cell) and _is_address(cell)


def _is_address(cell: str) -> bool:
    try:
        return bool(canonicalise(plain_cell(cell.strip())))
    except UnusableURL:
        return False
