"""What is read of a campaign for the public, and the one decision on what of it may be shown.

Pages, editions and files for everyone are all made of a `PublicRecord`. Which tables are weighed against
each other does not depend on which of them were chosen: all that could be published is safe together, so no
choice, file or edition shows what another withholds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property

import numpy as np
from django.db.models import QuerySet

from apps.checks.outcomes import Status
from apps.core import clock
from apps.metrics.deadlines import Fits, fits_of
from apps.metrics.figures import GroupFigures, Material, account_places, group_figures
from apps.metrics.population import STILL_UP, Exclusion, Population, population
from apps.metrics.reading import Flags, Whole, one_view
from apps.metrics.records import STATUS_CODES, read_items, seconds
from apps.metrics.responses import ReportRecord, claims_of, decided, read_claims, read_reports
from apps.metrics.timeline import Timeline, timeline
from apps.platforms.registry import OTHER, definitions
from apps.reports.models import Campaign, Category, Item
from apps.reports.selectors import items_of

from .by_month import ByMonth, Read, midnight
from .published import Choices
from .redaction import Parts, Shown, platform_keys, public_figures, what_is_shown
from .suppression import ITEMS

MOST_REPORTS = 300
"""Reports whose counts are shown, the last ones."""

_DAY = 86_400
_REMOVED = STATUS_CODES[Status.REMOVED]


@dataclass(frozen=True)
class PublicOutline:
    """What the public sees of a campaign apart from its items one by one, and what may be shown of them.

    `platforms`, `channels` and `categories` give each report's group. `parts` are the items by report and
    day.
    """

    campaign: Campaign
    choices: Choices
    reports: Mapping[int, ReportRecord]
    fits: Fits
    platforms: Mapping[int, str]
    channels: Mapping[int, str]
    categories: Mapping[int, str]
    as_of: datetime
    parts: Parts

    @property
    def minimum_n(self) -> int:
        """How many items a group has at least that is shown."""
        return self.campaign.minimum_n

    @cached_property
    def in_order(self) -> Sequence[ReportRecord]:
        """The reports that have an item on record, by number."""
        with_items = set(self.parts.report[self.parts.counts[:, ITEMS] > 0].tolist())
        in_order = sorted(self.reports.values(), key=lambda report: report.number)
        return [report for report in in_order if report.pk in with_items]

    @cached_property
    def listed(self) -> Sequence[ReportRecord]:
        """Those that are listed one by one."""
        return self.in_order[-MOST_REPORTS:] if self.choices.reports else []

    @cached_property
    def shown(self) -> Shown:
        """What may be shown, of whatever is chosen."""
        return what_is_shown(
            self.parts,
            platforms=self.platforms,
            channels=self.channels,
            rules=self._clocks(),
            reports=[report.pk for report in self.listed],
            days=True,
            minimum_n=self.minimum_n,
        )

    def _clocks(self) -> dict[str, Flags]:
        """The parts whose items start the clock of each deadline: by their report, and by their day."""
        found: dict[str, Flags] = {}
        for place, kind in enumerate(self.fits.kinds):
            if not kind.bounced:
                of_kind = np.isin(self.parts.report, self.fits.report[self.fits.kind == place])
                for fit in kind.fits:
                    if fit.starts:
                        runs = of_kind & self.fits.covered(fit.rule, self.parts.day)
                        found[fit.rule.slug] = found.get(fit.rule.slug, False) | runs
        return found


@dataclass(frozen=True)
class PublicRecord(PublicOutline):
    """A campaign's record for the public, with all its items. `part` is the part of each item."""

    material: Material
    steps: Timeline
    part: Whole

    @property
    def population(self) -> Population:
        """The items, and what is derived of each."""
        return self.material.population

    def groups(self, groups: Mapping[int, str], allowed: Collection[str]) -> dict[str, Whole]:
        """The places of the items of each allowed group, those with the first reports first.

        `groups` gives each report's group.
        """
        members: dict[str, list[int]] = {groups[one.pk]: [] for one in self.in_order if one.pk in groups}
        for report, group in groups.items():
            if group in members:
                members[group].append(report)
        report_of = self.population.records.report
        return {
            group: np.flatnonzero(np.isin(report_of, of)) for group, of in members.items() if group in allowed
        }

    def figures(self, items: Whole, by: Mapping[str, str], *, whole: bool = False) -> GroupFigures:
        """The figures of some items as the public may see them."""
        deadlines = "deadlines" in self.choices.charts
        return public_figures(
            group_figures(self.material, items, by),
            by=by,
            rules=self.shown.rules if deadlines else (),
            minimum_n=self.minimum_n,
            whole=whole,
        )

    def whole(self) -> GroupFigures:
        """The figures of all items."""
        return self.figures(np.arange(len(self.population.records)), {}, whole=True)


