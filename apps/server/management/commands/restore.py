"""Put the record of a backup into the database, all of it or nothing."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError

from apps.core.commands import RecordCommand
from apps.exports.management.outputs import bar
from apps.server.backup_file import UnusableBackup
from apps.server.restore import check_backup, restore


class Command(RecordCommand):
    """`manage.py restore FILE`."""

    help = (
        "Put the record of a backup into an empty database, SQLite or PostgreSQL, whichever it was made of, "
        "and verify its ledger. Stop the site before. With - it is read from standard input, for example "
        "decrypted: age -d -i KEY FILE.age | manage.py restore -"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """From where, and what may happen to what is there."""
        parser.add_argument("file", metavar="FILE", help="the backup, or - for standard input")
        parser.add_argument(
            "--replace",
            action="store_true",
            help="delete what the database holds, and put the backup in its place",
        )
        parser.add_argument(
            "--check", action="store_true", help="only read the backup and compare its sums; changes nothing"
        )
        parser.add_argument(
            "--with-faults", action="store_true", help="restore it although its ledger does not hold"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, or check."""
        try:
            with _opened(options["file"]) as source:
                if options["check"]:
                    header, found = check_backup(source)
                    self.stdout.write(
                        f"{found.rows:,} rows of {found.tables} tables, of {header.made_at}: the sums hold."
                    )
                    return
                with bar("restore", None, "rows") as progress:
                    restored = restore(
                        source,
                        replace=options["replace"],
                        with_faults=options["with_faults"],
                        progress=progress,
                    )
        except UnusableBackup as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot read {options['file']}: {error.strerror}.") from error
        holds = "its ledger was not verified" if options["with_faults"] else "every sum and digest holds"
        self.stdout.write(
            f"{restored.rows:,} rows of {restored.tables} tables are restored: {holds}. "
            "Everybody has to sign in again."
        )


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as file:
        yield file
