"""Which items count, and what is known of the time that each took. Pure.

Of all that was reported some is left out, each for one reason, the first that fits in the order of
`Exclusion`. What remains is eligible: its reporter or somebody else says that it was there when it was
reported (attested), or the checker itself saw it there at or after that moment (observed).

The time of a removal is the interval (left, right] in hours since the report: later than it was last seen
there, no later than it was first seen gone. It is the first confirmed removal after the report, whether or
not the item came back; returns are figures of their own. An item without a removal is known to have been
there until it was last seen, and no longer.

For the estimate alone, an item that is still up counts as up until its next look was due, though never past
the moment that is asked about: one more gap of the cadence after it was last seen, or the next mark; a day
for an item that only people looked at, since a date without a time covers one. Without that, a removal that
was noticed after the last look at everything else would meet nothing that could have outlasted it. Bounds
and deadlines do not use this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from apps.checks.cadence import AGE_SHARE, LONGEST_GAP, MARK_TOLERANCE, MARKS, SHORTEST_GAP
from apps.checks.outcomes import Status

from .reading import Flags, Whole, repeated
from .records import NEVER, STATUS_CODES, Change, ItemRecords

Hours = npt.NDArray[np.float64]

HOUR = 3600
DAY = 24 * HOUR
MARK_SECONDS = tuple(int(mark.total_seconds()) for mark in MARKS)
_TOLERANCE = int(MARK_TOLERANCE.total_seconds())
_REMOVED = STATUS_CODES[Status.REMOVED]
STILL_UP = (STATUS_CODES[Status.AVAILABLE], STATUS_CODES[Status.RESTRICTED])


class Exclusion(IntEnum):
    """Why an item is left out of the figures."""

    NONE = 0
    CONTROL = 1  # a matched target that nobody reported
    ERROR = 2  # reported in error
    DUPLICATE = 3  # the same target again in the same report
    GONE_BEFORE_REPORT = 4  # seen gone at or before the report, and not seen since
    NEVER_SEEN = 5  # neither seen at or after the report, nor attested


@dataclass(frozen=True, slots=True)
class Times:
    """Durations in hours, known to lie in (left, right]; `right` is infinite where nothing happened yet."""

    left: Hours
    right: Hours

    def of(self, chosen: Flags | Whole) -> Times:
        """Those of some of the items."""
        return Times(self.left[chosen], self.right[chosen])

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True)
class Population:
    """What is derived of each item, in the order of `records`.

    `times` of a removal are of no use where `excluded` is neither NONE nor CONTROL. `returns` are hours from
    the moment when the item was first seen gone until it was there again; they count where `removed` is true.
    `after` and `by` are the removal's bounds in seconds since 1970, NEVER where there is none.
    """

    records: ItemRecords
    excluded: npt.NDArray[np.int8]
    observed: Flags
    removed: Flags  # has had a confirmed removal after the report
    after: Whole
    by: Whole
    times: Times
    fitted: Times  # the same as they enter the estimate
    returns: Times
    control_excluded: npt.NDArray[np.int8]  # as `excluded`, had the controls been reported
    controls: Flags  # the controls that count beside them, by the same rules; not those reported, too

    @property
    def eligible(self) -> Flags:
        """The items that count."""
        eligible: Flags = self.excluded == Exclusion.NONE
        return eligible


def population(records: ItemRecords, *, now: int) -> Population:
    """Sort the items into those that count and those that do not, and work out their times as of `now`."""
    reported = records.reported
    after, by, back_after, back_by, gone_before = _removals(records)
    removed = by != NEVER
    seen_since = records.present >= reported
    gone_before &= ~seen_since
    left_out = np.select(
        [records.error, _repeated(records), gone_before, ~(seen_since | records.attested)],
        [Exclusion.ERROR, Exclusion.DUPLICATE, Exclusion.GONE_BEFORE_REPORT, Exclusion.NEVER_SEEN],
        Exclusion.NONE,
    ).astype(np.int8)
    last_seen = np.maximum(records.present, reported)
    left = np.where(removed, np.maximum(after, reported), last_seen) - reported
    right = _at_marks(left, by - reported)
    right_hours = np.where(removed, right / HOUR, np.inf)
    is_up = ~removed & np.isin(records.status, STILL_UP)
    until = until_next_look(left, now - reported, watched=records.observed)
    returned = removed & (back_by != NEVER)
    gone_until = np.where(returned, back_after, np.maximum(records.concluded, by))
    return Population(
        records=records,
        excluded=np.where(records.control, np.int8(Exclusion.CONTROL), left_out),
        control_excluded=left_out,
        controls=_controls(records, left_out),
        observed=records.observed,
        removed=removed,
        after=np.where(removed, np.maximum(after, reported), NEVER),
        by=by,
        times=Times(left / HOUR, right_hours),
        fitted=Times(np.where(is_up, until, left) / HOUR, right_hours),
        returns=Times(
            np.maximum(gone_until - by, 0) / HOUR, np.where(returned, (back_by - by) / HOUR, np.inf)
        ),
    )


def _controls(records: ItemRecords, left_out: npt.NDArray[np.int8]) -> Flags:
    """The controls that `left_out` would not leave out, had they been reported, and that were not."""
    control = records.control
    if not control.any():
        return control
    counts: Flags = control & (left_out == Exclusion.NONE)
    counts[control] &= ~np.isin(records.target[control], records.target[~control])
    return counts


def _removals(records: ItemRecords) -> tuple[Whole, Whole, Whole, Whole, Flags]:
    """The first removal after each report, the return from it, and whether it had gone before.

    Targets that were removed once and are still gone are worked out in columns, the others from histories.
    """
    removed = records.removed_by != NEVER
    gone_before = removed & (records.removed_by <= records.reported)
    by = np.where(gone_before, NEVER, records.removed_by)
    after = np.where(by != NEVER, np.minimum(records.present, by), NEVER)
    back_after, back_by = np.zeros_like(by), np.zeros_like(by)
    if records.changes:
        for at in np.flatnonzero(records.eventful()).tolist():
            history = records.changes[int(records.history[at])]
            after[at], by[at], back_after[at], back_by[at], gone_before[at] = first_removal(
                history, int(records.reported[at])
            )
    return after, by, back_after, back_by, gone_before


def first_removal(history: Sequence[Change], since: int) -> tuple[int, int, int, int, bool]:
    """(after, by, back_after, back_by, gone_before) of the first removal later than `since`.

    All are NEVER where there is none; `gone_before` tells that the target was gone at `since` and that no
    return from that is known by then. A removal that only the checker saw, which the platform did not say
    itself, and which a person then found to be none, was a misreading and counts for nothing.
    """
    gone_before = False
    removal: Change | None = None
    for place, change in enumerate(history):
        if removal is not None and change.status != _REMOVED:
            return removal.after, removal.by, change.after, change.by, gone_before
        if change.status == _REMOVED and _was_overruled(history, place):
            continue
        if change.status == _REMOVED and removal is None and change.by > since:
            removal = change
        elif change.by <= since:
            gone_before = change.status == _REMOVED
    if removal is None:
        return NEVER, NEVER, NEVER, NEVER, gone_before
    return removal.after, removal.by, NEVER, NEVER, gone_before


def _was_overruled(history: Sequence[Change], place: int) -> bool:
    """Whether a person ended a removal that rests on nothing but the checker's reading."""
    removal = history[place]
    ended = next((change for change in history[place + 1 :] if change.status != _REMOVED), None)
    return ended is not None and ended.by_person and not removal.by_person and not removal.said


