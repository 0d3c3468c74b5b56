"""What the benchmarks share: new databases, processes of their own, and what is said of the machine."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # each thread of theirs would have memory of its own

REPOSITORY = Path(__file__).resolve().parent.parent

Environment = Mapping[str, str]


def prepare() -> None:
    """Make the program importable, with the settings of this process's environment."""
    sys.path[:0] = [
        path for path in (str(REPOSITORY), str(REPOSITORY / "benchmarks")) if path not in sys.path
    ]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()


def migrate() -> None:
    """Bring the database of the settings up to date."""
    from django.core.management import call_command

    prepare()
    call_command("migrate", verbosity=0)


def fill(items: int, *, checks: int, platforms: int, until: datetime | None = None) -> None:
    """Fill the new database of the settings with the fictional campaign of `manage.py seed_scale`."""
    migrate()

    from apps.demo.scale import UNTIL, seed

    seed(items=items, checks=checks, platforms=platforms, until=until or UNTIL, say=lambda _: None)


@contextmanager
def databases(folder: str | Path) -> Iterator[dict[str, Environment]]:
    """The environments of two new databases by name: SQLite in the folder, and a new PostgreSQL.

    PostgreSQL is that of the wheel which the tests use, or the empty database that DATABASE_URL names.
    """
    plain = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    plain["VAR_DIR"] = str(folder)
    if url := os.environ.get("DATABASE_URL"):
        yield {"SQLite": plain, "PostgreSQL": {**plain, "DATABASE_URL": url}}
        return
    if str(REPOSITORY) not in sys.path:
        sys.path.insert(0, str(REPOSITORY))
    from tests.databases import TemporaryPostgreSQL

    server = TemporaryPostgreSQL()
    try:
        yield {"SQLite": plain, "PostgreSQL": {**plain, "DATABASE_URL": server.url}}
    finally:
        server.stop()


def again(*arguments: str, environment: Environment, limit: float | None = None) -> str:
    """The benchmark that runs, once more with these arguments, in a process of its own: what it printed.

    "" where it took longer than `limit` seconds.
    """
    try:
        done = subprocess.run(
            [sys.executable, sys.argv[0], *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def peak() -> float:
    """What this process had at most, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def machine() -> str:
    """Python's version, the cores, and how many of them other work wanted when the benchmark began."""
    busy, _, _ = os.getloadavg()
    cores = f"{os.cpu_count()} cores, of which other work wanted {busy:.1f} in the minute before"
    return f"Python {platform.python_version()}; {cores}"


def tell(found: Mapping[str, Any]) -> None:
    """Print what was measured, for `told`."""
    say(json.dumps(found))


def told(answer: str) -> dict[str, Any]:
    """What `again` gave; an empty dict where that took too long."""
    found: dict[str, Any] = json.loads(answer) if answer else {}
    return found


def headings(*cells: str) -> None:
    """The first lines of a table in Markdown."""
    row(*cells)
    row(*("---" for _ in cells))


def row(*cells: str) -> None:
    """A line of a table in Markdown."""
    say(f"| {' | '.join(cells)} |")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
