"""Restoring a backup: into an empty database or in place of what one holds, all of it or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from django.conf import settings
from django.core.management.color import no_style
from django.db import DatabaseError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

from apps.checks import ledger
from apps.exports.writing import Progress

from .backup import Backup
from .backup_file import PART, BackupFile, Header, Readable, Sum, UnusableBackup
from .record_rows import MADE_BY_MIGRATE, Node, applied, carried, columns_of, insert, lines_of, models_at


class LedgerDoesNotHold(UnusableBackup):
    """The backup's rows are whole, but its checks are not the ones that were recorded."""


def restore(
    source: Readable, *, replace: bool = False, with_faults: bool = False, progress: Progress | None = None
) -> Backup:
    """Restore a backup into the database, which has all migrations of this program. Raises UnusableBackup.

    1. One of a newer version is refused. One of an older version is first brought up to date, in a database
       of its own in the temporary folder.
    2. In one transaction: the tables are emptied, the rows written, and then read again. Their sums have to
       be those of the backup, and every check has to be the one that was recorded (`verify_ledger`).
    3. Only then is it there. Whatever fails before leaves the database as it was.
    """
    start = _Start(source)
    file = BackupFile(start)
    loader = MigrationLoader(connection)
    theirs = nodes_of(file.header, loader)
    if theirs == applied(loader):
        start.forget()
        return _restore(file, loader, theirs, replace, with_faults, progress)
    _require_place(carried(models_at(loader, applied(loader))), replace)
    with _brought_up_to_date(start.whole()) as newer:
        file = BackupFile(newer)
        theirs = nodes_of(file.header, loader)
        return _restore(file, loader, theirs, replace, with_faults, progress)


def check_backup(source: Readable) -> tuple[Header, Backup]:
    """Read a backup to its end, and compare its sums; changes nothing. Raises UnusableBackup."""
    file = BackupFile(source)
    rows = sum(len(rows) for _, rows in file.rows())
    return file.header, Backup(tables=len(file.header.tables), rows=rows)


def load(file: BackupFile, models: Iterable[type[Model]], progress: Progress | None = None) -> None:
    """Write the rows of a backup into empty tables, and see that they are there. Raises UnusableBackup.

    Call it in a transaction.
    """
    by_table = {model._meta.db_table: model for model in models}
    named = {table.name: list(table.columns) for table in file.header.tables}
    if named != {name: columns_of(model) for name, model in by_table.items()}:
        raise UnusableBackup("The tables of the backup are not those that its migrations make.")
    done = 0
    found = {name: Sum() for name in named}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Else it would keep in memory that each row refers to another, until the end.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table, rows in file.rows():
        try:
            insert(by_table[table.name], rows)
        except (DatabaseError, ValueError) as error:
            reason = str(error).strip().splitlines()[0].rstrip(".")
            raise UnusableBackup(f"The database does not take rows of {table.name}: {reason}.") from error
        done += len(rows)
        if progress is not None:
            progress(done)
    for name, model in by_table.items():
        for line in lines_of(model):
            found[name].add(line)
        if found[name].told() != file.sums[name]:
            raise UnusableBackup(
                f"The database does not give back the rows of {name} as the backup has them."
            )
    if connection.vendor == "sqlite":
        connection.check_constraints()


def nodes_of(header: Header, loader: MigrationLoader) -> list[Node]:
    """The migrations that a backup's tables had, sorted. Raises UnusableBackup if the program lacks one."""
    nodes = sorted((app, name) for app, _, name in (each.partition(".") for each in header.migrations))
    if unknown := [node for node in nodes if node not in loader.graph.nodes]:
        raise UnusableBackup(
            "The backup was made by a newer version of Still Up: it has the migration "
            f"{'.'.join(unknown[0])}. Install that version, then restore."
        )
    return nodes


def _restore(
    file: BackupFile,
    loader: MigrationLoader,
    nodes: list[Node],
    replace: bool,
    with_faults: bool,
    progress: Progress | None,
) -> Backup:
    every = models_at(loader, nodes)
    models = carried(every)
    with transaction.atomic():
        _require_place(models, replace)
        empty(every)
        load(file, models, progress)
        _count_on(models)
        fault = None if with_faults else next(ledger.verify(), None)
        if fault is not None:
            raise LedgerDoesNotHold(
                f"The ledger of the backup does not hold: check {fault.check_number} of target "
                f"{fault.target_id} {fault.problem}. Nothing was restored. With --with-faults it is."
            )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return Backup(tables=len(models), rows=file.header.rows)


def _require_place(models: Iterable[type[Model]], replace: bool) -> None:
    if replace:
        return
    for model in models:
        if model._meta.label_lower not in MADE_BY_MIGRATE and model._base_manager.exists():
            raise UnusableBackup(
                f"The database is not empty ({model._meta.db_table} has rows). Name a new one, or put the "
                "backup in place of what is there with --replace."
            )


def empty(models: Iterable[type[Model]]) -> None:
    """Take all rows out, those that nothing else may take out, too."""
    tables = [connection.ops.quote_name(model._meta.db_table) for model in models]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(tables)}")
            return
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {connection.ops.quote_name(name)}")
        for table in reversed(tables):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608
        for _, statement in triggers:
            cursor.execute(statement)


def _count_on(models: Iterable[type[Model]]) -> None:
    """Let new rows be numbered after those that are there; SQLite does so by itself."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(models)):
            cursor.execute(statement)


# ------------------------------------------------------------------------------------ an older version's form


@contextmanager
def _brought_up_to_date(parts: Iterable[bytes]) -> Iterator[Readable]:
    """The backup as this version would have made it, from a process with a database of its own."""
    own = {"DATABASE_URL", "DATABASE_URL_FILE", "DEMO"}
    with tempfile.TemporaryDirectory(prefix="still-up-restore-") as folder:
        process = subprocess.Popen(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "upgrade_backup"],
            env={name: value for name, value in os.environ.items() if name not in own} | {"VAR_DIR": folder},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin  # noqa: S101 - for the types alone
        assert process.stdout  # noqa: S101
        assert process.stderr  # noqa: S101
        said: list[bytes] = []
        helpers = [
            threading.Thread(target=_pour, args=(parts, process.stdin)),
            threading.Thread(target=said.extend, args=(process.stderr,)),
        ]
        for helper in helpers:
            helper.start()
        try:
            yield process.stdout
        except UnusableBackup:
            # What that process says of the backup is nearer to the cause than that its answer is cut off.
            process.stdout.close()
            helpers[1].join()
            if process.wait() and (sentence := b"".join(said).decode().strip()):
                raise UnusableBackup(sentence.splitlines()[-1].removeprefix("CommandError: ")) from None
            raise
        finally:
            process.kill()
            process.wait()
            for helper in helpers:
                helper.join()
            for stream in (process.stdout, process.stderr):
                stream.close()


def _pour(parts: Iterable[bytes], into: IO[bytes]) -> None:
    """Hand on what comes; whoever does not want it to the end closes the other side."""
    with suppress(OSError), into:
        for part in parts:
            into.write(part)


class _Start:
    """A source whose start is kept, so that it can be read from there once more."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._kept: list[bytes] = []
        self._keeps = True

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        content = self._source.read(size)
        if self._keeps:
            self._kept.append(content)
        return content

    def forget(self) -> None:
        """Nobody reads it once more."""
        self._keeps, self._kept = False, []

    def whole(self) -> Iterator[bytes]:
        """All of it from the start, in parts."""
        self._keeps = False
        yield from self._kept
        while content := self._source.read(PART):
            yield content
