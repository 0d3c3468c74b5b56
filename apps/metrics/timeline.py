"""How the items of a campaign stood on each day, and when reports were sent and replies came in.

Counted in the database, so that what is read grows with the days and not with the items. An item enters as
waiting when it was reported and then takes every change of its target's status, those from before the report
at once; so on each day it has the status that the record gives it for the end of that day. A confirmed
removal counts from when it was first seen gone.

The unit is reported items. Controls and items reported in error are left out; what else the figures leave
out is counted here, because that is decided from an item's whole history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Min, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest

from apps.checks.outcomes import STATUS_ORDER, Status
from apps.core import clock
from apps.reports.models import ErrorMark, Item, ReplyKind, Report

from .reading import SecondsSince1970
from .responses import standing_replies

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONTH = timedelta(days=30)  # stands for steps that are months, whatever each of them has
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOURLY_UP_TO = timedelta(days=4)
MOST_STEPS = 400


@dataclass(frozen=True, slots=True)
class Step:
    """The items by status at the end of one step of time, and what came in during it."""

    start: datetime
    counts: tuple[int, ...]  # in STATUS_ORDER
    reports: int
    replies: int

    @property
    def of(self) -> int:
        """Items that had been reported by then."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The steps from the first report to `as_of`, each `length` long; no steps without items."""

    steps: tuple[Step, ...]
    length: timedelta
    as_of: datetime


def timeline(items: QuerySet[Item], *, as_of: datetime | None = None) -> Timeline:
    """The timeline of `items`, as the record stands now or stood at `as_of`. Five queries."""
    until = as_of or clock.now()
    if as_of is not None:
        items = items.filter(created_at__lte=as_of)
    items = items.filter(control=False).exclude(pk__in=_in_error(as_of)).order_by()
    first: datetime | None = items.aggregate(first=Min("reported_at"))["first"]
    if first is None:
        return Timeline((), DAY, until)
    length = HOUR if until - first <= HOURLY_UP_TO else DAY
    steps = _steps(
        range((first - EPOCH) // length, max((until - EPOCH) // length, (first - EPOCH) // length) + 1),
        length,
        changes=[*_entries(items, length), *_changes(items, length, as_of)],
        reports=_reports(items, length),
        replies=_replies(items, length, as_of),
    )
    return Timeline(_thinned(steps), length, until)


Change = tuple[int, Status | None, Status, int]  # step since 1970, from, to, items
Event = tuple[int, int]


def _in_error(as_of: datetime | None) -> QuerySet[ErrorMark, int]:
    marks = ErrorMark.objects.filter(taken_back_at=None)
    if as_of is not None:
        marks = ErrorMark.objects.filter(recorded_at__lte=as_of).filter(
            Q(taken_back_at=None) | Q(taken_back_at__gt=as_of)
        )
    return marks.values_list("item_id", flat=True)


def _step(moment: Combinable, length: timedelta) -> ExpressionWrapper[Any]:
    """The number of whole steps since 1970 in UTC: much faster on SQLite than to truncate a moment."""
    since = SecondsSince1970(moment) / Value(int(length.total_seconds()))
    return ExpressionWrapper(since, BigIntegerField())


def _entries(items: QuerySet[Item], length: timedelta) -> list[Change]:
    rows = items.values(step=_step(F("reported_at"), length)).annotate(count=Count("pk"))
    return [(row["step"], None, Status.WAITING, row["count"]) for row in rows]


def _changes(items: QuerySet[Item], length: timedelta, as_of: datetime | None) -> list[Change]:
    """The changes that hold, or held at `as_of`, of the items' targets."""
    holds = Q(target__transitions__superseded_at=None)
    if as_of is not None:
        holds |= Q(target__transitions__superseded_at__gt=as_of)
        holds &= Q(target__transitions__recorded_at__lte=as_of)
    rows = (
        items.filter(holds, target__transitions__isnull=False)
        .values(
            step=_step(Greatest("target__transitions__by", "reported_at"), length),
            before=F("target__transitions__from_status"),
            after=F("target__transitions__to_status"),
        )
        .annotate(count=Count("pk"))
    )
    return [(row["step"], Status(row["before"]), Status(row["after"]), row["count"]) for row in rows]


def _reports(items: QuerySet[Item], length: timedelta) -> list[Event]:
    sent = Report.objects.filter(pk__in=items.values("report")).order_by()
    counted = sent.values(step=_step(F("sent_at"), length)).annotate(count=Count("pk"))
    return [(row["step"], row["count"]) for row in counted]


def _replies(items: QuerySet[Item], length: timedelta, as_of: datetime | None) -> list[Event]:
    replies = standing_replies(as_of).filter(report__in=items.values("report")).order_by()
    replies = replies.exclude(kind=ReplyKind.BOUNCED)
    counted = replies.values(step=_step(F("received_at"), length)).annotate(count=Count("pk"))
    return [(row["step"], row["count"]) for row in counted]


def _steps(
    places: range,
    length: timedelta,
    *,
    changes: Sequence[Change],
    reports: Sequence[Event],
    replies: Sequence[Event],
) -> list[Step]:
    def at(step: int) -> int:
        return min(max(step - places.start, 0), len(places) - 1)

    order = {status: at for at, status in enumerate(STATUS_ORDER)}
    moved = [[0] * len(STATUS_ORDER) for _ in places]
    came: list[list[int]] = [[0, 0] for _ in places]
    for step, before, after, count in changes:
        if before is not None:
            moved[at(step)][order[before]] -= count
        moved[at(step)][order[after]] += count
    for row, events in enumerate((reports, replies)):
        for step, count in events:
            came[at(step)][row] += count
    counts = [0] * len(STATUS_ORDER)
    steps = []
    for place, change, (sent, replied) in zip(places, moved, came, strict=True):
        counts = [now + by for now, by in zip(counts, change, strict=True)]
        steps.append(Step(EPOCH + place * length, tuple(counts), sent, replied))
    return steps


def _thinned(steps: Sequence[Step]) -> tuple[Step, ...]:
    """At most MOST_STEPS: of neighbours the last one's counts stay, and all that came in."""
    each = -(-len(steps) // MOST_STEPS)
    if each == 1:
        return tuple(steps)
    groups = [steps[at : at + each] for at in range(0, len(steps), each)]
    return tuple(
        Step(
            group[0].start,
            group[-1].counts,
            sum(step.reports for step in group),
            sum(step.replies for step in group),
        )
        for group in groups
    )
