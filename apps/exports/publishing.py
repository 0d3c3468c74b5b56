"""From a campaign's public record to its pages: figures, and words about them.

What may be shown is decided in `public_record`. Words are made in each language from the figures that are
left, so that nothing that was taken out can come back in a sentence or a chart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.checks import cadence, status
from apps.checks.outcomes import REASONS_OF, STATUS_ORDER, Status
from apps.core.templatetags.show import day_words
from apps.metrics import charts, findings, tables
from apps.metrics.chart import MISSING, Cell, Chart, text
from apps.metrics.definitions import DEFINITIONS, EXCLUSIONS
from apps.metrics.figures import GroupFigures
from apps.metrics.grouping import GroupKey
from apps.metrics.population import DAY
from apps.metrics.records import moment
from apps.metrics.responses import ReportRecord
from apps.metrics.summary import Summary
from apps.metrics.summary_json import summary_json
from apps.metrics.timeline import Step as TimelineStep
from apps.metrics.timeline import Timeline
from apps.platforms.registry import OTHER, platform_name
from apps.reports.models import Category, Channel

from .platform_methods import platform_methods
from .public_record import PublicRecord
from .published import (
    CHARTS,
    LANGUAGES,
    VERSION,
    Choices,
    Counts,
    Figure,
    Group,
    Json,
    Meaning,
    Method,
    ReportRow,
    Section,
    Snapshot,
    Step,
    Words,
)
from .redaction import NO_ACCOUNTS, public_steps, thinned

MOST_STEPS = 60
"""Days of the line of statuses: what people see at once, and what a page carries well."""


@dataclass(frozen=True, slots=True)
class _Figures:
    """The figures that are left after redaction. `reports` are by number."""

    whole: GroupFigures
    platforms: Mapping[str, GroupFigures]
    channels: Mapping[str, GroupFigures]
    reports: Mapping[int, GroupFigures]
    steps: Timeline


def snapshot_of(record: PublicRecord, *, title: str, text: str) -> Snapshot:
    """What the public side of a campaign shows."""
    choices, found = record.choices, record.shown
    figures = _figures(record)
    rows = tuple(_report_row(record, report, figures) for report in record.listed)
    whole = figures.whole
    return Snapshot(
        version=VERSION,
        slug=record.campaign.slug,
        title=title,
        text=text,
        as_of=record.as_of,
        since=_since(record),
        minimum_n=record.minimum_n,
        choices=choices,
        counts=_counts(whole) if found.whole else None,
        statuses=tuple(whole.status[one] for one in STATUS_ORDER) if found.whole else (),
        platforms=_groups(record, record.platforms, figures.platforms)
        if "platforms" in choices.charts
        else (),
        channels=_groups(record, record.channels, figures.channels) if "channels" in choices.charts else (),
        reports=rows,
        reports_left_out=len(record.in_order) - len(rows) if choices.reports else 0,
        steps=tuple(_step(each, choices.dates) for each in figures.steps.steps),
        method=method(),
        summary=_summary(record, title, figures) if found.whole else {},
        words={language: _in_words(language, record, figures, rows) for language in LANGUAGES},
    )


def method() -> Method:
    """The rule for removed, the cadence and the marks, as the code has them."""
    return Method(
        confirm_count=status.CONFIRM_COUNT,
        confirm_hours=_hours(status.CONFIRM_SPAN),
        definitive_count=status.CONFIRM_DEFINITIVE_COUNT,
        definitive_hours=_hours(status.CONFIRM_DEFINITIVE_SPAN),
        unverifiable_count=status.UNVERIFIABLE_COUNT,
        unverifiable_days=status.UNVERIFIABLE_SPAN.days,
        shortest_gap_minutes=int(cadence.SHORTEST_GAP / timedelta(minutes=1)),
        longest_gap_days=cadence.LONGEST_GAP.days,
        age_share=cadence.AGE_SHARE,
        marks_hours=tuple(map(_hours, cadence.MARKS)),
        confirmation_hours=tuple(map(_hours, cadence.CONFIRMATION_LADDER)),
        mark_tolerance_minutes=int(cadence.MARK_TOLERANCE / timedelta(minutes=1)),
    )


def _hours(span: timedelta) -> int:
    return int(span / timedelta(hours=1))


# ------------------------------------------------------------------------------------------------- redacting


def _figures(record: PublicRecord) -> _Figures:
    choices, found = record.choices, record.shown

    def split(key: GroupKey, groups: Mapping[int, str], allowed: Collection[str]) -> dict[str, GroupFigures]:
        chosen = allowed if f"{key}s" in choices.charts else ()
        return {
            group: record.figures(items, {key.value: group})
            for group, items in record.groups(groups, chosen).items()
        }

    numbers = {report.pk: str(report.number) for report in record.listed}
    steps: list[tuple[str, TimelineStep]] = []
    if found.whole and "statuses" in choices.charts:
        steps = public_steps(
            record.steps,
            days=np.unique(record.parts.day).tolist(),
            until=found.until,
            by_month=choices.dates == "month",
        )
    return _Figures(
        whole=record.whole(),
        platforms=split(GroupKey.PLATFORM, record.platforms, found.platforms),
        channels=split(GroupKey.CHANNEL, record.channels, found.channels),
        reports={
            int(number): record.figures(items, {GroupKey.REPORT.value: number})
            for number, items in record.groups(numbers, {numbers[report] for report in found.reports}).items()
        },
        steps=Timeline(
            tuple(replace(step, start=_start(name)) for name, step in thinned(steps, most=MOST_STEPS)),
            timedelta(days=1),
            record.as_of,
        ),
    )


def _start(name: str) -> datetime:
    return datetime.fromisoformat(name if len(name) > len("2026-03") else f"{name}-01").replace(tzinfo=UTC)


def _since(record: PublicRecord) -> str:
    """The first day that the tables tell of: of a report that is listed, or the first that ends a step.

    The day of the very first report would tell that something was reported then, of however few items.
    """
    told = [report.sent for report in record.listed] + [day * DAY for day in record.shown.until]
    return _date(min(told), record.choices.dates) if told else ""


def _date(moment_: int, dates: str) -> str:
    return f"{moment(moment_):%Y-%m}" if dates == "month" else f"{moment(moment_):%Y-%m-%d}"


def _counts(group: GroupFigures) -> Counts:
    up, removed = group.still_up, group.status[Status.REMOVED]
    return Counts(eligible=group.eligible, removed=removed, up=up, unclear=group.eligible - removed - up)


def _groups(
    record: PublicRecord, groups: Mapping[int, str], figures: Mapping[str, GroupFigures]
) -> tuple[Group, ...]:
    """The groups in the order of their first reports, those that are shown before those that are withheld."""
    keys = dict.fromkeys(groups[report.pk] for report in record.in_order)
    found = [Group(key, _counts(figures[key]) if key in figures else None) for key in keys]
    return tuple(sorted(found, key=lambda group: group.counts is None))


def _report_row(record: PublicRecord, report: ReportRecord, figures: _Figures) -> ReportRow:
    of = figures.reports.get(report.number)
    return ReportRow(
        number=report.number,
        sent=_date(report.sent, record.choices.dates),
        platform=record.platforms[report.pk] if "platforms" in record.choices.charts else "",
        channel=report.channel,
        category=record.categories[report.pk],
        bounced=report.bounced,
        counts=_counts(of) if of is not None else None,
    )


def _step(step: TimelineStep, dates: str) -> Step:
    day = f"{step.start:%Y-%m}" if dates == "month" else f"{step.start:%Y-%m-%d}"
    return Step(day=day, statuses=step.counts, reports=step.reports, replies=step.replies)


def _summary(record: PublicRecord, title: str, figures: _Figures) -> Json:
    """The JSON of docs/summary.md, without what redaction took out."""
    groups = (*figures.platforms.values(), *figures.channels.values())
    found = summary_json(
        Summary(
            campaign=record.campaign.slug,
            name=title,
            as_of=record.as_of,
            generated_at=record.as_of,
            minimum_n=record.minimum_n,
            keys=(),
            total=figures.whole,
            groups=groups,
        )
    )
    for group, made in zip((figures.whole, *groups), found["groups"], strict=True):
        if group.accounts == NO_ACCOUNTS:
            made["accounts"] = None
        if group is not figures.whole:
            del made["deadlines"], made["controls"]
        for deadline in made.get("deadlines", ()):
            del deadline["does_not_apply"], deadline["undelivered"]
    return found


# ----------------------------------------------------------------------------------------------------- words


def _in_words(language: str, record: PublicRecord, figures: _Figures, rows: Sequence[ReportRow]) -> Words:
    choices, minimum_n, found = record.choices, record.minimum_n, record.shown
    with translation.override(language):
        names = {
            key: platform_words(key, choices)
            for key in dict.fromkeys(record.platforms[report.pk] for report in record.in_order)
        }
        labels = {
            key: _(str(Channel(key).label))
            for key in dict.fromkeys(report.channel for report in record.in_order)
        }
        platforms = _named(figures.platforms, GroupKey.PLATFORM, names)
        channels = _named(figures.channels, GroupKey.CHANNEL, labels)
        made = _charts(choices, figures, platforms, channels, names, labels, minimum_n)
        few = ngettext(
            "Fewer than %(n)s item so far: figures are shown from there on.",
            "Fewer than %(n)s items so far: figures are shown from there on.",
            minimum_n,
        ) % {"n": minimum_n}
        whole = Section(
            name="",
            finding=findings.removed(figures.whole) if found.whole else few,
            figures=_readout(figures.whole) if found.whole else (),
            charts=made if found.whole else {},
        )
        return Words(
            whole=whole,
            population=findings.population(figures.whole) if found.whole else "",
            platforms={
                key: _section(names[key], platforms.get(key), choices)
                for key in (names if "platforms" in choices.charts else ())
            },
            reports={
                str(row.number): _section(
                    _("Report %(number)s") % {"number": row.number}, figures.reports.get(row.number), choices
                )
                for row in rows
            },
            channels=labels,
            categories={row.category: _(str(Category(row.category).label)) for row in rows},
            statuses={one.value: _(str(one.label)) for one in STATUS_ORDER},
            meanings=tuple(
                Meaning(
                    name=each.name,
                    title=_(each.title),
                    meaning=_(each.meaning),
                    formula=_(each.formula),
                    unit=_(each.unit),
                    population=_(each.population),
                    exclusions=_(each.exclusions),
                    withheld_below_minimum_n=each.withheld_below_minimum_n,
                    source=each.source,
                )
                for each in DEFINITIONS.values()
            ),
            exclusions={name: _(words) for name, words in EXCLUSIONS.values()},
            reasons=_reasons(),
            methods=platform_methods(names, choices),
        )


def _reasons() -> dict[str, dict[str, str]]:
    return {
        outcome.value: {reason.value: _(str(reason.label)) for reason in reasons}
        for outcome, reasons in REASONS_OF.items()
    }


def platform_words(key: str, choices: Choices) -> str:
    """What a platform is called in public."""
    if choices.platforms == "letters":
        return _("Platform %(letter)s") % {"letter": key.upper()}
    return _("other sites") if key == OTHER else platform_name(key)


def _named(
    figures: Mapping[str, GroupFigures], by: GroupKey, names: Mapping[str, str]
) -> dict[str, GroupFigures]:
    return {key: replace(group, by={by.value: names[key]}) for key, group in figures.items()}


def _readout(group: GroupFigures) -> tuple[Figure, ...]:
    return tuple(Figure(*each) for each in tables.key_figures(group))


def _section(name: str, group: GroupFigures | None, choices: Choices) -> Section:
    """What the page of one group says."""
    if group is None:
        return Section(name, "", (), {})
    made: Mapping[str, Callable[[], Chart | None]] = {
        "removed": lambda: charts.removed(group),
        "within": lambda: tables.within(group),
        "times": lambda: tables.times(group),
        "claims": lambda: tables.claims(group),
        "returns": lambda: tables.returns(group),
    }
    return Section(
        name,
        findings.removed(group),
        _readout(group),
        _chosen(choices, made) if GroupKey.REPORT not in group.by else {},
    )


def _chosen(choices: Choices, made: Mapping[str, Callable[[], Chart | None]]) -> dict[str, Chart]:
    found = {name: make() for name, make in made.items() if name in choices.charts}
    return {name: in_language(chart) for name, chart in found.items() if chart is not None}


def in_language(chart: Chart) -> Chart:
    """A chart whose title, headings and words are in the language that is active.

    Findings, and words that are put together from numbers, are so already.
    """
    return replace(
        chart,
        title=_(chart.title),
        headings=tuple(replace(heading, label=_(heading.label)) for heading in chart.headings),
        rows=tuple(tuple(map(_cell_in_language, row)) for row in chart.rows),
        notes=tuple(map(_, chart.notes)),
    )


def _cell_in_language(cell: Cell) -> Cell:
    """A cell's words; what files have as a number or a code stays as it is."""
    words = _(cell.text) if cell.text else ""
    return Cell(words, words if cell.value == cell.text else cell.value)


