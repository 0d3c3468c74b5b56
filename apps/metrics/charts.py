"""The charts: each from figures to a finding, a table and a plot. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from apps.checks.outcomes import STATUS_ORDER
from apps.core.templatetags.show import thousands

from . import findings, plots, tables
from .chart import Cell, Chart, Heading, Row, points, portion, text, whole
from .chart import duration as hours
from .figures import MARKS, TOO_FEW, GroupFigures, Within
from .grouping import GroupKey, grouping_words
from .survival import Fit, band
from .timeline import DAY, HOUR, MONTH, Timeline
from .words import hours_words, quantile_words, share_words

LINES_DRAWN = 6
REPORTS_DRAWN = 24
STEPS = {HOUR: "Hour (UTC)", DAY: "Day (UTC)", MONTH: "Month (UTC)"}

CURVE_HEADINGS = (
    Heading("group", "Group", number=False),
    Heading("hours", "Within"),
    Heading("estimate", "Share removed"),
    Heading("low", "95% from"),
    Heading("high", "to"),
    Heading("of", "of"),
)


def removed(total: GroupFigures, groups: Sequence[GroupFigures] = (), *, left_out: int = 0) -> Chart:
    """The cumulative share removed since the report, of each group or of all."""
    largest = sorted(groups, key=lambda group: -group.eligible)
    drawn = [group for group in largest if group.removal.fit is not None][:LINES_DRAWN]
    shown = drawn or [total]
    undrawn = len(groups) + left_out - len(drawn) if groups else 0
    fitted = [(grouping_words(group.by), group, group.removal.fit) for group in shown]
    lines = [
        plots.line_of(_name(name), _end(group), fit, place=place)
        for place, (name, group, fit) in enumerate(fitted)
        if fit is not None
    ]
    few = sum(group.removal.fit is None for group in groups)
    return Chart(
        slug="removed",
        title="Share removed since the report",
        finding=findings.removed(total),
        headings=CURVE_HEADINGS,
        rows=tuple(
            row
            for name, group, fit in fitted
            if fit is not None
            for row in _curve_rows(_name(name), group.eligible, fit)
        ),
        definitions=("removed_within", "removal_time_hours"),
        notes=(_undrawn(undrawn, few) if drawn else _none_drawn(),) if undrawn > 0 else (),
        plot=plots.curves(lines) if lines else None,
    )


def _undrawn(count: int, few: int) -> str:
    words = ngettext("%(n)s group is not drawn", "%(n)s groups are not drawn", count)
    words %= {"n": thousands(count)}
    if few:
        words += _(", %(n)s of them %(too_few)s") % {"n": thousands(few), "too_few": _(TOO_FEW)}
    return f"{words}."


def _none_drawn() -> str:
    said = _("No group has enough items; drawn are all together, and each group is %(too_few)s.")
    return said % {"too_few": _(TOO_FEW)}


def _name(words: str) -> str:
    return _("All eligible items") if words == "all" else words


def _end(group: GroupFigures) -> str:
    counts = {"n": thousands(group.still_up), "of": thousands(group.eligible)}
    return _("%(n)s of %(of)s still up") % counts


def _curve_rows(name: str, of: int, fit: Fit) -> list[Row]:
    """The line at every mark that it reaches, and at its end."""
    until = float(fit.curve().times[-1])
    moments = [float(mark) for mark in MARKS.values() if mark < until] + [until]
    low, high = band(fit, moments)
    columns = zip(moments, fit.estimate(moments).tolist(), low.tolist(), high.tolist(), strict=True)
    return [
        (text(name), hours(moment), portion(share), portion(least), portion(most), whole(of))
        for moment, share, least, most in columns
    ]


def statuses(timeline: Timeline, *, written: Callable[[str], str] = str) -> Chart:
    """Statuses over calendar time, with reports and replies as marks.

    `written` is how a day reads, which files have as 2026-03-01.
    """
    form = "%Y-%m-%d %H:%M" if timeline.length < DAY else "%Y-%m-%d"
    starts = [f"{step.start:{form}}" for step in timeline.steps]
    present = [
        (place, status)
        for place, status in enumerate(STATUS_ORDER)
        if any(step.counts[place] for step in timeline.steps)
    ]
    rows = tuple(
        (
            Cell(written(start), start),
            *map(whole, step.counts),
            whole(step.of),
            whole(step.reports),
            whole(step.replies),
        )
        for start, step in zip(starts, timeline.steps, strict=True)
    )
    plot = None
    if timeline.steps:
        ends = [*starts, f"{timeline.as_of:%Y-%m-%d %H:%M}"]
        areas = [
            (
                status.value,
                _(str(status.label)),
                [max(step.counts[place], 0) for step in (*timeline.steps, timeline.steps[-1])],
            )
            for place, status in present
        ]
        events = [
            (
                _(name),
                [start for start, count in zip(starts, counts, strict=True) if count],
                [
                    f"{written(start)}: {findings.NOUNS[noun](count) % {'n': count}}"
                    for start, count in zip(starts, counts, strict=True)
                    if count
                ],
            )
            for name, noun, counts in (
                ("replies", "reply", [step.replies for step in timeline.steps]),
                ("reports", "report", [step.reports for step in timeline.steps]),
            )
        ]
        plot = plots.stacked(ends, areas, events)
    return Chart(
        slug="statuses",
        title="Statuses over time",
        finding=findings.statuses(timeline),
        headings=(
            Heading("from", STEPS[timeline.length], number=False),
            *(Heading(status.value, _(str(status.label)).capitalize()) for status in STATUS_ORDER),
            Heading("of", "of"),
            Heading("reports", "Reports"),
            Heading("replies", "Replies"),
        ),
        rows=rows,
        definitions=("status", "reported"),
        notes=(
            "Counted are all reported items but controls and those reported in error, each from its report "
            "on. A removal counts from when it was first seen gone.",
        ),
        plot=plot,
    )


def platforms(groups: Sequence[GroupFigures], *, left_out: int = 0) -> Chart | None:
    """Platforms side by side; None where there are fewer than two. `left_out` are smaller ones."""
    if len(groups) + left_out < 2:
        return None
    ordered = tables.by_share(groups)
    return Chart(
        slug="platforms",
        title="Platforms side by side",
        finding=findings.groups(ordered, left_out, noun="platform"),
        headings=(Heading("platform", "Platform", number=False), *tables.GROUP_HEADINGS),
        rows=tuple(
            (tables.key_cell(GroupKey.PLATFORM, group), *tables.group_cells(group)) for group in ordered
        ),
        definitions=("share_removed", "removal_time_hours"),
        notes=("A platform is whom the items were reported to.", *tables.smaller(left_out)),
        plot=plots.side_by_side(
            [_dots(group) for group in ordered],
            share_title=_("Share removed, 95%% interval") % (),
            time_title=_("Half removed after, 95%% band") % (),
        ),
    )


def _dots(group: GroupFigures) -> plots.Dots:
    share = group.removed
    median = group.removal.quantile(0.5)
    estimated = share.value is not None and share.low is not None and share.high is not None
    return plots.Dots(
        name=grouping_words(group.by),
        size=f"n = {thousands(share.of)}",
        share=(share.low or 0.0, share.value or 0.0, share.high or 0.0) if estimated else None,
        share_words=share_words(share),
        time=median.band if median else None,
        time_at=median.interval if median else None,
        time_words=quantile_words(group.removal, 0.5),
    )


def reports(groups: Sequence[GroupFigures], *, left_out: int = 0) -> Chart | None:
    """A campaign's reports as small multiples; None where there are fewer than two."""
    if len(groups) + left_out < 2:
        return None
    ordered = sorted(groups, key=lambda group: int(group.by[GroupKey.REPORT]))
    fitted = [(group, group.removal.fit) for group in ordered if group.removal.fit is not None]
    lines = [
        plots.line_of(_report(group).capitalize(), _end(group), fit, role="series-1")
        for group, fit in fitted[:REPORTS_DRAWN]
    ]
    undrawn = len(ordered) + left_out - len(lines)
    return Chart(
        slug="reports",
        title="Report by report",
        finding=findings.groups(ordered, left_out, noun="report", name=_report),
        headings=(Heading("report", "Report", number=False), *tables.GROUP_HEADINGS),
        rows=tuple(
            (tables.key_cell(GroupKey.REPORT, group), *tables.group_cells(group)) for group in ordered
        ),
        definitions=("removed_within", "share_removed"),
        notes=(_reports_undrawn(undrawn),) if undrawn else (),
        plot=plots.small_multiples(lines) if lines else None,
    )


