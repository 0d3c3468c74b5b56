"""Reports in shapes that others fixed: a trusted flagger's yearly report, and a monitoring round.

The figures come from the same items, times and claims as all others (`metrics`). Both say what such reports
leave out: of how many, what was left out and why, and what was seen beside what the platform said. Reading is
apart from counting, which is pure.

- Regulation (EU) 2022/2065 (Digital Services Act), Article 22(3): trusted flaggers publish once a year the
  number of notices by provider, by type of allegedly illegal content, and by action taken by the provider.
- European Commission, monitoring rounds of the Code of conduct on countering illegal hate speech online:
  notifications, the share that was assessed within 24 hours, the share removed, and feedback to whoever
  notified, by platform, by ground, and by channel (trusted flaggers, general users).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

import numpy as np
from django.db.models import QuerySet

from apps.accounts.roles import Audience
from apps.checks.outcomes import Status
from apps.core import clock
from apps.metrics.definitions import EXCLUSIONS
from apps.metrics.population import HOUR, Exclusion, Population, population
from apps.metrics.reading import Flags, Whole, one_view
from apps.metrics.records import NEVER, STATUS_CODES, read_items, seconds
from apps.metrics.responses import (
    CLAIM_CODES,
    ReportRecord,
    answered,
    claims_of,
    decided,
    read_claims,
    read_reports,
    reports_for,
)
from apps.metrics.shares import Share, share
from apps.reports.models import Campaign, Channel, ClaimWord, Item, Standing

Word = TypeVar("Word", bound=str)

ASSESSED_WITHIN = 24  # hours
COUNTED = (Exclusion.NONE, Exclusion.GONE_BEFORE_REPORT, Exclusion.NEVER_SEEN)
"""What was notified: everything but controls, errors, and repeats in one report."""


class Action(StrEnum):
    """What the provider said that it did with a notice. It is what the provider says, not what was seen."""

    REMOVED = "removed"
    RESTRICTED = "restricted"
    REFUSED = "refused"
    NONE = "none"  # nothing was said of it
    NOT_DELIVERED = "not_delivered"


ACTION_LABELS: Mapping[Action, str] = {
    Action.REMOVED: "said to be removed",
    Action.RESTRICTED: "said to be restricted or labelled",
    Action.REFUSED: "said to be left as it is",
    Action.NONE: "nothing on record",
    Action.NOT_DELIVERED: "could not be delivered",
}
_CLAIM_ACTIONS = {word: Action(word.value) for word in ClaimWord}


@dataclass(frozen=True, slots=True)
class Notices:
    """A campaign's items with what both reports are counted from."""

    population: Population
    reports: Mapping[int, ReportRecord]
    claim: Whole  # an item's last claim as a code, 0 for none
    minimum_n: int
    as_of: datetime

    def reported_between(self, start: datetime, end: datetime) -> Whole:
        """The places of the items that were reported at `start` or later, and before `end`."""
        reported = self.population.records.reported
        return np.flatnonzero((reported >= seconds(start)) & (reported < seconds(end)))


def read_notices(
    campaign: Campaign, items: QuerySet[Item] | None = None, *, who: Audience = Audience.MEMBERS
) -> Notices:
    """What is on record now of a campaign's items, or of some of them, as `who` may read it."""
    now = clock.now()
    with one_view():
        records = read_items(campaign if items is None else items)
        reports = reports_for(who, read_reports(campaign))
        claim, _ = claims_of(read_claims(campaign), records.pk)
    found = population(records, now=seconds(now))
    return Notices(found, reports, claim, campaign.minimum_n, now)


def is_trusted(report: ReportRecord) -> bool:
    """Whether a report was a trusted flagger's: by its channel, or by the reporter's standing."""
    return report.channel == Channel.TRUSTED_FLAGGER or report.standing == Standing.TRUSTED_FLAGGER


# --------------------------------------------------------------------------------------------------- the year


