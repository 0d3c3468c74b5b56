"""The rows of all tables as a backup tells them, and back: the same text whichever database they are in.

Models are taken as the migrations leave them that the database has, not as the program has them now. So a
backup can be made before `migrate`, and an older one can be read.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from graphlib import TopologicalSorter
from typing import Any

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import BinaryField, BooleanField, DateTimeField, F, Field, JSONField, Model, TextField
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from apps.core import bulk
from apps.exports.sql import BLOCK, Iso

from .backup_file import TableHeader, UnusableBackup, line_of

Node = tuple[str, str]  # an app, and the name of a migration of it
LEFT_OUT = {"sessions.session", "usersessions.usersession"}
"""Who is signed in at this moment: nobody should be, after a restore."""
MADE_BY_MIGRATE = {"contenttypes.contenttype", "auth.permission"}
"""What a database holds that is empty."""


def applied(loader: MigrationLoader) -> list[Node]:
    """The migrations that the database has, sorted. Raises UnusableBackup if the program lacks one."""
    ours = {app for app, _ in loader.graph.nodes}
    found = [node for node in loader.applied_migrations if node[0] in ours]
    if unknown := sorted(node for node in found if node not in loader.graph.nodes):
        raise UnusableBackup(
            "The database is of a newer version than this program: it has the migration "
            f"{'.'.join(unknown[0])}."
        )
    return sorted(found)


def models_at(loader: MigrationLoader, nodes: Iterable[Node]) -> list[type[Model]]:
    """All models with a table as those migrations leave them, each after those that it refers to."""
    state = loader.project_state(list(nodes)).apps
    found = [
        model
        for model in state.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and not model._meta.swapped
    ]
    refers = {
        model: {
            field.related_model
            for field in model._meta.concrete_fields
            if field.remote_field and field.related_model is not model
        }
        for model in sorted(found, key=lambda model: model._meta.db_table)
    }
    return [model for model in TopologicalSorter(refers).static_order() if model in refers]


def carried(models: Iterable[type[Model]]) -> list[type[Model]]:
    """The models whose rows a backup holds."""
    return [model for model in models if model._meta.label_lower not in LEFT_OUT]


def columns_of(model: type[Model]) -> list[str]:
    """The attributes that a row holds, in its order."""
    return [field.attname for field in model._meta.concrete_fields]


def header_of(model: type[Model]) -> TableHeader:
    """A table as a backup names it, with its rows counted."""
    return TableHeader(model._meta.db_table, columns_of(model), model._base_manager.count())


def lines_of(model: type[Model]) -> Iterator[bytes]:
    """All rows as a backup has them, by their keys, some at a time."""
    fields: Sequence[Field[Any, Any]] = model._meta.concrete_fields
    values = {f"c{place}": _value(field) for place, field in enumerate(fields)}
    query = model._base_manager.order_by("pk").annotate(**values).values_list(*values).query
    tellers = [(place, told) for place, field in enumerate(fields) if (told := _teller(field)) is not None]
    with connection.chunked_cursor() as cursor:
        cursor.execute(*query.sql_with_params())
        while rows := cursor.fetchmany(BLOCK if not _is_heavy(fields) else 1):
            for row in rows:
                row = list(row)
                for place, told in tellers:
                    if row[place] is not None:
                        row[place] = told(row[place])
                yield line_of(row)


def insert(model: type[Model], rows: Iterable[list[Any]]) -> None:
    """Write rows of a backup into the model's table."""
    fields: Sequence[Field[Any, Any]] = model._meta.concrete_fields
    readers = [(place, read) for place, field in enumerate(fields) if (read := _reader(field)) is not None]

    def ready() -> Iterator[list[Any]]:
        for row in rows:
            for place, read in readers:
                if row[place] is not None:
                    row[place] = read(row[place])
            yield row

    bulk.insert(model, columns_of(model), ready())


def _is_heavy(fields: Sequence[Field[Any, Any]]) -> bool:
    """Whether one row can be as large as a file."""
    return any(isinstance(field, BinaryField) for field in fields)


def _value(field: Field[Any, Any]) -> Combinable:
    """What the database is asked for."""
    match field:
        case DateTimeField():
            return Iso(F(field.attname))
        case JSONField():
            return Cast(field.attname, TextField())
        case _:
            return F(field.attname)


def _teller(field: Field[Any, Any]) -> Callable[[Any], Any] | None:
    """What makes a field's value one of JSON that is the same for each database; None where it is already."""
    match field:
        case BinaryField():
            return lambda value: base64.b64encode(value).decode()
        case BooleanField():
            return bool  # SQLite has 0 and 1
        case JSONField():
            return _in_one_form
        case _:
            return None


def _reader(field: Field[Any, Any]) -> Callable[[Any], Any] | None:
    """The way back, to what `bulk.insert` takes."""
    match field:
        case BinaryField():
            return base64.b64decode
        case DateTimeField() if connection.vendor == "sqlite":
            return lambda value: value.removesuffix("Z").replace("T", " ")
        case _:
            return None


def _in_one_form(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
