"""A large fictional campaign, written into the database of the settings as fast as that takes rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from shared import migrate

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY, GAP_LEAST, GAP_MOST = 86_400, 900, 7 * 86_400
REPORTS_A_PLATFORM = 20


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


def fill(items: int, platforms: int) -> None:
    """Write the campaign into the database of the settings, the fastest way that it has."""
    migrate()

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