def _repeated(records: ItemRecords) -> Flags:
    """Items whose target stands in the same report already: the one that was reported first counts."""
    found = np.zeros(len(records), bool)
    some = np.flatnonzero(repeated(records.target))
    # A control stands beside what is reported, and repeats only another control.
    order = some[
        np.lexsort(
            (
                *(column[some] for column in (records.pk, records.reported, records.error)),
                *(column[some] for column in (records.control, records.target, records.report)),
            )
        )
    ]
    after, before = order[1:], order[:-1]
    found[after] = np.logical_and.reduce(
        [column[after] == column[before] for column in (records.report, records.target, records.control)]
    )
    return found


def until_next_look(age: Whole, longest: Whole, *, watched: Flags) -> Whole:
    """Until when an item that was seen at an age counts as up, up to `longest`. In seconds.

    `watched` items are looked at by the checker: a gap of the cadence more, or the next mark.
    """
    gap = np.clip(age // AGE_SHARE, int(SHORTEST_GAP.total_seconds()), int(LONGEST_GAP.total_seconds()))
    marks = np.array([*MARK_SECONDS, np.iinfo(np.int64).max])
    next_mark = marks[np.searchsorted(marks, age, side="right")]
    until = np.where(watched, np.minimum(age + gap, next_mark), age + np.maximum(gap, DAY))
    later: Whole = np.maximum(age, np.minimum(until, longest))
    return later


def _at_marks(left: Whole, right: Whole) -> Whole:
    """A check that is placed at a mark ends a little after it, and answers for the mark."""
    for mark in MARK_SECONDS:
        answers = (right > mark) & (right <= mark + _TOLERANCE) & (left < mark)
        right = np.where(answers, mark, right)
    return right
