"""A migrated database, kept before any test writes, for sites that a test has to itself.

To migrate takes seconds, and to copy what was migrated for the tests anyway a moment. That migrations work
in a process of their own is tested where a new site is started.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4


class Migrated:
    """What the tests' own database was when it had been made: a file for SQLite, or a database to copy."""

    def __init__(self, folder: Path, *, made: bool) -> None:
        """Keep the tests' database, if it was `made`: it is not where no test that was collected needs it."""
        from django.db import connection

        # Of a run on PostgreSQL; empty for SQLite.
        self._server = os.environ.get("DATABASE_URL", "")
        self._file = folder / "stillup.sqlite3"
        self._name = f"migrated_{uuid4().hex[:12]}"
        self._kept = made
        if made and self._server:
            connection.close()  # nobody may be connected to a database that is copied
            self._ask(f'CREATE DATABASE {self._name} TEMPLATE "{connection.settings_dict["NAME"]}"')
        elif made:
            with connection.cursor() as cursor:
                cursor.execute("VACUUM INTO %s", [str(self._file)])

    def _keep(self) -> None:
        """Migrate one after all, when a site wants it and the tests have none."""
        if self._kept:
            return
        environment = {**os.environ, "VAR_DIR": str(self._file.parent)}
        if self._server:
            self._ask(f"CREATE DATABASE {self._name}")
            environment["DATABASE_URL"] = self._url(self._name)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=Path(__file__).resolve().parent.parent,
            env=environment,
            check=True,
        )
        self._kept = True

    @contextmanager
    def copied_to(self, file: Path) -> Iterator[str]:
        """Copies it for a site: to a file for SQLite, or as a new database for a while.

        Gives the DATABASE_URL of the site, which is empty for SQLite.
        """
        self._keep()
        if not self._server:
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self._file, file)
            yield ""
            return
        with self.new_database(f" TEMPLATE {self._name}") as url:
            yield url

    @contextmanager
    def new_database(self, as_what: str = "") -> Iterator[str]:
        """The DATABASE_URL of a new database, for a while; an empty text for SQLite."""
        if not self._server:
            yield ""
            return
        name = f"site_{uuid4().hex[:12]}"
        self._ask(f"CREATE DATABASE {name}{as_what}")
        try:
            yield self._url(name)
        finally:
            self._ask(f"DROP DATABASE {name} WITH (FORCE)")

    def forget(self) -> None:
        """Leave nothing on a server that goes on after the tests."""
        if self._server:
            self._ask(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")

    def _url(self, name: str) -> str:
        return urlunsplit(urlsplit(self._server)._replace(path=f"/{name}"))

    def _ask(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._server, autocommit=True) as connected:
            connected.execute(statement.encode())
