"""Counts of a campaign's items by status, each beside what it is a share of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from apps.checks.outcomes import STATUS_ORDER, Status
from apps.core import clock
from apps.reports.models import Campaign, Item


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many of a campaign's items have one status."""

    status: Status
    count: int  # items
    of: int  # items: the denominator

    @property
    def percent(self) -> str:
        """The share for reading: "29%", "<1%", "n/a" without a denominator."""
        return percent(self.count, self.of)


@dataclass(frozen=True, slots=True)
class StatusCounts:
    """A campaign's items by status. The unit is items; two items of one URL count twice.

    `of` is the denominator of every row. Controls are not reported, so they are left out of it and counted
    apart. `came_back` are those of the available and restricted items that had been removed before.
    """

    rows: tuple[StatusCount, ...]
    of: int
    controls: int
    came_back: int
    as_of: datetime

    @property
    def needs_a_person(self) -> int:
        """Items that are suspected or unverifiable: what the review list holds."""
        return sum(row.count for row in self.rows if row.status in {Status.SUSPECTED, Status.UNVERIFIABLE})


def percent(count: int, of: int) -> str:
    """`count` / `of` in whole percent. Never "0%" for some, nor "100%" for not quite all."""
    if of == 0:
        return "n/a"
    share = 100 * count / of
    if 0 < share < 1:
        return "<1%"
    if 99 < share < 100:
        return ">99%"
    return f"{share:.0f}%"


def status_counts(campaign: Campaign) -> StatusCounts:
    """Count the campaign's items by what is held of their targets now. One query."""
    is_up = Q(target__status__in=[Status.AVAILABLE, Status.RESTRICTED])
    counts = dict.fromkeys(STATUS_ORDER, 0)
    controls = came_back = 0
    groups = (
        Item.objects.filter(report__campaign=campaign)
        .values("target__status", "control")
        .annotate(
            count=Count("pk"), came_back=Count("pk", filter=is_up & Q(target__reinstated_at__isnull=False))
        )
        .order_by()
    )
    for group in groups:
        if group["control"]:
            controls += group["count"]
            continue
        counts[Status(group["target__status"])] += group["count"]
        came_back += group["came_back"]
    of = sum(counts.values())
    return StatusCounts(
        rows=tuple(StatusCount(status, counts[status], of) for status in STATUS_ORDER),
        of=of,
        controls=controls,
        came_back=came_back,
        as_of=clock.now(),
    )
