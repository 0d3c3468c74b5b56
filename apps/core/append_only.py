"""Rows that are written once and never changed or deleted: the model refuses it, and so does the database.

A model of such rows has `AppendOnly` as its manager and base, and its migration ends with `RefuseChanges`.
Django copies a table on SQLite to change a column, and the copy has no triggers: a later migration of such a
table repeats the operation.
"""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation

Row = TypeVar("Row", bound=models.Model)


class AppendOnlyError(TypeError):
    """Somebody wants to change or delete a row that is only ever added. The message is a sentence."""


class AppendOnlyRows(models.QuerySet[Row]):
    """Queries of such rows: they add and read."""

    def update(self, **values: Any) -> NoReturn:
        """Refuse. Raises AppendOnlyError."""
        raise _refused(self.model)

    def delete(self) -> NoReturn:
        """Refuse. Raises AppendOnlyError."""
        raise _refused(self.model)

    def bulk_update(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse. Raises AppendOnlyError."""
        raise _refused(self.model)


class AppendOnly(models.Model):
    """A model of such rows."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        """Add the row. Raises AppendOnlyError for one that is there already."""
        if not self._state.adding:
            raise _refused(type(self))
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse. Raises AppendOnlyError."""
        raise _refused(type(self))


def _refused(model: type[models.Model]) -> AppendOnlyError:
    return AppendOnlyError(_words(model._meta.db_table))


def _words(table: str) -> str:
    return f"Rows of {table} are never changed or deleted, only added."


class RefuseChanges(Operation):
    """Let the database itself refuse to change or delete rows of a model's table."""

    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: Any) -> None:
        """What models say is not changed by it."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Make the triggers: one on PostgreSQL, and on SQLite one for each sort of change."""
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(
                f"CREATE OR REPLACE FUNCTION {table}_stays() RETURNS trigger AS "
                f"$$ BEGIN RAISE EXCEPTION '{_words(table)}'; END $$ LANGUAGE plpgsql"
            )
            schema_editor.execute(
                f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {table}_stays()"
            )
            return
        for change in ("update", "delete"):
            schema_editor.execute(
                f"CREATE TRIGGER {table}_no_{change} BEFORE {change.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{_words(table)}'); END"
            )

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Take the triggers away."""
        table = from_state.apps.get_model(app_label, self.model_name)._meta.db_table
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER {table}_stays ON {table}")
            schema_editor.execute(f"DROP FUNCTION {table}_stays()")
            return
        for change in ("update", "delete"):
            schema_editor.execute(f"DROP TRIGGER {table}_no_{change}")

    def describe(self) -> str:
        """For `migrate --plan`."""
        return f"Refuse to change or delete rows of {self.model_name}"
