"""Geometry of the small charts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.outcomes import STATUS_ORDER, Outcome, Status
from apps.workspace.charts import BINS, LANE_ORDER, WIDTH, check_strip, status_bar

START = datetime(2026, 3, 1, tzinfo=UTC)
moments = st.integers(0, 365 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
checks = st.lists(st.tuples(moments, st.sampled_from(Outcome), st.booleans()), min_size=1).map(sorted)


def counts_of(*numbers: int) -> dict[Status, int]:
    return dict(zip(STATUS_ORDER, numbers, strict=True))


def test_a_bar_shows_each_status_as_wide_as_its_share() -> None:
    segments = status_bar(counts_of(1, 0, 0, 3, 0, 0))
    assert [(segment.status, segment.x, segment.width) for segment in segments] == [
        (Status.AVAILABLE, 0, 240),
        (Status.REMOVED, 240, 720),
    ]


@given(st.lists(st.integers(0, 10_000), min_size=6, max_size=6))
def test_a_bar_is_filled_without_gap_or_overlap(numbers: list[int]) -> None:
    segments = status_bar(counts_of(*numbers))
    for left, right in pairwise(segments):
        assert left.x + left.width == pytest.approx(right.x, abs=0.02)
    if segments:
        assert segments[-1].x + segments[-1].width == pytest.approx(WIDTH, abs=0.02)


def test_without_checks_there_is_no_strip() -> None:
    assert check_strip([], reported_at=START, removed=None, now=START) is None


def test_a_removal_is_a_band_between_last_seen_and_first_gone() -> None:
    hours = [START + timedelta(hours=each) for each in range(0, 101, 10)]
    strip = check_strip(
        [(moment, Outcome.AVAILABLE, False) for moment in hours],
        reported_at=START,
        removed=(hours[5], hours[6]),
        now=hours[-1],
    )
    assert strip
    assert strip.removal
    assert (strip.removal.x, strip.removal.width) == (WIDTH * 0.5, WIDTH * 0.1)


@given(checks, moments, moments)
def test_a_strip_loses_no_check_and_stays_small(
    seen: list[tuple[datetime, Outcome, bool]], reported_at: datetime, now: datetime
) -> None:
    strip = check_strip(seen, reported_at=reported_at, removed=None, now=now)
    assert strip
    assert [lane.outcome for lane in strip.lanes] == list(LANE_ORDER)
    for lane in strip.lanes:
        assert lane.count == sum(outcome == lane.outcome for _, outcome, _ in seen)
        assert lane.count == sum(mark.count for mark in lane.marks)
        assert len(lane.marks) <= BINS
        assert all(mark.x >= 0 and mark.x + mark.width <= WIDTH for mark in lane.marks)
        assert any(mark.manual for mark in lane.marks) == any(
            manual for _, outcome, manual in seen if outcome == lane.outcome
        )
    assert 0 <= strip.reported_x <= WIDTH
