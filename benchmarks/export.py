"""Exports of a large campaign: `python benchmarks/export.py [items]`, by default 1,000,000.

Fills a new SQLite database and a new PostgreSQL (from the wheel that the tests use; or the empty one that
DATABASE_URL names) with a fictional campaign of so many items and as many checks, and writes tables in each
format, each in a process of its own: rows a second and peak memory. Beside them PostgreSQL's own COPY of the
same rows: of the very columns that the record has of items and of checks, as they are, without the names of
other tables, words or rules for spreadsheets.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

REPOSITORY = Path(__file__).resolve().parent.parent
PLATFORMS = 50
PARTS = (
    ("items", "csv", ""),
    ("items", "csv", "--public"),
    ("items", "jsonl", ""),
    ("items", "xlsx", ""),
    ("checks", "csv", ""),
    ("checks", "jsonl", ""),
    ("checks", "xlsx", ""),
    ("transitions", "csv", ""),
    ("reports", "csv", ""),
    ("summary", "csv", ""),
)
COPIES = {"items": "reports_item", "checks": "checks_check"}


class Nowhere:
    """A file that keeps nothing, so that the disk is not measured."""

    def write(self, content: bytes, /) -> int:
        """Take the bytes."""
        return len(content)

    def flush(self) -> None:
        """Nothing waits."""


def peak() -> float:
    """What this process had at most, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(table: str, format: str, public: str) -> dict[str, Any]:
    """Seconds, rows and peak memory of one export, in this process."""
    from django.db import connection

    from apps.exports.writing import export_of, write
    from apps.reports.models import Campaign

    connection.ensure_connection()
    campaign = Campaign.objects.get()
    export = export_of(campaign=campaign, table=table, format=format, public=bool(public))
    before, began = peak(), time.perf_counter()
    written = write(export, Nowhere())
    return {
        "rows": written.rows,
        "size": written.size,
        "seconds": time.perf_counter() - began,
        "before": before,
        "megabytes": peak(),
    }


def copy(table: str) -> dict[str, Any]:
    """The same of PostgreSQL's own COPY, through the driver."""
    from django.db import connection

    size = rows = 0
    with connection.cursor() as cursor:
        before, began = peak(), time.perf_counter()
        with cursor.copy(f"COPY {COPIES[table]} TO STDOUT (FORMAT CSV)") as lines:
            for line in lines:
                size += len(line)
                rows += 1
    seconds = time.perf_counter() - began
    return {"rows": rows, "size": size, "seconds": seconds, "before": before, "megabytes": peak()}


def child(*arguments: str, environment: dict[str, str]) -> str:
    """This program again, in a process of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        env=environment,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def show(database: str, what: str, answer: str) -> None:
    """One line of the table."""
    found = json.loads(answer)
    rate = found["rows"] / found["seconds"]
    sys.stdout.write(
        f"{database:<12}{what:<24}{found['rows']:>11,} rows {found['size'] / 1e6:8.1f} MB "
        f"{found['seconds']:7.2f} s {rate:>11,.0f} rows/s   peak {found['megabytes']:4.0f} MB "
        f"({found['before']:.0f} before)\n"
    )
    sys.stdout.flush()


def main() -> None:
    """Fill, measure, and print the table."""
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    sys.stdout.write(f"{items:,} items; Python {platform.python_version()}; {os.cpu_count()} cores\n")
    with tempfile.TemporaryDirectory() as folder:
        plain = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        plain |= {"VAR_DIR": folder}
        databases: dict[str, tuple[dict[str, str], Any]] = {"SQLite": (plain, None)}
        if url := os.environ.get("DATABASE_URL"):
            databases["PostgreSQL"] = ({**plain, "DATABASE_URL": url}, None)
        else:
            from tests.databases import TemporaryPostgreSQL

            server = TemporaryPostgreSQL()
            databases["PostgreSQL"] = ({**plain, "DATABASE_URL": server.url}, server)
        try:
            for name, (environment, _) in databases.items():
                child("--fill", str(items), environment=environment)
                for part in PARTS:
                    answer = child("--measure", *part, environment=environment)
                    show(name, " ".join(filter(None, part)), answer)
            for table in COPIES:
                show("PostgreSQL", f"{table}, COPY alone", child("--copy", table, environment=environment))
        finally:
            for _, server in databases.values():
                if server is not None:
                    server.stop()


if __name__ == "__main__":
    sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "benchmarks")]
    if sys.argv[1:2] and sys.argv[1].startswith("--"):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django
        from django.core.management import call_command

        django.setup()
        if sys.argv[1] == "--fill":
            from summary import fill

            call_command("migrate", verbosity=0)
            fill(int(sys.argv[2]), PLATFORMS)
        elif sys.argv[1] == "--measure":
            sys.stdout.write(json.dumps(measure(*sys.argv[2:5])))
        else:
            sys.stdout.write(json.dumps(copy(sys.argv[2])))
    else:
        main()
