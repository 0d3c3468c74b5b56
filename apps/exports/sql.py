"""Rows of a query as the exports need them, read in constant memory.

A `Source` names an expression for each column of a table. It is read in one of two ways, which give the same
bytes (a test holds them together):

- `blocks`: columns of Python values, some thousand rows at a time. Every format can be made of them.
- `csv_lines`: PostgreSQL puts the lines of the CSV file together itself and hands them over by COPY, several
  times as fast. The cells follow the rules of Python's `csv` and of `core.csv_cells`.

Moments come as text from the database: a `datetime` object for each of ten cells a row would cost more than
all the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Func, QuerySet, TextField
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from apps.metrics import reading

from .columns import Column, Type

BLOCK = 2000  # rows
LIST_SEPARATOR = ";"  # no label has one in it: they are split there when they come in

Value = str | int | float | bool | list[str] | None
Block = list[Sequence[Value]]
"""Some rows, a sequence of values for each column."""


class Iso(Func):
    """A moment as ISO 8601 text in UTC with a Z; with a fraction only where there is one."""

    output_field = TextField()
    arity = 1
    template = "REPLACE(REPLACE(%(expressions)s, ' ', 'T'), '.000000', '') || 'Z'"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        """SQLite keeps moments as such text already, in UTC; PostgreSQL writes it."""
        template = (
            "REPLACE(TO_CHAR(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), "
            "'.000000', '') || 'Z'"
        )
        return self.as_sql(compiler, connection, template=template, **context)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table's rows come from: a query, an expression a column, and the columns to order by."""

    rows: QuerySet[Any]
    columns: Sequence[Column]
    values: Mapping[str, Combinable]
    order: Sequence[str]

    def compiled(self) -> tuple[str, Sequence[Any]]:
        """The query with its parameters; its columns are called c0, c1, ... in the table's order."""
        annotated = {
            f"c{place}": _expression(self.values[column.name], column.type)
            for place, column in enumerate(self.columns)
        }
        query = self.rows.order_by().annotate(**annotated).values_list(*annotated)
        sql, parameters = query.query.sql_with_params()
        return sql, parameters

    def order_by(self) -> str:
        """The columns to order by, as the query calls them."""
        places = {column.name: place for place, column in enumerate(self.columns)}
        return ", ".join(f"c{places[name]}" for name in self.order)


