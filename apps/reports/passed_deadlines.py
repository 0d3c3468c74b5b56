"""Deadlines that have passed for items that do not look gone, for whoever wants to tell people of it.

A deadline counts where the reporter's standing starts its clock, the report arrived, and, for one that a
decision stops, nothing was decided since the item was reported: as on the board of what is due. It has not
passed for an item that was removed in time, though it came back.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, QuerySet

from apps.checks.cadence import MARK_TOLERANCE
from apps.checks.outcomes import Status

from .deadlines import Rule, StopsAt, covers, rules
from .models import Item, Report
from .reply_selectors import bounced, decisions_about_item
from .selectors import countable


@dataclass(frozen=True, slots=True)
class PassedDeadline:
    """A rule's time that ran out at one moment for items of one report that do not look gone."""

    campaign: int
    report: int  # its primary key
    platform: str
    rule: Rule
    at: datetime
    items: tuple[int, ...]  # primary keys


def passed_deadlines(*, after: datetime, upto: datetime) -> list[PassedDeadline]:
    """What passed in (`after`, `upto`]. One query a rule.

    An item that was entered after its deadline is left out: nothing passed while it was watched.
    """
    found: list[PassedDeadline] = []
    for rule in rules().values():
        if rule.hours is not None:
            found += _of_rule(rule, timedelta(hours=rule.hours), after, upto)
    return found


_OF_ITEM = (
    *("reported_at", "created_at", "target__removed_by", "target__overruled"),
    *("report__campaign_id", "report_id", "report__platform"),
)


def _of_rule(rule: Rule, length: timedelta, after: datetime, upto: datetime) -> list[PassedDeadline]:
    of_reports = Item.objects.filter(report__in=_that_start(rule), erased_at=None)
    if rule.stops_at != StopsAt.REMOVAL:
        of_reports = of_reports.filter(~Exists(decisions_about_item()))
    items = (
        countable(of_reports)
        .filter(reported_at__gt=after - length, reported_at__lte=upto - length)
        .exclude(target__status__in=[Status.SUSPECTED, Status.REMOVED])
        .order_by("pk")
        .values_list("pk", *_OF_ITEM)
    )
    groups: dict[tuple[int, int, str, datetime], list[int]] = defaultdict(list)
    for pk, reported_at, created_at, removed_by, overruled, *of_report in items:
        at = reported_at + length
        if created_at >= at or not covers(rule, reported_at):
            continue
        if removed_by and not overruled and reported_at < removed_by <= at + MARK_TOLERANCE:
            continue
        groups[(*of_report, at)].append(pk)
    return [PassedDeadline(*key[:3], rule, key[3], tuple(pks)) for key, pks in groups.items()]


def _that_start(rule: Rule) -> QuerySet[Report]:
    """Reports that start the rule's clock, and that arrived."""
    reports = Report.objects.all()
    for name, words in (
        ("category", rule.categories),
        ("standing", rule.standings),
        ("channel", rule.channels),
    ):
        if words:
            reports = reports.filter(**{f"{name}__in": words})
    return reports.exclude(pk__in=bounced(reports).values("pk"))
