"""Shares, their intervals, and differences of shares."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.metrics.shares import Difference, Share, difference, normal_quantile, share, wilson

COUNTS = st.integers(0, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


def test_a_share_comes_with_its_denominator_and_its_interval() -> None:
    """13 of 129, by hand with z = 1.959964: z^2 = 3.841459.

    centre = (13/129 + 3.841459/258) / (1 + 3.841459/129) = 0.115665 / 1.029779 = 0.112320
    reach = sqrt(3.841459 (0.100775 * 0.899225 / 129 + 3.841459 / (4 * 16641))) / 1.029779 = 0.052477
    """
    found = share(13, 129)
    assert (found.n, found.of) == (13, 129)
    assert found.value == pytest.approx(0.100775, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((0.112320 - 0.052477, 0.112320 + 0.052477), abs=2e-6)


def test_without_a_denominator_there_is_no_share() -> None:
    assert share(0, 0) == Share(0, 0, None, None, None)
    assert wilson(0, 0) is None


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17: 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_that_of_published_examples(count: int, of: int, low: float, high: float) -> None:
    assert wilson(count, of) == pytest.approx((low, high), abs=5e-5)


@given(COUNTS)
def test_the_interval_holds_the_share_and_stays_between_0_and_1(counts: tuple[int, int]) -> None:
    found = share(*counts)
    if found.value is None or found.low is None or found.high is None:
        assert found.of == 0
        return
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert (found.low == 0) == (found.n == 0)
    assert (found.high == 1) == (found.n == found.of)


@given(COUNTS)
def test_the_rest_has_the_mirrored_interval(counts: tuple[int, int]) -> None:
    n, of = counts
    one, other = wilson(n, of), wilson(of - n, of)
    if one is not None and other is not None:
        assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low))


def test_scipy_has_the_same_interval() -> None:
    from scipy.stats import binomtest

    for n, of in ((0, 7), (3, 7), (7, 7), (250, 1000)):
        theirs = binomtest(n, of).proportion_ci(0.95, method="wilson")
        assert wilson(n, of) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize(("count", "of"), [(-1, 5), (6, 5)])
def test_what_is_no_part_of_a_whole_is_refused(count: int, of: int) -> None:
    with pytest.raises(ValueError, match="part of a whole"):
        share(count, of)


def test_a_confidence_of_1_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        normal_quantile(1.0)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17: 873-890, table II, method 10.
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_a_difference_is_that_of_published_examples(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    found = difference(share(*one), share(*other))
    assert found is not None
    assert found.value == pytest.approx(one[0] / one[1] - other[0] / other[1])
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@given(COUNTS, COUNTS)
def test_a_difference_turns_its_sign_when_the_two_change_places(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    ahead, behind = difference(share(*one), share(*other)), difference(share(*other), share(*one))
    if ahead is None or behind is None:
        assert ahead is behind is None
        assert 0 in (one[1], other[1])
        return
    assert (ahead.value, ahead.low, ahead.high) == pytest.approx((-behind.value, -behind.high, -behind.low))
    assert ahead.low <= ahead.value <= ahead.high


def test_a_difference_from_something_known_exactly_is_as_wide_as_the_other() -> None:
    one = share(3, 10)
    assert one.value is not None
    assert one.low is not None
    assert one.high is not None
    found = difference(one, Difference(0.5, 0.5, 0.5))
    assert found is not None
    assert found.low == pytest.approx(one.low - 0.5)
    assert math.isclose(found.high, one.high - 0.5)
