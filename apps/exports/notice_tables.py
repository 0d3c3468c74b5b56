"""The reports of `notices` as tables for a page and rows for a CSV file. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apps.core.templatetags.show import thousands
from apps.metrics.chart import Cell, Chart, Heading, Row, portion, text, whole
from apps.metrics.definitions import EXCLUSIONS
from apps.metrics.figures import TOO_FEW
from apps.metrics.grouping import value_label
from apps.metrics.shares import Share

from .notices import (
    ACTION_LABELS,
    ASSESSED_WITHIN,
    NOT_TRUSTED,
    Action,
    Line,
    RoundGroup,
    RoundReport,
    YearReport,
)

LEFT_OUT_WORDS: Mapping[str, str] = {
    **dict(EXCLUSIONS.values()),
    NOT_TRUSTED: "not sent by a trusted flagger",
}
_COUNTS = (
    Heading("notices", "Notices"),
    Heading("of", "of"),
    Heading("reports", "In reports"),
    Heading("seen_gone", "Seen gone"),
    Heading("seen_restricted", "Restricted"),
    Heading("seen_up", "Up"),
    Heading("not_known", "Could not tell"),
)
_PROVIDER = Heading("provider", "Provider", number=False)
_CATEGORY = Heading("category", "Type of allegedly illegal content", number=False)
_ACTION = Heading("action", "Action taken, as the provider says", number=False)


def year_tables(report: YearReport) -> list[Chart]:
    """A trusted flagger's year: by provider, by type, by action, and by all three."""
    total, providers = report.total, len(report.by_provider)
    of = f"{thousands(total.notices)} {'notice' if total.notices == 1 else 'notices'}"
    many = f"{of} in {thousands(total.reports)} {'report' if total.reports == 1 else 'reports'}"
    return [
        _year_table(
            "by-provider",
            "By provider",
            f"{many} to {providers} {'provider' if providers == 1 else 'providers'}.",
            [_PROVIDER],
            [([provider(name)], line) for name, line in report.by_provider.items()],
            total,
        ),
        _year_table(
            "by-type",
            "By type of allegedly illegal content",
            f"{of}, by what they allege.",
            [_CATEGORY],
            [([category(name)], line) for name, line in report.by_category.items()],
            total,
        ),
        _year_table(
            "by-action",
            "By action taken",
            f"{report.by_action.get(Action.REMOVED, Line()).notices} of {of} were said to be removed; "
            f"{total.gone} of {total.notices} were seen to be gone.",
            [_ACTION],
            [([action(name)], line) for name, line in report.by_action.items()],
            total,
        ),
        _year_table(
            "by-all",
            "By provider, type and action",
            f"{of}, by all three.",
            [_PROVIDER, _CATEGORY, _ACTION],
            [
                ([provider(one), category(two), action(three)], line)
                for (one, two, three), line in report.lines.items()
            ],
            total,
        ),
    ]


def year_csv(report: YearReport) -> Chart:
    """The whole report as one table: the total, each of the three, and all three together."""
    empty = Cell("", "")
    rows: list[tuple[str, list[Cell], Line]] = [("all", [empty] * 3, report.total)]
    rows += [("provider", [provider(name), empty, empty], line) for name, line in report.by_provider.items()]
    rows += [("type", [empty, category(name), empty], line) for name, line in report.by_category.items()]
    rows += [("action", [empty, empty, action(name)], line) for name, line in report.by_action.items()]
    rows += [
        ("provider, type and action", [provider(one), category(two), action(three)], line)
        for (one, two, three), line in report.lines.items()
    ]
    return Chart(
        slug=f"trusted-flagger-{report.year}",
        title=f"Notices of {report.year}",
        finding=f"{report.total.notices} notices.",
        headings=(
            Heading("year", "Year"),
            Heading("by", "By", number=False),
            _PROVIDER,
            _CATEGORY,
            _ACTION,
            *_COUNTS,
        ),
        rows=tuple(
            (text(str(report.year)), text(by), *cells, *_line(line, report.total)) for by, cells, line in rows
        ),
        definitions=("claims", "status"),
    )


def _year_table(
    slug: str,
    title: str,
    finding: str,
    headings: Sequence[Heading],
    rows: Sequence[tuple[list[Cell], Line]],
    total: Line,
) -> Chart:
    return Chart(
        slug=slug,
        title=title,
        finding=finding,
        headings=(*headings, *_COUNTS),
        rows=tuple((*cells, *_line(line, total)) for cells, line in rows),
        definitions=("claims", "status"),
    )


