"""Which checks are folded away: those that say nothing new, and never what a status rests on."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.adding_up import with_folded
from apps.checks.status import Seen, fold_all
from apps.checks.thinning import LONGEST, SHARE_OF_AGE, Said, stretches
from tests.checks.test_status import KINDS, START, at, seen

FAR = at(1_000_000)


def said(checks: list[Seen], *, recorded_at: datetime = START) -> list[Said]:
    """The checks as the rule sees them; those that a change names stay."""
    named = {change.check_number for change in fold_all(checks)[1]}
    return [
        Said(
            number=one.number,
            started_at=one.started_at,
            finished_at=one.finished_at,
            recorded_at=recorded_at,
            says=(one.outcome, one.reason, one.definitive, one.manual, one.identity),
            stays=one.manual or one.number in named,
        )
        for one in checks
    ]


def days(*rows: str) -> list[Seen]:
    """A look a day: "up", or "up person"."""
    return [seen(number, 24 * number, *row.split()) for number, row in enumerate(rows, 1)]


def folded(*rows: str, before: float = 1_000_000) -> list[tuple[int, int]]:
    return list(stretches(said(days(*rows)), before=at(before)))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        (["up"] * 4, []),  # young as what it says: nothing is far enough apart
        (["up"] * 20, [(8, 9), (11, 13), (15, 19)]),
        (["up"] * 10 + ["gone"] * 3 + ["up"] * 10, [(8, 9), (21, 22)]),
        (["up"] * 8 + ["up person"] + ["up"] * 8, []),
        (["up", "gone"] * 10, []),
    ],
)
def test_what_is_folded_away(rows: list[str], expected: list[tuple[int, int]]) -> None:
    assert folded(*rows) == expected


def test_what_is_not_old_enough_stays() -> None:
    assert folded(*["up"] * 20, before=24 * 13) == [(8, 9), (11, 12)]


def test_what_was_recorded_lately_stays_however_old_it_is() -> None:
    rows = said(days(*["up"] * 20), recorded_at=at(24 * 400))
    assert list(stretches(rows, before=at(24 * 300))) == []


def test_what_was_handed_in_later_stays_with_its_neighbours() -> None:
    rows = days(*["up"] * 20)
    rows[9] = seen(10, 24 * 2.5, "up")
    assert [pair for pair in stretches(said(rows), before=FAR) if pair[0] <= 11 and pair[1] >= 9] == []


histories = st.lists(
    st.tuples(
        st.sampled_from([*KINDS, "up", "up", "gone", "gone"]),
        st.integers(1, 25),  # checks that say so
        st.sampled_from([0.25, 6, 24, 24 * 7]),  # hours between them
        st.sampled_from([(), (), ("sure",), ("person",)]),
    ),
    max_size=8,
)


@given(histories)
def test_status_and_changes_come_out_as_before(
    history: list[tuple[str, int, float, tuple[str, ...]]],
) -> None:
    checks: list[Seen] = []
    hours = 0.0
    for kind, many, gap, flags in history:
        for _ in range(many):
            hours += gap
            checks.append(seen(len(checks) + 1, hours, kind, *flags))
    pairs = list(stretches(said(checks), before=FAR))
    kept = [one for one in checks if not any(first <= one.number <= last for first, last in pairs)]
    assert fold_all(with_folded(kept, pairs)) == fold_all(checks)
    by_number = {one.number: one for one in checks}
    for first, last in pairs:
        before, after = by_number[first - 1], by_number[last + 1]
        assert before in kept
        assert after in kept
        span = after.finished_at - before.finished_at
        assert span <= LONGEST
        assert span <= SHARE_OF_AGE * (before.finished_at - START)
        assert {(by_number[n].outcome, by_number[n].reason) for n in range(first - 1, last + 2)} == {
            (before.outcome, before.reason)
        }
    again = said(kept)
    assert list(stretches(again, before=FAR)) == [], (
        "What stays is thinned once, however often it is looked at."
    )


def test_a_year_of_checks_leaves_about_a_quarter() -> None:
    """The cadence: a sixteenth of the age, at least 15 minutes, at most 7 days."""
    hours, checks = 0.0, []
    while hours < 365 * 24:
        hours += min(max(hours / 16, 0.25), 7 * 24)
        checks.append(seen(len(checks) + 1, hours, "up"))
    gone = sum(last - first + 1 for first, last in stretches(said(checks), before=FAR))
    assert 0.7 < gone / len(checks) < 0.85
    assert timedelta(days=360) < checks[-1].finished_at - checks[0].finished_at