def _charts(
    choices: Choices,
    figures: _Figures,
    platforms: Mapping[str, GroupFigures],
    channels: Mapping[str, GroupFigures],
    names: Mapping[str, str],
    labels: Mapping[str, str],
    minimum_n: int,
) -> dict[str, Chart]:
    whole = figures.whole
    several = list(platforms.values()) if len(platforms) > 1 else []

    def by_day() -> Chart | None:
        by_month = choices.dates == "month"
        drawn = charts.statuses(
            figures.steps, written=lambda day: day_words(day[: len("2026-03")] if by_month else day)
        )
        left_out = _("Days on which nothing changed are left out, and of many only some are shown.")
        return replace(drawn, notes=(*drawn.notes, left_out))

    def by_platform() -> Chart | None:
        drawn = charts.platforms(several) or tables.groups((GroupKey.PLATFORM,), list(platforms.values()), 0)
        return _with_withheld(drawn, "platforms", names, platforms, minimum_n)

    def by_channel() -> Chart | None:
        made = tables.groups((GroupKey.CHANNEL,), list(channels.values()), 0)
        return _with_withheld(made, "channels", labels, channels, minimum_n)

    made: Mapping[str, Callable[[], Chart | None]] = {
        "removed": lambda: charts.removed(whole, several),
        "statuses": by_day,
        "platforms": by_platform,
        "channels": by_channel,
        "within": lambda: tables.within(whole),
        "times": lambda: tables.times(whole),
        "claims": lambda: tables.claims(whole),
        "returns": lambda: tables.returns(whole),
        "accounts": lambda: tables.accounts(whole),
        "deadlines": lambda: tables.deadlines(whole),
        "controls": lambda: charts.controls(whole),
    }
    if set(made) != set(CHARTS):
        raise AssertionError("CHARTS lists every chart, and no other.")
    found = _chosen(choices, made)
    if choices.reports and (listed := charts.reports(_report_groups(figures))) is not None:
        found["reports"] = in_language(listed)
    return found


def _report_groups(figures: _Figures) -> list[GroupFigures]:
    return list(figures.reports.values())


def _with_withheld(
    chart: Chart, slug: str, names: Mapping[str, str], shown: Mapping[str, GroupFigures], minimum_n: int
) -> Chart | None:
    """The chart under its public name, with a row for each group that is withheld; None without groups."""
    if not names:
        return None
    withheld = [name for key, name in names.items() if key not in shown]
    nothing = (Cell(MISSING, ""),) * (len(chart.headings) - 2)
    rows = tuple((text(name), Cell(_("withheld"), ""), *nothing) for name in withheld)
    notes = chart.notes
    if withheld:
        notes = (*notes, withheld_words(minimum_n))
    finding = chart.finding if shown else _("These figures are withheld.")
    return replace(chart, slug=slug, finding=finding, rows=(*chart.rows, *rows), notes=notes)


def withheld_words(minimum_n: int) -> str:
    """Why a group's figures are not shown."""
    return ngettext(
        "Withheld: groups of fewer than %(n)s item, and others where a difference would reveal these.",
        "Withheld: groups of fewer than %(n)s items, and others where a difference would reveal these.",
        minimum_n,
    ) % {"n": minimum_n}
