"""When the next look is due."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.checks.cadence import MARKS, kept_origins, next_check_at
from apps.checks.outcomes import Outcome, Status
from apps.checks.status import State

ORIGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
UP = State(status=Status.AVAILABLE, last_outcome=Outcome.AVAILABLE)
HOUR = timedelta(hours=1)


def gap(age: timedelta, state: State = UP, *, origin: datetime = ORIGIN) -> timedelta:
    return next_check_at(origins=[origin], state=state, checked_at=ORIGIN + age) - (ORIGIN + age)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), timedelta(minutes=15)),
        (timedelta(minutes=50), timedelta(minutes=10)),  # the mark of one hour
        (timedelta(hours=1), timedelta(minutes=15)),
        (timedelta(hours=8), timedelta(minutes=30)),
        (timedelta(hours=23), timedelta(hours=1)),  # a sixteenth is more, but the 24 h mark lies inside
        (timedelta(days=4), timedelta(hours=6)),
        (timedelta(days=6, hours=20), timedelta(hours=4)),
        (timedelta(days=48), timedelta(days=3)),
        (timedelta(days=500), timedelta(days=7)),
    ],
)
def test_the_gap_grows_with_the_age_of_the_report_and_stops_at_marks(
    age: timedelta, expected: timedelta
) -> None:
    assert gap(age) == expected


def test_age_runs_again_from_a_removal_to_catch_a_return() -> None:
    removed = UP._replace(
        status=Status.REMOVED, last_outcome=Outcome.REMOVED, removed_by=ORIGIN + timedelta(days=40)
    )
    assert gap(timedelta(days=42), removed) == timedelta(hours=3)


def test_age_runs_again_from_a_second_report() -> None:
    checked_at = ORIGIN + timedelta(days=100)
    at = next_check_at(origins=[ORIGIN, checked_at], state=UP, checked_at=checked_at)
    assert at - checked_at == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("since_first", "expected_since_first"),
    [(0.0, 1.0), (1.0, 6.0), (2.0, 6.0), (6.0, 24.0), (24.0, 24.25)],
)
def test_a_suspected_target_climbs_the_confirmation_ladder(
    since_first: float, expected_since_first: float
) -> None:
    first = ORIGIN + timedelta(days=200)
    state = State(status=Status.SUSPECTED, last_outcome=Outcome.REMOVED, run_started_at=first, run_count=1)
    at = next_check_at(origins=[ORIGIN], state=state, checked_at=first + since_first * HOUR)
    assert at == first + expected_since_first * HOUR


def test_an_inconclusive_rung_is_tried_again_soon_and_then_ever_later() -> None:
    state = State(
        status=Status.SUSPECTED, last_outcome=Outcome.INCONCLUSIVE, run_started_at=ORIGIN, run_count=1
    )
    age = timedelta(days=200)
    gaps = [gap(age, state._replace(inconclusive_count=count)) for count in (1, 2, 3, 50)]
    assert gaps == [timedelta(minutes=15), timedelta(minutes=30), HOUR, 6 * HOUR]


def test_inconclusive_answers_back_off_but_never_past_a_mark() -> None:
    state = UP._replace(last_outcome=Outcome.INCONCLUSIVE, inconclusive_count=9)
    assert gap(timedelta(hours=5), state) == timedelta(hours=19)  # to the 24 h mark, not 64 h
    assert gap(timedelta(days=91), state) == timedelta(days=91) / 16
    assert gap(timedelta(days=91), state._replace(inconclusive_count=11)) == timedelta(days=7)


def test_a_mark_that_passed_while_a_check_was_under_way_is_checked_at_once() -> None:
    mark = ORIGIN + 48 * HOUR
    second = timedelta(seconds=1)
    slow = {"started_at": mark - second, "checked_at": mark + second}
    assert next_check_at(origins=[ORIGIN], state=UP, **slow) == mark
    on_time = {"started_at": mark, "checked_at": mark + second}
    assert next_check_at(origins=[ORIGIN], state=UP, **on_time) > mark + 2 * HOUR


def test_origins_whose_marks_have_passed_are_dropped_but_never_the_last() -> None:
    old, older = ORIGIN - timedelta(days=100), ORIGIN - timedelta(days=300)
    recent = ORIGIN - timedelta(days=80)
    assert kept_origins([recent, old, older], ORIGIN) == [recent]
    assert kept_origins([older, old], ORIGIN) == [old]
    assert kept_origins([old, recent, ORIGIN, ORIGIN], ORIGIN) == [recent, ORIGIN]
    assert kept_origins([], ORIGIN) == []


moments = st.integers(0, 200 * 24 * 60).map(lambda minutes: ORIGIN + timedelta(minutes=minutes))
outcomes = st.sampled_from(list(Outcome))


@given(st.lists(moments, min_size=1, max_size=3), st.data())
@settings(max_examples=50)
def test_a_mark_is_never_skipped(origins: list[datetime], data: st.DataObject) -> None:
    """Follow the cadence from any moment: every mark on the way is a check, to the microsecond."""
    moment = data.draw(moments)
    start, visited, state = moment, set(), UP
    for step in range(60):
        outcome = data.draw(outcomes)
        suspected = outcome == Outcome.REMOVED or data.draw(st.booleans())
        state = State(
            status=Status.SUSPECTED if suspected else Status.AVAILABLE,
            last_outcome=outcome,
            run_started_at=moment if suspected and step % 3 == 0 else state.run_started_at,
            inconclusive_count=step if outcome == Outcome.INCONCLUSIVE else 0,
        )
        following = next_check_at(
            origins=origins, state=state, checked_at=moment, jitter=data.draw(st.floats(0, 0.999))
        )
        assert following > moment
        moment = following
        visited.add(moment)
    marks = {origin + mark for origin in origins for mark in MARKS}
    assert {mark for mark in marks if start < mark <= moment} <= visited


@given(moments, st.floats(0, 0.999))
def test_jitter_only_ever_moves_a_check_earlier(checked_at: datetime, jitter: float) -> None:
    plain = next_check_at(origins=[ORIGIN], state=UP, checked_at=checked_at)
    moved = next_check_at(origins=[ORIGIN], state=UP, checked_at=checked_at, jitter=jitter)
    assert checked_at < moved <= plain


def test_an_item_costs_as_many_checks_a_year_as_the_documents_reckon_with(repository: Path) -> None:
    year, random = timedelta(days=365), Random(1)
    counts = []
    for _ in range(20):
        moment, ages = ORIGIN, []
        while moment < ORIGIN + 2 * year:
            ages.append(moment - ORIGIN)
            moment = next_check_at(origins=[ORIGIN], state=UP, checked_at=moment, jitter=random.random())
        counts.append((sum(age < year for age in ages), sum(age >= year for age in ages)))
    first, further = (mean(column) for column in zip(*counts, strict=True))
    scaling = (repository / "docs" / "scaling.md").read_text()
    named = [
        (first, scaling, r"in its first year \| about (\d+),"),
        (further, scaling, r"in each further year \| (\d+) \|"),
        (first, (repository / "docs" / "design.md").read_text(), r"That is about (\d+) checks in the first"),
        (
            first,
            (repository / "templates/public/checker.html").read_text(),
            r"about (\d+) times in the first",
        ),
    ]
    for count, text, words in named:
        assert [int(number) for number in re.findall(words, text)] == [pytest.approx(count, rel=0.02)]
