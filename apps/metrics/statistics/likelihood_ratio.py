"""The values of F(t) that a likelihood-ratio test does not reject, with interval-censored times."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from apps.metrics.shares import normal_quantile
from apps.metrics.statistics import npmle
from apps.metrics.statistics.information import Floats

MOST_INTERVALS = 3000  # distinct ones; with more, testing would take too long
CLOSE = 1e-4  # how near to the critical value, as a part of it, is near enough
NONE_ENOUGH = 1e9  # so many observations of one interval, and the data still allow more: they allow all


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """Distinct intervals with their weights, the greatest log-likelihood, and by how much it may fall."""

    left: Floats
    right: Floats
    weight: Floats
    best: float
    allowed: float

    @classmethod
    def of(cls, observations: npmle.Observations, best: float, confidence: float) -> LikelihoodRatio | None:
        """None where there are more distinct intervals than `MOST_INTERVALS`."""
        distinct = observations.distinct(MOST_INTERVALS)
        if distinct is None:
            return None
        return cls(*distinct, best, normal_quantile(confidence) ** 2 / 2)

    def high(self, time: float) -> float:
        """The greatest F(time) whose profile log-likelihood falls short of the best by what is allowed."""
        return self._furthest(0.0, time)

    def low(self, time: float) -> float:
        """The least such F(time)."""
        return 1 - self._furthest(time, np.inf)

    def _furthest(self, left: float, right: float) -> float:
        """How much mass the interval (left, right] can hold.

        The likelihood under the constraint "the mass in it is theta" has its maximum where that of the data
        and so many more observations of this interval has it, for some number of them (the multiplier of
        the constraint). So that number is searched for which the log-likelihood of the data falls by what is
        allowed, on a logarithmic scale.
        """
        seen = npmle.Observations.of(
            np.append(self.left, left), np.append(self.right, right), np.append(self.weight, 1.0)
        )
        begin = int(np.searchsorted(seen.upper, left, side="right"))
        finish = int(np.searchsorted(seen.upper, right, side="right")) - 1
        # Its place among the innermost intervals is known now; take it out, and put it in as often as wanted.
        data = seen.weight - ((seen.first == begin) & (seen.last == finish))
        kept = data > 0
        begin = 0 if left == 0 else begin  # with whatever happened at 0 exactly
        first, last = np.append(seen.first[kept], begin), np.append(seen.last[kept], finish)
        start = None
        under = over = None  # the nearest numbers found that are too small and too great, with their scores
        many, held = 2.0, 1.0
        while many < NONE_ENOUGH:
            weight = np.append(data[kept], many)
            found = npmle.search(
                first, last, weight, seen.lower.size, start=start, enough=CLOSE * self.allowed
            )
            if not found.converged:
                break
            start = (found.cells, found.mass)
            held = float(found.mass[(found.cells >= begin) & (found.cells <= finish)].sum())
            fall = self.best - (found.log_likelihood - many * math.log(held))
            score = math.log(max(fall, 1e-9) / self.allowed)
            if abs(score) < 3 * CLOSE or (under and over and over[0] - under[0] < CLOSE):
                return held
            if score < 0:
                under = (math.log(many), score)
            else:
                over = (math.log(many), score)
            many = math.exp(_between(under, over))
        return 1.0


def _between(under: tuple[float, float] | None, over: tuple[float, float] | None) -> float:
    """Where the score may be 0: the fall grows with the square at first and then less."""
    if under is None or over is None:
        at, score = under or over or (0.0, 0.0)
        return at - max(min(score / 1.5, 3.0), -3.0)
    part = -under[1] / (over[1] - under[1])
    return under[0] + min(max(part, 0.1), 0.9) * (over[0] - under[0])
