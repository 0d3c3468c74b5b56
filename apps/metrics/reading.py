"""Whole-number columns of a query, read into NumPy as fast as the database gives them.

PostgreSQL hands them over with COPY in its binary form, whose rows are all of one length here (PostgreSQL
manual, COPY, "Binary Format"); SQLite as one line of text a column, which costs half of what rows do.
`benchmarks/summary.py` says how long a million rows take on either.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import (
    BigIntegerField,
    Case,
    Expression,
    ExpressionWrapper,
    F,
    Func,
    Max,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.functions import Cast, Coalesce

Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Column = Combinable

COPY_HEADER = 19  # signature, flags, length of an extension that there is none of


class SecondsSince1970(Func):
    """A moment as whole seconds since 1970 in UTC: rounded to the millisecond, then down."""

    output_field = BigIntegerField()
    arity = 1

    # SQLite's Julian day is a number of milliseconds divided: half of one makes up for what is lost in that.
    template = "CAST((julianday(%(expressions)s) - 2440587.5) * 86400 + 0.0005 AS INTEGER)"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        """PostgreSQL's epoch has microseconds; rounded as SQLite rounds, so that both say the same."""
        template = "FLOOR(date_part('epoch', %(expressions)s) + 0.0005)::bigint"
        return self.as_sql(compiler, connection, template=template, **context)


@contextmanager
def one_view() -> Iterator[None]:
    """Let several queries see the record of one and the same moment, whatever is written meanwhile.

    PostgreSQL does so for a transaction that asks for it as its first word, SQLite within any transaction;
    inside a transaction that is under way already, that one's rules hold.
    """
    if connection.in_atomic_block or connection.vendor != "postgresql":
        # On SQLite a transaction of Django's takes the lock for writing at once, which no reader should.
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def in_seconds(path: str, *, where: Q | None = None) -> Expression:
    """The moment in a field as seconds since 1970; 0 where there is none, or where `where` does not hold."""
    value = SecondsSince1970(F(path))
    if where is None:
        return Coalesce(value, Value(0), output_field=BigIntegerField())
    is_there = where & Q(**{f"{path}__isnull": False})
    return Case(When(is_there, then=value), default=Value(0), output_field=BigIntegerField())


def latest(path: str, where: Q) -> Expression:
    """The last moment in a field of a group's rows for which `where` holds, in seconds; 0 for none."""
    return Coalesce(SecondsSince1970(Max(path, filter=where)), Value(0), output_field=BigIntegerField())


def in_codes(path: str, codes: Mapping[str, int]) -> Expression:
    """The word in a field as its code; -1 for any other word."""
    cases = (When(**{path: word}, then=Value(code)) for word, code in codes.items())
    return Case(*cases, default=Value(-1), output_field=BigIntegerField())


def in_bits(*conditions: Q) -> Expression:
    """Whether each of the conditions holds, the first in the lowest bit."""
    number: Any = Value(0)
    for place, condition in enumerate(conditions):
        number = number + Case(When(condition, then=Value(1 << place)), default=Value(0))
    return ExpressionWrapper(number, BigIntegerField())


def among(keys: Whole) -> RawSQL:
    """Many keys for an `__in`, as one parameter: SQLite has a limit for them, and planners for long lists."""
    elements = "json_array_elements_text(%s::json)" if connection.vendor == "postgresql" else "json_each(%s)"
    value = "value::bigint" if connection.vendor == "postgresql" else "value"
    return RawSQL(f"SELECT {value} FROM {elements}", [json.dumps(keys.tolist())])  # noqa: S608, S611


def straight_through(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The same rows, read from the table's begin to its end where many of them are wanted.

    SQLite would jump to each by an index, which takes ten times as long for a million; asked for the order of
    the table, it weighs that. PostgreSQL weighs it anyway, and would only sort.
    """
    return rows.order_by("pk") if connection.vendor == "sqlite" else rows.order_by()


def distinct(values: Whole) -> Whole:
    """The different ones among `values`, in order: by sorting, which is quicker than `np.unique` for many."""
    ordered = np.sort(values)
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))] if len(ordered) else ordered


def read_columns(rows: QuerySet[Any], columns: Mapping[str, Column]) -> dict[str, Whole]:
    """The `columns` of all `rows`, each an array of int64 with one value a row. No column may be null."""
    named = {f"as_{name}": _big(one) for name, one in columns.items()}
    sql, parameters = rows.annotate(**named).values_list(*named).query.sql_with_params()
    read = _in_bytes if connection.vendor == "postgresql" else _in_text
    return dict(zip(columns, read(sql, parameters, list(named)), strict=True))


def _big(column: Column) -> Expression:
    """The column in 8 bytes, which is what PostgreSQL sends it as."""
    if isinstance(column, Expression) and connection.vendor == "sqlite":
        return column
    return Cast(column, BigIntegerField())


def _in_bytes(sql: str, parameters: Sequence[Any], names: Sequence[str]) -> list[Whole]:
    with connection.cursor() as cursor:
        # Django's cursor for debugging takes no parameters here.
        statement = cursor.mogrify(f"COPY ({sql}) TO STDOUT (FORMAT BINARY)", parameters)
        content = bytearray()
        with cursor.copy(statement) as copy:
            for row in copy:  # an object each, which must not all be there at once
                content += row
    parts = (("size", ">i4"), ("value", ">i8"))
    cells = [(f"{part}{at}", size) for at in range(len(names)) for part, size in parts]
    layout = np.dtype([("columns", ">i2"), *cells])
    count = (len(content) - COPY_HEADER) // layout.itemsize  # the trailer is shorter than a row
    table = np.frombuffer(content, layout, count, COPY_HEADER)
    return [table[f"value{at}"].astype(np.int64) for at in range(len(names))]


def _in_text(sql: str, parameters: Sequence[Any], names: Sequence[str]) -> list[Whole]:
    with connection.cursor() as cursor:
        lines = ", ".join(f"group_concat({connection.ops.quote_name(name)})" for name in names)
        cursor.execute(f"SELECT {lines} FROM ({sql})", parameters)  # noqa: S608
        return [np.fromstring(line or "", np.int64, sep=",") for line in cursor.fetchone()]
