"""Do two groups differ in when the event came? A test for times of which only bounds are known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from apps.metrics.statistics import npmle
from apps.metrics.statistics.information import Floats, Integers, Springs, solved

TEST = "Finkelstein's score test for proportional hazards with interval-censored times"
SOURCE = "Finkelstein (1986), Biometrics 42: 845-854"

EMPTY = "One of the groups has no items."
NO_EVENTS = "No event was seen in either group."
NOT_CONVERGED = "The estimate of both groups together did not converge."
NO_INFORMATION = "The times say nothing about how the groups differ."


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the test found, or in `reason` a sentence on why it found nothing.

    `statistic` is chi-squared with one degree of freedom if both groups have the same times, and `p` the
    probability of such a value or a greater one. `excess` is the score of the first group, in events:
    those observed less those expected with the same times, so above 0 where its events came sooner. The
    three are None where there is a `reason`.
    """

    n_first: int
    n_second: int
    statistic: float | None = None
    p: float | None = None
    excess: float | None = None
    reason: str = ""


def compare(first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike]) -> Comparison:
    """Test whether two groups, each given as its left and right ends, have the same times.

    The score test at a hazard ratio of 1 (Finkelstein 1986). With S the survival of Turnbull's estimate of
    both groups together and g(S) = S log S, observation (l, r] has the score

        c = (g(S_l) - g(S_r)) / (S_l - S_r)

    and the statistic is the sum of the first group's, squared, over its variance: the observed information
    of the log hazard ratio, less what estimating S takes away of it. S may move where it moves in the
    estimate; what has no mass in both groups together has none here (Fay 1996, Biometrics 52: 811-822, on
    why it must). With exact and right-censored times this is the log-rank test up to how ties count.

    The groups may be followed differently: for different lengths of time, or at other intervals. (The
    permutation form of the test is not valid then, as it takes follow-up for part of what is shuffled.) The
    variance is one for many items; see `benchmarks/coverage.py` for how small a group may be.

    ValueError, with a sentence, for what is no set of observations (see `npmle.Observations`).
    """
    one, other = (
        (np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64))
        for left, right in (first, second)
    )
    sizes = one[0].size, other[0].size
    if not all(sizes):
        return Comparison(*sizes, reason=EMPTY)
    left, right = (np.concatenate(ends) for ends in zip(one, other, strict=True))
    if np.isinf(right).all():
        return Comparison(*sizes, reason=NO_EVENTS)
    pooled = npmle.Observations.of(left, right)
    found = npmle.maximise(pooled)
    if not found.converged:
        return Comparison(*sizes, reason=NOT_CONVERGED)
    upper = pooled.upper[found.cells]
    start, last, total = _on_support(left, right, upper)
    begins, finishes, weight = _on_support(*one, upper)
    mine = np.zeros_like(total)  # the part of each total that is the first group's
    mine[np.searchsorted(start * upper.size + last, begins * upper.size + finishes)] = weight
    excess, variance = _score(start, last + 1, total, mine, found.mass)
    if not variance > 1e-9 * float(mine.sum()):
        return Comparison(*sizes, reason=NO_INFORMATION)
    statistic = excess * excess / variance
    return Comparison(*sizes, statistic, math.erfc(math.sqrt(statistic / 2)), excess)


def _on_support(left: Floats, right: Floats, upper: Floats) -> tuple[Integers, Integers, Floats]:
    """The first and last of the support intervals, which end at `upper`, of each distinct observation."""
    exact = left == right
    start = np.searchsorted(upper, left, side="right")
    start[exact] = np.searchsorted(upper, left[exact], side="left")
    last = np.searchsorted(upper, right, side="right") - 1
    return npmle.collapsed(start, last, None, upper.size)


def _score(start: Integers, end: Integers, total: Floats, mine: Floats, mass: Floats) -> tuple[float, float]:
    """The score of the first group and its variance.

    `start`, `end`: between which nodes of the estimate each distinct observation lies; `total` and `mine`:
    its weight in both groups and in the first.
    """
    nodes = mass.size
    survival = 1 - np.concatenate(([0.0], np.cumsum(mass)))
    survival[-1] = 0.0
    log = np.log(survival, out=np.zeros_like(survival), where=survival > 0)
    slope = survival * log  # of S^exp(b) in b at 0, and its second derivative
    bend = slope * (1 + log)
    probability = survival[start] - survival[end]
    score = (slope[start] - slope[end]) / probability
    own = score * score - (bend[start] - bend[end]) / probability
    # How the score changes with S at either end; the outermost two do not move.
    turn = 1 + log
    at_start = mine * (score - turn[start]) / probability
    at_end = mine * (turn[end] - score) / probability
    mixed: Floats = np.zeros(nodes + 1)
    mixed += np.bincount(start, at_start, nodes + 1)
    mixed += np.bincount(end, at_end, nodes + 1)
    variance = float(mine @ own)
    if nodes > 1:
        springs = Springs(start, end, total / probability**2, nodes)
        variance -= float(mixed[1:-1] @ solved(springs, mixed[1:-1]))
    return float(mine @ score), variance
