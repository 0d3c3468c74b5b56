"""When a definition is stale: each row is a history of one canary, as (hours, how it was read)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.outcomes import Fault, Outcome, Reason
from apps.checks.staleness import (
    LASTING,
    PROBE_AGAIN,
    PROBE_EVERY,
    CanaryState,
    Finding,
    Staleness,
    fault_of,
    fold,
    is_right,
    next_probe_at,
    staleness,
)
from apps.checks.status import UNVERIFIABLE_COUNT, UNVERIFIABLE_SPAN

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
UP, GATED, WALL, GONE, UNSURE = "up", "gated", "wall", "gone", "unsure"
READ: dict[str, tuple[Outcome, Reason]] = {
    UP: (Outcome.AVAILABLE, Reason.OK),
    GATED: (Outcome.RESTRICTED, Reason.GATED),
    WALL: (Outcome.RESTRICTED, Reason.GEO_BLOCKED),
    GONE: (Outcome.REMOVED, Reason.NOT_FOUND),
    UNSURE: (Outcome.INCONCLUSIVE, Reason.TIMEOUT),
}
WEEK = UNVERIFIABLE_SPAN / timedelta(hours=1)
DAY = LASTING / timedelta(hours=1)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def history(
    *rows: tuple[float, str], expects: Outcome = Outcome.AVAILABLE, needs_person: bool = False
) -> tuple[CanaryState, Staleness]:
    """What is held of a canary, and of its definition, after so many readings."""
    state, held = CanaryState(), Staleness()
    for hours, how in rows:
        outcome, reason = READ[how]
        state = fold(state, expects, outcome=outcome, reason=reason, signal="example:rule@1", at=at(hours))
        fault = fault_of(state, needs_person=needs_person)
        found = [Finding("model", expects, fault, state)] if fault and fault != state.accepted else []
        held = staleness(held, found, at(hours))
    return state, held


@pytest.mark.parametrize(
    ("how", "good", "missing"),
    [(UP, True, False), (GATED, True, False), (GONE, False, True), (WALL, None, None), (UNSURE, None, None)],
)
def test_what_a_canary_may_be_read_as(how: str, good: bool | None, missing: bool | None) -> None:
    assert is_right(Outcome.AVAILABLE, *READ[how]) is good
    assert is_right(Outcome.REMOVED, *READ[how]) is missing


@pytest.mark.parametrize(
    ("rows", "since"),
    [
        ([], None),
        ([(0, UP), (24, UP)], None),
        # At once, and from the reading that was wrong.
        ([(0, UP), (24, GONE)], 24),
        ([(0, UP), (24, GONE), (25, GONE)], 24),
        # An outage that ends within a day ends by itself; inconclusive readings do not end it.
        ([(0, GONE), (1, UP)], None),
        ([(0, GONE), (1, UNSURE)], 0),
        ([(0, GONE), (1, UNSURE), (2, UP)], None),
        ([(0, GONE), (1, UP), (2, GONE)], 2),
        ([(0, GONE), (DAY - 0.01, UP)], None),
        # What lasted longer does not.
        ([(0, GONE), (DAY, UP)], 0),
        ([(0, GONE), (DAY, UP), (DAY + 24, UP)], 0),
        # Inconclusive for long is a fault of its own, as for an item.
        ([(0, UP), *[(hours, UNSURE) for hours in (24, 48, 72)]], None),
        ([(0, UP), (24, UNSURE), (48, UNSURE), (24 + WEEK, UNSURE)], 24 + WEEK),
        ([(0, UP), (24, UNSURE), (24 + WEEK, UNSURE)], None),
        ([(0, UNSURE), (24, UNSURE), (WEEK, UNSURE), (WEEK + 1, UP)], None),
    ],
)
def test_when_a_definition_is_stale(rows: list[tuple[float, str]], since: float | None) -> None:
    assert UNVERIFIABLE_COUNT == 3
    _, held = history(*rows)
    assert held.since == (None if since is None else at(since))
    # A known-missing URL is the mirror of that.
    mirrored = [(hours, {UP: GONE, GONE: UP}.get(how, how)) for hours, how in rows]
    assert history(*mirrored, expects=Outcome.REMOVED)[1].since == held.since


def test_where_most_checks_tell_nothing_that_is_no_news() -> None:
    rows = [(hours, UNSURE) for hours in (0, 24, WEEK, 2 * WEEK)]
    assert history(*rows)[1].since is not None
    assert history(*rows, needs_person=True)[1].since is None
    assert history((0, GONE), needs_person=True)[1].since == at(0)


def test_why_names_the_canary_the_reading_and_the_signal_and_no_address() -> None:
    _, held = history((0, UP), (24, GONE))
    assert held.why == (
        "The known-good model is read wrongly since 2026-03-02 12:00 UTC, "
        "last as removed (not_found) by example:rule@1."
    )
    _, held = history((0, UNSURE), (24, UNSURE), (WEEK, UNSURE))
    assert "could not be told since 2026-03-01 12:00 UTC" in held.why


def test_what_a_person_accepted_counts_again_after_the_canary_was_read_rightly() -> None:
    state, _ = history((0, GONE))
    accepted = CanaryState(
        checked_at=state.checked_at,
        outcome=state.outcome,
        reason=state.reason,
        wrong_since=state.wrong_since,
        accepted=Fault.WRONG,
    )
    assert _read(accepted, UNSURE, 24).accepted == _read(accepted, GONE, 24).accepted == Fault.WRONG
    assert _read(accepted, UP, 24).accepted == ""


READINGS = st.lists(st.tuples(st.floats(0.01, 200), st.sampled_from(list(READ))), max_size=20)


@given(READINGS)
def test_what_holds_of_any_history(gaps: list[tuple[float, str]]) -> None:
    hours, rows = 0.0, []
    for gap, how in gaps:
        hours += gap
        rows.append((hours, how))
    state, held = history(*rows)
    conclusive = [how for _, how in rows if is_right(Outcome.AVAILABLE, *READ[how]) is not None]
    assert (state.wrong_since is not None) == (bool(conclusive) and conclusive[-1] == GONE)
    if held.since is None:
        assert state.wrong_since is None
    if held.since is not None and rows:
        # It began with a reading, and no reading ends what has lasted.
        assert held.since in {at(one) for one, _ in rows}
        later, _ = rows[-1]
        if at(later) - held.since >= LASTING:
            assert history(*rows, (later + 1, UP))[1].since == held.since
    if rows:
        assert at(hours) + PROBE_AGAIN <= next_probe_at(state, at(hours)) <= at(hours) + PROBE_EVERY


def _read(state: CanaryState, how: str, hours: float) -> CanaryState:
    outcome, reason = READ[how]
    return fold(state, Outcome.AVAILABLE, outcome=outcome, reason=reason, signal="", at=at(hours))
