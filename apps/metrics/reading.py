"""Whole-number columns of a query, read into NumPy as fast as the database gives them.

Either database puts each column together itself and hands it over as one value: PostgreSQL as the bytes in
which it sends such numbers and moments (several of its processes do so at once), SQLite as a line of text.
That costs half of what rows do.
`benchmarks/summary.py` says how long a million rows take on either.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import (
    BigIntegerField,
    Case,
    DateTimeField,
    Expression,
    ExpressionWrapper,
    F,
    Func,
    Max,
    Model,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce

Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Result = TypeVar("Result")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LARGE = 100_000  # rows of a table; for fewer another connection does not pay
SPREAD = 4  # so many keys for one that is wanted, at most: then all those between are taken
FROM_1970_TO_2000 = 10_957 * 86_400  # seconds; PostgreSQL keeps moments as microseconds since 2000


class SecondsSince1970(Func):
    """A moment as whole seconds since 1970 in UTC: rounded to the millisecond, then down."""

    output_field = BigIntegerField()
    arity = 1

    # An older SQLite gives the Julian day, a number of milliseconds divided: half of one makes up for what is
    # lost in that.
    template = (
        "unixepoch(%(expressions)s)"
        if sqlite3.sqlite_version_info >= (3, 38)
        else "CAST((julianday(%(expressions)s) - 2440587.5) * 86400 + 0.0005 AS INTEGER)"
    )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        """PostgreSQL's epoch has microseconds; rounded as SQLite rounds, so that both say the same."""
        template = "FLOOR(date_part('epoch', %(expressions)s) + 0.0005)::bigint"
        return self.as_sql(compiler, connection, template=template, **context)


@dataclass(frozen=True, slots=True)
class Moments:
    """A column of moments as seconds since 1970, 0 where there is none; with `where`, of its rows alone."""

    path: str
    where: Q | None = None

    def in_seconds(self) -> Expression:
        """As the database works them out."""
        return self._chosen(
            Coalesce(SecondsSince1970(F(self.path)), Value(0), output_field=BigIntegerField())
        )

    def as_kept(self) -> Expression:
        """As they are, with 1970's first where there is none."""
        return self._chosen(Coalesce(F(self.path), Value(EPOCH), output_field=DateTimeField()))

    def _chosen(self, value: Expression) -> Expression:
        if self.where is None:
            return value
        return Case(When(self.where, then=value), default=None, output_field=value.output_field)


Column = Combinable | Moments


@contextmanager
def one_view() -> Iterator[None]:
    """Let several queries see the record of one and the same moment, whatever is written meanwhile.

    PostgreSQL does so for a transaction that asks for it as its first word, SQLite within any transaction;
    inside a transaction that is under way already, that one's rules hold. PostgreSQL also lets more than one
    core read here: it takes it for dear to have rows from another process, and many rows are what we want. It
    compiles nothing: that takes longer than it saves on so few expressions.
    """
    if connection.in_atomic_block or connection.vendor != "postgresql":
        # On SQLite a transaction of Django's takes the lock for writing at once, which no reader should.
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL parallel_tuple_cost = 0")
            cursor.execute("SET LOCAL jit = off")
        yield


def in_seconds(path: str, *, where: Q | None = None) -> Moments:
    """The moment in a field as seconds since 1970, 0 where there is none.

    With `where`, the rows for which it does not hold have no value, so that the column is shorter.
    """
    return Moments(path, where)


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


def meanwhile(work: Callable[[], Result], *, rows: int) -> Callable[[], Result]:
    """What gives the result of `work`, which is done once; in a thread of its own where there are many rows.

    It is begun there at once. NumPy lets other threads go on while it works through a column.
    """
    if rows < LARGE:
        return cache(work)
    thread = ThreadPoolExecutor(1)
    result = thread.submit(work)
    thread.shutdown(wait=False)
    return result.result


