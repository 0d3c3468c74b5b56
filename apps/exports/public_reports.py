"""Rows of reports for everyone; the counts of a report are empty where they are withheld."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from apps.checks.outcomes import Status
from apps.metrics.population import STILL_UP
from apps.metrics.records import STATUS_CODES

from .columns import PUBLIC_REPORTS
from .public_record import PublicRecord
from .report_rows import clock_hours
from .sql import BLOCK, Block, Value

_REMOVED = STATUS_CODES[Status.REMOVED]


def report_blocks(record: PublicRecord) -> Iterator[Block]:
    """Rows of reports; the counts of a report are empty where they are withheld."""
    reports = record.in_order
    counts = _counts(record)
    rows: list[Mapping[str, Value]] = [
        {
            "report": report.number,
            "platform": record.platforms[report.pk] if "platforms" in record.choices.charts else None,
            "channel": report.channel,
            "category": record.categories[report.pk],
            "sent": public_date(report.sent, record.choices.dates),
            "bounced": report.bounced,
            **counts.get(report.pk, dict.fromkeys(COUNTS)),
            "followed_hours": None if report.bounced else clock_hours(report.sent, record.material.now),
            "first_reply_hours": clock_hours(report.sent, report.first_reply),
            "first_answer_hours": clock_hours(report.sent, report.first_answer),
            "decision_hours": clock_hours(report.sent, report.decision),
        }
        for report in reports
    ]
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        yield [[row[name] for row in some] for name in PUBLIC_REPORTS.names]


COUNTS = ("items", "controls", "eligible", "removed", "still_up")


def _counts(record: PublicRecord) -> dict[int, dict[str, Value]]:
    """The counts of the reports that are shown, by key."""
    found, records = record.population, record.population.records
    eligible = found.eligible
    kinds = (
        ~records.control,
        records.control,
        eligible,
        eligible & (records.status == _REMOVED),
        eligible & np.isin(records.status, STILL_UP),
    )
    reports, place = np.unique(records.report, return_inverse=True)
    counts = np.stack([np.bincount(place, weights=kind, minlength=len(reports)) for kind in kinds], axis=1)
    return {
        report: dict(zip(COUNTS, of, strict=True))
        for report, of in zip(reports.tolist(), counts.astype(int).tolist(), strict=True)
        if report in record.shown.reports
    }


def public_date(moment: int, dates: str) -> str:
    """The month (2026-03) or day (2026-03-01) in UTC of seconds since 1970."""
    unit = "datetime64[M]" if dates == "month" else "datetime64[D]"
    return str(np.datetime64(moment, "s").astype(unit))
