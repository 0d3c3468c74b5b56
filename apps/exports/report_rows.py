"""Reports and replies as rows for members: they are few beside items and checks, and are read by the ORM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np
from django.db.models import Count, Q, QuerySet

from apps.accounts.roles import Audience
from apps.metrics.population import HOUR, STILL_UP, Exclusion
from apps.metrics.records import NEVER, STATUS_CODES
from apps.reports.models import Campaign, ClaimWord, Item, Reply, Report
from apps.reports.visibility import COARSE, told

from .columns import REPLIES, REPORTS, Table
from .items import HOUR_PLACES, Items
from .sql import BLOCK, Block, Value

_REMOVED = STATUS_CODES["removed"]


@dataclass(slots=True)
class Counts:
    """How a report's items stand. Controls are counted apart, in no other figure."""

    items: int = 0
    controls: int = 0
    eligible: int = 0
    removed: int = 0
    still_up: int = 0


def counts_by_report(items: Items) -> dict[int, Counts]:
    """The counts of each report that has any of the items, by its key."""
    found: dict[int, Counts] = {}
    for chunk in items.chunks(items.numbers()):
        facts = items.facts(chunk)
        records, at = facts.population.records, facts.places
        status = records.status[at]
        eligible = facts.population.excluded[at] == Exclusion.NONE
        keys, place = np.unique(records.report[at], return_inverse=True)
        for name, flags in (
            ("items", ~records.control[at]),
            ("controls", records.control[at]),
            ("eligible", eligible),
            ("removed", eligible & (status == _REMOVED)),
            ("still_up", eligible & np.isin(status, STILL_UP)),
        ):
            many = np.bincount(place, weights=flags, minlength=len(keys)).astype(int).tolist()
            for key, count in zip(keys.tolist(), many, strict=True):
                of_report = found.setdefault(key, Counts())
                setattr(of_report, name, getattr(of_report, name) + count)
    return found


def reports_chosen(campaign: Campaign, items: QuerySet[Item] | None) -> QuerySet[Report]:
    """The campaign's reports, or those that have any of the items of a filter, by number."""
    reports = Report.objects.filter(campaign=campaign).order_by("number")
    return reports if items is None else reports.filter(pk__in=items.order_by().values("report"))


def report_blocks(items: Items, reports: QuerySet[Report], who: Audience) -> Iterator[Block]:
    """The rows of reports, as `who` may read them."""
    counts = counts_by_report(items)
    for some in _some(reports):
        rows = []
        for report in some:
            record = items.reports[report.pk]
            rows.append(
                {
                    "report": record.number,
                    "channel": record.channel,
                    "bounced": record.bounced,
                    **asdict(counts.get(report.pk, Counts())),
                    "first_reply_hours": clock_hours(record.sent, record.first_reply),
                    "first_answer_hours": clock_hours(record.sent, record.first_answer),
                    "decision_hours": clock_hours(record.sent, record.decision),
                    **{name: told(who, name, getattr(report, name)) for name in COARSE},
                    "policy": report.policy,
                    "reference": report.reference,
                    "sent_at": iso(report.sent_at),
                    "delivery": report.delivery,
                    "note": report.note,
                    "recorded_at": iso(report.created_at),
                }
            )
        yield _block(REPORTS.seen_by(who), rows)


def replies_to(reports: QuerySet[Report]) -> QuerySet[Reply]:
    """The replies to reports, in the order of these and of time, with those that were taken back."""
    found = Reply.objects.filter(report__in=reports.order_by().values("pk"))
    return found.order_by("report__number", "received_at", "pk")


def reply_blocks(replies: QuerySet[Reply], who: Audience) -> Iterator[Block]:
    """The rows of replies, as `who` may read them."""
    counted = replies.select_related("report", "person").annotate(
        **{
            f"claimed_{word.value}": Count(
                "claims", filter=Q(claims__claim=word, claims__item__control=False)
            )
            for word in ClaimWord
        }
    )
    for some in _some(counted):
        yield _block(
            REPLIES.seen_by(who),
            [
                {
                    "reply": reply.pk,
                    "report": reply.report.number,
                    "platform": told(who, "platform", reply.report.platform),
                    "kind": reply.kind,
                    "decision": reply.decision or None,
                    "received_at": iso(reply.received_at),
                    "reference": reply.reference,
                    "text": reply.text,
                    "person": str(reply.person or ""),
                    **{f"claimed_{word}": getattr(reply, f"claimed_{word}") for word in ClaimWord.values},
                    "recorded_at": iso(reply.recorded_at),
                    "taken_back_at": iso(reply.taken_back_at),
                }
                for reply in some
            ],
        )


def iso(moment: datetime | None) -> str | None:
    """A moment as every table writes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def clock_hours(start: int, end: int) -> float | None:
    """Hours from a report to what was said to it; None where nothing was."""
    return None if end == NEVER else round(max(end - start, 0) / HOUR, HOUR_PLACES)


def _some(rows: QuerySet) -> Iterator[Sequence]:  # type: ignore[type-arg]
    """The rows of a query, some at a time."""
    found = []
    for row in rows.iterator(chunk_size=BLOCK):
        found.append(row)
        if len(found) == BLOCK:
            yield found
            found = []
    if found:
        yield found


def _block(table: Table, rows: Sequence[Mapping[str, Value]]) -> Block:
    return [[row[name] for row in rows] for name in table.names]
