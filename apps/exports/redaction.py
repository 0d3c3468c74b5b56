"""What may leave a campaign's figures for the public, and what is taken out of them. Pure.

This is the one place that decides it: `publishing` reads the record, asks here, and puts into words what is
left.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from string import ascii_uppercase

import numpy as np

from apps.metrics.deadlines import DeadlineFigures
from apps.metrics.figures import AccountFigures, GroupFigures
from apps.metrics.reading import Flags, Whole
from apps.metrics.timeline import Step, Timeline
from apps.platforms.registry import OTHER

from .suppression import ITEMS, SIZE, Sum, suppressed

EPOCH = date(1970, 1, 1)
NO_ACCOUNTS = AccountFigures(0, 0, None, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Parts:
    """The smallest groups that anything public is a sum of: the items of one report of one day.

    Columns of one length. `report` is the report's key in the database, `day` its days since 1970 (the first
    of the month where only months are public). `counts` has the rows that `suppression.suppressed` takes;
    controls and items in error make parts, too, and count for nothing.
    """

    report: Whole
    day: Whole
    counts: Whole


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be shown of each table, by the names of its rows. `until` are days, as Parts has them.

    `classes`, `withheld` and `known` (see `suppression`) are what rows of single items go on from.
    """

    whole: bool
    platforms: frozenset[str]
    channels: frozenset[str]
    reports: frozenset[int]
    rules: frozenset[str]
    until: frozenset[int]
    classes: Whole
    withheld: tuple[Sum, ...]
    known: Whole


def letters(count: int) -> list[str]:
    """A, B, ... Z, AA, AB, ...: names that stand for platforms."""
    found = []
    for number in range(1, count + 1):
        name = ""
        while number:
            number, place = divmod(number - 1, len(ascii_uppercase))
            name = ascii_uppercase[place] + name
        found.append(name)
    return found


def platform_keys(platforms: Sequence[str], *, named: Collection[str], by_letter: bool) -> dict[str, str]:
    """The public key of each of `platforms`, which come in the order of their first reports.

    By letter: "a", "b", ... Else those in `named` keep their own, and the others, whose names would be
    domains of reported URLs, are one group.
    """
    ordered = list(dict.fromkeys(platforms))
    if by_letter:
        return dict(zip(ordered, (letter.lower() for letter in letters(len(ordered))), strict=True))
    return {platform: platform if platform in named else OTHER for platform in ordered}


def what_is_shown(
    parts: Parts,
    *,
    platforms: Mapping[int, str],
    channels: Mapping[int, str],
    rules: Mapping[str, Flags],
    reports: Collection[int],
    days: bool,
    minimum_n: int,
) -> Shown:
    """Which rows of the tables may be shown together, and with rows of single items.

    `platforms` and `channels` give each report's group, `rules` the parts that start each deadline's clock,
    `reports` the reports that are listed one by one. Tables come before reports, and those before days.
    """
    sums = [
        *_split("platform", parts, platforms),
        *_split("channel", parts, channels),
        *(Sum(("rule", rule), of) for rule, of in rules.items() if of.any()),
    ]
    listed = [report for report in np.unique(parts.report).tolist() if report in set(reports)]
    by_report = [Sum(("report", report), parts.report == report) for report in listed]
    sums += sorted(by_report, key=lambda one: -int(parts.counts[one.parts, SIZE].sum()))
    if days:
        ends = np.unique(parts.day).tolist()[:-1]  # until the last one is all there is
        sums += [Sum(("until", day), parts.day <= day, counted=False) for day in reversed(ends)]
    # That a report has items is known where it is listed; else it is only known that there are some at all.
    known = np.unique(parts.report, return_inverse=True)[1] if listed else np.zeros_like(parts.report)
    found = suppressed(sums, parts.counts, minimum_n=minimum_n, known=known)

    def named(table: str) -> frozenset[object]:
        return frozenset(one[1] for one in found.shown if isinstance(one, tuple) and one[0] == table)

    whole = bool(parts.counts.size) and int(parts.counts[:, SIZE].sum()) >= max(minimum_n, 1)
    last = {int(parts.day.max())} if whole and days else set()
    return Shown(
        whole=whole,
        platforms=frozenset(map(str, named("platform"))),
        channels=frozenset(map(str, named("channel"))),
        reports=frozenset(one for one in named("report") if isinstance(one, int)),
        rules=frozenset(map(str, named("rule"))),
        until=frozenset(one for one in named("until") if isinstance(one, int)) | last,
        classes=found.classes,
        withheld=found.withheld,
        known=known,
    )


