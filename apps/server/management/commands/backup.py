"""Write all of the record to one file, while the site runs."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from apps.core.commands import database_problem
from apps.exports.management.outputs import bar, file_or_output
from apps.server.backup import rows_now, write_backup
from apps.server.backup_file import UnusableBackup


class Command(BaseCommand):
    """`manage.py backup FILE`. Works on a database that has not been migrated yet: back up, then migrate."""

    help = (
        "Write a backup of the whole record, as it stands at this moment, to FILE, or with - to standard "
        "output, for example to encrypt it: manage.py backup - | age -r RECIPIENT > FILE.age"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to."""
        parser.add_argument("file", metavar="FILE", help="the file to write, or - for standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it under a name of its own, and put it in place once it is whole and on disk."""
        if problem := database_problem():
            raise CommandError(problem)
        out = None if options["file"] == "-" else Path(options["file"])
        if out is None and sys.stdout.isatty():
            raise CommandError(
                "A backup is no text. Name a file, or send it on: manage.py backup - | age ..."
            )
        try:
            with file_or_output(out) as stream, bar("backup", rows_now(), "rows") as progress:
                made = write_backup(stream, progress)
        except UnusableBackup as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            reason = str(error).strip().splitlines()[0].rstrip(".")
            raise CommandError(f"The database failed on the way: {reason}. No backup was written.") from error
        except OSError as error:
            raise CommandError(f"Cannot write the backup: {error.strerror}.") from error
        self.stderr.write(f"{made.rows:,} rows of {made.tables} tables are in {out or 'the output'}.")