@dataclass(slots=True)
class Line:
    """Some notices, one item each: in how many reports they came, and what was seen of them."""

    notices: int = 0
    gone: int = 0
    restricted: int = 0
    up: int = 0
    not_known: int = 0
    sent_in: set[int] = field(default_factory=set)

    @property
    def reports(self) -> int:
        """How many reports they came in."""
        return len(self.sent_in)


@dataclass(frozen=True, slots=True)
class YearReport:
    """Notices of one year. `lines` are by provider, category and action; the others are their sums.

    `left_out` counts what was not notified or not by a trusted flagger, by reason.
    """

    year: int
    trusted_only: bool
    as_of: datetime
    total: Line
    by_provider: Mapping[str, Line]
    by_category: Mapping[str, Line]
    by_action: Mapping[Action, Line]
    lines: Mapping[tuple[str, str, Action], Line]
    left_out: Mapping[str, int]


_SEEN = {
    STATUS_CODES[Status.REMOVED]: "gone",
    STATUS_CODES[Status.RESTRICTED]: "restricted",
    STATUS_CODES[Status.AVAILABLE]: "up",
}
NOT_TRUSTED = "not_by_a_trusted_flagger"


def year_report(notices: Notices, year: int, *, trusted_only: bool = True) -> YearReport:
    """The notices of a calendar year in UTC; with `trusted_only` those that a trusted flagger sent."""
    found = notices.population
    places = notices.reported_between(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC))
    left_out = _left_out(found, places, but=COUNTED)
    places = places[np.isin(found.excluded[places], COUNTED)]
    if trusted_only:
        trusted = _of_reports(notices, places, is_trusted)
        left_out[NOT_TRUSTED] = int((~trusted).sum())
        places = places[trusted]
    lines: dict[tuple[str, str, Action], Line] = {}
    records = found.records
    rows = np.stack([records.report[places], notices.claim[places], records.status[places]], axis=1)
    for (key, claim, status), count in _counted(rows):
        report = notices.reports[key]
        line = lines.setdefault((report.platform, report.category, _action(report, claim)), Line())
        _add(line, count, _SEEN.get(status, "not_known"), key)
    return YearReport(
        year=year,
        trusted_only=trusted_only,
        as_of=notices.as_of,
        total=_sums(lines, lambda key: "").get("", Line()),
        by_provider=_sums(lines, lambda key: key[0]),
        by_category=_sums(lines, lambda key: key[1]),
        by_action=_sums(lines, lambda key: key[2]),
        lines=dict(sorted(lines.items())),
        left_out={name: count for name, count in left_out.items() if count},
    )


def _action(report: ReportRecord, claim: int) -> Action:
    if claim:
        return _CLAIM_ACTIONS[_CLAIM_WORDS[claim]]
    return Action.NOT_DELIVERED if report.bounced else Action.NONE


_CLAIM_WORDS = {code: ClaimWord(word) for word, code in CLAIM_CODES.items()}


def _add(line: Line, count: int, seen: str, report: int) -> None:
    line.notices += count
    setattr(line, seen, getattr(line, seen) + count)
    line.sent_in.add(report)


def _counted(rows: Whole) -> Iterator[tuple[list[int], int]]:
    """Each different row, and how often it is there."""
    if len(rows):
        values, counts = np.unique(rows, axis=0, return_counts=True)
        yield from zip(values.tolist(), counts.tolist(), strict=True)


def _sums(
    lines: Mapping[tuple[str, str, Action], Line], key_of: Callable[[tuple[str, str, Action]], Word]
) -> dict[Word, Line]:
    """The lines that have a key in common, added up."""
    sums: dict[Word, Line] = {}
    for key, line in lines.items():
        into = sums.setdefault(key_of(key), Line())
        into.notices += line.notices
        into.gone += line.gone
        into.restricted += line.restricted
        into.up += line.up
        into.not_known += line.not_known
        into.sent_in |= line.sent_in
    return dict(sorted(sums.items()))


# -------------------------------------------------------------------------------------------------- the round


