"""What happened, found by reading the database. Nothing here writes.

A piece of news is of one campaign. What concerns many items of a report at once is one piece, with a count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.checks.models import Check, DefinitionState, Transition
from apps.checks.outcomes import Status
from apps.checks.probing import sites_targets
from apps.checks.stalled import Stall
from apps.platforms import registry
from apps.reports.models import Campaign, Item, Report
from apps.reports.passed_deadlines import passed_deadlines
from apps.reports.reply_selectors import contradicted_claims
from apps.reports.selectors import STILL_UP, countable
from apps.reports.writing import parts

from .gaps import Place
from .kinds import Kind
from .models import ToldClaim
from .payload import MOST_ITEMS

TRANSITIONS_A_LOOK = 20_000


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell the people of a campaign. `about` is the same whenever the same thing is found."""

    campaign: int
    kind: Kind
    about: str
    at: datetime
    report: int | None = None  # its primary key
    platform: str = ""
    rule: str = ""
    count: int = 0
    items: tuple[int, ...] = ()  # the first of them
    claims: tuple[int, ...] = ()  # of which is told


# ---------------------------------------------------------------------------------- removed, and back again


def transitions_after(place: Place) -> QuerySet[Transition]:
    """The transitions that have come to light since a place."""
    new = Q(pk__gt=place.upto)
    for gap in place.gaps:
        new |= Q(pk__gte=gap.first, pk__lte=gap.last)
    return Transition.objects.filter(new).order_by("pk")


def news_of_changes(keys: Sequence[int]) -> list[News]:
    """What transitions say of items: removed (confirmed), or seen again after that.

    Left out are transitions that do not hold any more; those that only date an earlier one anew, as a check
    of an earlier moment does; and, of each item, what had happened before it was reported or entered here.
    """
    dated_anew = Transition.objects.filter(
        target=OuterRef("target"), to_status=OuterRef("to_status"), superseded_at=OuterRef("recorded_at")
    )
    removed = Q(to_status=Status.REMOVED)
    returned = Q(from_status=Status.REMOVED, to_status__in=STILL_UP)
    found: dict[tuple[int, Kind, int, str], list[tuple[int, int, datetime]]] = defaultdict(list)
    for some in parts(list(keys)):
        changes = Transition.objects.filter(removed | returned, ~Exists(dated_anew), pk__in=some)
        of_target: dict[int, list[Transition]] = defaultdict(list)
        for change in changes.filter(superseded_at=None).order_by("pk"):
            of_target[change.target_id].append(change)
        # Of an erased item nothing is told: the copy of its target's transitions is no news.
        items = countable(Item.objects.filter(target__in=of_target, erased_at=None)).select_related("report")
        for item in items.order_by("pk"):
            for change in of_target[item.target_id]:
                if change.by > max(item.reported_at, item.created_at):
                    kind = Kind.REMOVED if change.to_status == Status.REMOVED else Kind.RETURNED
                    key = (item.report.campaign_id, kind, item.report_id, item.report.platform)
                    found[key].append((change.pk, item.pk, change.by))
    return [
        News(
            campaign=campaign,
            kind=kind,
            about=f"report {report}, transitions {min(rows)[0]} to {max(rows)[0]}",
            at=max(by for *_, by in rows),
            report=report,
            platform=platform,
            count=len({item for _, item, _ in rows}),  # one that went twice is one item
            items=_first(item for _, item, _ in rows),
        )
        for (campaign, kind, report, platform), rows in found.items()
    ]


# ------------------------------------------------------------------------------------ deadlines, claims, ours


def news_of_deadlines(*, after: datetime, upto: datetime) -> list[News]:
    """Deadlines that passed in (`after`, `upto`] for items that do not look gone."""
    return [
        News(
            campaign=passed.campaign,
            kind=Kind.DEADLINE_PASSED,
            about=f"report {passed.report}, {passed.rule.slug}, {passed.at.isoformat()}",
            at=passed.at,
            report=passed.report,
            platform=passed.platform,
            rule=passed.rule.slug,
            count=len(passed.items),
            items=_first(passed.items),
        )
        for passed in passed_deadlines(after=after, upto=upto)
    ]


def news_of_claims() -> list[News]:
    """Claims of a removal that what was seen later contradicts, and of which nobody was told yet."""
    told = ToldClaim.objects.filter(claim=OuterRef("pk"))
    rows = contradicted_claims().filter(~Exists(told), item__erased_at=None).order_by("pk")
    found: dict[tuple[int, int, str], list[tuple[int, int, datetime]]] = defaultdict(list)
    for claim, item, seen, report, campaign, platform in rows.values_list(
        "pk",
        "item_id",
        "item__target__present_at",
        "reply__report_id",
        "reply__report__campaign_id",
        "reply__report__platform",
    ):
        if seen is not None:
            found[campaign, report, platform].append((claim, item, seen))
    return [
        News(
            campaign=campaign,
            kind=Kind.CLAIM_CONTRADICTED,
            about=f"report {report}, claims {rows[0][0]} to {rows[-1][0]}",
            at=max(seen for *_, seen in rows),
            report=report,
            platform=platform,
            count=len(rows),
            items=_first(item for _, item, _ in rows),
            claims=tuple(claim for claim, *_ in rows),
        )
        for (campaign, report, platform), rows in found.items()
    ]


def news_of_definitions() -> list[News]:
    """Definitions that are stale now, for each campaign that has reports to their platform.

    That of a software is about every site that is known to run it, each of them a platform by its domain.
    """
    stale = dict(DefinitionState.objects.exclude(stale_since=None).values_list("platform", "stale_since"))
    if not stale:
        return []
    concerned = set(
        Report.objects.filter(platform__in=stale).order_by().values_list("campaign_id", "platform")
    )
    for definition in registry.software():
        if definition.slug in stale:
            its_kinds = sites_targets(definition).filter(platform=OuterRef("platform"))
            reports = Report.objects.filter(Exists(its_kinds)).order_by()
            concerned |= {
                (campaign, definition.slug) for campaign in reports.values_list("campaign_id", flat=True)
            }
    return [
        News(
            campaign=campaign,
            kind=Kind.DEFINITION_STALE,
            about=f"{platform} since {since.isoformat()}",
            at=since,
            platform=platform,
        )
        for campaign, platform in sorted(concerned)
        if (since := stale[platform]) is not None
    ]


def news_of_stall(stall: Stall) -> list[News]:
    """That nothing is checked, for every campaign that has reports; once until something is checked again."""
    last = Check.objects.filter(manual=False).order_by("-pk").values_list("pk", flat=True).first() or 0
    with_reports = Campaign.objects.filter(Exists(Report.objects.filter(campaign=OuterRef("pk"))))
    return [
        News(campaign=pk, kind=Kind.CHECKER_STALLED, about=f"after check {last}", at=stall.since)
        for pk in with_reports.values_list("pk", flat=True)
    ]


def _first(items: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(items))[:MOST_ITEMS])
