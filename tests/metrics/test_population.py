"""Which items count, and what is known of the time that each took: cases worked by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.outcomes import Status
from apps.metrics.population import Exclusion, Population, first_removal, population
from apps.metrics.records import NEVER, NO_PAGE, STATUS_CODES, Change, ItemRecords

UP, RESTRICTED, SUSPECTED, REMOVED, UNVERIFIABLE, WAITING = (
    STATUS_CODES[status]
    for status in (
        Status.AVAILABLE,
        Status.RESTRICTED,
        Status.SUSPECTED,
        Status.REMOVED,
        Status.UNVERIFIABLE,
        Status.WAITING,
    )
)
HOUR = 3600
REPORTED = 1_000_000_000  # some second since 1970
NOW = REPORTED + 1_000 * HOUR


def hours(*after_report: float) -> list[int]:
    return [REPORTED + int(each * HOUR) for each in after_report]


def one(changes: Sequence[Change] = (), **columns: Any) -> Population:
    """The population of a single item, reported at REPORTED; columns in seconds since 1970."""
    plain = {
        "pk": 1,
        "report": 1,
        "target": 1,
        "account": 0,
        "reported": REPORTED,
        "control": False,
        "attested": True,
        "error": False,
        "is_account": False,
        "account_gone": False,
        "page": NO_PAGE,
        "fate": 0,
        "status": UP,
        "observed": False,
        "present": NEVER,
        "concluded": NEVER,
        "removed_by": NEVER,
        "history": 1,
    }
    values = {name: np.array([value]) for name, value in (plain | columns).items()}
    return population(ItemRecords(**values, changes={1: list(changes)} if changes else {}), now=NOW)


def time_of(found: Population) -> tuple[float, float]:
    return float(found.times.left[0]), float(found.times.right[0])


def gone(after: float | None, by: float, *, still: float | None = None, **columns: Any) -> Population:
    """An item removed in (after, by] hours after the report, last seen gone at `still`."""
    return one(
        status=REMOVED,
        present=NEVER if after is None else hours(after)[0],
        removed_by=hours(by)[0],
        concluded=hours(by if still is None else still)[0],
        **columns,
    )


@pytest.mark.parametrize(
    ("found", "excluded"),
    [
        (one(), Exclusion.NONE),
        (one(attested=False), Exclusion.NEVER_SEEN),
        (one(attested=False, present=hours(0)[0]), Exclusion.NONE),
        (one(attested=False, present=hours(-1)[0]), Exclusion.NEVER_SEEN),
        (one(control=True, error=True), Exclusion.CONTROL),
        (one(error=True), Exclusion.ERROR),
        (gone(None, 0), Exclusion.GONE_BEFORE_REPORT),
        (gone(-9, -5), Exclusion.GONE_BEFORE_REPORT),
        (gone(None, 1), Exclusion.NONE),  # its reporter attests that it was there
        (gone(None, 1, attested=False), Exclusion.NEVER_SEEN),
        (gone(-9, 3, attested=False), Exclusion.NEVER_SEEN),
    ],
)
def test_an_item_is_left_out_for_one_reason(found: Population, excluded: Exclusion) -> None:
    assert Exclusion(found.excluded[0]) == excluded


@pytest.mark.parametrize(
    ("found", "time"),
    [
        # Seen there 2 h after the report, gone at 4 h: in (2, 4].
        (gone(2, 4), (2, 4)),
        # Last seen before the report: it went some time after the report.
        (gone(-3, 4), (0, 4)),
        (gone(None, 4), (0, 4)),
        # Still up, last seen 30 h after the report: later than 30 h.
        (one(present=hours(30)[0]), (30, math.inf)),
        # Never seen since the report: nothing is known but that it was there then.
        (one(status=WAITING), (0, math.inf)),
        (one(status=UNVERIFIABLE, present=hours(12)[0]), (12, math.inf)),
        # Looks gone but is not confirmed: there until it was last seen.
        (one(status=SUSPECTED, present=hours(12)[0]), (12, math.inf)),
        # A check placed at 48 h that ended two minutes later answers for 48 h; one that ended an hour later
        # does not, nor one that found it still there at 48 h and a minute.
        (gone(40, 48 + 2 / 60), (40, 48)),
        (gone(40, 49), (40, 49)),
        (gone(48 + 1 / 60, 48 + 2 / 60), (48 + 60 / HOUR, 48 + 120 / HOUR)),
    ],
)
def test_the_time_of_a_removal_is_what_is_known_of_it(found: Population, time: tuple[float, float]) -> None:
    assert time_of(found) == pytest.approx(time)


@pytest.mark.parametrize(
    ("found", "left"),
    [
        # 32 h old when last seen: its next look was due 2 h (a sixteenth) later.
        (one(observed=True, present=hours(32)[0]), 34),
        (one(observed=True, status=RESTRICTED, present=hours(32)[0]), 34),
        (one(observed=True, present=hours(1.5)[0]), 1.75),  # never less than 15 minutes
        (one(observed=True, present=hours(47)[0]), 48),  # a look is due at the mark
        (one(observed=True, present=hours(990)[0]), 1000),  # never past the moment that is asked about
        (one(observed=True, status=SUSPECTED, present=hours(32)[0]), 32),  # it may be gone already
        (one(observed=True, status=UNVERIFIABLE, present=hours(32)[0]), 32),
        (gone(32, 34), 32),
        # Only people looked, at a date perhaps: a day more, or a sixteenth where that is more.
        (one(present=hours(96)[0]), 120),
        (one(present=hours(640)[0]), 680),
    ],
)
def test_for_the_estimate_an_item_is_up_until_its_next_look_was_due(found: Population, left: float) -> None:
    assert found.fitted.left[0] == pytest.approx(left)


def history(*changes: tuple[int, float | None, float]) -> list[Change]:
    return [
        Change(status, NEVER if after is None else hours(after)[0], hours(by)[0])
        for status, after, by in changes
    ]


@pytest.mark.parametrize(
    ("changes", "after", "by", "back", "gone_before"),
    [
        # Removed, back, removed again: the first removal counts.
        (
            history((UP, None, 1), (REMOVED, 5, 6), (UP, 20, 21), (REMOVED, 30, 31)),
            *(5, 6, (20, 21), False),
        ),
        # Removed and back before the report, removed after it: the second one is this item's first.
        (history((REMOVED, -9, -8), (UP, -5, -4), (REMOVED, 5, 6)), 5, 6, None, False),
        # Gone before the report, seen again after it, never gone since.
        (history((REMOVED, -9, -8), (UP, 1, 2)), None, None, None, True),
        # Gone before the report and still gone.
        (history((UP, None, -20), (REMOVED, -9, -8)), None, None, None, True),
        # The checker misread the page, a person said so, and later it went.
        (
            [*history((REMOVED, 4, 5)), Change(UP, *hours(6, 7), by_person=True), *history((REMOVED, 9, 10))],
            *(9, 10, None, False),
        ),
        # The platform had said that it was gone: a person was the first to see it back.
        (
            [Change(REMOVED, *hours(4, 5), said=True), Change(UP, *hours(6, 7), by_person=True)],
            *(4, 5, (6, 7), False),
        ),
        # Labelled after a removal counts as seen there again.
        (history((REMOVED, 5, 6), (RESTRICTED, 8, 9)), 5, 6, (8, 9), False),
    ],
)
def test_the_first_removal_after_the_report_and_the_return_from_it(
    changes: list[Change],
    after: float | None,
    by: float | None,
    back: tuple[float, float] | None,
    gone_before: bool,
) -> None:
    found = first_removal(changes, REPORTED)
    expected = [NEVER if each is None else hours(each)[0] for each in (after, by, *(back or (None, None)))]
    assert list(found) == [*expected, gone_before]


def test_a_return_is_timed_from_when_it_was_first_seen_gone() -> None:
    # First seen gone at 6 h, last seen gone at 20 h, there again by 21 h: after (14, 15] hours.
    found = one(
        history((UP, None, 1), (REMOVED, 5, 6), (UP, 20, 21)),
        present=hours(21)[0],
    )
    assert (found.returns.left[0], found.returns.right[0]) == (14, 15)
    assert bool(found.removed[0])
    assert time_of(found) == (5, 6)


def test_what_has_not_come_back_was_gone_until_it_was_last_seen_gone() -> None:
    found = gone(5, 6, still=30)
    assert (found.returns.left[0], found.returns.right[0]) == (24, math.inf)


def test_the_same_target_again_in_a_report_is_a_duplicate_of_the_first_that_counts() -> None:
    columns = {name: np.repeat(getattr(one().records, name), 4) for name in _NAMES}
    columns |= {
        "pk": np.array([1, 2, 3, 4]),
        "report": np.array([1, 1, 1, 2]),
        "reported": np.array(hours(5, 0, 9, 9)),
        "error": np.array([False, True, False, False]),
    }
    found = population(ItemRecords(**columns), now=NOW)
    # Item 2 is first and in error, so item 1 counts and item 3 repeats it; item 4 is in another report.
    assert [Exclusion(each) for each in found.excluded] == [
        Exclusion.NONE,
        Exclusion.ERROR,
        Exclusion.DUPLICATE,
        Exclusion.NONE,
    ]


_NAMES = [name for name in ItemRecords.__slots__ if name != "changes"]


@given(st.data())
def test_columns_and_histories_tell_the_same(data: st.DataObject) -> None:
    """A target that was removed once is worked out in columns; its history must say no other."""
    by = data.draw(st.integers(-50, 50))
    after = data.draw(st.none() | st.integers(-60, by))
    plain = gone(after, by)
    told = one(
        history((REMOVED, after, by)),
        status=REMOVED,
        present=plain.records.present[0],
        removed_by=plain.records.removed_by[0],
    )
    for name in ("excluded", "removed", "after", "by"):
        assert getattr(plain, name).tolist() == getattr(told, name).tolist(), name
    assert time_of(plain) == time_of(told)


def test_a_control_repeats_no_reported_item_and_counts_only_if_nobody_reported_it() -> None:
    columns = {name: np.repeat(getattr(one().records, name), 3) for name in _NAMES}
    columns |= {
        "pk": np.array([1, 2, 3]),
        "target": np.array([1, 1, 2]),
        "reported": np.array(hours(0, 5, 0)),
        "control": np.array([True, False, True]),
    }
    found = population(ItemRecords(**columns), now=NOW)
    assert found.eligible.tolist() == [False, True, False]
    assert found.controls.tolist() == [False, False, True]
