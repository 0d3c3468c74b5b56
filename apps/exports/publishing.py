"""From a campaign's record to what the public sees of it: read, redact, put into words.

What may be shown is decided in `redaction`. Words are made in each language from the figures that are left,
so that nothing that was taken out can come back in a sentence or a chart.
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
from apps.core import clock
from apps.core.templatetags.show import day_words
from apps.metrics import charts, findings, tables
from apps.metrics.chart import MISSING, Cell, Chart, text
from apps.metrics.deadlines import fits_of
from apps.metrics.definitions import DEFINITIONS, EXCLUSIONS
from apps.metrics.figures import GroupFigures, Material, group_figures
from apps.metrics.grouping import GroupKey
from apps.metrics.population import STILL_UP, Exclusion, Population, population
from apps.metrics.reading import Whole, one_view
from apps.metrics.records import STATUS_CODES, moment, read_items, seconds
from apps.metrics.responses import ReportRecord, claims_of, read_claims, read_reports
from apps.metrics.summary import Summary
from apps.metrics.summary_json import summary_json
from apps.metrics.timeline import Step as TimelineStep
from apps.metrics.timeline import Timeline, timeline
from apps.platforms.registry import definitions, platform_name
from apps.reports.models import Campaign, Category, Channel
from apps.reports.selectors import items_of

from .items import public_category
from .platform_methods import platform_methods
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
from .redaction import (
    NO_ACCOUNTS,
    REST,
    Parts,
    Shown,
    platform_keys,
    public_figures,
    public_steps,
    thinned,
    what_is_shown,
)

MOST_REPORTS = 300
"""Reports that are listed one by one, the last ones."""

MOST_STEPS = 60
"""Days of the line of statuses: what people see at once, and what a page carries well."""

_DAY = 86_400
_REMOVED = STATUS_CODES[Status.REMOVED]


@dataclass(frozen=True, slots=True)
class _Record:
    """What was read, and how its reports are grouped for the public."""

    population: Population
    material: Material
    steps: Timeline
    reports: Mapping[int, ReportRecord]
    platforms: Mapping[int, str]  # by report
    channels: Mapping[int, str]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class _Figures:
    """The figures that are left after redaction. `reports` are by number."""

    whole: GroupFigures
    platforms: Mapping[str, GroupFigures]
    channels: Mapping[str, GroupFigures]
    reports: Mapping[int, GroupFigures]
    steps: Timeline


def snapshot_of(campaign: Campaign, *, title: str, text: str, choices: Choices) -> Snapshot:
    """What is public of a campaign as its record stands now, if these choices are in force."""
    record = _read(campaign, choices)
    parts = _parts(record, by_month=choices.dates == "month")
    tables_wanted = set(choices.charts)
    listed = _listed(record)
    found = what_is_shown(
        parts,
        platforms=record.platforms if "platforms" in tables_wanted else {},
        channels=record.channels if "channels" in tables_wanted else {},
        rules=_clocks(record) if "deadlines" in tables_wanted else {},
        reports=[report.pk for report in listed] if choices.reports else [],
        days="statuses" in tables_wanted,
        minimum_n=campaign.minimum_n,
    )
    figures = _figures(record, parts, found, choices, minimum_n=campaign.minimum_n)
    rows = (
        tuple(_report_row(record, report, figures, choices) for report in listed) if choices.reports else ()
    )
    first = min((report.sent for report in record.reports.values()), default=None)
    whole = figures.whole
    return Snapshot(
        version=VERSION,
        slug=campaign.slug,
        title=title,
        text=text,
        as_of=record.as_of,
        since=_date(first, choices.dates) if first is not None else "",
        minimum_n=campaign.minimum_n,
        choices=choices,
        counts=_counts(whole) if found.whole else None,
        statuses=tuple(whole.status[one] for one in STATUS_ORDER) if found.whole else (),
        platforms=_groups(record.platforms, figures.platforms) if "platforms" in tables_wanted else (),
        channels=_groups(record.channels, figures.channels) if "channels" in tables_wanted else (),
        reports=rows,
        reports_left_out=len(record.reports) - len(rows) if choices.reports else 0,
        steps=tuple(_step(each, choices.dates) for each in figures.steps.steps),
        method=method(),
        summary=_summary(campaign, title, figures, record) if found.whole else {},
        words={
            language: _in_words(language, campaign.minimum_n, choices, found, figures, record, rows)
            for language in LANGUAGES
        },
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


# -------------------------------------------------------------------------------------------------- reading


def _read(campaign: Campaign, choices: Choices) -> _Record:
    now = clock.now()
    items = items_of(campaign)
    with one_view():
        records = read_items(items)
        reports = read_reports(campaign)
        code, claimed = claims_of(read_claims(campaign), records.pk)
        steps = timeline(items)
    found = population(records, now=seconds(now))
    in_order = sorted(reports.values(), key=lambda report: report.number)
    keys = platform_keys(
        [report.platform for report in in_order],
        named=definitions(),
        by_letter=choices.platforms == "letters",
    )
    return _Record(
        population=found,
        material=Material(
            population=found,
            reports=reports,
            fits=fits_of(reports.values()),
            claim=code,
            claimed=claimed,
            now=seconds(now),
            minimum_n=campaign.minimum_n,
        ),
        steps=steps,
        reports=reports,
        platforms={report.pk: keys[report.platform] for report in in_order},
        channels={report.pk: report.channel for report in in_order},
        as_of=now,
    )


def _parts(record: _Record, *, by_month: bool) -> Parts:
    """The items that count or could count, by report and day."""
    found, records = record.population, record.population.records
    on_record = (found.excluded != Exclusion.CONTROL) & (found.excluded != Exclusion.ERROR)
    days = records.reported // _DAY
    if by_month:
        months = (records.reported).astype("datetime64[s]").astype("datetime64[M]")
        days = months.astype("datetime64[D]").astype(np.int64)
    pairs, place = np.unique(
        np.stack([records.report[on_record], days[on_record]]), axis=1, return_inverse=True
    )
    eligible = found.eligible[on_record]
    now = records.status[on_record]
    kinds = (
        np.ones(len(eligible), bool),
        eligible,
        eligible & (now == _REMOVED),
        eligible & np.isin(now, STILL_UP),
    )
    counts = [np.bincount(place.ravel(), weights=kind, minlength=pairs.shape[1]) for kind in kinds]
    return Parts(report=pairs[0], day=pairs[1], counts=np.stack(counts, axis=1).astype(np.int64))


def _listed(record: _Record) -> list[ReportRecord]:
    with_items = set(np.unique(record.population.records.report).tolist())
    in_order = sorted(record.reports.values(), key=lambda report: report.number)
    return [report for report in in_order if report.pk in with_items][-MOST_REPORTS:]


def _clocks(record: _Record) -> dict[str, set[int]]:
    """The reports that start the clock of each deadline."""
    found: dict[str, set[int]] = {}
    for report, fits in record.material.fits.items():
        for fit in fits:
            if fit.starts and not record.reports[report].bounced:
                found.setdefault(fit.rule.slug, set()).add(report)
    return found


# ------------------------------------------------------------------------------------------------- redacting


def _figures(record: _Record, parts: Parts, found: Shown, choices: Choices, *, minimum_n: int) -> _Figures:
    report_of = record.population.records.report

    def of(reports: Collection[int], by: Mapping[str, str]) -> GroupFigures:
        items: Whole = np.flatnonzero(np.isin(report_of, list(reports)))
        figures = group_figures(record.material, items, by)
        return public_figures(figures, by=by, rules=found.rules, minimum_n=minimum_n)

    def split(key: GroupKey, groups: Mapping[int, str], allowed: Collection[str]) -> dict[str, GroupFigures]:
        members: dict[str, list[int]] = {}
        for report, group in groups.items():
            members.setdefault(group, []).append(report)
        return {group: of(members[group], {key.value: group}) for group in members if group in allowed}

    whole = public_figures(
        group_figures(record.material, np.arange(len(report_of)), {}),
        by={},
        rules=found.rules,
        minimum_n=minimum_n,
        whole=True,
    )
    by_month = choices.dates == "month"
    steps = thinned(
        public_steps(record.steps, days=np.unique(parts.day).tolist(), until=found.until, by_month=by_month),
        most=MOST_STEPS,
    )
    return _Figures(
        whole=whole,
        platforms=split(GroupKey.PLATFORM, record.platforms, found.platforms),
        channels=split(GroupKey.CHANNEL, record.channels, found.channels),
        reports={
            record.reports[report].number: of(
                [report], {GroupKey.REPORT.value: str(record.reports[report].number)}
            )
            for report in sorted(found.reports)
        },
        steps=Timeline(
            tuple(replace(step, start=_start(name)) for name, step in steps) if found.whole else (),
            timedelta(days=1),
            record.as_of,
        ),
    )


def _start(name: str) -> datetime:
    return datetime.fromisoformat(name if len(name) > len("2026-03") else f"{name}-01").replace(tzinfo=UTC)


def _date(moment_: int, dates: str) -> str:
    return f"{moment(moment_):%Y-%m}" if dates == "month" else f"{moment(moment_):%Y-%m-%d}"


def _counts(group: GroupFigures) -> Counts:
    up, removed = group.still_up, group.status[Status.REMOVED]
    return Counts(eligible=group.eligible, removed=removed, up=up, unclear=group.eligible - removed - up)


def _groups(keys: Mapping[int, str], figures: Mapping[str, GroupFigures]) -> tuple[Group, ...]:
    """The groups in the order of their first reports, those that are shown before those that are withheld."""
    groups = [
        Group(key, _counts(figures[key]) if key in figures else None) for key in dict.fromkeys(keys.values())
    ]
    return tuple(sorted(groups, key=lambda group: group.counts is None))


def _report_row(record: _Record, report: ReportRecord, figures: _Figures, choices: Choices) -> ReportRow:
    of = figures.reports.get(report.number)
    return ReportRow(
        number=report.number,
        sent=_date(report.sent, choices.dates),
        platform=record.platforms[report.pk] if "platforms" in choices.charts else "",
        channel=report.channel,
        category=public_category(report.category),
        bounced=report.bounced,
        counts=_counts(of) if of is not None else None,
    )


def _step(step: TimelineStep, dates: str) -> Step:
    day = f"{step.start:%Y-%m}" if dates == "month" else f"{step.start:%Y-%m-%d}"
    return Step(day=day, statuses=step.counts, reports=step.reports, replies=step.replies)


def _summary(campaign: Campaign, title: str, figures: _Figures, record: _Record) -> Json:
    """The JSON of docs/summary.md, without what redaction took out."""
    groups = (*figures.platforms.values(), *figures.channels.values())
    found = summary_json(
        Summary(
            campaign=campaign.slug,
            name=title,
            as_of=record.as_of,
            generated_at=record.as_of,
            minimum_n=campaign.minimum_n,
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


def _in_words(
    language: str,
    minimum_n: int,
    choices: Choices,
    found: Shown,
    figures: _Figures,
    record: _Record,
    rows: Sequence[ReportRow],
) -> Words:
    with translation.override(language):
        names = {key: platform_words(key, choices) for key in dict.fromkeys(record.platforms.values())}
        labels = {key: _(str(Channel(key).label)) for key in dict.fromkeys(record.channels.values())}
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
    return _("other sites") if key == REST else platform_name(key)


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
    return replace(chart, slug=slug, rows=(*chart.rows, *rows), notes=notes)


def withheld_words(minimum_n: int) -> str:
    """Why a group's figures are not shown."""
    return ngettext(
        "Withheld: groups of fewer than %(n)s item, and others where a difference would reveal these.",
        "Withheld: groups of fewer than %(n)s items, and others where a difference would reveal these.",
        minimum_n,
    ) % {"n": minimum_n}