def distinct(values: Whole) -> Whole:
    """The different ones among `values`, in order; quicker than `np.unique` for many."""
    first, span = _span(values)
    if span <= SPREAD * len(values):
        found: Whole = np.flatnonzero(np.bincount(values - first, minlength=span)) + first
        return found
    ordered = np.sort(values)
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))]


def repeated(values: Whole) -> Flags:
    """Whether each of `values` is there more than once."""
    first, span = _span(values)
    if span <= SPREAD * len(values):
        several: Flags = np.bincount(values - first, minlength=span)[values - first] > 1
        return several
    ordered = np.sort(values)
    return np.isin(values, ordered[1:][ordered[1:] == ordered[:-1]])


def _span(values: Whole) -> tuple[int, int]:
    """The least of `values`, and how many whole numbers there are from it to the greatest."""
    if not len(values):
        return 0, 0
    first = int(values.min())
    return first, int(values.max()) - first + 1


def places(keys: Whole, wanted: Whole) -> Whole:
    """Where each of `wanted` stands among `keys`, all of which differ; -1 where it does not."""
    if not len(keys):
        return np.full(len(wanted), -1)
    first, span = _span(keys)
    if span > SPREAD * len(keys):
        order = np.argsort(keys)
        place = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
        return np.where(keys[place] == wanted, place, -1)
    by_key = np.full(span + 1, -1)  # the last one for those that lie outside
    by_key[keys - first] = np.arange(len(keys))
    inside = (wanted >= first) & (wanted < first + span)
    found: Whole = by_key[np.where(inside, wanted - first, span)]
    return found


def read_columns(rows: QuerySet[Any], columns: Mapping[str, Column]) -> dict[str, Whole]:
    """The `columns` of all `rows`, each an array of int64 with one value a row, all in the same order.

    What is null has no value, so that such a column is shorter.
    """
    kept = connection.vendor == "postgresql"
    named = {f"as_{name}": one for name, one in columns.items()}
    asked_for = {name: _asked_for(one, kept=kept) for name, one in named.items()}
    sql, parameters = rows.annotate(**asked_for).values_list(*named).query.sql_with_params()
    read = (_in_bytes if kept else _in_text)(sql, parameters, named)
    return {
        name: _seconds(found) if kept and isinstance(columns[name], Moments) else found
        for name, found in zip(columns, read, strict=True)
    }


def read_through(
    rows: QuerySet[Any], columns: Mapping[str, Column], *, between: tuple[int, int] | None = None
) -> dict[str, Whole]:
    """`read_columns` of many of a table's rows, from its begin to its end, or `between` two keys of it.

    SQLite would jump to each by an index, which takes ten times as long for a million; asked for the order of
    the table, it weighs that. It works for one thread on one core: two threads read a large table by halves,
    each with a connection of its own. In a transaction it is one: what that has written no other connection
    sees, and it sees nothing that others have written since it began, which files and editions rely on.
    By the plain number of a row it would come back to the index, so it is given a sum, unless keys alone
    choose the rows. PostgreSQL weighs and shares its work itself, and would only sort.
    """
    some = rows if between is None else rows.filter(pk__range=between)
    if connection.vendor != "sqlite":
        return read_columns(some.order_by(), columns)
    in_order = some.order_by("pk")
    if _in_a_view():
        return read_columns(in_order, columns)
    first, last = between or (0, rows.model._base_manager.aggregate(last=Max("pk"))["last"] or 0)
    if last - first < LARGE:
        return read_columns(in_order, columns)
    # Each half by its own bounds alone: beside wider ones SQLite goes through all that lies between those.
    placed, key = (rows.alias(place=F("pk") + 0), "place") if between is None else (rows, "pk")
    middle = (first + last) // 2
    halves = [
        placed.filter(**{f"{key}__range": bounds}).order_by("pk")
        for bounds in ((first, middle), (middle + 1, last))
    ]
    with ThreadPoolExecutor(len(halves)) as pool:
        read = list(pool.map(lambda half: _read_alone(half, columns), halves))
    return {name: np.concatenate([half[name] for half in read]) for name in columns}


