"""The 95% bands of an edition's estimates computed again from its rows, by an implementation of their own.

Of the estimate at a time: the Wilson limits of a share with so many observations that its variance would be
that of the estimate, which comes from the observed information (Turnbull 1976, section 5); Rothman (1978).
Where more than 40% of the times leave a moment open, the limits are widened to what a likelihood-ratio test
does not reject. Written with dense matrices and scipy's search for roots, without the program's statistics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from tests.exports.recompute import INFINITE, MARKS, QUANTILES, Pieces, Z, followed, innermost, turnbull

Floats = npt.NDArray[np.float64]
Times = list[tuple[float, float]]
NO_MASS = 1e-5
UNDECIDED = 0.4


@dataclass(frozen=True)
class Bands:
    """The estimate of some times with its limits at each of its steps, and the times themselves."""

    times: Times
    cells: Pieces
    low: Floats
    high: Floats
    tested: dict[float, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, times: Times, minimum_n: int) -> Bands:
        """Those of durations as rows have them, as far as enough were followed."""
        kept, _ = followed(times, minimum_n)
        cells = _with_mass(kept)
        return cls(kept, cells, *_wilson(kept, cells))

    def at(self, moment: float) -> tuple[float, float]:
        """The limits at a moment."""
        low, high = self._binomial(moment)
        if not self._is_open(moment):
            return low, high
        if moment not in self.tested:
            self.tested[moment] = _not_rejected(self.times, moment)
        settled = [(at, self._binomial(at)) for at in self.moments if not self._is_open(at)]
        floor = max((limits[0] for at, limits in settled if at < moment), default=0.0)
        ceiling = min((limits[1] for at, limits in settled if at > moment), default=1.0)
        return (
            max(min(self.tested[moment][0], low), floor),
            min(max(self.tested[moment][1], high), ceiling),
        )

    def of_quantile(self, p: float) -> tuple[float, float | None]:
        """From the first moment at which the share may have reached p to the first at which it must have."""
        low, high = (self._first(side, p) for side in (1, 0))
        return low or 0.0, high

    def _first(self, side: int, p: float) -> float | None:
        """Where the first place begins in which a limit has reached p; what has reached it once stays so."""
        below, above = -1, len(self.moments)
        while above - below > 1:
            middle = (below + above) // 2
            if self.at(self.moments[middle])[side] >= p:
                above = middle
            else:
                below = middle
        if above == len(self.moments):
            return None
        return max((end for end in self.ends if end <= self.moments[above]), default=0.0)

    @cached_property
    def ends(self) -> list[float]:
        return sorted({end for time in self.times for end in time if end < INFINITE})

    @cached_property
    def moments(self) -> list[float]:
        """All moments that occur, and one between each two of them."""
        found = [self.ends[0] / 2] if self.ends[0] > 0 else []
        for one, other in pairwise([*self.ends, self.ends[-1] + 2]):
            found += [one, (one + other) / 2]
        return found

    def _is_open(self, moment: float) -> bool:
        inside = sum(1 for left, right in self.times if left < moment < right < INFINITE)
        return inside > UNDECIDED * len(self.times)

    def _binomial(self, moment: float) -> tuple[float, float]:
        ended = sum(1 for _, upper, _ in self.cells if upper <= moment)
        begun = max(sum(1 for lower, _, _ in self.cells if lower < moment), ended)
        high = self.high[begun]
        if begun == 0:  # none yet, of all that are still at risk
            at_risk = sum(1 for left, _ in self.times if left >= moment)
            high = min(high, Z * Z / (at_risk + Z * Z))
        return float(self.low[ended]), float(high)


def _not_rejected(times: Times, moment: float) -> tuple[float, float]:
    """The least and the greatest share by a moment that a likelihood-ratio test does not reject (3.84)."""
    cells = innermost([*times, (0.0, moment), (moment, INFINITE)])
    holds = np.array(
        [
            [
                left <= lower and upper <= right and (left < upper or left == right == lower)
                for lower, upper in cells
            ]
            for left, right in times
        ],
        float,
    )
    before = np.array([upper <= moment for _, upper in cells])

    def profile(share: float | None) -> float:
        """The greatest log-likelihood, of any estimate or of those with that share by the moment."""
        mass = np.full(len(cells), 1 / len(cells))
        last = -math.inf
        for _ in range(20_000):
            if share is not None:
                mass = np.where(before, mass * share / mass[before].sum(), mass)
                mass = np.where(before, mass, mass * (1 - share) / mass[~before].sum())
            each = holds @ mass
            value = float(np.log(each).sum())
            if value - last < 1e-10:
                break
            last = value
            mass = mass * (holds / each[:, None]).sum(axis=0) / len(times)
        return value

    best = profile(None)
    middle = sum(mass for (_, upper), mass in zip(cells, _free(holds), strict=True) if upper <= moment)

    def beyond(share: float) -> float:
        return 2 * (best - profile(share)) - Z * Z

    ends = (1e-9, 1 - 1e-9)
    low = brentq(beyond, ends[0], middle, xtol=1e-5) if middle > ends[0] and beyond(ends[0]) > 0 else 0.0
    high = brentq(beyond, middle, ends[1], xtol=1e-5) if middle < ends[1] and beyond(ends[1]) > 0 else 1.0
    return float(low), float(high)


def _free(holds: Floats) -> Floats:
    """The masses of the estimate."""
    mass = np.full(holds.shape[1], 1 / holds.shape[1])
    for _ in range(20_000):
        mass = mass * (holds / (holds @ mass)[:, None]).sum(axis=0) / len(holds)
    return mass


def _with_mass(times: Times) -> Pieces:
    """Turnbull's estimate without the intervals that turn out to hold nothing."""
    return [piece for piece in turnbull(times) if piece[2] > NO_MASS]


