"""How a group's items stand to each deadline: counts, or the words why a clock does not run. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from apps.reports.deadlines import VERDICTS, Fit, Rule, StopsAt, Verdict, either_all, fits, judge_all

from .population import DAY, Population
from .reading import Flags, Whole, distinct, places
from .records import NEVER
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


@dataclass(frozen=True, slots=True)
class ReportKind:
    """What some reports have in common: the rules that they are about, and whether they bounced."""

    fits: Sequence[Fit]
    bounced: bool


@dataclass(frozen=True, slots=True)
class Fits:
    """The rules that each report is about: `kind` is the place in `kinds` of each of `report`, their keys.

    With `by_month` it is not told on which day of its month an item was reported. A rule then counts in the
    months in which it was in force on every day: for others it would be said of items that it does not cover.
    """

    report: Whole
    kind: npt.NDArray[Any]
    kinds: Sequence[ReportKind]
    by_month: bool = False

    def by_kind(self, keys: Whole) -> Iterator[tuple[ReportKind, Whole]]:
        """For each kind there is among reports with the `keys`, the places in those."""
        of_none = np.array([len(self.kinds)], self.kind.dtype)
        found = np.concatenate((self.kind, of_none))[places(self.report, keys)]
        order = np.argsort(found, kind="stable")
        in_order = found[order]
        for kind in distinct(in_order).tolist():
            if kind < len(self.kinds):
                first, end = np.searchsorted(in_order, (kind, kind + 1))
                yield self.kinds[kind], order[first:end]

    def covered(self, rule: Rule, days: Whole) -> Flags:
        """On which of some days, since 1970 in UTC, what was reported is covered by a rule."""
        first = last = days
        if self.by_month:
            month = days.astype("datetime64[D]").astype("datetime64[M]")
            first, last = (each.astype("datetime64[D]").astype(np.int64) for each in (month, month + 1))
            last = last - 1
        covered: Flags = first >= _day(rule.valid_from)
        return covered if rule.valid_until is None else covered & (last < _day(rule.valid_until))


def fits_of(reports: Collection[ReportRecord], *, by_month: bool = False) -> Fits:
    """The rules that each of some reports is about."""
    kinds: dict[tuple[str, str, str, bool], int] = {}
    kind = [
        kinds.setdefault((one.category, one.standing, one.channel, one.bounced), len(kinds))
        for one in reports
    ]
    return Fits(
        report=np.fromiter((one.pk for one in reports), np.int64, len(reports)),
        # As small as may be: such numbers are put in order in no time.
        kind=np.array(kind, np.min_scalar_type(len(kinds))),
        kinds=[
            ReportKind(fits(category=category, standing=standing, channel=channel), bounced)
            for category, standing, channel, bounced in kinds
        ],
        by_month=by_month,
    )


@dataclass(slots=True)
class Clock:
    """A rule that any of some items is about, with what its clock does for each of them.

    `items` are the places of those for which it runs; `refusals` says of how many others, and why, it does
    not; `undelivered` are of reports that never arrived.
    """

    rule: Rule
    items: Whole
    refusals: Counter[str]
    undelivered: int = 0


def clocks(population: Population, items: Whole, fits: Fits) -> list[Clock]:
    """Each rule that any of `items` (eligible, as places in the columns) is about and that was in force.

    A rule is in force for an item by the day on which that was reported, since its clock starts then.
    """
    found: dict[str, Clock] = {}
    started: dict[str, list[Whole]] = {}
    for kind, at in fits.by_kind(population.records.report[items]):
        of_kind = items[at]
        for fit in kind.fits:
            covered = of_kind[fits.covered(fit.rule, population.records.reported[of_kind] // DAY)]
            if not len(covered):
                continue
            slug = fit.rule.slug
            clock = found.setdefault(slug, Clock(fit.rule, np.zeros(0, np.int64), Counter()))
            if fit.refusal is not None:
                clock.refusals[fit.refusal] += len(covered)
            elif kind.bounced:
                clock.undelivered += len(covered)
            else:
                started.setdefault(slug, []).append(covered)
    for slug, parts in started.items():
        found[slug].items = np.concatenate(parts)
    return sorted(found.values(), key=lambda clock: (clock.rule.jurisdiction, clock.rule.name))


def deadline_figures(
    population: Population,
    items: Whole,
    fits: Fits,
    *,
    decided: Whole,
    now: int,
) -> tuple[DeadlineFigures, ...]:
    """How `items` stand to each rule that they are about; see `clocks`.

    `decided` is when the report of each item in the columns was decided, as `responses.decided` has it.
    """
    return tuple(
        _figures(population, clock, decided=decided, now=now) for clock in clocks(population, items, fits)
    )


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _figures(population: Population, clock: Clock, *, decided: Whole, now: int) -> DeadlineFigures:
    rule = clock.rule
    counts = dict.fromkeys(VERDICTS, 0)
    if rule.hours is not None and len(clock.items):
        found = verdicts(population, clock.items, rule, rule.hours, decided=decided, now=now)
        counts = dict(zip(VERDICTS, np.bincount(found, minlength=len(VERDICTS)).tolist(), strict=True))
    return DeadlineFigures(
        rule=rule,
        of=len(clock.items),
        met=counts[Verdict.MET],
        missed=counts[Verdict.MISSED],
        running=counts[Verdict.RUNNING],
        indeterminate=counts[Verdict.INDETERMINATE],
        refusals=tuple(clock.refusals.most_common()),
        undelivered=clock.undelivered,
    )


def verdicts(
    population: Population, items: Whole, rule: Rule, hours: int, *, decided: Whole, now: int
) -> npt.NDArray[np.int8]:
    """How some items stand to a limit of so many hours, as places in VERDICTS."""
    records = population.records
    start, by = records.reported[items], population.by[items]
    after = np.where(by != NEVER, population.after[items], np.maximum(records.present[items], start))
    removal = judge_all(start=start, hours=hours, after=after, by=by, now=now)
    if rule.stops_at == StopsAt.REMOVAL:
        return removal
    at = decided[items]
    # A reply's moment is exact; where there is none, none had come by now.
    decision = judge_all(start=start, hours=hours, after=np.where(at != NEVER, at, now), by=at, now=now)
    return decision if rule.stops_at == StopsAt.DECISION else either_all(removal, decision)