def _split(table: str, parts: Parts, group_of: Mapping[int, str] | Mapping[int, int]) -> list[Sum]:
    """A table's rows as sums, the largest first; no row for a group without an item on record."""
    if not group_of:
        return []
    of: list[object] = [group_of[report] for report in parts.report.tolist()]
    sums = []
    for group in dict.fromkeys(of):
        inside: Flags = np.array([one == group for one in of], bool)
        if parts.counts[inside, ITEMS].any():
            sums.append(Sum((table, group), inside))
    return sorted(sums, key=lambda one: -int(parts.counts[one.parts, SIZE].sum()))


def public_figures(
    group: GroupFigures, *, by: Mapping[str, str], rules: Collection[str], minimum_n: int, whole: bool = False
) -> GroupFigures:
    """A group's figures without what may not be public, under the values that the public knows it by.

    Why a deadline does not run for some items is left out: it may quote the reporter's own words. Deadlines,
    controls and accounts are of the whole campaign alone.
    """
    controls = group.controls
    if not whole or (controls is not None and controls.of < minimum_n):
        controls = None
    enough = whole and group.accounts.accounts >= minimum_n
    return replace(
        group,
        by=by,
        controls=controls,
        accounts=group.accounts if enough else NO_ACCOUNTS,
        deadlines=tuple(_public_deadline(each) for each in group.deadlines if each.rule.slug in rules)
        if whole
        else (),
    )


def _public_deadline(each: DeadlineFigures) -> DeadlineFigures:
    return replace(each, refusals=(), undelivered=0)


def public_steps(
    timeline: Timeline, *, days: Collection[int], until: Collection[int], by_month: bool
) -> list[tuple[str, Step]]:
    """The steps of a timeline that may be shown, each under the day or month at whose end it stands.

    `days` are those on which items were reported, `until` the ones that may end a step, both as Parts has
    them. There is one step a day (or a month). A day on which nothing was reported may end a step where the
    last one before it may. What came in during other days is added to the next step.
    """
    if not timeline.steps:
        return []
    ends = [*(step.start for step in timeline.steps[1:]), timeline.as_of]
    # By month, the last step ends at a midnight, too.
    dates = [_date(end, until_midnight=by_month or place + 1 < len(ends)) for place, end in enumerate(ends)]
    if by_month:
        dates = [day.replace(day=1) for day in dates]
    found: list[tuple[str, Step]] = []
    waiting: list[Step] = []
    for place, (step, day) in enumerate(zip(timeline.steps, dates, strict=True)):
        waiting.append(step)
        is_last = place + 1 == len(dates)
        if not is_last and dates[place + 1] == day:
            continue  # the day or month is not over
        number = day_number(day)
        last_reported = max((one for one in days if one <= number), default=None)
        if not is_last and last_reported not in until:
            continue
        found.append((f"{day:%Y-%m}" if by_month else f"{day:%Y-%m-%d}", _together(waiting)))
        waiting = []
    return found


def thinned(steps: Sequence[tuple[str, Step]], *, most: int) -> list[tuple[str, Step]]:
    """The steps on which something changed or came in, and at most so many, with the last one.

    A step that goes leaves what came in during it to the next.
    """
    changed = [
        place
        for place, (_, step) in enumerate(steps)
        if place in {0, len(steps) - 1}
        or step.counts != steps[place - 1][1].counts
        or step.reports
        or step.replies
    ]
    each = -(-len(changed) // most) if changed else 1
    kept = changed[::-1][::each][::-1]
    found = []
    start = 0
    for place in kept:
        name = steps[place][0]
        found.append((name, _together([step for _, step in steps[start : place + 1]])))
        start = place + 1
    return found


def day_number(day: date) -> int:
    """A day as days since 1970."""
    return (day - EPOCH).days


def _date(end: datetime, *, until_midnight: bool) -> date:
    """The last day of what ended at `end`: the day before, where a step ended at midnight."""
    utc = end.astimezone(UTC)
    return (utc - timedelta(microseconds=1) if until_midnight else utc).date()


def _together(steps: Sequence[Step]) -> Step:
    return replace(
        steps[-1],
        reports=sum(step.reports for step in steps),
        replies=sum(step.replies for step in steps),
    )
