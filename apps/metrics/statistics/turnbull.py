"""Turnbull's estimate of how long it took, and what can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from apps.metrics.statistics import npmle
from apps.metrics.statistics.information import Floats, Information, Integers, Springs, affordable

FAINTLY = 1e-6  # with this part of its stiffness a node is held that nothing else may hold
TIE = 1e-9  # a cumulative mass that is short of p by less than this has reached p


class NotConverged(Exception):
    """The fit stopped before its maximum, so that it has no number to give."""


def require_share(p: float) -> None:
    """ValueError unless 0 < p <= 1."""
    if not 0 < p <= 1:
        raise ValueError(f"A quantile is asked for with a share above 0 and up to 1, and {p} is not.")


@dataclass(frozen=True, slots=True)
class Curve:
    """Three broken lines over the same `times`: straight between points, upright where a time stands twice.

    `low` and `high` are the bounds of `Fit.at`, `estimate` is that of `Fit.estimate`. The lines start at
    time 0 and end where the support does, or where its unbounded interval begins.
    """

    times: Floats
    low: Floats
    high: Floats
    estimate: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The nonparametric maximum likelihood estimate of F(t), the share whose event came by time t.

    `lower`, `upper`: the ends of the innermost intervals (lower, upper] that carry mass, in order; equal for
    an exact time, `upper` infinite for mass after the last look. `mass` sums to 1. `n` is the total weight,
    `log_likelihood` that at the maximum, `gap` how far it may be from the true maximum at most.

    A fit with `converged` False holds no support and no likelihood, and whatever is asked of it raises
    `NotConverged`.
    """

    lower: Floats
    upper: Floats
    mass: Floats
    n: float
    log_likelihood: float
    gap: float
    iterations: int
    converged: bool
    observations: npmle.Observations = field(repr=False)
    cells: Integers = field(repr=False)  # which of the innermost intervals of `observations` carry mass
    memory: dict[float, object] = field(default_factory=dict, repr=False)  # limits by confidence

    def at(self, times: ArrayLike) -> tuple[Floats, Floats]:
        """The lowest and the highest F(t) that fit the data equally well, for each of `times`.

        They differ inside an innermost interval, where the data do not say how its mass is spread.
        """
        moments = self.moments(times)
        cumulative = self.cumulative
        first, last = self.nodes(moments)
        return cumulative[first], cumulative[last]

    def estimate(self, times: ArrayLike) -> Floats:
        """F(t) with the mass of each bounded innermost interval spread evenly over it.

        The mass of an unbounded one is never spread: the estimate stays at what was reached before it.
        """
        moments = self.moments(times)
        cumulative = self.cumulative
        first, last = self.nodes(moments)
        value = cumulative[first]
        inside = (last > first) & np.isfinite(self.upper[np.minimum(first, self.upper.size - 1)])
        cell = first[inside]
        passed = (moments[inside] - self.lower[cell]) / (self.upper[cell] - self.lower[cell])
        value[inside] += self.mass[cell] * passed
        return np.minimum(value, cumulative[last])

    def quantile(self, p: float) -> tuple[float, float] | None:
        """The innermost interval in which F first reaches `p`; None where it is not reached.

        An exact time comes as an interval of no length. ValueError unless 0 < p <= 1.
        """
        require_share(p)
        self._require()
        cell = int(np.searchsorted(self.cumulative[1:], p - TIE))
        if cell >= self.mass.size or np.isinf(self.upper[cell]):
            return None
        return float(self.lower[cell]), float(self.upper[cell])

    def curve(self) -> Curve:
        """The lines to draw."""
        self._require()
        bounded = np.isfinite(self.upper)
        before, after = self.cumulative[:-1], self.cumulative[1:]

        def line(*columns: Floats) -> Floats:
            points = np.column_stack(columns)
            flat = np.concatenate(([0.0], points[bounded].ravel(), points[~bounded, :1].ravel()))
            return np.asarray(flat, dtype=np.float64)

        return Curve(
            times=line(self.lower, self.lower, self.upper, self.upper),
            low=line(before, before, before, after),
            high=line(before, after, after, after),
            estimate=line(before, before, after, after),
        )

    @property
    def cumulative(self) -> Floats:
        """F before the first support interval (0), and after each of them; the last is 1."""
        self._require()
        total = np.concatenate(([0.0], np.cumsum(self.mass)))
        total[-1] = 1.0
        return np.minimum(total, 1.0)

    def nodes(self, moments: Floats) -> tuple[Integers, Integers]:
        """Of each moment, how many support intervals have ended by it, and how many have begun before it."""
        ended = np.searchsorted(self.upper, moments, side="right")
        begun = np.searchsorted(self.lower, moments, side="left")
        return ended, np.maximum(ended, begun)

    def nodes_of_places(self) -> tuple[Integers, Integers]:
        """The same for each place: before the first of `observations.ends`, at it, beyond it, and so on."""
        ends = self.observations.ends
        ended = np.repeat(np.searchsorted(self.upper, ends, side="right"), 2)
        begun = np.repeat(np.searchsorted(self.lower, ends, side="right"), 2)
        begun[::2] = np.searchsorted(self.lower, ends, side="left")
        return np.concatenate(([0], ended)), np.concatenate(([0], np.maximum(ended, begun)))

    def variances(self) -> Floats:
        """The variance of F between each two neighbours in the support.

        From the observed information of those values; no mass comes to be elsewhere (Turnbull 1976, section
        5; Gentleman and Geyer 1994, section 4). With exact times they are Greenwood's. Where the support is
        so large that it would take too long, the observations that span most of its intervals are left out
        of the information, which can only make the variances greater.
        """
        first, last, weight = self.observations.on(self.cells)
        cumulative = self.cumulative
        probability = cumulative[last + 1] - cumulative[first]
        springs = Springs(first, last + 1, weight / probability**2, self.cells.size)
        near, others = springs.parted(affordable(springs.nodes))
        return Information(near, FAINTLY * others).variances()

    def moments(self, times: ArrayLike) -> Floats:
        self._require()
        moments = np.atleast_1d(np.asarray(times, dtype=np.float64))
        if np.isnan(moments).any() or (moments < 0).any():
            raise ValueError("A time to ask about is a number from 0 up.")
        return moments

    def _require(self) -> None:
        if not self.converged:
            raise NotConverged(
                f"The estimate had not converged after {self.iterations} steps: its log-likelihood may be "
                f"{self.gap:.3g} below the maximum. It has no number to give."
            )


def fit(
    left: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None, *, steps: int = npmle.STEPS
) -> Fit:
    """Turnbull's estimate of when the event came. See `npmle.maximise` for the method.

    `left`, `right`: one-dimensional and of one length, 0 <= left <= right, `left` finite. `weights`: how
    many observations each stands for, 0 or more; by default one each. `steps`: after how many it gives up.

    ValueError, with a sentence, for anything else, and when there is no observation at all.
    """
    observations = npmle.Observations.of(left, right, weights)
    found = npmle.maximise(observations, steps=steps)
    return Fit(
        lower=observations.lower[found.cells],
        upper=observations.upper[found.cells],
        mass=found.mass,
        n=observations.n,
        log_likelihood=found.log_likelihood,
        gap=found.gap,
        iterations=found.steps,
        converged=found.converged,
        observations=observations,
        cells=found.cells,
    )