@contextmanager
def one_view() -> Iterator[None]:
    """Let all queries of an export see the record of one and the same moment, whatever is written meanwhile.

    As `metrics.reading.one_view`, and on SQLite by a transaction that only reads and keeps nobody waiting.
    PostgreSQL is told what a row costs that stands anywhere on a disk without a head to move: it would read a
    whole table for every some thousand items otherwise.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with reading.one_view():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL random_page_cost = 1.1")
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")


def blocks(source: Source) -> Iterator[Block]:
    """The rows of a source as columns of Python values: the plain way, which every database has."""
    sql, parameters = source.compiled()
    typed = [_typed(column) for column in source.columns]
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({sql}) AS rows ORDER BY {source.order_by()}", parameters)  # noqa: S608
        while rows := cursor.fetchmany(BLOCK):
            yield [
                column if to is None else list(map(to, column))
                for to, column in zip(typed, zip(*rows, strict=True), strict=True)
            ]


def has_csv_lines(columns: Sequence[Column]) -> bool:
    """Whether the database can put the CSV lines of these columns together."""
    return connection.vendor == "postgresql" and all(column.type != Type.NUMBER for column in columns)


def csv_lines(source: Source, *, delimiter: str) -> Iterator[list[bytes]]:
    """The lines of a source, without their ends, some at a time. PostgreSQL only.

    COPY's binary form (PostgreSQL manual, COPY, "Binary Format") gives each line as it is, where its text
    form would escape it.
    """
    order, cells, rows = _parts(source, delimiter)
    statement = f"COPY (SELECT {cells} FROM {rows} ORDER BY {order}) TO STDOUT (FORMAT BINARY)"  # noqa: S608
    found = []
    start = _COPY_HEADER + _BEFORE_LINE  # the first row has the file's header before it
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in copy:
            if len(row) >= start:  # else it is the end
                found.append(bytes(row[start:]))
                start = _BEFORE_LINE
            if len(found) == BLOCK:
                yield found
                found = []
    if found:
        yield found


def all_csv_lines(source: Source, *, delimiter: str) -> list[str]:
    """All lines of a source at once, which is faster where they are not many. PostgreSQL only."""
    order, cells, rows = _parts(source, delimiter)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT array_agg({cells} ORDER BY {order}) FROM {rows}")  # noqa: S608
        found: list[str] = cursor.fetchone()[0] or []
    return found


_COPY_HEADER = 19  # bytes: signature, flags, length of an extension that there is none of
_BEFORE_LINE = 2 + 4  # bytes of a row of one column: how many columns, and the length of the line


def _parts(source: Source, delimiter: str) -> tuple[str, str, str]:
    """The order of the lines, the expression that makes one, and the rows that it is made of."""
    sql, parameters = source.compiled()
    with connection.cursor() as cursor:
        rows = cursor.mogrify(sql, parameters)
    cells = f", '{delimiter}', ".join(
        _cell(f"c{place}", column, delimiter) for place, column in enumerate(source.columns)
    )
    # To `concat` nothing is an empty text.
    return source.order_by(), f"concat({cells})", f"({rows}) AS rows"


def _expression(value: Combinable, type_: Type) -> Combinable:
    if type_ == Type.DATETIME:
        return Iso(value)
    if type_ == Type.LIST:
        return Cast(value, TextField())
    return value


def _typed(column: Column) -> Callable[[Any], Value] | None:
    """What makes a column's values of what the database gives; None where they are the same."""
    if column.type == Type.BOOLEAN:
        return lambda value: None if value is None else bool(value)
    if column.type == Type.LIST:
        return lambda value: [] if value == "[]" else json.loads(value)
    # The record has an empty text where a word is missing.
    return (lambda value: value or None) if column.words else None


# ----------------------------------------------------------------------------------- the rules of CSV, in SQL

# What `\s` is to Python, which `csv_cells` uses.
_SPACES = "".join(f"\\u{code:04x}" for code in range(0x3001) if chr(code).isspace())
_UNSAFE = rf"^'*[{_SPACES}]*[\t\r\n=+@\uff1d\uff0b\uff0d\uff20-]"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _cell(name: str, column: Column, delimiter: str) -> str:
    """The expression of one cell, from the column of that name."""
    if column.type == Type.BOOLEAN:
        return f"CASE {name} WHEN true THEN 'true' WHEN false THEN 'false' ELSE '' END"
    if column.type == Type.LIST:
        values = f"jsonb_array_elements_text({name}::jsonb) WITH ORDINALITY AS list(value, place)"
        joined = f"SELECT string_agg(value, '{LIST_SEPARATOR}' ORDER BY place) AS words FROM {values}"  # noqa: S608
        cell = f"(SELECT {_text_cell('words', delimiter)} FROM ({joined}) AS joined)"  # noqa: S608
        return f"CASE {name} WHEN '[]' THEN '' ELSE {cell} END"
    if column.is_free_text:
        return _text_cell(name, delimiter)
    return name


def _text_cell(text: str, delimiter: str) -> str:
    """A text with what makes a spreadsheet leave it alone, quoted where that is needed."""
    unsafe, quoted = _literal(_UNSAFE), _literal(f'["\\r\\n{delimiter}]')
    either = _literal(f'{_UNSAFE}|["\\r\\n{delimiter}]')
    safe = f"CASE WHEN {text} ~ {unsafe} THEN '''' || {text} ELSE {text} END"
    return (
        f"CASE WHEN {text} ~ {either} THEN "
        f"CASE WHEN {text} ~ {quoted} THEN '\"' || replace({safe}, '\"', '\"\"') || '\"' ELSE {safe} END "
        f"ELSE {text} END"
    )