@dataclass(frozen=True, slots=True)
class RoundGroup:
    """What such rounds say of a group, with what they leave out. The unit is items.

    `notified` less `left_out` is `of`, the eligible ones: the denominator of every share. Assessed within 24
    hours: a decision came by then, or the item was seen gone by then (`surely`); or nothing that was seen
    rules it out (`possibly`). `feedback`: since then the platform said more than an automatic
    acknowledgement.
    """

    by: str
    group: str
    notified: int
    left_out: Mapping[str, int]
    of: int
    assessed_surely: Share
    assessed_possibly: Share
    removed: Share
    said_removed: Share
    feedback: Share


@dataclass(frozen=True, slots=True)
class RoundReport:
    """A monitoring round: items reported from `first` to `last`, both included, in UTC."""

    first: datetime
    last: datetime
    as_of: datetime
    minimum_n: int
    groups: tuple[RoundGroup, ...]

    def by(self, name: str) -> list[RoundGroup]:
        """The groups of one sort: all, platform, category or channel."""
        return [group for group in self.groups if group.by == name]


def round_report(notices: Notices, first: datetime, last: datetime) -> RoundReport:
    """The round of the days from `first` to `last` (midnights in UTC)."""
    places = notices.reported_between(first, last + timedelta(days=1))
    controls = notices.population.excluded[places] == Exclusion.CONTROL
    places = places[~controls]
    groups = [_round_group(notices, places, "all", "all")]
    keys: Mapping[str, Callable[[ReportRecord], str]] = {
        "platform": lambda report: report.platform,
        "category": lambda report: report.category,
        "channel": lambda report: "trusted" if is_trusted(report) else "general",
    }
    report_of = notices.population.records.report[places]
    for name, value_of in keys.items():
        values = {key: value_of(notices.reports[key]) for key in np.unique(report_of).tolist()}
        for value in sorted(set(values.values())):
            chosen = [key for key, its in values.items() if its == value]
            groups.append(_round_group(notices, places[np.isin(report_of, chosen)], name, value))
    return RoundReport(first, last, notices.as_of, notices.minimum_n, tuple(groups))


def _round_group(notices: Notices, places: Whole, by: str, group: str) -> RoundGroup:
    found = notices.population
    eligible = places[found.excluded[places] == Exclusion.NONE]
    of = len(eligible)
    report_of, start = found.records.report[eligible], found.records.reported[eligible]
    answer = answered(notices.reports, report_of, start)
    decision = decided(notices.reports, report_of, start)
    surely = found.times.right[eligible] <= ASSESSED_WITHIN
    possibly = found.times.left[eligible] < ASSESSED_WITHIN
    if of:
        surely |= (decision != NEVER) & (decision - start <= ASSESSED_WITHIN * HOUR)
    possibly |= surely
    claim = notices.claim[eligible]

    def part(flags: Flags) -> Share:
        n = int(flags.sum())
        return share(n, of) if of >= notices.minimum_n else Share(n, of, None, None, None)

    return RoundGroup(
        by=by,
        group=group,
        notified=len(places),
        left_out={name: count for name, count in _left_out(found, places).items() if count},
        of=of,
        assessed_surely=part(surely),
        assessed_possibly=part(possibly),
        removed=part(found.records.status[eligible] == STATUS_CODES[Status.REMOVED]),
        said_removed=part(claim == CLAIM_CODES[ClaimWord.REMOVED]),
        feedback=part(answer != NEVER),
    )


def _left_out(
    found: Population, places: Whole, but: Sequence[Exclusion] = (Exclusion.NONE,)
) -> dict[str, int]:
    """How many of the items are left out, by reason, except for the reasons that count."""
    excluded = found.excluded[places]
    return {
        name: int((excluded == reason).sum()) for reason, (name, _) in EXCLUSIONS.items() if reason not in but
    }


def _of_reports(notices: Notices, places: Whole, holds: Callable[[ReportRecord], bool]) -> Flags:
    """Whether something holds for the report of each item."""
    report_of = notices.population.records.report[places]
    keys = [key for key in np.unique(report_of).tolist() if holds(notices.reports[key])]
    flags: Flags = np.isin(report_of, keys)
    return flags