def read_of(
    parents: QuerySet[Any], model: type[Model], link: str, columns: Mapping[str, Column]
) -> dict[str, Whole]:
    """The `columns` of all rows of a model's table whose `link` leads to one of `parents`.

    `columns` have the link itself, under its name, and give each row a value. SQLite goes to the rows of each
    parent by an index, or looks up each row's parent. Where they are the most of a large table, it reads all
    of it and the parents are looked up here, which takes it half the time.
    """
    rows = model._base_manager.order_by()
    chosen = rows.filter(**{f"{link}__in": parents.order_by().values("pk")})
    if connection.vendor != "sqlite" or _in_a_view():
        return read_columns(chosen, columns)
    last = rows.aggregate(last=Max("pk"))["last"] or 0
    if last < LARGE or not chosen[last // SPREAD :].exists():
        return read_columns(chosen, columns)
    found = read_through(rows, columns, between=(0, last))
    known = places(read_columns(parents.order_by(), {"pk": F("pk")})["pk"], found[link]) >= 0
    return found if known.all() else {name: column[known] for name, column in found.items()}


def _in_a_view() -> bool:
    """Whether a transaction is under way on SQLite: Django's own, or that of `exports.sql.one_view`."""
    opened = connection.connection
    return connection.in_atomic_block or bool(opened is not None and opened.in_transaction)


def _read_alone(rows: QuerySet[Any], columns: Mapping[str, Column]) -> dict[str, Whole]:
    """`read_columns` in a thread, whose connection ends with it."""
    try:
        return read_columns(rows, columns)
    finally:
        connection.close()


def _asked_for(column: Column, *, kept: bool) -> Expression:
    """The column in what PostgreSQL sends as 8 bytes; the same for SQLite, which has one size for all."""
    if isinstance(column, Moments):
        return column.as_kept() if kept else column.in_seconds()
    if isinstance(column, Expression) and not kept:
        return column
    return Cast(column, BigIntegerField())


def _seconds(moments: Whole) -> Whole:
    """PostgreSQL's microseconds since 2000 in seconds since 1970: to the millisecond, then down."""
    return (moments + 500) // 1_000_000 + FROM_1970_TO_2000


def _in_bytes(sql: str, parameters: Sequence[Any], columns: Mapping[str, Column]) -> list[Whole]:
    quoted = {
        connection.ops.quote_name(name): "timestamptz_send" if isinstance(column, Moments) else "int8send"
        for name, column in columns.items()
    }
    lines = ", ".join(f"string_agg({send}({name}), ''::bytea) AS {name}" for name, send in quoted.items())
    one_each = " ".join(f"WHEN {place} THEN {name}" for place, name in enumerate(quoted))
    with connection.cursor() as cursor, connection.wrap_database_errors:
        # Django's cursor takes no parameters for `copy`.
        statement = cursor.mogrify(
            f"COPY (SELECT place, CASE place {one_each} END "  # noqa: S608
            f"FROM (SELECT {lines} FROM ({sql}) AS kept) AS lines, "
            f"generate_series(0, {len(quoted) - 1}) AS place) TO STDOUT (FORMAT BINARY)",
            parameters,
        )
        with cursor.copy(statement) as copy:
            copy.set_types(["int4", "bytea"])
            read = {place: np.frombuffer(line or b"", ">i8").astype(np.int64) for place, line in copy.rows()}
    return [read[place] for place in range(len(quoted))]


def _in_text(sql: str, parameters: Sequence[Any], names: Iterable[str]) -> list[Whole]:
    with connection.cursor() as cursor:
        lines = ", ".join(f"group_concat({connection.ops.quote_name(name)})" for name in names)
        cursor.execute(f"SELECT {lines} FROM ({sql})", parameters)  # noqa: S608
        return [np.fromstring(line or "", np.int64, sep=",") for line in cursor.fetchone()]
