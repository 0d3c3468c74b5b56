"""CSV as RFC 4180 has it: UTF-8, a header, CRLF at the end of each row, quotes where they are needed.

Texts are made safe for spreadsheets by `core.csv_cells`, which can be undone. `excel-eu` is for spreadsheets
of countries that write 0,5: semicolons between the cells, and a comma in decimals.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.csv_cells import safe_cell

from .columns import Column, Type
from .sql import LIST_SEPARATOR, Block, Value

BYTE_ORDER_MARK = "\ufeff".encode()
END = b"\r\n"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file separates cells and writes decimals."""

    name: str
    delimiter: str
    decimal: str


DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect for dialect in (Dialect("", ",", "."), Dialect("excel-eu", ";", ","))
}
"""The dialects by name; the standard one has none."""


def header(columns: Sequence[Column], dialect: Dialect) -> bytes:
    """The first line."""
    return dialect.delimiter.join(column.name for column in columns).encode() + END


def csv_bytes(
    blocks: Iterable[Block], columns: Sequence[Column], dialect: Dialect
) -> Iterator[tuple[int, bytes]]:
    """The rows of each block: how many, and the lines."""
    for block in blocks:
        file = io.StringIO()
        csv.writer(file, delimiter=dialect.delimiter).writerows(
            zip(*cells(block, columns, dialect), strict=True)
        )
        yield len(block[0]), file.getvalue().encode()


def cells(block: Block, columns: Sequence[Column], dialect: Dialect) -> list[Iterable[Any]]:
    """A block's columns as `csv.writer` takes them: texts, whole numbers, and None for an empty cell."""
    return [_cells(values, column, dialect) for values, column in zip(block, columns, strict=True)]


_BOOLEANS: Mapping[Any, str | None] = {True: "true", False: "false", None: None}


def _cells(values: Sequence[Value], column: Column, dialect: Dialect) -> Iterable[Any]:
    cell: Callable[[Any], str | None]
    if column.type == Type.BOOLEAN:
        cell = _BOOLEANS.__getitem__
    elif column.type == Type.NUMBER:
        cell = _point if dialect.decimal == "." else _comma
    elif column.type == Type.LIST:
        cell = _list
    elif column.is_free_text:
        cell = _text
    else:
        return values
    return map(cell, values)  # type: ignore[arg-type]


def _text(value: str | None) -> str | None:
    return safe_cell(value) if value else None


def _list(value: list[str] | None) -> str | None:
    return safe_cell(LIST_SEPARATOR.join(value)) if value else None


def _point(value: float | None) -> str | None:
    """A number as Python writes it, without the .0 of a whole one."""
    return None if value is None else f"{value:.12g}"


def _comma(value: float | None) -> str | None:
    return None if value is None else f"{value:.12g}".replace(".", ",")
