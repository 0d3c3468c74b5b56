"""Many rows at once, in one statement however many there are.

PostgreSQL takes new rows by COPY and changed ones as one JSON text; SQLite runs one prepared statement for
all of them. Nothing here is checked that a model's own methods would check: values have to be right already.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.db.models import CharField, DateTimeField, F, Field, JSONField, Model, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

Row = Sequence[Any]


def insert(model: type[Model], names: Sequence[str], rows: Iterable[Row]) -> None:
    """Add rows, each with the values of the fields that are named, in that order.

    `names` are attributes (`target_id`). The database gives a key where none is named; every other field that
    has no default of the database's own has to be named. JSON may come as its text, and a moment as the text
    that the database has for it. Rows are taken as they come, and none is kept.
    """
    fields = [_field(model, name) for name in names]
    table, columns = _table(model), ", ".join(_column(field) for field in fields)
    complete = _converted(fields, rows)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            statement = f"COPY {table} ({columns}) FROM STDIN"
            with connection.wrap_database_errors, cursor.copy(statement) as copy:
                for row in complete:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(fields))
        statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608
        cursor.executemany(statement, cast(Any, complete))  # Django passes any iterable on


def update(model: type[Model], names: Sequence[str], rows: Iterable[Row]) -> None:
    """Change rows: each has the values of the fields that are named, in that order, and last its key."""
    fields = [*(_field(model, name) for name in names), model._meta.pk]
    listed = list(rows)
    if not listed or not names:
        return
    table, *columns = _table(model), *(_column(field) for field in fields)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            given = [f"v{place}" for place in range(len(fields))]
            types = [
                f"{name} {field.rel_db_type(connection)}" for name, field in zip(given, fields, strict=True)
            ]
            assigned = ", ".join(
                f"{column} = {name}" for column, name in zip(columns[:-1], given, strict=False)
            )
            # As JSON, which is put together several times as fast as arrays of moments.
            text = json.dumps([dict(zip(given, row, strict=True)) for row in listed], default=str)
            cursor.execute(
                f"UPDATE {table} SET {assigned} "  # noqa: S608
                f"FROM json_to_recordset(%s) AS given ({', '.join(types)}) WHERE {columns[-1]} = {given[-1]}",
                [text],
            )
            return
        assigned = ", ".join(f"{column} = %s" for column in columns[:-1])
        statement = f"UPDATE {table} SET {assigned} WHERE {columns[-1]} = %s"  # noqa: S608
        cursor.executemany(statement, cast(Any, _converted(fields, listed)))


@lru_cache(maxsize=64)
def values(model: type[Model], *names: str) -> QuerySet[Any, Any]:
    """All rows of a model with the fields that are named, to be narrowed and given to `read`.

    Kept, because Django takes milliseconds to put it together.
    """
    fields = ((name, _field(model, name)) for name in names)
    return model._default_manager.values_list(
        *(Cast(name, TextField()) if isinstance(field, DateTimeField) else F(name) for name, field in fields)
    )


def read(rows: QuerySet[Any, Any], names: Sequence[str]) -> Iterator[list[Any]]:
    """The rows of `values`, narrowed, with the fields that were named there.

    Moments come as text and are read here, which takes a tenth of the time that drivers take for them.
    """
    moments = [
        place for place, name in enumerate(names) if isinstance(_field(rows.model, name), DateTimeField)
    ]
    for row in rows:
        values = list(row)
        for place in moments:
            if values[place] is not None:
                moment = datetime.fromisoformat(values[place])
                values[place] = moment if moment.tzinfo is UTC else moment.replace(tzinfo=UTC)
        yield values


def among(keys: Iterable[int] | npt.NDArray[np.int64]) -> RawSQL:
    """Many keys for an `__in`, as one parameter: SQLite has a limit for them, and planners for long lists."""
    elements = "json_array_elements_text(%s::json)" if connection.vendor == "postgresql" else "json_each(%s)"
    value = "value::bigint" if connection.vendor == "postgresql" else "value"
    listed = keys.tolist() if isinstance(keys, np.ndarray) else list(keys)
    return RawSQL(f"SELECT {value} FROM {elements}", [json.dumps(listed)])  # noqa: S608, S611


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _field(model: type[Model], name: str) -> Field[Any, Any]:
    return next(field for field in model._meta.concrete_fields if field.attname == name)


def _column(field: Field[Any, Any]) -> str:
    return connection.ops.quote_name(cast(str, field.column))


def _converted(fields: Sequence[Field[Any, Any]], rows: Iterable[Row]) -> Iterable[Row]:
    """The rows with each value as the database's driver takes it."""
    converters = [
        (place, converter)
        for place, field in enumerate(fields)
        if (converter := _converter(field)) is not None
    ]
    for row in rows:
        values = list(row)
        for place, converter in converters:
            if values[place] is not None:
                values[place] = converter(values[place])
        yield values


def _converter(field: Field[Any, Any]) -> Callable[[Any], Any] | None:
    """What makes a field's value one that the driver takes; None where it takes any as it is."""
    match field:
        case JSONField():
            return _json
        case CharField() | TextField():
            return str  # a member of a closed list is a text of its own kind
        case DateTimeField() if connection.vendor == "sqlite":
            return _moment
        case _:
            return None


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _moment(value: datetime | str) -> str:
    """A moment as Django writes it on SQLite: in UTC, with a fraction only where there is one."""
    return value if isinstance(value, str) else value.astimezone(UTC).isoformat(" ").removesuffix("+00:00")
