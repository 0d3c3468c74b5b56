"""Shares of a count, each with its interval, and the difference of two of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple, Protocol

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """The ends of a confidence interval, both included."""

    low: float
    high: float


class Estimate(Protocol):
    """What `difference` takes: a value between its low and its high end, or three Nones."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Share:
    """`n` out of `of`, as a value from 0 to 1 with its 95% Wilson interval. Three Nones where `of` is 0."""

    n: int
    of: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One estimate less another, from -1 to 1 for shares, with its 95% interval."""

    value: float
    low: float
    high: float


def normal_quantile(confidence: float) -> float:
    """How many standard deviations a two-sided interval reaches: 1.96 for 0.95.

    ValueError unless `confidence` lies strictly between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"A confidence lies between 0 and 1, and {confidence} does not.")
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson_interval(value: float, of: float, *, confidence: float = CONFIDENCE) -> Interval:
    """The score interval of a share `value` that was seen among `of`, which need not be a whole number.

    Wilson (1927), Journal of the American Statistical Association 22: 209-212, without a continuity
    correction. The low end of a share of 0 is 0 and the high end of a share of 1 is 1, exactly.
    """
    square = normal_quantile(confidence) ** 2
    centre = value + square / (2 * of)
    reach = math.sqrt(square * (value * (1 - value) / of + square / (4 * of * of)))
    scale = 1 + square / of
    low = 0.0 if value <= 0 else min(max((centre - reach) / scale, 0.0), value)
    high = 1.0 if value >= 1 else max(min((centre + reach) / scale, 1.0), value)
    return Interval(low, high)


def wilson(count: int, of: int, *, confidence: float = CONFIDENCE) -> Interval | None:
    """The Wilson interval of `count` out of `of` (see `wilson_interval`), or None where `of` is 0.

    ValueError when `count` is negative or more than `of`.
    """
    if not 0 <= count <= of:
        raise ValueError(f"A share is a part of a whole, and {count} of {of} is not.")
    return wilson_interval(count / of, of, confidence=confidence) if of else None


def share(n: int, of: int, *, confidence: float = CONFIDENCE) -> Share:
    """`n` out of `of` with its interval. ValueError when `n` is negative or more than `of`."""
    interval = wilson(n, of, confidence=confidence)
    if interval is None:
        return Share(n, of, None, None, None)
    return Share(n, of, n / of, interval.low, interval.high)


def difference(a: Estimate, b: Estimate) -> Difference | None:
    """`a` less `b` for two independent estimates, with an interval made of their intervals.

    The method of variance estimates recovery: Newcombe (1998), Statistics in Medicine 17: 873-890, method
    10, where both are shares with Wilson intervals; Zou and Donner (2008), Statistics in Medicine 27:
    1693-1702, for estimates in general. None where either has no value or no interval.
    """
    if a.value is None or a.low is None or a.high is None:
        return None
    if b.value is None or b.low is None or b.high is None:
        return None
    value = a.value - b.value
    return Difference(
        value,
        value - math.hypot(a.value - a.low, b.high - b.value),
        value + math.hypot(a.high - a.value, b.value - b.low),
    )
