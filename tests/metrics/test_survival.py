"""How long it took, when only bounds are known: against other programs, published figures, and by hand."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.metrics import survival
from apps.metrics.shares import wilson
from apps.metrics.statistics.npmle import Observations, maximise

NEVER = np.inf
MARKS = [1, 2, 3, 24, 48, 72, 168, 336, 720, 2160]

# Months to cosmetic deterioration after radiotherapy alone, and after radiotherapy and chemotherapy: 46 and
# 48 patients (Finkelstein and Wolfe 1985, Biometrics 41: 933-945), as the SAS/STAT sample library prints
# them (example 4 of PROC ICLIFETEST).
RADIOTHERAPY = """
    45 . 25 37 37 . 6 10 46 . 0 5 0 7 26 40 18 . 46 . 46 . 24 . 46 . 27 34 36 . 7 16 36 44 5 11 17 . 46 .
    19 35 7 14 36 48 17 25 37 44 37 . 24 . 0 8 40 . 32 . 4 11 17 25 33 . 15 . 46 . 19 26 11 15 11 18 37 .
    22 . 38 . 34 . 46 . 5 12 36 . 46 ."""
CHEMOTHERAPY = """
    8 12 0 5 30 34 0 22 5 8 13 . 24 31 12 20 10 17 17 27 11 . 8 21 17 23 33 40 4 9 24 30 31 . 11 . 16 24
    13 39 14 19 13 . 19 32 4 8 11 13 34 . 34 . 16 20 13 . 30 36 18 25 16 24 18 24 17 26 35 . 16 60 32 .
    15 22 35 39 23 . 11 17 21 . 44 48 22 32 11 20 14 17 10 35 48 ."""


class Times(NamedTuple):
    left: np.ndarray
    right: np.ndarray


def months(text: str) -> Times:
    numbers = [NEVER if word == "." else float(word) for word in text.split()]
    return Times(np.array(numbers[::2]), np.array(numbers[1::2]))


def times(*pairs: tuple[float, float]) -> Times:
    return Times(*(np.array(ends, dtype=float) for ends in zip(*pairs, strict=True)))


def looked_at(count: int, seed: int, *, exact: float = 0.0) -> Times:
    """Fictional items looked at every so often; a part of them with exact times."""
    random = np.random.default_rng(seed)
    event = random.exponential(10, count)
    until = random.uniform(1, 25, count)
    step = random.uniform(0.5, 6, count)
    left = np.minimum(np.floor(event / step), np.floor(until / step)) * step
    right = np.where(event <= np.floor(until / step) * step, left + step, NEVER)
    known = (random.random(count) < exact) & (event <= until)
    return Times(np.where(known, event, left), np.where(known, event, right))


def plain_em(seen: Observations, steps: int) -> np.ndarray:
    """The self-consistency algorithm (Turnbull 1976), as plainly as can be."""
    cells = np.arange(seen.lower.size)
    holds = (seen.first[:, None] <= cells) & (cells <= seen.last[:, None])
    mass = np.full(cells.size, 1 / cells.size)
    for _ in range(steps):
        share = holds * mass
        mass = seen.weight @ (share / share.sum(axis=1, keepdims=True)) / seen.n
    return mass


def likelihood(seen: Observations, mass: np.ndarray) -> float:
    total = np.concatenate(([0.0], np.cumsum(mass)))
    return float(seen.weight @ np.log(total[seen.last + 1] - total[seen.first]))


def masses(fit: survival.Fit, seen: Observations) -> np.ndarray:
    """The masses of `fit` on all innermost intervals."""
    found = np.zeros(seen.lower.size)
    for lower, upper, mass in zip(fit.lower, fit.upper, fit.mass, strict=True):
        found[(seen.lower == lower) & (seen.upper == upper)] += mass
    return found


# ---------------------------------------------------------------------------------------------------- by hand


def test_three_items_worked_by_hand() -> None:
    """(0, 2], (1, 3], (2, inf). Openings 0, 1, 2 and closings 2, 3, inf make the innermost (1, 2] and (2, 3].

    (2, inf) holds (2, 3]; an unbounded innermost interval would need an opening after 3. With p in (1, 2],
    the likelihood is p * 1 * (1 - p), greatest at p = 1/2, where its logarithm is 2 log(1/2) = -1.386294.
    """
    fit = survival.fit(*times((0, 2), (1, 3), (2, NEVER)))
    assert fit.lower.tolist() == [1, 2]
    assert fit.upper.tolist() == [2, 3]
    assert fit.mass == pytest.approx([0.5, 0.5])
    assert fit.log_likelihood == pytest.approx(-1.386294, abs=1e-6)
    low, high = fit.at([1, 1.5, 2, 2.5, 3])
    assert low == pytest.approx([0, 0, 0.5, 0.5, 1])
    assert high == pytest.approx([0, 0.5, 0.5, 1, 1])
    assert fit.estimate([1, 1.5, 2, 2.5, 3]) == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert fit.quantile(0.5) == (1, 2)
    assert fit.quantile(0.75) == (2, 3)


def test_exact_and_still_up_items_are_kaplan_meier_by_hand() -> None:
    """Removed at 1, 2, 2, up at 2 and at 4. At 2 the one that is up is at risk: S = 4/5, 4/5 * 2/4 = 2/5."""
    fit = survival.fit(*times((1, 1), (2, 2), (2, 2), (2, NEVER), (4, NEVER)))
    assert fit.lower.tolist() == [1, 2, 4]
    assert fit.upper.tolist() == [1, 2, NEVER]
    assert fit.mass == pytest.approx([0.2, 0.4, 0.4])
    assert fit.quantile(0.5) == (2, 2)
    assert fit.quantile(0.6) == (2, 2)  # reached exactly, in spite of rounding
    assert fit.quantile(0.61) is None
    low, high = fit.at([0.5, 1, 2, 4, 5])
    assert low == pytest.approx([0, 0.2, 0.6, 0.6, 0.6])
    assert high == pytest.approx([0, 0.2, 0.6, 0.6, 1])
    assert fit.estimate([4, 5, 1000]) == pytest.approx([0.6, 0.6, 0.6])  # what is not known is not spread


def test_an_interval_does_not_hold_its_left_end() -> None:
    """(5, 8] and exactly 5 have nothing in common: a half each. (3, 5] holds 5, so exactly 5 has it all."""
    apart = survival.fit(*times((5, 8), (5, 5)))
    assert apart.lower.tolist() == [5, 5]
    assert apart.upper.tolist() == [5, 8]
    assert apart.mass == pytest.approx([0.5, 0.5])
    together = survival.fit(*times((3, 5), (5, 5)))
    assert (together.lower.tolist(), together.upper.tolist()) == ([5], [5])


def test_items_that_are_all_still_up_have_no_median() -> None:
    fit = survival.fit(*times((2, NEVER), (7, NEVER)))
    assert fit.quantile(0.5) is None
    assert fit.at([7])[1] == [0]
    assert fit.at([7.1]) == ([0], [1])
    low, high = survival.band(fit, [1, 2, 3, 7, 8])
    assert low.tolist() == [0] * 5
    both, one = wilson(0, 2), wilson(0, 1)
    assert both is not None
    assert one is not None
    assert high == pytest.approx([both.high, both.high, one.high, one.high, 1])
    assert survival.quantile_band(fit, 0.5) == (0, None)


def test_the_curve_is_what_is_drawn() -> None:
    curve = survival.fit(*times((0, 2), (3, 3), (5, NEVER))).curve()
    assert curve.times.tolist() == [0, 0, 0, 2, 2, 3, 3, 3, 3, 5]
    assert curve.estimate == pytest.approx([0, 0, 0, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert curve.low == pytest.approx([0, 0, 0, 0, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert curve.high == pytest.approx([0, 0, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3])


# ----------------------------------------------------------------------- other programs and published figures


def test_it_is_the_published_estimate_of_the_breast_cosmesis_data() -> None:
    """The first four masses of radiotherapy alone are in the example output of Bioconductor's Icens (EM):
    0.04634677, 0.03336337, 0.08866737, 0.07075292. The others were noted as those that R's interval package
    prints (Fay and Shaw 2010, Journal of Statistical Software 36(2), section 5) without the paper at hand;
    lifelines finds the same, below."""
    alone = survival.fit(*months(RADIOTHERAPY))
    assert list(zip(alone.lower, alone.upper, alone.mass.round(4), strict=True)) == [
        (4, 5, 0.0463),
        (6, 7, 0.0334),
        (7, 8, 0.0887),
        (11, 12, 0.0708),
        (24, 25, 0.0926),
        (33, 34, 0.0818),
        (38, 40, 0.1209),
        (46, 48, 0.4656),
    ]
    assert alone.mass[:4] == pytest.approx([0.04634677, 0.03336337, 0.08866737, 0.07075292], abs=2e-5)
    both = survival.fit(*months(CHEMOTHERAPY))
    assert list(zip(both.lower, both.upper, both.mass.round(4), strict=True)) == [
        (4, 5, 0.0433),
        (5, 8, 0.0433),
        (11, 12, 0.0692),
        (16, 17, 0.1454),
        (18, 19, 0.1411),
        (19, 20, 0.1157),
        (24, 25, 0.0999),
        (30, 31, 0.0709),
        (35, 36, 0.1608),
        (44, 48, 0.0552),
        (48, 60, 0.0552),
    ]


@pytest.mark.parametrize(
    "seen",
    [*(looked_at(40, seed) for seed in range(6)), *map(months, (RADIOTHERAPY, CHEMOTHERAPY))],
    ids=[*map(str, range(6)), "radiotherapy", "chemotherapy"],
)
def test_lifelines_finds_the_same_likelihood_and_curve(seen: Times) -> None:
    from lifelines.fitters.npmle import npmle

    left, right = seen
    if (left == left.round()).all():
        left = left + 0.5  # lifelines' intervals are closed: (4, 5] of whole months is [4.5, 5]
    fit = survival.fit(left, right)
    assert fit.mass == pytest.approx(survival.fit(*seen).mass, abs=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shares, intervals = npmle(left, right, tol=1e-10)
    places = Observations.of(left, right)
    theirs = np.zeros(places.lower.size)
    for share, interval in zip(shares, intervals, strict=True):
        theirs[(places.lower == interval.left) & (places.upper == interval.right)] = share
    assert theirs.sum() == pytest.approx(1)  # all of its intervals are among ours
    assert likelihood(places, theirs) <= fit.log_likelihood + 1e-9
    # It stops a little early.
    assert likelihood(places, theirs) == pytest.approx(fit.log_likelihood, abs=5e-5)
    assert theirs == pytest.approx(masses(fit, places), abs=2e-3)


@pytest.mark.parametrize("decimals", [0, 1, 6])
@pytest.mark.parametrize("seed", range(4))
def test_with_exact_times_it_is_kaplan_meier_as_scipy_computes_it(seed: int, decimals: int) -> None:
    from scipy.stats import CensoredData, ecdf

    random = np.random.default_rng(seed)
    event = random.exponential(5, 300).round(decimals)
    until = random.uniform(0, 12, 300).round(decimals)
    gone = event <= until
    when = np.minimum(event, until)
    fit = survival.fit(when, np.where(gone, when, NEVER))
    theirs = ecdf(CensoredData(uncensored=when[gone], right=when[~gone])).cdf
    assert fit.at(theirs.quantiles)[0] == pytest.approx(theirs.probabilities, abs=1e-12)
    assert fit.iterations == 0  # the product limit is the start, and nothing betters it


def test_with_exact_times_the_variance_is_greenwoods() -> None:
    random = np.random.default_rng(3)
    event, until = random.exponential(5, 400).round(1), random.uniform(0, 12, 400).round(1)
    gone, when = event <= until, np.minimum(event, until)
    fit = survival.fit(when, np.where(gone, when, NEVER))
    stop = fit.upper[np.isfinite(fit.upper)][: fit.mass.size - 1]
    at_risk = (when >= stop[:, None]).sum(axis=1)
    events = ((when == stop[:, None]) & gone).sum(axis=1)
    survived = np.cumprod(1 - events / at_risk)
    greenwood = survived**2 * np.cumsum(events / (at_risk * (at_risk - events)))
    assert fit.variances() == pytest.approx(greenwood, rel=1e-9)


def test_without_censoring_the_band_is_the_wilson_interval_of_the_share() -> None:
    when = np.arange(1.0, 21)
    fit = survival.fit(when, when)
    low, high = survival.band(fit, when)
    for count, bounds in enumerate(zip(low, high, strict=True), start=1):
        plain = wilson(count, 20)
        assert plain is not None
        if count < 20:
            assert bounds == pytest.approx((plain.low, plain.high))


# ------------------------------------------------------------------------------------------ whatever the data

WHOLE = st.integers(0, 12)
PAIR = st.tuples(WHOLE, st.one_of(WHOLE, st.just(NEVER))).map(lambda pair: tuple(sorted(map(float, pair))))
DATA = st.lists(PAIR, min_size=1, max_size=30).map(lambda pairs: times(*pairs))
ASKED = np.arange(0, 14, 0.5)


@given(DATA)
def test_it_is_a_distribution_and_the_most_likely_one(data: Times) -> None:
    fit = survival.fit(*data)
    seen = Observations.of(*data)
    assert fit.converged
    assert fit.mass.sum() == pytest.approx(1)
    assert (fit.mass > 0).all()
    assert (fit.lower[1:] >= fit.upper[:-1]).all()
    # The conditions of Gentleman and Geyer (1994): n where there is mass, no more than n anywhere.
    mass = masses(fit, seen)
    total = np.concatenate(([0.0], np.cumsum(mass)))
    rate = seen.weight / (total[seen.last + 1] - total[seen.first])
    cells = np.arange(seen.lower.size)
    gradient = rate @ ((seen.first[:, None] <= cells) & (cells <= seen.last[:, None]))
    assert (gradient <= fit.n + 1e-5).all()
    assert mass @ (fit.n - gradient) == pytest.approx(0, abs=1e-5)
    assert fit.log_likelihood >= likelihood(seen, plain_em(seen, 300)) - 1e-6
    assert fit.log_likelihood == pytest.approx(likelihood(seen, mass), abs=1e-9)


@given(DATA)
def test_bounds_estimate_and_band_rise_and_hold_each_other(data: Times) -> None:
    fit = survival.fit(*data)
    low, high = fit.at(ASKED)
    middle = fit.estimate(ASKED)
    below, above = survival.band(fit, ASKED)
    for line in (low, middle, high, below, above):
        assert (np.diff(line) >= -1e-9).all()
    assert (below >= 0).all()
    assert (below <= low + 1e-12).all()
    assert (low <= middle + 1e-12).all()
    assert (middle <= high + 1e-12).all()
    assert (high <= above + 1e-12).all()
    assert (above <= 1).all()


@given(DATA, st.sampled_from([0.1, 0.25, 0.5, 0.9, 1.0]))
def test_a_quantile_is_where_the_curve_crosses(data: Times, p: float) -> None:
    fit = survival.fit(*data)
    found = fit.quantile(p)
    soonest, latest = survival.quantile_band(fit, p)
    if found is None:
        assert fit.at([1e9])[0][0] < p
        assert latest is None
        return
    assert fit.at([found[0]])[0][0] < p or found[0] == found[1]
    assert fit.at([found[1]])[0][0] >= p - 2e-9
    assert soonest <= found[0]
    assert latest is None or latest >= found[1]


@given(DATA, st.sampled_from([0.001, 1 / 60, 3.7, 1000.0]))
def test_order_repetition_and_unit_change_nothing(data: Times, unit: float) -> None:
    fit = survival.fit(*data)
    shuffled = np.random.default_rng(len(data.left)).permutation(data.left.size)
    moved = survival.fit(data.left[shuffled] * unit, data.right[shuffled] * unit)
    assert moved.log_likelihood == pytest.approx(fit.log_likelihood, abs=2e-6)
    split = survival.fit(
        np.tile(data.left, 2), np.tile(data.right, 2), np.repeat([0.25, 0.75], data.left.size)
    )
    assert split.n == pytest.approx(fit.n)
    assert split.log_likelihood == pytest.approx(fit.log_likelihood, abs=2e-6)
    # The masses themselves need not be unique, what the observations get of them is.
    seen = Observations.of(*data)
    for other, scale in ((moved, unit), (split, 1.0)):
        theirs = np.zeros(seen.lower.size)
        for upper, mass in zip(other.upper / scale, other.mass, strict=True):
            theirs[np.isclose(seen.upper, upper)] += mass
        assert likelihood(seen, theirs) == pytest.approx(fit.log_likelihood, abs=1e-3)


@given(DATA)
@settings(max_examples=30)
def test_weights_stand_for_so_many_items(data: Times) -> None:
    weights = np.arange(data.left.size) % 3
    if not weights.any():
        return
    one = survival.fit(data.left, data.right, weights)
    other = survival.fit(np.repeat(data.left, weights), np.repeat(data.right, weights))
    assert one.n == other.n
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=2e-6)


@pytest.mark.parametrize("exact", [0.0, 0.3])
def test_many_items_with_many_different_intervals(exact: float) -> None:
    fit = survival.fit(*looked_at(3000, 1, exact=exact))
    assert fit.converged
    assert fit.gap <= 1e-5
    low, high = survival.band(fit, [1, 5, 10, 20])
    assert (high - low < 0.15).all()
    assert fit.at([10.0])[0][0] == pytest.approx(1 - np.exp(-1), abs=0.05)


def test_items_on_the_grid_are_counted_off_as_others_are_sorted() -> None:
    """Many items in whole minutes take a short cut, which must not show."""
    left, right = survival.rounded_outward(*looked_at(3000, 2))
    short, long = survival.fit(left, right), survival.fit(left * 60 / 59, right * 60 / 59)
    assert short.log_likelihood == pytest.approx(long.log_likelihood, abs=1e-5)
    assert short.mass == pytest.approx(long.mass, abs=1e-6)


# ----------------------------------------------------------------------------- where the data know too little


def test_a_single_late_look_leaves_early_shares_wide_open() -> None:
    """Forty items looked at once, on days 2 to 41, half of them gone: at 24 h anything may have been."""
    look = np.arange(2.0, 42) * 24
    gone = np.arange(40) % 2 == 0
    fit = survival.fit(np.where(gone, 0, look), np.where(gone, look, NEVER))
    low, high = survival.band(fit, [24.0])
    assert low[0] == 0
    assert high[0] > 0.4
    assert survival.quantile_band(fit, 0.25)[0] == 0


def test_a_fit_stopped_early_says_so_and_gives_no_number() -> None:
    fit = survival.fit(*months(RADIOTHERAPY), steps=2)
    assert not fit.converged
    assert fit.iterations == 2
    assert fit.gap > 1e-6
    assert fit.mass.size == fit.lower.size == fit.upper.size == 0
    assert np.isnan(fit.log_likelihood)
    for ask in (
        lambda: fit.at([1.0]),
        lambda: fit.estimate([1.0]),
        lambda: fit.quantile(0.5),
        lambda: fit.curve(),
        lambda: survival.band(fit, [1.0]),
        lambda: survival.quantile_band(fit, 0.5),
    ):
        with pytest.raises(survival.NotConverged, match="had not converged after 2 steps"):
            ask()


def test_the_gap_bounds_what_is_missing() -> None:
    """Of a fit that was stopped, the likelihood is within the gap of the maximum."""
    seen = Observations.of(*months(CHEMOTHERAPY))
    best = maximise(seen).log_likelihood
    mass = plain_em(seen, 20)
    total = np.concatenate(([0.0], np.cumsum(mass)))
    rate = seen.weight / (total[seen.last + 1] - total[seen.first])
    cells = np.arange(seen.lower.size)
    gradient = rate @ ((seen.first[:, None] <= cells) & (cells <= seen.last[:, None]))
    assert 0 < best - likelihood(seen, mass) <= gradient.max() - seen.n


@pytest.mark.parametrize(
    ("left", "right", "weights", "sentence"),
    [
        ([1], [2, 3], None, "same length"),
        ([[1]], [[2]], None, "two rows"),
        ([-1], [2], None, "before its clock starts"),
        ([np.nan], [2], None, "from 0 up"),
        ([1], [np.nan], None, "not before its left end"),
        ([3], [2], None, "not before its left end"),
        ([NEVER], [NEVER], None, "finite time"),
        ([1], [2], [1, 1], "one weight"),
        ([1], [2], [-1], "finite number from 0 up"),
        ([1], [2], [np.nan], "finite number from 0 up"),
        ([], [], None, "no observation"),
        ([1], [2], [0], "no observation"),
    ],
)
def test_what_is_no_observation_is_refused_with_a_sentence(
    left: list[float], right: list[float], weights: list[float] | None, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        survival.fit(left, right, weights)


@pytest.mark.parametrize("p", [0, -0.1, 1.1, np.nan])
def test_a_quantile_of_no_share_is_refused(p: float) -> None:
    fit = survival.fit([1], [2])
    for ask in (fit.quantile, lambda p: survival.quantile_band(fit, p)):
        with pytest.raises(ValueError, match="above 0 and up to 1"):
            ask(p)


def test_a_time_before_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 up"):
        survival.fit([1], [2]).at([-1])


# --------------------------------------------------------------------------------------------------- rounding

HOURS = st.floats(0, 20_000)


@given(st.lists(st.tuples(HOURS, st.one_of(HOURS, st.just(NEVER))).map(sorted), min_size=1, max_size=20))
def test_rounding_only_widens_and_keeps_every_mark(pairs: list[list[float]]) -> None:
    left, right = (np.array(ends) for ends in zip(*pairs, strict=True))
    low, high = survival.rounded_outward(left, right)
    slack = 1e-9 * np.maximum(left, 1)
    assert (low <= left + slack).all()
    finite = np.isfinite(right)
    assert (high[finite] >= right[finite] - 1e-9 * np.maximum(right[finite], 1)).all()
    assert (np.isinf(high) == np.isinf(right)).all()
    # By how much: a minute, or a 36th of the age, which is 5 minutes at 3 h; hours and days are less.
    assert (left - low <= np.maximum(1 / 60, left / 36) + slack).all()
    for mark in MARKS:
        near = np.isclose(left, mark, rtol=1e-8) | np.isclose(right, mark, rtol=1e-8)
        assert ((high <= mark) == (right <= mark))[~near].all()
        assert ((low >= mark) == (left >= mark))[~near].all()
    again = survival.rounded_outward(low, high)
    assert (again[0] == low).all()
    assert (again[1] == high).all()


def test_marks_stay_exact_and_other_exact_times_become_intervals() -> None:
    marks = np.array(MARKS, dtype=float)
    low, high = survival.rounded_outward(marks, marks)
    assert low.tolist() == high.tolist() == marks.tolist()
    low, high = survival.rounded_outward([1.51, 30.01, 100.5, 2170.0], [1.51, 30.01, 100.5, 2170.0])
    assert low == pytest.approx([90 / 60, 30, 100, 2160])
    assert high == pytest.approx([91 / 60, 30 + 5 / 60, 101, 2184])


def test_rounding_changes_the_estimate_at_the_marks_little() -> None:
    left, right = looked_at(400, 5)
    raw = survival.fit(left * 10, right * 10)
    rounded = survival.fit(*survival.rounded_outward(left * 10, right * 10))
    assert rounded.mass.size <= raw.mass.size + 5
    assert rounded.estimate(MARKS) == pytest.approx(raw.estimate(MARKS), abs=0.03)
