"""How a group's items stand to each deadline: counts, or the words why a clock does not run. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from apps.reports.deadlines import VERDICTS, Fit, Rule, StopsAt, Verdict, fits, judge_all

from .population import Population
from .reading import Whole
from .records import NEVER, moment
from .responses import ReportRecord


@dataclass(frozen=True, slots=True)
class DeadlineFigures:
    """A rule beside a group's eligible items. The unit is items.

    `of` items are of reports that start the rule's clock; `met`, `missed`, `running` and `indeterminate` add
    up to it, unless the rule names no hours. `refusals` says of how many others, and why, the clock does not
    run; `undelivered` are of reports that never arrived.
    """

    rule: Rule
    of: int
    met: int
    missed: int
    running: int
    indeterminate: int
    refusals: tuple[tuple[str, int], ...]
    undelivered: int


Fits = Mapping[int, list[Fit]]


def fits_of(reports: Iterable[ReportRecord]) -> Fits:
    """The rules that each report is about, by the report's key."""
    return {
        report.pk: fits(
            category=report.category,
            standing=report.standing,
            channel=report.channel,
            sent_at=moment(report.sent),
        )
        for report in reports
    }


def deadline_figures(
    population: Population, items: Whole, reports: Mapping[int, ReportRecord], fits: Fits, *, now: int
) -> tuple[DeadlineFigures, ...]:
    """Each rule that any of `items` (eligible, as places in the columns) is about."""
    report_of = population.records.report[items]
    keys, counts = np.unique(report_of, return_counts=True)
    rules: dict[str, Rule] = {}
    started: dict[str, list[int]] = {}
    refusals: dict[str, Counter[str]] = {}
    undelivered: Counter[str] = Counter()
    for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
        for fit in fits.get(key, ()):
            slug = fit.rule.slug
            rules[slug] = fit.rule
            if fit.refusal is not None:
                refusals.setdefault(slug, Counter())[fit.refusal] += count
            elif reports[key].bounced:
                undelivered[slug] += count
            else:
                started.setdefault(slug, []).append(key)
    return tuple(
        _figures(
            population,
            items[np.isin(report_of, started.get(slug, []))],
            reports,
            rule,
            refusals=tuple(refusals.get(slug, Counter()).most_common()),
            undelivered=undelivered[slug],
            now=now,
        )
        for slug, rule in sorted(rules.items(), key=lambda pair: (pair[1].jurisdiction, pair[1].name))
    )


def _figures(
    population: Population,
    items: Whole,
    reports: Mapping[int, ReportRecord],
    rule: Rule,
    *,
    refusals: tuple[tuple[str, int], ...],
    undelivered: int,
    now: int,
) -> DeadlineFigures:
    counts = dict.fromkeys(VERDICTS, 0)
    if rule.hours is not None and len(items):
        records = population.records
        start = records.reported[items]
        removed = population.by[items] != NEVER
        after = np.where(removed, population.after[items], np.maximum(records.present[items], start))
        by = population.by[items]
        if rule.stops_at != StopsAt.REMOVAL:
            decided = np.array([reports[key].decision for key in records.report[items].tolist()], np.int64)
            # A reply's moment is exact; where there is none, none had come by now.
            unseen = np.where(decided != NEVER, decided, now)
            if rule.stops_at == StopsAt.DECISION:
                after, by = unseen, decided
            else:
                first = (decided != NEVER) & ((by == NEVER) | (decided <= by))
                exact = first & (decided <= after)
                by = np.where(first, decided, by)
                after = np.where(exact, decided, np.minimum(after, unseen))
        found = judge_all(start=start, hours=rule.hours, after=after, by=by, now=now)
        counts = dict(zip(VERDICTS, np.bincount(found, minlength=len(VERDICTS)).tolist(), strict=True))
    return DeadlineFigures(
        rule=rule,
        of=len(items),
        met=counts[Verdict.MET],
        missed=counts[Verdict.MISSED],
        running=counts[Verdict.RUNNING],
        indeterminate=counts[Verdict.INDETERMINATE],
        refusals=refusals,
        undelivered=undelivered,
    )
