"""A summary of a million items, with intervals and bands: `python benchmarks/summary.py [items] [platforms]`.

Fills a new SQLite database and a new PostgreSQL (from the wheel that the tests use; or the empty one that
DATABASE_URL names) with a fictional campaign, and summarises it by platform in a process of its own: seconds
(the median of three runs) and peak memory, of the whole and of reading alone; once more as of an earlier
moment, which goes by transitions and checks. Beside it lifelines fits the same intervals of the total alone,
without bands, in growing numbers of items until it needs more than a minute.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY, GAP_LEAST, GAP_MOST = 86_400, 900, 7 * 86_400
REPORTS_A_PLATFORM = 20
LIFELINES_LIMIT = 60  # seconds


def intervals(items: int) -> dict[str, Any]:
    """Fictional items as the cadence would see them: when reported, last seen there, first seen gone."""
    import numpy as np

    random = np.random.default_rng(1)
    followed = random.uniform(10, 400, items) * DAY
    event = np.where(random.random(items) < 0.5, random.lognormal(np.log(60 * 3600), 2.0, items), np.inf)
    gap = np.clip(np.minimum(event, followed) / 16, GAP_LEAST, GAP_MOST)
    before = random.random(items) * gap
    gone = event + gap < followed
    left = np.maximum(np.where(gone, event, followed) - before, 0)
    return {
        "reported": (NOW.timestamp() - followed).astype(np.int64),
        "left": left.astype(np.int64),
        "right": np.where(gone, left + gap, -1).astype(np.int64),
    }


# ----------------------------------------------------------------------------------------- filling a database


def fill(items: int, platforms: int) -> None:
    """Write the campaign into the database of the settings, the fastest way that it has."""
    from django.db import connection

    from apps.checks.models import Check, Host, Target, Transition
    from apps.reports.models import Campaign, Item, Report

    made = {name: column.tolist() for name, column in intervals(items).items()}
    host = Host.objects.create(name="models.example.org")
    campaign = Campaign.objects.create(slug="benchmark", name="Benchmark")
    sent = NOW - timedelta(days=400)
    reports = Report.objects.bulk_create(
        Report(
            campaign=campaign,
            number=number + 1,
            platform=f"platform-{number % platforms}",
            sent_at=sent,
            created_at=sent,
        )
        for number in range(platforms * REPORTS_A_PLATFORM)
    )

    def moment(seconds: int) -> datetime:
        return datetime.fromtimestamp(seconds, UTC)

    def rows(model: Any) -> Iterator[dict[str, Any]]:
        for at in range(items):
            reported, left, right = made["reported"][at], made["left"][at], made["right"][at]
            seen = moment(reported + left)
            gone = moment(reported + right) if right > 0 else None
            status = "removed" if gone else "available"
            if model is Target:
                yield {
                    "id": at + 1,
                    "key": f"https://models.example.org/{at}",
                    "key_digest": f"{at:064x}",
                    "platform": "example.org",
                    "kind": "model",
                    "account": f"uploader-{at % 50_000}",
                    "account_key": at % 50_000 + 1,
                    "host_id": host.pk,
                    "status": status,
                    "available_at": seen,
                    "present_at": seen,
                    "checker_present_at": seen,
                    "conclusive_at": gone or seen,
                    "removed_after": seen if gone else None,
                    "removed_by": gone,
                    "removal_count": 1 if gone else 0,
                    "last_check_at": gone or seen,
                    "check_count": 1,
                }
            elif model is Item:
                yield {
                    "id": at + 1,
                    "report_id": reports[at % len(reports)].pk,
                    "target_id": at + 1,
                    "submitted": f"https://models.example.org/{at}",
                    "reported_at": moment(reported),
                    "created_at": moment(reported),
                }
            elif model is Check:
                yield {
                    "target_id": at + 1,
                    "number": 1,
                    "started_at": seen,
                    "finished_at": seen,
                    "recorded_at": seen,
                    "outcome": "available",
                    "reason": "ok",
                }
            else:
                yield {
                    "target_id": at + 1,
                    "check_number": 1,
                    "from_status": "waiting",
                    "to_status": "available",
                    "reason": "ok",
                    "by": moment(reported + 1),
                    "recorded_at": moment(reported + 1),
                }
                if gone:
                    yield {
                        "target_id": at + 1,
                        "check_number": 2,
                        "from_status": "available",
                        "to_status": "removed",
                        "reason": "not_found",
                        "after": seen,
                        "by": gone,
                        "recorded_at": gone,
                    }

    for model in (Target, Item, Check, Transition):
        write(connection, model, rows(model))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def write(connection: Any, model: Any, rows: Iterator[dict[str, Any]]) -> None:
    """COPY on PostgreSQL, many rows a statement on SQLite; columns that a row lacks have their default."""
    first = next(rows)
    fields = [field for field in model._meta.concrete_fields if field.column != "id" or "id" in first]
    empty = model()
    columns = [field.column for field in fields]
    values = [field.get_db_prep_save(getattr(empty, field.attname), connection) for field in fields]
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join(map(connection.ops.quote_name, columns))

    def complete(row: dict[str, Any]) -> list[Any]:
        return [row.get(column, value) for column, value in zip(columns, values, strict=True)]

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in chain([first], rows):
                    copy.write_row(complete(row))
            return
        marks = ", ".join(["%s"] * len(columns))
        cursor.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608
            (list(map(_text, complete(row))) for row in chain([first], rows)),
        )


def _text(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


# -------------------------------------------------------------------------------------------------- measuring


def measure(what: str) -> dict[str, Any]:
    """Seconds (the median of three) and peak memory of one part, in this process."""
    from django.db import connection

    from apps.metrics.grouping import GroupKey
    from apps.metrics.records import read_items
    from apps.metrics.summary import summarise
    from apps.reports.models import Campaign
    from apps.reports.selectors import items_of

    campaign = Campaign.objects.get()
    parts = {
        "reading": lambda: read_items(items_of(campaign)),
        "in all": lambda: summarise(campaign),
        "by platform": lambda: summarise(campaign, by=[GroupKey.PLATFORM]),
        "by platform, as of 100 days before": lambda: summarise(
            campaign, by=[GroupKey.PLATFORM], as_of=NOW - timedelta(days=100)
        ),
    }
    connection.ensure_connection()
    took = []
    for _ in range(1 if "as of" in what else 3):
        began = time.perf_counter()
        parts[what]()
        took.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": statistics.median(took), "megabytes": peak}


def lifelines(items: int) -> dict[str, Any]:
    """lifelines' NPMLE of the same intervals, rounded to the same grid."""
    import warnings

    import numpy as np
    from lifelines import KaplanMeierFitter

    from apps.metrics.survival import rounded_outward

    made = intervals(items)
    right = np.where(made["right"] < 0, np.inf, made["right"] / 3600)
    left, right = rounded_outward(made["left"] / 3600, right)
    warnings.simplefilter("ignore")
    began = time.perf_counter()
    KaplanMeierFitter().fit_interval_censoring(left, right)
    took = time.perf_counter() - began
    return {"seconds": took, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


PARTS = ("reading", "in all", "by platform", "by platform, as of 100 days before")


def child(*arguments: str, environment: dict[str, str], limit: float | None = None) -> str:
    """This program again, in a process of its own; what it printed, or "" where it took too long."""
    try:
        done = subprocess.run(
            [sys.executable, __file__, *arguments],
            env=environment,
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def show(database: str, what: str, answer: str) -> None:
    """One line of the table."""
    found = json.loads(answer) if answer else None
    figures = (
        f"{found['seconds']:8.2f} s {found['megabytes']:7.0f} MB" if found else f"over {LIFELINES_LIMIT} s"
    )
    sys.stdout.write(f"{database:<12}{what:<38}{figures}\n")
    sys.stdout.flush()


def main() -> None:
    """Fill, measure, and print the table."""
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    platforms = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    sys.stdout.write(f"{items:,} items, {platforms} platforms; Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory() as folder:
        plain = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        plain |= {"VAR_DIR": folder}
        databases = {"SQLite": (plain, None)}
        if url := os.environ.get("DATABASE_URL"):
            databases["PostgreSQL"] = ({**plain, "DATABASE_URL": url}, None)
        else:
            from tests.databases import TemporaryPostgreSQL

            server = TemporaryPostgreSQL()
            databases["PostgreSQL"] = ({**plain, "DATABASE_URL": server.url}, server)
        for name, (environment, server) in databases.items():
            try:
                child("--fill", str(items), str(platforms), environment=environment)
                for part in PARTS:
                    show(name, part, child("--measure", part, environment=environment))
            finally:
                if server is not None:
                    server.stop()
        for some in (1_000, 10_000, 100_000, items):
            answer = child("--lifelines", str(some), environment=plain, limit=LIFELINES_LIMIT)
            show("lifelines", f"{some:,} items, one group, no band", answer)
            if not answer:
                break


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    if sys.argv[1:2] and sys.argv[1].startswith("--"):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django
        from django.core.management import call_command

        django.setup()
        if sys.argv[1] == "--fill":
            call_command("migrate", verbosity=0)
            fill(int(sys.argv[2]), int(sys.argv[3]))
        elif sys.argv[1] == "--measure":
            sys.stdout.write(json.dumps(measure(sys.argv[2])))
        else:
            sys.stdout.write(json.dumps(lifelines(int(sys.argv[2]))))
    else:
        main()
