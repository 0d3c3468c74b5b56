"""The charts and tables of a campaign by their names in addresses, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apps.metrics import charts, tables
from apps.metrics.chart import Chart
from apps.metrics.grouping import GroupKey
from apps.metrics.summary import Summary
from apps.metrics.timeline import Timeline, timeline

from .questions import Question, answer

BY_PLATFORM, BY_REPORT = (GroupKey.PLATFORM,), (GroupKey.REPORT,)
STATUSES = "statuses"

Builder = Callable[[Summary], Chart | None]


def _groups(summary: Summary) -> Chart | None:
    if not summary.keys:
        return None
    return tables.groups(summary.keys, summary.groups, summary.left_out)


def _platforms(summary: Summary) -> Chart | None:
    found = summary.others[BY_PLATFORM]
    return charts.platforms(found.groups, left_out=found.left_out)


def _reports(summary: Summary) -> Chart | None:
    found = summary.others[BY_REPORT]
    return charts.reports(found.groups, left_out=found.left_out)


def removed(summary: Summary) -> Chart:
    """The campaign's first chart."""
    return charts.removed(summary.total, summary.groups, left_out=summary.left_out)


BUILDERS: Mapping[str, Builder] = {
    "removed": removed,
    "groups": _groups,
    "within": lambda summary: tables.within(summary.total),
    "shares": lambda summary: tables.shares(summary.total),
    "times": lambda summary: tables.times(summary.total),
    "platforms": _platforms,
    "reports": _reports,
    "claims": lambda summary: tables.claims(summary.total),
    "returns": lambda summary: tables.returns(summary.total),
    "accounts": lambda summary: tables.accounts(summary.total),
    "deadlines": lambda summary: tables.deadlines(summary.total),
    "controls": lambda summary: charts.controls(summary.total),
}
NAMES = (*BUILDERS, STATUSES)
GROUPED = {"removed", "groups"}  # those that show the groups that were asked for
ALSO = {"platforms": BY_PLATFORM, "reports": BY_REPORT}  # those that need a grouping of their own


@dataclass(frozen=True, slots=True)
class Answer:
    """The figures of a question, and its charts by name; those that have nothing to show are missing."""

    asked: Question
    summary: Summary
    charts: Mapping[str, Chart]


def all_of(asked: Question) -> Answer:
    """Everything there is to show."""
    asked, summary = answer(asked, also=tuple(ALSO.values()))
    found = {name: chart for name, build in BUILDERS.items() if (chart := build(summary)) is not None}
    found[STATUSES] = charts.statuses(_timeline(asked))
    return Answer(asked, summary, found)


def one_of(asked: Question, name: str) -> Chart | None:
    """One chart by its name; None where there is nothing to show. KeyError for a name that there is not."""
    if name == STATUSES:
        return charts.statuses(_timeline(asked))
    build = BUILDERS[name]
    also = [ALSO[name]] if name in ALSO else []
    _, summary = answer(asked, also=also, grouped=name in GROUPED)
    return build(summary)


def _timeline(asked: Question) -> Timeline:
    return timeline(asked.filter.qs, as_of=asked.as_of)
