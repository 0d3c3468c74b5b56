"""Comparing when the event came in two groups."""

from __future__ import annotations

import numpy as np
import pytest

from apps.metrics import comparison
from apps.metrics.statistics.npmle import Observations, maximise
from tests.metrics.test_survival import CHEMOTHERAPY, RADIOTHERAPY, Times, looked_at, months

NEVER = np.inf


def exact(count: int, mean: float, seed: int, longest: float = 30) -> tuple[np.ndarray, np.ndarray, Times]:
    """When, whether it was seen, and the same as intervals."""
    random = np.random.default_rng(seed)
    event, until = random.exponential(mean, count), random.uniform(0, longest, count)
    when, seen = np.minimum(event, until), event <= until
    return when, seen, Times(when, np.where(seen, when, NEVER))


def by_differences(first: Times, second: Times) -> tuple[float, float]:
    """Score and variance from the likelihood of the proportional hazards model, by finite differences."""
    left, right = (np.concatenate(ends) for ends in zip(first, second, strict=True))
    member = np.arange(left.size) < first.left.size
    pooled = Observations.of(left, right)
    found = maximise(pooled)
    upper = pooled.upper[found.cells]
    begin = np.searchsorted(upper, left, side="right")
    finish = np.searchsorted(upper, right, side="right")
    inner = 1 - np.cumsum(found.mass)[:-1]

    def log_likelihood(point: np.ndarray) -> float:
        survival = np.concatenate(([1.0], point[1:], [0.0]))
        theirs = np.where(member, survival[begin] ** np.exp(point[0]), survival[begin])
        after = np.where(member, survival[finish] ** np.exp(point[0]), survival[finish])
        return float(np.log(theirs - after).sum())

    at, step = np.concatenate(([0.0], inner)), 1e-4
    unit = np.eye(at.size) * step
    score = (log_likelihood(at + unit[0]) - log_likelihood(at - unit[0])) / (2 * step)
    second_derivatives = np.array(
        [
            [
                log_likelihood(at + a + b)
                - log_likelihood(at + a - b)
                - log_likelihood(at - a + b)
                + log_likelihood(at - a - b)
                for b in unit
            ]
            for a in unit
        ]
    ) / (4 * step * step)
    return score, 1 / float(np.linalg.inv(-second_derivatives)[0, 0])


def test_it_is_the_derivative_of_the_likelihood() -> None:
    for first, second in (
        (months(RADIOTHERAPY), months(CHEMOTHERAPY)),
        (looked_at(40, 1), looked_at(30, 2)),
    ):
        score, variance = by_differences(first, second)
        found = comparison.compare(first, second)
        assert found.excess == pytest.approx(score, rel=1e-4)
        assert found.statistic == pytest.approx(score * score / variance, rel=1e-3)


def test_the_breast_cosmesis_groups_differ_as_published() -> None:
    """The proportional hazards estimate for these data is 0.797 with a standard error of 0.29 (Huang and
    Wellner 1995, as the pages of R's coxinterval have it); the square of their ratio is 7.55. The score test
    is not that, but the same to the first order: its own estimate, excess over variance, and the error of
    that must be near."""
    found = comparison.compare(months(CHEMOTHERAPY), months(RADIOTHERAPY))
    assert (found.n_first, found.n_second) == (48, 46)
    assert found.statistic == pytest.approx(7.55, rel=0.1)
    assert found.p is not None
    assert found.excess is not None
    assert found.statistic is not None
    assert 0.003 < found.p < 0.008
    assert found.excess > 0  # sooner with chemotherapy
    assert found.statistic / found.excess == pytest.approx(0.797, rel=0.1)
    assert np.sqrt(found.statistic) / found.excess == pytest.approx(0.29, rel=0.1)