def _wilson(times: Times, cells: Pieces) -> tuple[Floats, Floats]:
    """The limits of the share before the first cell, after it, ... and after the last."""
    share = np.minimum(np.cumsum([0.0, *(mass for _, _, mass in cells)]), 1.0)
    share[-1] = 1.0
    low, high = np.zeros(len(share)), np.ones(len(share))
    if len(share) > 2:
        for node, variance in enumerate(_variances(times, cells, share), start=1):
            value = share[node]
            many = min(value * (1 - value) / variance, len(times))
            middle = (value + Z * Z / (2 * many)) / (1 + Z * Z / many)
            reach = Z * math.sqrt(value * (1 - value) / many + (Z / (2 * many)) ** 2) / (1 + Z * Z / many)
            low[node], high[node] = max(middle - reach, 0.0), min(middle + reach, 1.0)
    at_risk = sum(1 for left, _ in times if left >= cells[-1][0])
    low[-1] = 1 - (1 - low[-2]) * Z * Z / (at_risk + Z * Z)
    return np.maximum.accumulate(low), np.minimum.accumulate(high[::-1])[::-1]


def _variances(times: Times, cells: Pieces, share: Floats) -> Floats:
    """The variance of the share at each inner node: the inverse of minus the second derivatives of the
    log-likelihood, the sum of log(F(to) - F(from)) over all times."""
    many = len(cells)
    information = np.zeros((many + 1, many + 1))
    for left, right in times:
        inside = [
            place
            for place, (lower, upper, _) in enumerate(cells)
            if left <= lower and upper <= right and (left < upper or left == right == lower)
        ]
        start, end = inside[0], inside[-1] + 1
        step = np.zeros(many + 1)
        step[start], step[end] = -1, 1
        information += np.outer(step, step) / (share[end] - share[start]) ** 2
    return np.diag(np.linalg.inv(information[1:-1, 1:-1]))


# ---------------------------------------------------------------------------------------------------- figures


def time_bands(name: str, times: Times, minimum_n: int) -> dict[str, float]:
    """The limits of a duration's quantiles, by the names of figures.csv."""
    found: dict[str, float] = {}
    if len(times) < max(minimum_n, 1) or not any(right < INFINITE for _, right in times):
        return found
    bands = Bands.of(times, minimum_n)
    for word, p in QUANTILES.items():
        low, high = bands.of_quantile(p)
        found[f"{name}.band.{word}.from"] = low
        if high is not None:
            found[f"{name}.band.{word}.to"] = high
    return found


def within_bands(start: str, times: Times, figures: dict[str, float], minimum_n: int) -> dict[str, float]:
    """The limits of the share removed within each mark; `figures` has the estimates."""
    found: dict[str, float] = {}
    if len(times) < max(minimum_n, 1):
        return found
    bands = Bands.of(times, minimum_n)
    for name, mark in MARKS.items():
        estimate = figures.get(f"{start}removed_within.{name}.estimate")
        if estimate is not None:
            low, high = bands.at(mark)
            found[f"{start}removed_within.{name}.band.from"] = min(low, estimate)
            found[f"{start}removed_within.{name}.band.to"] = max(high, estimate)
    return found


def difference_limits(figures: dict[str, float]) -> dict[str, float]:
    """The limits of reported less control within each mark, from the limits of both: Newcombe (1998), Zou and
    Donner (2008). `figures` has the estimates and their bands."""
    found: dict[str, float] = {}
    for name in MARKS:
        one, other = f"removed_within.{name}.", f"controls.removed_within.{name}."
        if one + "band.from" in figures and other + "band.from" in figures:
            (a, a_low, a_high), (b, b_low, b_high) = (
                (figures[of + "estimate"], figures[of + "band.from"], figures[of + "band.to"])
                for of in (one, other)
            )
            found[f"controls.difference.{name}.low"] = a - b - math.hypot(a - a_low, b_high - b)
            found[f"controls.difference.{name}.high"] = a - b + math.hypot(a_high - a, b - b_low)
    return found