def _line(line: Line, total: Line) -> Row:
    counts = (
        line.notices,
        total.notices,
        line.reports,
        line.gone,
        line.restricted,
        line.up,
        line.not_known,
    )
    return tuple(map(whole, counts))


_ROUND = (
    Heading("notified", "Notified"),
    Heading("left_out", "Left out"),
    Heading("of", "of"),
    *(
        Heading(f"{name}{end}", label if not end else f"{label}, {words}")
        for name, label in (
            ("assessed_24h_surely", f"Assessed within {ASSESSED_WITHIN} h, surely"),
            ("assessed_24h_possibly", "possibly"),
            ("removed", "Removed, as seen"),
            ("said_removed", "Said to be removed"),
            ("feedback", "Feedback given"),
        )
        for end, words in (("", ""), ("_share", "share"), ("_low", "95% from"), ("_high", "to"))
    ),
)
_TITLES = {"all": "In all", "platform": "By platform", "category": "By ground", "channel": "By channel"}


def round_tables(report: RoundReport) -> list[Chart]:
    """The round, in all and by platform, ground and channel. A page shows counts and shares."""
    shown = [at for at, heading in enumerate(_ROUND) if not heading.name.endswith(("_low", "_high"))]
    return [
        Chart(
            slug=f"round-{by}",
            title=title,
            finding=_round_finding(report.by(by), by),
            headings=(Heading("group", "Group", number=False), *(_ROUND[at] for at in shown)),
            rows=tuple(
                (text(group_words(group)), *(row[at] for at in shown))
                for group in report.by(by)
                for row in [_round_row(group)]
            ),
            definitions=("share_removed", "removed_within", "claims"),
        )
        for by, title in _TITLES.items()
    ]


def round_csv(report: RoundReport) -> Chart:
    """The round as one table."""
    return Chart(
        slug="monitoring-round",
        title="Monitoring round",
        finding="",
        headings=(
            Heading("first_day", "First day", number=False),
            Heading("last_day", "Last day", number=False),
            Heading("by", "By", number=False),
            Heading("group", "Group", number=False),
            *_ROUND,
            Heading("left_out_reasons", "Left out, by reason", number=False),
        ),
        rows=tuple(
            (
                text(f"{report.first:%Y-%m-%d}"),
                text(f"{report.last:%Y-%m-%d}"),
                text(group.by),
                text(group.group),
                *_round_row(group),
                text(";".join(f"{name}={count}" for name, count in group.left_out.items())),
            )
            for group in report.groups
        ),
        definitions=("share_removed", "removed_within", "claims"),
    )


def _round_row(group: RoundGroup) -> Row:
    shares = (
        group.assessed_surely,
        group.assessed_possibly,
        group.removed,
        group.said_removed,
        group.feedback,
    )
    return (
        whole(group.notified),
        whole(sum(group.left_out.values())),
        whole(group.of),
        *(cell for one in shares for cell in _share(one)),
    )


def _share(one: Share) -> Row:
    value = Cell(TOO_FEW, "") if one.value is None and one.of else portion(one.value)
    return whole(one.n), value, portion(one.low), portion(one.high)


def _round_finding(groups: Sequence[RoundGroup], by: str) -> str:
    if by != "all":
        return f"{len(groups)} {'group' if len(groups) == 1 else 'groups'}."
    (group,) = groups
    left_out = sum(group.left_out.values())
    return (
        f"{group.notified} notified, {left_out} left out: of {group.of}, {group.assessed_surely.n} to "
        f"{group.assessed_possibly.n} were assessed within {ASSESSED_WITHIN} hours, {group.removed.n} are "
        f"removed, and {group.feedback.n} got feedback."
    )


def group_words(group: RoundGroup) -> str:
    """How a group of a round reads on a page."""
    match group.by:
        case "all":
            return "all"
        case "channel":
            return "trusted flaggers" if group.group == "trusted" else "general users"
    return value_label(group.by, group.group)


def left_out_words(left_out: Mapping[str, int]) -> list[str]:
    """ "3 marked as reported in error", a reason each."""
    return [f"{count} {LEFT_OUT_WORDS[name]}" for name, count in left_out.items()]


def provider(name: str) -> Cell:
    """A platform by its name."""
    return Cell(value_label("platform", name), name)


def category(name: str) -> Cell:
    """What a report alleges."""
    return Cell(value_label("category", name), name)


def action(name: Action) -> Cell:
    """What the provider said that it did."""
    return Cell(ACTION_LABELS[name], name.value)
