"""Backups: all of the record in one file, as it stood at one moment, while the site runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

from apps.core import clock
from apps.exports.sql import one_view
from apps.exports.writing import Progress

from .backup_file import Header, UnusableBackup, write_backup_file
from .record_rows import applied, carried, header_of, lines_of, models_at

EVERY = 500  # rows between two words of progress


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds."""

    tables: int
    rows: int


def header_now() -> tuple[Header, list[type[Model]]]:
    """What a backup of this moment says of itself, and the models of its tables. Raises UnusableBackup.

    Call it in the view of the record that the rows are read in.
    """
    loader = MigrationLoader(connection)
    nodes = applied(loader)
    if not nodes:
        raise UnusableBackup("The database is empty: there is nothing to back up.")
    models = carried(models_at(loader, nodes))
    header = Header(
        made_at=clock.wall().isoformat(timespec="seconds"),
        migrations=[".".join(node) for node in nodes],
        tables=[header_of(model) for model in models],
    )
    return header, models


def rows_now() -> int:
    """About how many rows a backup is going to have, for a bar of progress. Raises UnusableBackup."""
    return header_now()[0].rows


def write_backup(out: BinaryIO, progress: Progress | None = None) -> Backup:
    """Write a backup to `out`, in one view of the record and in constant memory. Raises UnusableBackup.

    `progress` hears the rows so far.
    """
    with one_view():
        header, models = header_now()
        done = 0

        def lines(model: type[Model]) -> Iterator[bytes]:
            nonlocal done
            for line in lines_of(model):
                yield line
                done += 1
                if progress is not None and done % EVERY == 0:
                    progress(done)

        write_backup_file(out, header, map(lines, models))
    return Backup(tables=len(header.tables), rows=done)
