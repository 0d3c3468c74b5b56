"""The fold: each row of a table is a history, as (hours, outcome, options), and what is held after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.outcomes import Outcome, Reason, Status
from apps.checks.status import Change, Seen, State, fold, fold_all

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
UP, GATED, WALL, GONE, UNSURE = "up", "gated", "wall", "gone", "unsure"
KINDS: dict[str, tuple[Outcome, Reason]] = {
    UP: (Outcome.AVAILABLE, Reason.OK),
    GATED: (Outcome.RESTRICTED, Reason.GATED),
    WALL: (Outcome.RESTRICTED, Reason.GEO_BLOCKED),
    GONE: (Outcome.REMOVED, Reason.NOT_FOUND),
    UNSURE: (Outcome.INCONCLUSIVE, Reason.TIMEOUT),
}


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def seen(number: int, hours: float, kind: str, *flags: str) -> Seen:
    outcome, reason = KINDS[kind]
    if "sure" in flags:
        reason = Reason.GONE
    return Seen(number, at(hours), at(hours), outcome, reason, "sure" in flags, "person" in flags)


def history(*rows: tuple[Any, ...]) -> tuple[State, list[Change]]:
    return fold_all(seen(number, *row) for number, row in enumerate(rows, 1))


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([], Status.WAITING),
        ([(0, UP)], Status.AVAILABLE),
        ([(0, GATED)], Status.RESTRICTED),
        ([(0, WALL)], Status.RESTRICTED),
        ([(0, UNSURE)], Status.WAITING),
        ([(0, GONE)], Status.SUSPECTED),
        ([(0, UP), (1, GONE)], Status.SUSPECTED),
        # Three that span a day confirm; two do not, nor three within a shorter span.
        ([(0, UP), (1, GONE), (7, GONE), (25, GONE)], Status.REMOVED),
        ([(0, UP), (1, GONE), (25, GONE)], Status.SUSPECTED),
        ([(0, UP), (1, GONE), (7, GONE), (24.99, GONE)], Status.SUSPECTED),
        # Seen between: the run starts again.
        ([(0, UP), (1, GONE), (7, UP), (8, GONE), (25, GONE)], Status.SUSPECTED),
        ([(0, UP), (1, GONE), (7, GATED), (25, GONE), (26, GONE)], Status.SUSPECTED),
        # Inconclusive neither counts nor resets, and neither does a wall before the whole site.
        ([(0, UP), (1, GONE), (2, UNSURE), (7, GONE), (8, UNSURE), (25, GONE)], Status.REMOVED),
        ([(0, UP), (1, GONE), (2, UNSURE), (3, UNSURE), (25, GONE)], Status.SUSPECTED),
        ([(0, UP), (1, GONE), (7, GONE), (8, WALL), (25, GONE)], Status.REMOVED),
        # Definitive: two that span an hour.
        ([(0, UP), (1, GONE, "sure"), (2, GONE, "sure")], Status.REMOVED),
        ([(0, UP), (1, GONE, "sure"), (1.9, GONE, "sure")], Status.SUSPECTED),
        ([(0, UP), (1, GONE), (2, GONE, "sure")], Status.SUSPECTED),
        ([(0, UP), (1, GONE), (2, GONE, "sure"), (3, GONE, "sure")], Status.REMOVED),
        ([(0, UP), (1, GONE, "sure"), (2.5, GONE)], Status.SUSPECTED),
        ([(0, UP), (1, GONE, "sure"), (1.5, GONE, "sure"), (2.5, GONE)], Status.SUSPECTED),
        # Never seen before: no sooner.
        ([(0, GONE), (7, GONE), (24, GONE)], Status.REMOVED),
        ([(0, GONE), (24, GONE)], Status.SUSPECTED),
        ([(0, GONE, "sure"), (1, GONE, "sure")], Status.REMOVED),
        ([(0, GONE, "sure"), (1, GONE)], Status.SUSPECTED),
        # A person confirms or overrules at once.
        ([(0, UP), (1, GONE, "person")], Status.REMOVED),
        ([(0, UP), (1, GONE), (2, UP, "person")], Status.AVAILABLE),
        ([(0, UP), (1, GONE), (2, GATED, "person")], Status.RESTRICTED),
        ([(0, UP), (1, GONE), (2, WALL, "person")], Status.RESTRICTED),
        # After "it is up" by a person, the checker's reading alone no longer confirms ...
        ([(1, GONE), (2, UP, "person"), (3, GONE), (9, GONE), (40, GONE)], Status.SUSPECTED),
        (
            [(1, GONE), (2, UP, "person"), (2, UP, "person"), (3, GONE), (9, GONE), (40, GONE)],
            Status.SUSPECTED,
        ),
        # ... unless the platform says so itself, a person agrees, or the checker saw it up on its own.
        ([(1, GONE), (2, UP, "person"), (3, GONE, "sure"), (9, GONE, "sure")], Status.REMOVED),
        ([(1, GONE), (2, UP, "person"), (3, GONE), (9, GONE, "person")], Status.REMOVED),
        ([(1, GONE), (2, UP, "person"), (3, UP), (9, GONE), (10, GONE), (40, GONE)], Status.REMOVED),
        # A person who merely saw it up, with nothing to contradict, does not tie the checker's hands.
        ([(0, UP, "person"), (1, GONE), (9, GONE), (40, GONE)], Status.REMOVED),
        # Removed stays removed through failures, and comes back when it is seen.
        ([(0, UP), (1, GONE, "person"), (2, UNSURE), (400, UNSURE), (800, UNSURE)], Status.REMOVED),
        ([(0, UP), (1, GONE, "person"), (2, WALL)], Status.REMOVED),
        ([(0, UP), (1, GONE, "person"), (2, UP)], Status.AVAILABLE),
        ([(0, UP), (1, GONE, "person"), (2, GATED)], Status.RESTRICTED),
        # Only inconclusive for a week.
        ([(0, UP), (1, UNSURE), (80, UNSURE), (169, UNSURE)], Status.UNVERIFIABLE),
        ([(0, UP), (1, UNSURE), (169, UNSURE)], Status.AVAILABLE),
        ([(0, UP), (1, UNSURE), (80, UNSURE), (168, UNSURE)], Status.AVAILABLE),
        ([(0, UNSURE), (80, UNSURE), (168, UNSURE)], Status.UNVERIFIABLE),
        ([(0, UNSURE), (168, UNSURE)], Status.WAITING),
        ([(0, UNSURE), (80, UNSURE), (168, UNSURE), (169, UP)], Status.AVAILABLE),
        ([(0, UP), (1, GONE), (2, UNSURE), (80, UNSURE), (300, UNSURE)], Status.SUSPECTED),
    ],
)
def test_the_status_after_a_history(rows: list[tuple[Any, ...]], status: Status) -> None:
    assert history(*rows)[0].status == status


def test_a_removal_is_dated_from_the_evidence_and_not_from_its_confirmation() -> None:
    state, changes = history((0, UP), (3, UP), (4, GONE), (10, GONE), (28, GONE))
    assert (state.removed_after, state.removed_by, state.confirmed_at) == (at(3), at(4), at(28))
    assert [(c.from_status, c.to_status, c.after, c.by) for c in changes] == [
        (Status.WAITING, Status.AVAILABLE, None, at(0)),
        (Status.AVAILABLE, Status.SUSPECTED, at(3), at(4)),
        (Status.SUSPECTED, Status.REMOVED, at(3), at(4)),
    ]


def test_an_answer_bounds_the_removal_by_its_start_when_up_and_its_end_when_gone() -> None:
    def during(number: int, start: float, end: float, kind: str, *, manual: bool = False) -> Seen:
        return Seen(number, at(start), at(end), *KINDS[kind], manual=manual)

    state, _ = fold_all([during(1, 1, 1.5, UP), during(2, 2, 2.5, GONE, manual=True)])
    assert (state.removed_after, state.removed_by) == (at(1), at(2.5))


def test_gated_shows_that_the_item_was_there_but_a_site_wide_wall_does_not() -> None:
    gated, _ = history((0, UP), (2, GATED), (3, GONE, "person"))
    wall, _ = history((0, UP), (2, WALL), (3, GONE, "person"))
    assert (gated.removed_after, wall.removed_after) == (at(2), at(0))
    assert gated.available_at == at(0)


def test_never_seen_before_its_removal_has_no_lower_bound() -> None:
    state, _ = history((0, UNSURE), (3, GONE, "person"))
    assert (state.removed_after, state.removed_by) == (None, at(3))


def test_a_return_is_kept_with_the_removal_until_the_next_removal() -> None:
    back, changes = history((0, UP), (1, GONE, "person"), (5, UP))
    assert (back.status, back.reinstated_at, back.removed_by) == (Status.AVAILABLE, at(5), at(1))
    assert (changes[-1].after, changes[-1].by) == (at(1), at(5))
    again, _ = history((0, UP), (1, GONE, "person"), (5, UP), (9, GONE, "person"))
    assert (back.removal_count, again.removal_count) == (1, 2)
    assert (again.reinstated_at, again.removed_after, again.removed_by) == (None, at(5), at(9))


def test_the_platforms_own_word_becomes_the_reason_of_a_removal() -> None:
    state, _ = history((0, UP), (1, GONE), (2, GONE, "sure"), (3, GONE, "sure"), (9, GONE))
    assert (state.reason, state.definitive) == (Reason.GONE, True)
    later, _ = history((0, UP), (1, GONE), (7, GONE), (25, GONE), (30, GONE, "sure"))
    assert (later.reason, later.definitive) == (Reason.GONE, True)


def test_a_status_is_a_persons_only_where_a_person_decided_it() -> None:
    for rows, by_person in (
        ([(0, UP, "person")], True),
        ([(0, UP, "person"), (1, UP)], False),
        ([(0, UP, "person"), (1, GONE)], False),
        ([(0, UP), (1, GONE), (2, GONE, "person")], True),
        ([(0, UP), (1, GONE, "person"), (2, UP)], False),
    ):
        assert history(*rows)[0].by_person == by_person, rows


def test_the_platforms_own_word_stays_the_reason_of_a_suspicion() -> None:
    state, _ = history((0, UP), (1, GONE, "sure"), (1.5, GONE))
    assert (state.status, state.reason, state.definitive) == (Status.SUSPECTED, Reason.GONE, True)


kinds = st.sampled_from(list(KINDS))
flags = st.sampled_from([(), (), (), ("sure",), ("person",)])
steps = st.lists(st.tuples(st.integers(0, 3000), kinds, flags), max_size=25)


def checks_of(rows: list[tuple[int, str, tuple[str, ...]]]) -> list[Seen]:
    return [
        seen(number, tenths / 10, kind, *(flags if kind in {GONE, UP, GATED} else ()))
        for number, (tenths, kind, flags) in enumerate(rows, 1)
    ]


@given(steps, st.data())
def test_the_status_is_the_same_whichever_way_checks_are_batched(rows: Any, data: st.DataObject) -> None:
    checks = sorted(checks_of(rows), key=lambda check: (check.finished_at, check.number))
    cut = data.draw(st.integers(0, len(checks)))
    state, changes = fold_all(checks[:cut])
    for check in checks[cut:]:
        state, change = fold(state, check)
        changes += [change] if change else []
    shuffled = data.draw(st.permutations(checks))
    assert (state, changes) == fold_all(shuffled)


@given(steps)
def test_an_interval_always_has_after_before_by(rows: Any) -> None:
    state, changes = fold_all(checks_of(rows))
    assert all(change.after is None or change.after < change.by for change in changes)
    if state.removed_by and state.removed_after:
        assert state.removed_after < state.removed_by
    assert [c.to_status for c in changes[:-1]] == [c.from_status for c in changes[1:]]


@given(steps, st.floats(0, 2000))
def test_no_inconclusive_check_ever_changes_the_outcome(rows: Any, hours: float) -> None:
    checks = checks_of(rows)
    before, _ = fold_all(checks)
    last = max((check.finished_at for check in checks), default=START)
    moment = last + timedelta(hours=hours)
    after, change = fold(before, Seen(99, moment, moment, Outcome.INCONCLUSIVE, Reason.BOT_WALL))
    assert after.status in {before.status, Status.UNVERIFIABLE}
    assert change is None or change.to_status == Status.UNVERIFIABLE
    kept = (
        "available_at present_at conclusive_at run_started_at run_count run_definitive_count removed_after "
        "removed_by confirmed_at reinstated_at"
    )
    assert all(getattr(after, name) == getattr(before, name) for name in kept.split())


@given(steps)
def test_removed_needs_three_removed_outcomes_or_two_sure_ones_or_a_person(rows: Any) -> None:
    checks = sorted(checks_of(rows), key=lambda check: (check.finished_at, check.number))
    state, _ = fold_all(checks)
    if state.status != Status.REMOVED:
        return
    there = [
        i for i, c in enumerate(checks)
        if c.outcome == Outcome.AVAILABLE or (c.outcome == Outcome.RESTRICTED and c.reason == Reason.GATED)
    ]  # fmt: skip
    run = [c for c in checks[(there[-1] + 1) if there else 0 :] if c.outcome == Outcome.REMOVED]
    sure = [c for c in run if c.definitive]
    assert (
        any(c.manual for c in run)
        or (len(run) >= 3 and run[-1].started_at - run[0].finished_at >= timedelta(hours=24))
        or (len(sure) >= 2 and sure[-1].started_at - sure[0].finished_at >= timedelta(hours=1))
    )
