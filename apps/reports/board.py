"""What is due in a campaign: what waits for the platform, and what waits for a person. Nothing here writes.

Each list is short, has a count of what it does not show, and takes the same queries however much there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet

from apps.accounts.roles import Audience
from apps.checks.outcomes import Status
from apps.core import clock
from apps.platforms.registry import platform_name

from .deadlines import Rule, StopsAt, deadline, fits, in_force, rules
from .models import Campaign, Channel, Item, Report
from .reply_selectors import bounced, contradicted_claims, decisions_about_item, unanswered
from .selectors import countable, items_of, review_targets, shown_url
from .visibility import MEMBERS_ONLY, row_for, told

OF_REPORT = ("number", "platform", "category", "standing", "channel")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Shown(Generic[Row]):
    """The first rows of a list, and how many there are in all."""

    rows: tuple[Row, ...]
    total: int

    @property
    def left_out(self) -> int:
        """How many rows are not shown."""
        return self.total - len(self.rows)


@dataclass(frozen=True, slots=True)
class DueRow:
    """A deadline that runs for a report: the next moment at which it passes for items that are still up."""

    report: int
    platform_name: str
    rule: Rule
    at: datetime
    still_up: int  # items whose deadline lies ahead


@dataclass(frozen=True, slots=True)
class WaitingReport:
    """A report without a reply, or one that bounced."""

    report: int
    platform_name: str
    channel: str
    reference: Annotated[str, MEMBERS_ONLY]
    sent_at: datetime
    age: timedelta


@dataclass(frozen=True, slots=True)
class WaitingItem:
    """An item whose target needs a person."""

    pk: int
    defanged: Annotated[str, MEMBERS_ONLY]
    platform_name: str
    status: Status
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ContradictedClaim:
    """An item that the platform said was removed, and that was seen there later."""

    item: int
    report: int
    platform_name: str
    defanged: Annotated[str, MEMBERS_ONLY]
    claimed_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that is due, as of `as_of`."""

    as_of: datetime
    deadlines: Shown[DueRow]
    unanswered: Shown[WaitingReport]
    bounced: Shown[WaitingReport]
    review: Shown[WaitingItem]
    contradicted: Shown[ContradictedClaim]


def board_of(campaign: Campaign, *, who: Audience, limit: int) -> Board:
    """What is due in a campaign as `who` may read it, at most `limit` rows of each sort.

    It takes a fixed number of queries.
    """
    now = clock.now()
    waiting = _with_countable_items(campaign.reports.all())
    return Board(
        as_of=now,
        deadlines=_deadlines(campaign, who, now, limit),
        unanswered=_reports(unanswered(waiting), who, now, limit),
        bounced=_reports(bounced(waiting), who, now, limit),
        review=_review(campaign, who, limit),
        contradicted=_contradicted(campaign, who, limit),
    )


def _deadlines(campaign: Campaign, who: Audience, now: datetime, limit: int) -> Shown[DueRow]:
    """The deadlines ahead of items that have not gone since their report, and do not look gone; one row a
    report and rule, soonest first.

    One query counts, of each report that arrived, the items for which each rule's clock still runs. Which
    rules a report starts is looked up in memory: only reports of the last days have such items.
    """
    begun = {rule: now - timedelta(hours=rule.hours) for rule in rules().values() if rule.hours is not None}
    running: dict[str, Any] = {}
    for rule, since in begun.items():
        in_time = Q(reported_at__gt=since) & in_force(rule, "reported_at")
        if rule.stops_at != StopsAt.REMOVAL:
            in_time &= Q(decided=False)
        running[f"first_{rule.slug}"] = Min("reported_at", filter=in_time)
        running[f"count_{rule.slug}"] = Count("pk", filter=in_time)
    arrived = campaign.reports.exclude(pk__in=bounced(campaign.reports.all()).values("pk"))
    groups = (
        countable(Item.objects.filter(report__in=arrived))
        .exclude(target__status__in=[Status.SUSPECTED, Status.REMOVED])
        .exclude(target__removed_by__gt=F("reported_at"), target__overruled=False)
        .filter(reported_at__gt=min(begun.values()))
        .annotate(decided=Exists(decisions_about_item()))
        .values(*(f"report__{name}" for name in OF_REPORT))
        .annotate(**running)
        .order_by()
    )
    rows = [
        DueRow(
            report=group["report__number"],
            platform_name=platform_name(told(who, "platform", group["report__platform"])),
            rule=fit.rule,
            at=deadline(group[f"first_{fit.rule.slug}"], fit.rule.hours),
            still_up=group[f"count_{fit.rule.slug}"],
        )
        for group in groups
        for fit in fits(
            category=group["report__category"],
            standing=group["report__standing"],
            channel=group["report__channel"],
        )
        if fit.starts and fit.rule.hours is not None and group[f"count_{fit.rule.slug}"]
    ]
    rows.sort(key=lambda row: (row.at, row.report, row.rule.slug))
    return Shown(tuple(rows[:limit]), len(rows))


def _reports(reports: QuerySet[Report], who: Audience, now: datetime, limit: int) -> Shown[WaitingReport]:
    rows = (
        WaitingReport(
            report=report.number,
            platform_name=platform_name(told(who, "platform", report.platform)),
            channel=Channel(report.channel).label,
            reference=report.reference,
            sent_at=report.sent_at,
            age=now - report.sent_at,
        )
        for report in reports.order_by("sent_at", "number")[:limit]
    )
    return Shown(_rows_for(who, rows), reports.count())


def _review(campaign: Campaign, who: Audience, limit: int) -> Shown[WaitingItem]:
    targets = review_targets(campaign)
    shown = list(targets[:limit])
    first: dict[int, Item] = {}
    for item in items_of(campaign).filter(target__in=shown).order_by("pk"):
        first.setdefault(item.target_id, item)
    rows = (
        WaitingItem(
            pk=first[target.pk].pk,
            defanged=shown_url(first[target.pk]),
            platform_name=platform_name(told(who, "platform", target.platform)),
            status=Status(target.status),
            since=target.run_started_at or target.inconclusive_since,
        )
        for target in shown
    )
    return Shown(_rows_for(who, rows), targets.count())


def _contradicted(campaign: Campaign, who: Audience, limit: int) -> Shown[ContradictedClaim]:
    claims = (
        contradicted_claims()
        .filter(reply__report__campaign=campaign)
        .select_related("reply__report", "item__target")
        .order_by("reply__received_at", "item_id")
    )
    rows = (
        ContradictedClaim(
            item=claim.item_id,
            report=claim.reply.report.number,
            platform_name=platform_name(told(who, "platform", claim.reply.report.platform)),
            defanged=shown_url(claim.item),
            claimed_at=claim.reply.received_at,
            seen_at=claim.item.target.present_at,
        )
        for claim in claims[:limit]
        if claim.item.target.present_at is not None
    )
    return Shown(_rows_for(who, rows), claims.count())


def _rows_for(who: Audience, rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(row_for(who, row) for row in rows)


def _with_countable_items(reports: QuerySet[Report]) -> QuerySet[Report]:
    return reports.filter(Exists(countable(Item.objects.filter(report=OuterRef("pk")))))
