"""The record as it is told by months: nothing of it says on which day of a month something was reported.

A month beside a report hides nothing as long as other things are exact. An item that was seen up 200 hours
after its report, in a record of a known moment, was reported about 200 hours before that; and who compares
what is public today and tomorrow sees on which day a report came in. So with months the public sees each item
as if it had been reported on the last day of its month, at the hour at which it was: all that was seen and
said afterwards moves along by as many days, and what would thereby lie in the future is not there yet.

How long things took stays exact, and every figure is computed from what is shown. The price is that the
public sees everything up to a month later, and nothing of a report before its month is over. The moment that
it is as of is midnight (UTC): pages that are made anew upon each change would tell when that was.

What can be told of an item is thus a function of its month and of durations. Two campaigns that differ in
nothing but the days of their months look the same, byte for byte; a test holds them beside each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

import numpy as np
from django.db.models import F, OuterRef, QuerySet, Subquery

from apps.checks.models import Check, Transition
from apps.checks.outcomes import STATUS_ORDER, Status
from apps.core import clock
from apps.core.bulk import among
from apps.metrics.population import DAY
from apps.metrics.reading import Whole, in_codes, in_seconds, read_columns
from apps.metrics.records import NEVER, STATUS_CODES, ItemRecords, in_order, moment, read_items, seconds
from apps.metrics.responses import (
    Claims,
    ReportRecord,
    claims_of,
    decided,
    read_claims,
    read_reports,
    standing_replies,
)
from apps.metrics.timeline import MONTH, Step, Timeline
from apps.reports.models import Campaign, Item, ReplyKind

_HISTORIES = 32 * DAY  # more than anything is moved by: a key of its own for a target's history and a lag


@dataclass(frozen=True, slots=True)
class Read:
    """What is read of some items for the public: their records, and what was said of each."""

    records: ItemRecords
    claim: Whole
    claimed: Whole
    decided: Whole


def midnight() -> datetime:
    """The moment that what is told by months is as of."""
    return clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def lags(moments: Whole) -> Whole:
    """By how many seconds what was reported at these moments is moved: whole days, to the month's last."""
    days = (moments // DAY).astype("datetime64[D]")
    last = (days.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    return np.asarray((last - days).astype(np.int64) * DAY)


@dataclass(frozen=True, slots=True)
class Moves:
    """Items that are shown, by ascending number, and by how many seconds each is moved."""

    pk: Whole
    lag: Whole

    def of(self, pks: Whole) -> Whole:
        """The seconds of some of them."""
        place = np.minimum(np.searchsorted(self.pk, pks), max(len(self.pk) - 1, 0))
        return self.lag[place] if len(self.pk) else np.zeros_like(pks)

    def only(self, pks: Whole) -> Moves:
        """Those of them that are among some numbers."""
        some = np.isin(self.pk, pks)
        return Moves(self.pk[some], self.lag[some])


@dataclass(frozen=True, slots=True)
class ByMonth:
    """A campaign's record as it is told by months at a midnight: all of it but the items, which `read` gives.

    `reports` are moved, those of `as_kept` are not.
    """

    items: QuerySet[Item]
    end: int
    moves: Moves
    claims: Claims
    reports: Mapping[int, ReportRecord]
    as_kept: Mapping[int, ReportRecord]

    @classmethod
    def of(cls, campaign: Campaign, items: QuerySet[Item], *, as_of: datetime) -> ByMonth:
        """The record of `items`, which are the campaign's."""
        end = seconds(as_of)
        moves = _moves(items, end)
        moved = read_reports(campaign, until=lambda sent: end - lags(sent))
        return cls(
            items=items,
            end=end,
            moves=moves,
            claims=read_claims(
                campaign, until=lambda pks: np.where(np.isin(pks, moves.pk), end - moves.of(pks), NEVER)
            ),
            reports={key: _moved_report(report) for key, report in moved.items()},
            as_kept=read_reports(campaign),
        )

    def read(self, moves: Moves) -> Read:
        """Some of the items, each as far as it had been seen at the age that is shown."""
        records = _moved_items(self.items, moves, self.end)
        lag = moves.of(records.pk)
        claim, claimed = claims_of(self.claims, records.pk)
        at = decided(self.as_kept, records.report, records.reported - lag)
        return Read(
            records=records,
            claim=claim,
            claimed=_moved(claimed, lag),
            decided=np.where(at <= self.end - lag, _moved(at, lag), NEVER),
        )

    def steps(self, records: ItemRecords) -> Timeline:
        """How all items stood at the end of each month, and what came in during it."""
        lag = self.moves.of(records.pk)
        months = _months(self.items, records, lag, self.as_kept, self.end)
        return Timeline(tuple(months), MONTH, moment(self.end))


def _moves(items: QuerySet[Item], end: int) -> Moves:
    rows = read_columns(items, {"pk": F("pk"), "reported": in_seconds("reported_at")})
    order = np.argsort(rows["pk"])
    pk, reported = rows["pk"][order], rows["reported"][order]
    lag = lags(reported)
    shown = reported + lag <= end
    return Moves(pk[shown], lag[shown])


def _moved_items(items: QuerySet[Item], moves: Moves, end: int) -> ItemRecords:
    """The records of the items that are shown, each as far as it had been seen at the age that is shown."""
    parts = []
    for lag in np.unique(moves.lag).tolist() or [0]:
        some = items.filter(pk__in=among(moves.pk[moves.lag == lag]))
        parts.append(_moved_records(read_items(some, until=moment(end - lag)), lag))
    columns = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(ItemRecords)
        if field.name != "changes"
    }
    order = np.argsort(columns["pk"])
    changes = {key: history for part in parts for key, history in part.changes.items()}
    return ItemRecords(**{name: column[order] for name, column in columns.items()}, changes=changes)


def _moved_records(records: ItemRecords, lag: int) -> ItemRecords:
    return replace(
        records,
        reported=records.reported + lag,
        present=_moved(records.present, lag),
        concluded=_moved(records.concluded, lag),
        removed_by=_moved(records.removed_by, lag),
        history=records.history * _HISTORIES + lag,
        changes={
            target * _HISTORIES + lag: [
                change._replace(after=change.after + lag if change.after else NEVER, by=change.by + lag)
                for change in history
            ]
            for target, history in records.changes.items()
        },
    )


def _moved(moments: Whole, lag: Whole | int) -> Whole:
    return np.where(moments != NEVER, moments + lag, NEVER)


def _moved_report(report: ReportRecord) -> ReportRecord:
    lag = int(lags(np.array([report.sent]))[0])

    def moved(at: int) -> int:
        return at + lag if at != NEVER else NEVER

    return replace(
        report,
        sent=report.sent + lag,
        first_reply=moved(report.first_reply),
        answers=tuple(map(moved, report.answers)),
        decisions=tuple(map(moved, report.decisions)),
    )


# ------------------------------------------------------------------------------------------ the line by month


def _months(
    items: QuerySet[Item], records: ItemRecords, lag: Whole, reports: Mapping[int, ReportRecord], end: int
) -> list[Step]:
    """How the items on record stood at the end of each month, and what came in during it."""
    on_record = ~records.control & ~records.error
    if not on_record.any():
        return []
    seen = _changes(items)
    starts = _starts(int(records.reported[on_record].min()), end)
    came = _came_in(set(records.report[on_record].tolist()), reports, starts, end)
    steps = []
    for place, start in enumerate(starts):
        at = starts[place + 1] if place + 1 < len(starts) else end
        counts = np.zeros(len(STATUS_ORDER), np.int64)
        by_then = on_record & (records.reported <= at)
        for each in np.unique(lag[by_then]).tolist():
            targets = records.target[by_then & (lag == each)]
            counts += np.bincount(_stood(seen, targets, at - each), minlength=len(STATUS_ORDER))
        sent, replied = came[place]
        steps.append(Step(moment(start), tuple(counts.tolist()), sent, replied))
    return steps


def _starts(first: int, end: int) -> list[int]:
    """The first moments of all months from that of `first` until `end`."""
    months = np.arange(_month(first), _month(end - 1) + 1).astype("datetime64[M]")
    found: list[int] = months.astype("datetime64[s]").astype(np.int64).tolist()
    return found


def _month(at: int) -> int:
    return int(np.datetime64(at, "s").astype("datetime64[M]").astype(np.int64))


def _changes(items: QuerySet[Item]) -> dict[str, Whole]:
    """The changes of status that hold, by target in the order in which they happened; `seen` is the end of
    the check that showed each."""
    check = Check.objects.filter(target=OuterRef("target"), number=OuterRef("check_number"))
    rows = read_columns(
        Transition.objects.filter(superseded_at=None, target__in=items.order_by().values("target")).annotate(
            seen=Subquery(check.values("finished_at")[:1])
        ),
        {
            "target": F("target_id"),
            "before": in_codes("from_status", STATUS_CODES),
            "status": in_codes("to_status", STATUS_CODES),
            "by": in_seconds("by"),
            "number": F("check_number"),
            "seen": in_seconds("seen"),
        },
    )
    return in_order(rows)


def _stood(changes: Mapping[str, Whole], targets: Whole, at: int) -> Whole:
    """The status of each of `targets` as far as it had been seen at a moment."""
    seen = changes["seen"] <= at
    target, status = changes["target"][seen], changes["status"][seen]
    place = np.searchsorted(target, targets, side="right") - 1
    if not len(target):
        return np.full(len(targets), STATUS_CODES[Status.WAITING])
    known = (place >= 0) & (target[place] == targets)
    return np.where(known, status[place], STATUS_CODES[Status.WAITING])


def _came_in(
    counted: set[int], reports: Mapping[int, ReportRecord], starts: Sequence[int], end: int
) -> list[tuple[int, int]]:
    """How many reports were sent and replies came in each month, as both are moved."""
    lag = {key: int(lags(np.array([reports[key].sent]))[0]) for key in counted}
    sent = [reports[key].sent + lag[key] for key in counted]
    replies = (
        standing_replies(None)
        .filter(report__in=among(np.array(sorted(counted))))
        .exclude(kind=ReplyKind.BOUNCED)
    )
    replied = [
        seconds(received) + lag[report]
        for report, received in replies.values_list("report_id", "received_at")
    ]
    found = []
    for events in (sent, replied):
        places = np.searchsorted(starts, [at for at in events if at <= end], side="right") - 1
        found.append(np.bincount(np.maximum(places, 0), minlength=len(starts)).tolist())
    return list(zip(*found, strict=True))