def read_public(campaign: Campaign, choices: Choices) -> PublicRecord:
    """The record as it stands now, for the public that these choices speak to."""
    with one_view():
        items = items_of(campaign)
        if choices.dates == "month":
            as_of = midnight()
            by_month = ByMonth.of(campaign, items, as_of=as_of)
            reports, read = by_month.reports, by_month.read(by_month.moves)
            steps = by_month.steps(read.records)
        else:
            reports = read_reports(campaign)
            read = _by_day(campaign, items, reports)
            steps, as_of = timeline(items), clock.now()
    found = population(read.records, now=seconds(as_of))
    parts, part = _parts(found, by_month=choices.dates == "month")
    outline = outline_of(campaign, choices, reports, parts, as_of)
    shared = {field.name: getattr(outline, field.name) for field in fields(PublicOutline)}
    return PublicRecord(**shared, material=material_of(outline, found, read), steps=steps, part=part)


def outline_of(
    campaign: Campaign,
    choices: Choices,
    reports: Mapping[int, ReportRecord],
    parts: Parts,
    as_of: datetime,
) -> PublicOutline:
    """The outline of a campaign with these reports, whose items make these parts."""
    # Letters go by what is shown, and stay as they are: who comes later gets a later one. By months a report
    # comes with the end of its month, unless it was written down after that.
    there = set(parts.report.tolist())

    def comes(report: ReportRecord) -> tuple[bool, int, int]:
        day = max(report.sent, report.recorded) // _DAY if choices.dates == "month" else 0
        return report.pk not in there, day, report.number

    in_order = sorted(reports.values(), key=comes)
    keys = platform_keys(
        [report.platform for report in in_order],
        named=definitions(),
        by_letter=choices.platforms == "letters",
    )
    return PublicOutline(
        campaign=campaign,
        choices=choices,
        reports=reports,
        fits=fits_of(reports.values(), by_month=choices.dates == "month"),
        platforms={report.pk: keys[report.platform] for report in in_order},
        channels={report.pk: report.channel for report in in_order},
        categories={report.pk: public_category(report.category) for report in in_order},
        as_of=as_of,
        parts=parts,
    )


def material_of(outline: PublicOutline, found: Population, read: Read) -> Material:
    """What the figures of some of the outline's items are taken from."""
    return Material(
        population=found,
        account=account_places(found.records),
        reports=outline.reports,
        fits=outline.fits,
        claim=read.claim,
        claimed=read.claimed,
        decided=read.decided,
        now=seconds(outline.as_of),
        minimum_n=outline.minimum_n,
    )


def _by_day(campaign: Campaign, items: QuerySet[Item], reports: Mapping[int, ReportRecord]) -> Read:
    records = read_items(items)
    claim, claimed = claims_of(read_claims(campaign), records.pk)
    return Read(records, claim, claimed, decided(reports, records.report, records.reported))


def public_category(category: str) -> str:
    """A category of the closed list; the reporter's own words are theirs."""
    return category if category in Category.values else OTHER


def _parts(found: Population, *, by_month: bool) -> tuple[Parts, Whole]:
    """The items by report and day, and the part of each."""
    records = found.records
    days = days_of(records.reported, by_month=by_month)
    reports, report = np.unique(records.report, return_inverse=True)
    first, last = (int(days.min()), int(days.max())) if len(days) else (0, 0)
    width = last - first + 1
    keys, part = np.unique(report * width + days - first, return_inverse=True)
    return Parts(reports[keys // width], keys % width + first, counted(found, part, len(keys))), part


def days_of(reported: Whole, *, by_month: bool) -> Whole:
    """The days of some moments as Parts has them."""
    if not by_month:
        return reported // _DAY
    months = reported.astype("datetime64[s]").astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)


def counted(found: Population, part: Whole, many: int, *, at: Whole | slice = slice(None)) -> Whole:
    """What `suppression` counts of each of so many parts: items on record, eligible, removed, still up.

    `part` is the part of each item, or of each at the places `at`.
    """
    status, excluded = found.records.status[at], found.excluded[at]
    eligible = excluded == Exclusion.NONE
    on_record = (excluded != Exclusion.CONTROL) & (excluded != Exclusion.ERROR)
    kinds = (on_record, eligible, eligible & (status == _REMOVED), eligible & np.isin(status, STILL_UP))
    counts = [np.bincount(part, weights=kind, minlength=many) for kind in kinds]
    return np.stack(counts, axis=1).astype(np.int64)
