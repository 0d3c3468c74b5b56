"""XLSX, for people who will open it in a spreadsheet: types kept, in constant memory.

A text is stored as a text, so nothing in it can run as a formula. What the format cannot hold is told:

- control characters stand as `_x0000_` (Office Open XML, ST_Xstring), which spreadsheets read back;
- a cell holds 32,767 characters: a longer text ends with a sentence that says so. CSV has it in full;
- a sheet holds 1,048,576 rows: more go on to the next one;
- moments have no time zone: they are in UTC, to the millisecond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any, Protocol

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from .columns import Table, Type
from .sql import LIST_SEPARATOR, Block

MOST_ROWS = 1_048_576  # of a sheet, its header counted in
MOST_CHARACTERS = 32_767  # of a cell
CUT = " … (cut here: a cell holds 32,767 characters)"
_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)  # where spreadsheets count days from
_DAY_MS = 86_400_000
_WIDTHS = {Type.DATETIME: 20, Type.DATE: 11, Type.BOOLEAN: 9, Type.INTEGER: 9, Type.NUMBER: 11}
_FREE_TEXT_WIDTH, _WORD_WIDTH = 32, 16


class _PlainSheet(Worksheet):  # type: ignore[misc]
    """A sheet that never takes a text for markup: the library writes one that begins with `<r>` as it is."""

    def _xml_rich_inline_string(self, string: str, attributes: Any) -> None:
        self._xml_inline_string(string, True, attributes)


class Out(Protocol):
    """A file that is only ever written to."""

    def write(self, content: bytes, /) -> int: ...
    def flush(self) -> None: ...


def write_xlsx(
    out: Out, table: Table, blocks: Iterable[Block], *, made_at: datetime, most_rows: int = MOST_ROWS
) -> Iterator[int]:
    """Write a workbook to `out`; yields the number of rows after each block. The file is whole at the end."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, options)
    book.set_properties({"title": table.title, "created": made_at.astimezone(UTC).replace(tzinfo=None)})
    bold = book.add_format({"bold": True})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    writers = [_writer(column.type, moment, day) for column in table.columns]
    try:
        sheet = _sheet(book, table, bold, number=1)
        row, sheets = 1, 1
        for block in blocks:
            for values in zip(*block, strict=True):
                if row == most_rows:
                    sheets += 1
                    sheet, row = _sheet(book, table, bold, number=sheets), 1
                for place, (write, value) in enumerate(zip(writers, values, strict=True)):
                    if value is not None and value != "":
                        write(sheet, row, place, value)
                row += 1
            yield len(block[0])
    except BaseException:
        book.filename = _Nowhere()  # its temporary files are only let go of when it is written
        raise
    finally:
        book.close()


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, content: bytes, /) -> int:
        return len(content)

    def flush(self) -> None:
        pass


def _sheet(book: Any, table: Table, bold: Format, *, number: int) -> Worksheet:
    name = table.name if number == 1 else f"{table.name} {number}"
    sheet = book.add_worksheet(name, worksheet_class=_PlainSheet)
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(table.columns):
        width = _WIDTHS.get(column.type, _FREE_TEXT_WIDTH if column.is_free_text else _WORD_WIDTH)
        sheet.set_column(place, place, max(width, len(column.name) + 1))
    for place, column in enumerate(table.columns):
        sheet.write_string(0, place, column.name, bold)
    return sheet


Write = Callable[[Worksheet, int, int, Any], object]


def _writer(type_: Type, moment: Format, day: Format) -> Write:
    match type_:
        case Type.INTEGER | Type.NUMBER:
            return lambda sheet, row, place, value: sheet.write_number(row, place, value)
        case Type.BOOLEAN:
            return lambda sheet, row, place, value: sheet.write_boolean(row, place, value)
        case Type.DATETIME:
            return lambda sheet, row, place, value: sheet.write_number(row, place, serial(value), moment)
        case Type.DATE:
            return lambda sheet, row, place, value: sheet.write_number(row, place, serial(value), day)
        case Type.LIST:
            return lambda sheet, row, place, value: sheet.write_string(
                row, place, fitting(LIST_SEPARATOR.join(value))
            )
    return lambda sheet, row, place, value: sheet.write_string(row, place, fitting(value))


def serial(text: str) -> float:
    """A moment or a day in ISO 8601 as spreadsheets count it: days since the end of 1899."""
    if len(text) == len("2026-03-01"):
        return float((date.fromisoformat(text) - _EPOCH.date()).days)
    passed = datetime.fromisoformat(text) - _EPOCH
    return round(passed.total_seconds() * 1000) / _DAY_MS


def fitting(text: str) -> str:
    """A text as long as a cell may be; one that is cut says so. Counted as the format does, in UTF-16."""
    if len(text) <= MOST_CHARACTERS // 2 or len(text.encode("utf-16-le")) // 2 <= MOST_CHARACTERS:
        return text
    room = (MOST_CHARACTERS - len(CUT)) * 2  # bytes
    return text.encode("utf-16-le")[:room].decode("utf-16-le", "ignore") + CUT