@pytest.mark.parametrize(("count", "near"), [(100, 0.1), (2000, 0.02)])
@pytest.mark.parametrize("seed", range(3))
def test_with_exact_times_it_is_close_to_the_log_rank_test(seed: int, count: int, near: float) -> None:
    from lifelines.statistics import logrank_test

    one, one_seen, first = exact(count, 8, seed)
    other, other_seen, second = exact(count, 11, seed + 100, longest=20)
    theirs = logrank_test(one, other, one_seen, other_seen)
    found = comparison.compare(first, second)
    assert found.statistic is not None
    assert np.sqrt(found.statistic) == pytest.approx(np.sqrt(theirs.test_statistic), rel=near, abs=near)
    assert found.excess is not None
    assert found.excess > 0


def test_scipy_has_about_the_same_log_rank_test() -> None:
    from scipy.stats import CensoredData, logrank

    one, one_seen, first = exact(500, 10, 1)
    other, other_seen, second = exact(500, 12, 2)
    theirs = logrank(
        CensoredData(uncensored=one[one_seen], right=one[~one_seen]),
        CensoredData(uncensored=other[other_seen], right=other[~other_seen]),
    )
    found = comparison.compare(first, second)
    assert found.statistic is not None
    assert np.sqrt(found.statistic) == pytest.approx(abs(theirs.statistic), rel=0.05)
    assert found.p == pytest.approx(theirs.pvalue, rel=0.3)


def test_it_does_not_matter_which_group_comes_first() -> None:
    first, second = looked_at(60, 3, exact=0.3), looked_at(90, 4)
    one, other = comparison.compare(first, second), comparison.compare(second, first)
    assert one.p == pytest.approx(other.p)
    assert one.statistic == pytest.approx(other.statistic)
    assert one.excess is not None
    assert one.excess == pytest.approx(-(other.excess or 0))
    assert (one.n_first, one.n_second) == (60, 90) == (other.n_second, other.n_first)


def test_the_unit_of_time_does_not_matter() -> None:
    first, second = looked_at(60, 3, exact=0.3), looked_at(90, 4)
    days = comparison.compare(*(Times(group.left / 24, group.right / 24) for group in (first, second)))
    assert days.p == pytest.approx(comparison.compare(first, second).p)


def test_a_group_compared_with_itself_does_not_differ() -> None:
    group = looked_at(80, 5)
    found = comparison.compare(group, group)
    assert found.statistic == pytest.approx(0, abs=1e-9)
    assert found.p == pytest.approx(1, abs=1e-4)


def test_groups_that_are_alike_seldom_differ_though_one_is_followed_for_less_long() -> None:
    """120 pairs: p < 0.05 in 6 of them on average, and in more than 16 once in ten thousand."""
    small = 0
    for seed in range(120):
        _, _, first = exact(60, 10, seed)
        _, _, second = exact(60, 10, 1000 + seed, longest=6)
        p = comparison.compare(first, second).p
        small += p is not None and p < 0.05
    assert small <= 16


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (([], []), ([1.0], [2.0]), comparison.EMPTY),
        (([1.0], [2.0]), ([], []), comparison.EMPTY),
        (([1.0, 2.0], [NEVER, NEVER]), ([3.0], [NEVER]), comparison.NO_EVENTS),
        (([0.0, 0.0], [2.0, 2.0]), ([0.0], [2.0]), comparison.NO_INFORMATION),
        (([5.0, 6.0], [NEVER, NEVER]), ([0.0], [1.0]), ""),
    ],
)
def test_where_there_is_no_answer_there_is_a_reason(
    first: tuple[list[float], list[float]], second: tuple[list[float], list[float]], reason: str
) -> None:
    found = comparison.compare(first, second)
    assert found.reason == reason
    assert (found.p is None) == (found.statistic is None) == (found.excess is None) == bool(reason)


def test_an_estimate_that_does_not_converge_gives_no_p(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison.npmle, "maximise", lambda pooled: maximise(pooled, steps=1))
    found = comparison.compare(months(RADIOTHERAPY), months(CHEMOTHERAPY))
    assert found == comparison.Comparison(46, 48, reason=comparison.NOT_CONVERGED)


def test_what_is_no_observation_is_refused() -> None:
    with pytest.raises(ValueError, match="not before its left end"):
        comparison.compare(([2.0], [1.0]), ([1.0], [2.0]))
