"""Changes of indexes that do not keep anybody waiting, however large the table is.

Django would copy the whole table on SQLite to leave an index out, and keep writers waiting on PostgreSQL
while it builds one. A migration with `AddIndexBesideWriters` needs `atomic = False`.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import NotInTransactionMixin
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex, AlterField, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation


class AddIndexBesideWriters(NotInTransactionMixin, AddIndex):
    """Build an index, on PostgreSQL while rows are written."""

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Build it."""
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        # What an earlier attempt left unfinished would be in the way.
        schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(self.index.name)}")
        schema_editor.add_index(model, self.index, concurrently=True)  # type: ignore[call-arg]

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Take it away."""
        schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(self.index.name)}")


class DropIndexOf(Operation):
    """Take away the index that Django makes of itself for one column; nothing else changes."""

    reversible = True

    def __init__(self, model_name: str, column: str) -> None:
        self.model_name, self.column = model_name, column

    def state_forwards(self, app_label: str, state: Any) -> None:
        """What models say is not changed by it."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Take it away, and the one for prefixes that PostgreSQL has beside it."""
        model = to_state.apps.get_model(app_label, self.model_name)
        connection = schema_editor.connection
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, model._meta.db_table)
        named = {index.name for index in (*model._meta.indexes, *model._meta.constraints)}
        for name, one in found.items():
            plain = one["index"] and not (one["unique"] or one["primary_key"] or one["foreign_key"])
            if plain and one["columns"] == [self.column] and name not in named:
                schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Leave it away: it was of no use."""

    def describe(self) -> str:
        """For `migrate --plan`."""
        return f"Take away the plain index of {self.column} of {self.model_name}"


def without_index(model_name: str, name: str, field: Any, *, column: str) -> SeparateDatabaseAndState:
    """A field that has no index of its own any more."""
    return SeparateDatabaseAndState(
        database_operations=[DropIndexOf(model_name, column)],
        state_operations=[AlterField(model_name, name, field)],
    )
