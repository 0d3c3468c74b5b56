"""A whole site of its own for a test: a fresh database, and commands run as a person runs them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.migrated import Migrated

REPOSITORY = Path(__file__).resolve().parent.parent.parent
LIMIT_SECONDS = 120.0  # the longest that anything is waited for
Ask = Callable[[str], list[tuple[Any, ...]]]


@contextmanager
def asking(url: str, file: Path) -> Iterator[Ask]:
    """Asks the database at a DATABASE_URL, or in a file of SQLite's when that is empty."""
    if url:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:

            def ask(query: str) -> list[tuple[Any, ...]]:
                found = connection.execute(query.encode())
                return found.fetchall() if found.description else []

            yield ask
        return
    with closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as opened:
        yield lambda query: opened.execute(query).fetchall()


def wait_for(condition: Callable[[], object]) -> None:
    """Return once it holds; it is looked at twenty times a second, so it must cost nothing to look."""
    pause = threading.Event()
    for _ in range(int(LIMIT_SECONDS * 20)):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError("It did not come about.")


@dataclass
class Site:
    """Runs `manage.py` in processes that share one database of their own, made anew."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; its output is text."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=REPOSITORY,
            env=self._environment(environment),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def run_in_shell(self, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a line of shell to its end."""
        return subprocess.run(
            ["/bin/bash", "-c", command],
            cwd=REPOSITORY,
            env=self._environment(environment),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def must(self, *arguments: str, **environment: str) -> str:
        """Run a command that has to succeed; its standard output."""
        done = self.run(*arguments, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def running(self, *arguments: str, **environment: str) -> AbstractContextManager[subprocess.Popen[str]]:
        """Run a command beside the test, in a session of its own; killed at the end with what it started."""
        return self.running_python("manage.py", *arguments, **environment)

    @contextmanager
    def running_python(self, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """The same of any Python program."""
        log = (self.folder / f"{arguments[1]}-{uuid4().hex[:6]}.log").open("w+")
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=REPOSITORY,
            env=self._environment(environment),
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            log.close()

    def database(self) -> AbstractContextManager[Ask]:
        """Asks the site's database itself, which takes no process to be started."""
        return asking(self.environment.get("DATABASE_URL", ""), self.folder / "stillup.sqlite3")

    def status(self, campaign: str) -> list[dict[str, Any]]:
        """What `manage.py status --jsonl` says, parsed."""
        return [json.loads(line) for line in self.must("status", campaign, "--jsonl").splitlines()]

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {
            **kept,
            "VAR_DIR": str(self.folder),
            "PYTHONWARNINGS": "default",
            "PYTHONUNBUFFERED": "1",
            **self.environment,
            **more,
        }


@contextmanager
def fresh_site(folder: Path, migrated: Migrated) -> Iterator[Site]:
    """A migrated site on the database that this run of the tests is on."""
    with migrated.copied_to(folder / "stillup.sqlite3") as url:
        yield Site(folder, {"DATABASE_URL": url} if url else {})