def _reports_undrawn(count: int) -> str:
    words = ngettext(
        "%(n)s report is not drawn: smaller, or %(too_few)s.",
        "%(n)s reports are not drawn: smaller, or %(too_few)s.",
        count,
    )
    return words % {"n": thousands(count), "too_few": _(TOO_FEW)}


def _report(group: GroupFigures) -> str:
    return _("report %(number)s") % {"number": group.by[GroupKey.REPORT]}


def _estimate_headings(name: str, words: str) -> tuple[Heading, ...]:
    return (
        Heading(name, words),
        Heading(f"{name}_low", "95% from"),
        Heading(f"{name}_high", "to"),
        Heading(f"{name}_of", "of"),
    )


def _estimate_cells(within: Within) -> Row:
    """The estimate within a mark with its band, in the order of `_estimate_headings`."""
    low, high = within.band or (None, None)
    return portion(within.estimate), portion(low), portion(high), whole(within.of)


def controls(group: GroupFigures) -> Chart | None:
    """Reported items beside those that nobody reported; None where there are no controls."""
    beside = group.controls
    if beside is None:
        return None
    lines = []
    if group.removal.fit is not None:
        lines.append(plots.line_of(pgettext("items", "Reported"), _end(group), group.removal.fit))
    if beside.times.fit is not None:
        end = _("%(n)s of %(of)s removed") % {"n": thousands(beside.removed), "of": thousands(beside.of)}
        lines.append(plots.line_of(_("Controls"), end, beside.times.fit, place=1, role="unclear"))
    differences = {each.name: each for each in beside.differences}
    rows: list[Row] = []
    for one, other in zip(group.within, beside.within, strict=True):
        found = differences.get(one.name)
        rows.append(
            (
                Cell(hours_words(one.hours), str(one.hours)),
                *_estimate_cells(one),
                *_estimate_cells(other),
                points(found.difference.value if found else None),
                points(found.difference.low if found else None),
                points(found.difference.high if found else None),
            )
        )
    return Chart(
        slug="controls",
        title="Reported items beside controls",
        finding=findings.controls(group),
        headings=(
            Heading("within_hours", "Within", number=False),
            *_estimate_headings("reported", "Reported"),
            *_estimate_headings("controls", "Controls"),
            Heading("difference", "Difference, points"),
            Heading("low", "95% from"),
            Heading("high", "to"),
        ),
        rows=tuple(rows),
        definitions=("controls", "removed_within"),
        notes=(f"{_('Controls')}: {_(beside.times.problem)}.",) if beside.times.problem else (),
        plot=plots.curves(lines) if lines else None,
    )
