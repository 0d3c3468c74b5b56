"""Exports of a large campaign: `python benchmarks/export.py [items ...]`, by default 100,000 and 1,000,000.

For each number it fills a new SQLite database and a new PostgreSQL (from the wheel that the tests use; or the
empty one that DATABASE_URL names, for one number alone) with a fictional campaign of so many items and five
times as many checks, and writes tables in each format, each in a process of its own: rows a second and peak
memory. Beside them PostgreSQL's own COPY of the same rows: of the very columns that the record has of items
and of checks, as they are, without the names of other tables, words or rules for spreadsheets.
"""

from __future__ import annotations

import sys
import tempfile
import time
from typing import Any

from shared import again, databases, fill, headings, machine, peak, prepare, row, say, tell, told

PLATFORMS = 50
CHECKS_AN_ITEM = 5
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
HEADINGS = (
    *("database", "what", "rows", "MB", "seconds", "of them computing here", "rows/s"),
    *("peak memory, MB", "of it for this, MB"),
)
COPIES = {"items": "reports_item", "checks": "checks_check"}


class Nowhere:
    """A file that keeps nothing, so that the disk is not measured."""

    def write(self, content: bytes, /) -> int:
        """Take the bytes."""
        return len(content)

    def flush(self) -> None:
        """Nothing waits."""


class Clock:
    """Seconds and megabytes since it was made; `computing` are the seconds in which this process computed."""

    def __init__(self) -> None:
        self.before, self.began, self.computed = peak(), time.perf_counter(), time.process_time()

    def measured(self) -> dict[str, float]:
        """What it says now."""
        return {
            "seconds": time.perf_counter() - self.began,
            "computing": time.process_time() - self.computed,
            "before": self.before,
            "megabytes": peak(),
        }


def measure(table: str, format: str, public: str) -> dict[str, Any]:
    """Seconds, rows and peak memory of one export, in this process."""
    prepare()

    from django.db import connection

    from apps.exports.writing import export_of, write
    from apps.reports.models import Campaign

    connection.ensure_connection()
    campaign = Campaign.objects.get()
    export = export_of(campaign=campaign, table=table, format=format, public=bool(public))
    clock = Clock()
    written = write(export, Nowhere())
    return {"rows": written.rows, "size": written.size, **clock.measured()}


def copy(table: str) -> dict[str, Any]:
    """The same of PostgreSQL's own COPY, through the driver."""
    prepare()

    from django.db import connection

    size = rows = 0
    with connection.cursor() as cursor:
        clock = Clock()
        with cursor.copy(f"COPY {COPIES[table]} TO STDOUT (FORMAT CSV)") as lines:
            for line in lines:
                size += len(line)
                rows += 1
    return {"rows": rows, "size": size, **clock.measured()}


def show(database: str, what: str, found: dict[str, Any]) -> None:
    """One line of the table."""
    row(
        database,
        what,
        f"{found['rows']:,}",
        f"{found['size'] / 1e6:.1f}",
        f"{found['seconds']:.2f}",
        f"{found['computing']:.2f}",
        f"{found['rows'] / found['seconds']:,.0f}",
        f"{found['megabytes']:.0f}",
        f"{found['megabytes'] - found['before']:.0f}",
    )


def main(*numbers: int) -> None:
    """Fill, measure, and print the table."""
    say(f"{machine()}.\n")
    headings(*HEADINGS)
    for items in numbers or (100_000, 1_000_000):
        with tempfile.TemporaryDirectory() as folder, databases(folder) as found:
            for name, environment in found.items():
                again("--fill", str(items), environment=environment)
                for part in PARTS:
                    answer = again("--measure", *part, environment=environment)
                    show(name, " ".join(filter(None, part)), told(answer))
            for table in COPIES:
                answer = again("--copy", table, environment=found["PostgreSQL"])
                show("PostgreSQL", f"{table}, COPY alone", told(answer))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--fill", items]:
            fill(int(items), checks=CHECKS_AN_ITEM * int(items), platforms=PLATFORMS)
        case ["--measure", table, format, public]:
            tell(measure(table, format, public))
        case ["--copy", table]:
            tell(copy(table))
        case numbers:
            main(*map(int, numbers))
