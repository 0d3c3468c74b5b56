"""How sure a Turnbull estimate is: a pointwise band for F(t), and limits for its quantiles.

Two methods, because there are two kinds of data.

Where most observations say on which side of t their event lies (checks on a schedule, one of them at t), the
estimate at t is as good as a binomial share of some effective number of observations: F (1 - F) over its
variance. The limits are the Wilson limits of that share (the effective number is that of Rothman 1978,
Journal of Chronic Diseases 31: 557-560); without censoring they are those of the plain share. The variance is
that of the observed information of the cumulative masses on the support (Turnbull 1976, section 5); with
exact times it is Greenwood's. Where F is still 0, the number is that of those still at risk.

Where many observations leave t inside a bounded interval (a person looked once, weeks later), the masses are
not near normal, and that variance is too small. There the limits are widened to those that a
likelihood-ratio test of F(t) does not reject. It takes its critical value from the chi-squared distribution
(3.84 for 95%); that for a single look at a time of its own is less (2.27: Banerjee and Wellner 2001, Annals
of Statistics 29: 1699-1731), so it errs on the wide side.

`benchmarks/coverage.py` prints how often these limits hold the truth.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from apps.metrics.shares import CONFIDENCE, normal_quantile
from apps.metrics.statistics.information import Floats, Integers
from apps.metrics.statistics.likelihood_ratio import LikelihoodRatio
from apps.metrics.statistics.turnbull import Fit, require_share

UNDECIDED = 0.4  # with t inside the bounded intervals of more than this share, the test decides


def band(fit: Fit, times: ArrayLike, *, confidence: float = CONFIDENCE) -> tuple[Floats, Floats]:
    """Pointwise confidence limits, low and high, of F at each of `times`.

    None falls as time goes on, and `fit.at` lies between them. Which other times are asked about makes no
    difference beyond the fourth decimal.
    ValueError for a time below 0; NotConverged for a fit that has not converged.
    """
    return _limits(fit, confidence).at(fit.moments(times))


def quantile_band(fit: Fit, p: float, *, confidence: float = CONFIDENCE) -> tuple[float, float | None]:
    """Confidence limits of the time by which F reaches `p`; the high one is None where nothing bounds it.

    The times at which the band of F holds `p` (Brookmeyer and Crowley 1982, Biometrics 38: 29-41).
    ValueError unless 0 < p <= 1; NotConverged for a fit that has not converged.
    """
    require_share(p)
    return _limits(fit, confidence).of_quantile(p)


def _limits(fit: Fit, confidence: float) -> Limits:
    """Those of `fit`, worked out once."""
    found = fit.memory.get(confidence)
    if not isinstance(found, Limits):
        found = fit.memory[confidence] = Limits(fit, confidence)
    return found


class Limits:
    """The limits of F at each place: before the first time that occurs, at it, between it and the next, ...

    The times are `ends`; time i is place 2 i + 1. Within a place nothing changes.
    """

    def __init__(self, fit: Fit, confidence: float) -> None:
        self.ends = fit.observations.ends
        self.low, self.high = self._binomial(fit, confidence)
        self.tested = fit.observations.undecided() > UNDECIDED * fit.n
        self.ratio = None
        if self.tested.any():
            self.ratio = LikelihoodRatio.of(fit.observations, fit.log_likelihood, confidence)
        if self.ratio is None:
            self.tested[:] = False
        else:
            # The nearest places on either side that need no test: the band does not fall on the way.
            settled = np.concatenate(([0.0], np.where(self.tested, 0.0, self.low)))
            self.floor = np.maximum.accumulate(settled)[:-1]
            settled = np.concatenate((np.where(self.tested, 1.0, self.high), [1.0]))
            self.ceiling = np.minimum.accumulate(settled[::-1])[::-1][1:]
            self.known: dict[tuple[int, bool], float] = {}

    def at(self, moments: Floats) -> tuple[Floats, Floats]:
        """The limits at each moment."""
        places = _places(self.ends, moments)
        low, high = self.low[places], self.high[places]
        for index in np.flatnonzero(self.tested[places]).tolist():
            low[index] = self._low(int(places[index]))
            high[index] = self._high(int(places[index]))
        if self.ratio is not None:  # whose limits are only so exact
            order = np.argsort(places, kind="stable")
            low[order] = np.maximum.accumulate(low[order])
            high[order] = np.minimum.accumulate(high[order][::-1])[::-1]
        return low, high

    def of_quantile(self, p: float) -> tuple[float, float | None]:
        """From the first place whose high limit has reached `p` to the first whose low limit has."""
        soonest = self._first(lambda place: self._high(place) >= p)
        latest = self._first(lambda place: self._low(place) >= p)
        low = float(self.ends[(soonest - 1) // 2]) if soonest else 0.0
        high = float(self.ends[(latest - 1) // 2]) if latest < self.low.size else np.inf
        return low, (high if np.isfinite(high) else None)

    def _low(self, place: int) -> float:
        if self.ratio is None or not self.tested[place]:
            return float(self.low[place])
        if (place, False) not in self.known:
            self.known[place, False] = self.ratio.low(self._moment(place))
        return max(min(self.known[place, False], float(self.low[place])), float(self.floor[place]))

    def _high(self, place: int) -> float:
        if self.ratio is None or not self.tested[place]:
            return float(self.high[place])
        if (place, True) not in self.known:
            self.known[place, True] = self.ratio.high(self._moment(place))
        return min(max(self.known[place, True], float(self.high[place])), float(self.ceiling[place]))

    def _moment(self, place: int) -> float:
        """A time in the place, which lies between two times that occur or is one."""
        index = (place - 1) // 2
        if place % 2:
            return float(self.ends[index])
        return float(self.ends[index] + self.ends[index + 1]) / 2

    def _first(self, holds: Callable[[int], bool]) -> int:
        """The first place for which it holds; what holds for one holds for those after it."""
        below, above = -1, self.low.size
        while above - below > 1:
            middle = (below + above) // 2
            below, above = (below, middle) if holds(middle) else (middle, above)
        return above

    def _binomial(self, fit: Fit, confidence: float) -> tuple[Floats, Floats]:
        """The Wilson limits with effective numbers, made to rise: a limit before holds after too."""
        cumulative = fit.cumulative
        low, high = np.zeros(cumulative.size), np.ones(cumulative.size)
        square = normal_quantile(confidence) ** 2
        if cumulative.size > 2:
            inner = cumulative[1:-1]
            worth = np.minimum(inner * (1 - inner) / fit.variances(), fit.n)
            centre = inner + square / (2 * worth)
            reach = np.sqrt(square * inner * (1 - inner) / worth + (square / (2 * worth)) ** 2)
            low[1:-1] = np.clip((centre - reach) / (1 + square / worth), 0, inner)
            high[1:-1] = np.clip((centre + reach) / (1 + square / worth), inner, 1)
        # The last interval takes F to 1: all of those still at risk had the event.
        at_risk = fit.observations.at_risk(fit.lower[-1:])[0]
        low[-1] = 1 - (1 - low[-2]) * square / (at_risk + square)
        low, high = np.maximum.accumulate(low), np.minimum.accumulate(high[::-1])[::-1]
        ended, begun = fit.nodes_of_places()
        high = high[begun]
        none_yet = begun == 0
        risk = fit.observations.at_risk_in_places()[none_yet]
        high[none_yet] = np.minimum(high[none_yet], square / (risk + square))
        return low[ended], high


def _places(ends: Floats, moments: Floats) -> Integers:
    """Of each moment, its place among and between `ends`."""
    return np.searchsorted(ends, moments, side="left") + np.searchsorted(ends, moments, side="right")
