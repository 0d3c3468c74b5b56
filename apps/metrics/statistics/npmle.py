"""Where the probability mass of interval-censored times lies when the likelihood is greatest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apps.metrics.statistics.information import SHORT, Information, Springs

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

STEPS = 500  # after so many it gives up; a million intervals of the cadence took 13
PIVOTS = 2  # far from the maximum, the quadratic model deserves no more


def collapsed(
    first: Integers, last: Integers, weight: Floats | None, cells: int
) -> tuple[Integers, Integers, Floats]:
    """Ranges of cells (`first` to `last`, both included) with the identical ones added up.

    `weight` None stands for one each. Ordered by `first`.
    """
    width = last - first
    open_ended = last == cells - 1
    widest = int(width[~open_ended].max(initial=0)) + 1  # of those that end: the rest share one column
    columns = widest + 1
    key = first * columns + np.where(open_ended, widest, width)
    if cells * columns <= max(1_000_000, 2 * key.size):
        total = np.bincount(key, weight, cells * columns)
        found = np.flatnonzero(total)
        sums = total[found].astype(np.float64)
    elif weight is None:
        key.sort()
        begins = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
        found = key[begins]
        sums = np.diff(begins, append=key.size).astype(np.float64)
    else:
        order = np.argsort(key)
        ordered = key[order]
        begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        found = ordered[begins]
        sums = np.add.reduceat(weight[order], begins)
    start, column = np.divmod(found, columns)
    return start, np.where(column == widest, cells - 1, start + column), sums


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """Interval-censored times, brought down to what the likelihood depends on.

    `lower`, `upper`: the innermost intervals, the only places where mass can help the likelihood (Peto 1973,
    Applied Statistics 22: 86-91; Turnbull 1976). Observation `i` says that the event lies in one of the
    innermost intervals `first[i]` to `last[i]`, and stands for `weight[i]` such observations.

    `ends`: all times that occur, in order. Of those, `opening`, `opening_bounded` and `closing_bounded` are
    the weights of the observations whose left end is there, of those among them that are bounded and not
    exact, and of the bounded and not exact ones whose right end is there. `given`: left, right and weights
    as they came.
    """

    lower: Floats
    upper: Floats
    first: Integers
    last: Integers
    weight: Floats
    ends: Floats
    opening: Floats
    opening_bounded: Floats
    closing_bounded: Floats
    given: tuple[Floats, Floats, Floats | None]

    @property
    def n(self) -> float:
        """The total weight."""
        return float(self.weight.sum())

    def at_risk(self, moments: Floats) -> Floats:
        """The weight of the observations that are known not to have had the event before each moment."""
        later = np.concatenate((np.cumsum(self.opening[::-1])[::-1], [0.0]))
        return np.asarray(later[np.searchsorted(self.ends, moments, side="left")], dtype=np.float64)

    def at_risk_in_places(self) -> Floats:
        """The same for each place: before the first of `ends`, at it, between it and the next, and so on."""
        later = np.concatenate((np.cumsum(self.opening[::-1])[::-1], [0.0]))
        return np.repeat(later, 2)[:-1]

    def undecided(self) -> Floats:
        """The weight of the observations that have each place inside their bounded interval."""
        opened, closed = np.cumsum(self.opening_bounded), np.cumsum(self.closing_bounded)
        found = np.zeros(2 * self.ends.size + 1)
        found[2::2] = opened - closed
        found[1::2] = opened - self.opening_bounded - closed
        return found

    def distinct(self, most: int) -> tuple[Floats, Floats, Floats] | None:
        """Left, right and weight of each distinct interval; None where there are more than `most`."""
        if self.first.size > most:
            return None
        left, right, weight = self.given
        ends, start, end = _codes(left, right)
        key = start * ends.size + end
        found, place = np.unique(key, return_inverse=True)
        if found.size > most:
            return None
        return ends[found // ends.size], ends[found % ends.size], _totals(place, weight, found.size)

    def on(self, cells: Integers) -> tuple[Integers, Integers, Floats]:
        """First and last of `cells` that each distinct observation holds, and its weight."""
        before = np.concatenate(([0], np.cumsum(np.bincount(cells, minlength=self.lower.size))))
        return collapsed(before[self.first], before[self.last + 1] - 1, self.weight, cells.size)

    @classmethod
    def of(cls, left: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None) -> Observations:
        """Check and collapse. ValueError, with a sentence, for what is no set of observations."""
        lefts, rights, weight = given = _checked(left, right, weights)
        ends, start, end = _codes(lefts, rights)
        exact = start == end
        # Just before and just after each time are two places: 2 * code and 2 * code + 1.
        begins = 2 * start + 1 - exact
        finishes = 2 * end + 1
        places = 2 * ends.size
        opens = np.zeros(places, dtype=bool)
        closes = np.zeros(places, dtype=bool)
        opens[begins] = True
        closes[finishes] = True
        used = np.flatnonzero(opens | closes)
        here = opens[used[:-1]] & closes[used[1:]]  # an opening that a closing follows at once
        low, high = used[:-1][here], used[1:][here]
        # The first innermost interval from each place on, and the last one up to it.
        first = np.searchsorted(low, np.arange(places))[begins]
        last = np.searchsorted(high, np.arange(places), side="right")[finishes] - 1
        bounded = ~exact & (end < ends.size - np.isinf(ends[-1]))
        return cls(
            ends[low // 2],
            ends[high // 2],
            *collapsed(first, last, weight, low.size),
            ends,
            _totals(start, weight, ends.size),
            _totals(start, bounded if weight is None else weight * bounded, ends.size),
            _totals(end, bounded if weight is None else weight * bounded, ends.size),
            given,
        )


def _totals(code: Integers, weight: NDArray[np.float64 | np.bool_] | None, size: int) -> Floats:
    return np.bincount(code, weight, size).astype(np.float64)


def _checked(
    left: ArrayLike, right: ArrayLike, weights: ArrayLike | None
) -> tuple[Floats, Floats, Floats | None]:
    lefts = np.asarray(left, dtype=np.float64)
    rights = np.asarray(right, dtype=np.float64)
    if lefts.ndim != 1 or lefts.shape != rights.shape:
        raise ValueError("Left and right ends are two rows of numbers of the same length.")
    if not (lefts >= 0).all():
        raise ValueError("A left end is a number from 0 up: nothing happens before its clock starts.")
    if not (lefts <= rights).all():
        raise ValueError("A right end is a number, and not before its left end.")
    if np.isinf(lefts).any():
        raise ValueError("A left end is a finite time: the last at which the event had not happened.")
    weight = None
    if weights is not None:
        weight = np.asarray(weights, dtype=np.float64)
        if weight.shape != lefts.shape:
            raise ValueError("There is one weight for each observation.")
        if not ((weight >= 0) & np.isfinite(weight)).all():
            raise ValueError("A weight is a finite number from 0 up.")
        counted = weight > 0
        if not counted.all():
            lefts, rights, weight = lefts[counted], rights[counted], weight[counted]
    if lefts.size == 0:
        raise ValueError("There is no observation to estimate from.")
    return lefts, rights, weight


def _codes(left: Floats, right: Floats) -> tuple[Floats, Integers, Integers]:
    """The distinct times in order, and for each end its place among them.

    Times on a grid of minutes (in hours) are counted off in a table; others are sorted.
    """
    size = left.size
    longest = right.max(initial=0.0, where=np.isfinite(right))
    longest = max(longest, left.max())
    if size > 1000 and longest * 60 < max(2 * size, 600_000 if size > 10_000 else 0):
        top = int(longest * 60) + 2
        start = np.rint(left * 60).astype(np.intp)
        end = np.rint(np.minimum(right * 60, top)).astype(np.intp)
        table = np.full(top + 1, np.nan)
        table[start] = left
        table[end] = right
        if (table[start] == left).all() and (table[end] == right).all():
            present = np.flatnonzero(~np.isnan(table))
            code = np.zeros(top + 1, dtype=np.intp)
            code[present] = np.arange(present.size)
            return table[present], code[start], code[end]
    both = np.concatenate((left, right))
    order = np.argsort(both)
    ordered = both[order]
    new = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    code = np.empty(both.size, dtype=np.intp)
    code[order] = np.cumsum(new) - 1
    return ordered[new], code[:size], code[size:]


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """Where the search ended. Without `converged` there is no mass and no likelihood.

    `cells` are the innermost intervals with mass, `first` and `last` the observations in terms of those.
    `gap` bounds from above by how much the log-likelihood could still rise.
    """

    cells: Integers
    mass: Floats
    log_likelihood: float
    gap: float
    steps: int
    converged: bool


def tolerance(n: float) -> float:
    """The gap at which a fit of `n` observations has converged: 1e-6, or 1e-9 of `n` where that is more."""
    return max(1e-6, 1e-9 * n)


def maximise(observations: Observations, *, steps: int = STEPS) -> Maximum:
    """The greatest likelihood of `observations`. See `search`."""
    return search(
        observations.first, observations.last, observations.weight, observations.lower.size, steps=steps
    )


def search(
    first: Integers,
    last: Integers,
    weight: Floats,
    size: int,
    *,
    start: tuple[Integers, Floats] | None = None,
    enough: float | None = None,
    steps: int = STEPS,
) -> Maximum:
    """Maximise the sum of weight * log(mass in the cells `first` to `last`) over the masses of `size` cells.

    1. Start from `start` (cells and masses that give every observation some), or from a smallest set of
       cells that meets every observation.
    2. Take the gradient d_j = sum of w_i / P_i over the observations that contain cell j. At the maximum it
       is n where there is mass and at most n elsewhere (Gentleman and Geyer 1994, Biometrika 81: 618-623),
       and max d_j - n bounds what is missing, because the log-likelihood is concave. Stop when that is small.
    3. Add to the support, between each two neighbours in it, the cell with the largest gradient (Wang 2008,
       Computational Statistics and Data Analysis 52: 2388-2402).
    4. Go towards the maximum of the quadratic model under mass >= 0, as far as the likelihood rises, and
       drop what has no mass left. Again from 2.

    Where every observation is one cell or open to the right, the product-limit estimate (Kaplan and Meier
    1958) is the maximum and the start.

    `enough` is the gap at which it has converged, by default `tolerance(n)`.
    """
    n = float(weight.sum())
    enough = tolerance(n) if enough is None else enough
    support, mass = start if start is not None else _start(first, last, weight, size)
    gap = np.inf
    for step in range(steps + 1):
        cumulative = np.zeros(size + 1)
        cumulative[support + 1] = mass
        np.cumsum(cumulative, out=cumulative)
        probability = cumulative[last + 1] - cumulative[first]
        rate = weight / probability
        gradient = np.cumsum(np.bincount(first, rate, size) - np.bincount(last + 1, rate, size + 1)[:size])
        gap = float(gradient.max() - n)
        if gap <= enough:
            return Maximum(support, mass, float(weight @ np.log(probability)), max(gap, 0.0), step, True)
        if step == steps:
            break
        grown = _grown(support, gradient, n)
        masses = np.zeros(grown.size)
        masses[np.searchsorted(grown, support)] = mass
        before = np.concatenate(([0], np.cumsum(np.bincount(grown, minlength=size))))
        reduced = collapsed(before[first], before[last + 1] - 1, weight, grown.size)
        improved = _improved(*reduced, masses)
        kept = improved > 0
        support, mass = grown[kept], improved[kept]
        mass /= mass.sum()
    return Maximum(support[:0], mass[:0], np.nan, gap, steps, False)


def _start(first: Integers, last: Integers, weight: Floats, size: int) -> tuple[Integers, Floats]:
    """A support that meets every observation, and the product-limit estimate on it."""
    single = first == last
    if (single | (last == size - 1)).all():
        support = np.arange(size)
    else:
        nearest = np.full(size, size)
        np.minimum.at(nearest, first, last)
        ends = np.minimum.accumulate(nearest[::-1])[::-1].tolist()
        found, cell = [], 0
        while cell < size:
            found.append(ends[cell])
            cell = ends[cell] + 1
        support = np.array(found, dtype=np.intp)
    count = support.size
    begin = np.searchsorted(support, first)
    finish = np.searchsorted(support, last, side="right") - 1
    event = (finish < count - 1) | (begin == finish)
    events = np.bincount(begin[event], weight[event], count)
    censored = np.bincount(begin[~event], weight[~event], count)
    leaving = np.concatenate(([0.0], np.cumsum(events + censored)[:-1])) + censored
    at_risk = weight.sum() - leaving
    share = np.clip(events / np.maximum(at_risk, np.finfo(float).tiny), 0.0, 1.0)
    share[-1] = 1.0
    survival = np.concatenate(([1.0], np.cumprod(1 - share)))
    mass = -np.diff(survival)
    kept = mass > 0
    if kept.all():
        return support, mass / mass.sum()
    return support[kept], mass[kept] / mass[kept].sum()


def _grown(support: Integers, gradient: Floats, n: float) -> Integers:
    """The support with, in each gap between neighbours, the interval whose gradient is most above n."""
    starts = np.concatenate(([0], support))
    starts = starts if support[0] > 0 else starts[1:]
    tops = np.maximum.reduceat(gradient, starts)
    part = np.repeat(np.arange(starts.size), np.diff(starts, append=gradient.size))
    candidates = np.flatnonzero((gradient == tops[part]) & (gradient > n))
    return np.union1d(support, candidates)


def _improved(first: Integers, last: Integers, weight: Floats, mass: Floats) -> Floats:
    """Masses of greater likelihood than `mass`, with some of them 0: one projected Newton step."""
    size = mass.size
    total = np.concatenate(([0.0], np.cumsum(mass)))
    probability = total[last + 1] - total[first]
    rate = weight / probability
    slope: Floats = _totals(last + 1, rate, size + 1) - _totals(first, rate, size + 1)
    # The quadratic model's slope and curvature; of the longest ranges the latter on the diagonal only.
    springs = Springs(first, last + 1, rate / probability, size)
    near, pins = springs.parted(SHORT)
    pull = 2 * slope
    if pins.any():
        inner = total[1:-1]
        pull[1:-1] += near.times(inner) + pins[1:-1] * inner - springs.times(inner)
    target = _model_maximum(near, pins, pull)
    ends = np.concatenate(([0.0], np.cumsum(target)))
    change = (ends[last + 1] - ends[first]) - probability
    rise = float(rate @ change)
    best = float(weight @ np.log(probability))
    part = 1.0 if rise > 0 else 0.0
    while part > 1e-6:
        tried = probability + part * change
        if (tried > 0).all():
            reached = float(weight @ np.log(tried))
            if reached >= best + 1e-3 * part * rise - 1e-13 * abs(best):
                return np.maximum(mass + part * (target - mass), 0.0)
        part /= 2
    # That way does not lead up, which rounding can bring about: a step of self-consistency always does.
    gradient = np.cumsum(_totals(first, rate, size) - _totals(last + 1, rate, size + 1)[:size])
    return np.asarray(mass * gradient / weight.sum(), dtype=np.float64)


def _model_maximum(springs: Springs, pins: Floats, pull: Floats) -> Floats:
    """The masses, none negative, that maximise the quadratic model, or nearly so.

    Block principal pivoting (Portugal, Judice and Vicente 1994, Mathematics of Computation 63: 625-643):
    solve with some masses held at 0; hold those that came out negative, let go of those that would gain.
    """
    size = springs.nodes
    free = np.ones(size, dtype=bool)
    for _ in range(PIVOTS):
        group = np.concatenate(([0], np.cumsum(free)))
        groups = int(group[-1])
        start, end = group[springs.start], group[springs.end]
        apart = start < end
        joined = Springs(start[apart], end[apart], springs.stiffness[apart], groups)
        heights = np.empty(groups + 1)
        heights[0], heights[-1] = 0.0, 1.0
        if groups > 1:
            force = _totals(group, pull, groups + 1)[1:-1]
            pulls = joined.end == groups
            force += _totals(joined.start[pulls], joined.stiffness[pulls], groups + 1)[1:-1]
            heights[1:-1] = Information(joined, _totals(group, pins, groups + 1)).solve(force)
        found = np.zeros(size)
        found[free] = np.diff(heights)
        # What the model would gain by mass in each interval, less what it gains by mass in the support.
        across = (heights[end] - heights[start]) * springs.stiffness
        left_over = (
            pull
            - np.bincount(springs.end, across, size + 1)
            + np.bincount(springs.start, across, size + 1)
            - pins * heights[group]
        )
        gain = np.cumsum(left_over[::-1])[::-1][1:]
        gain = gain - gain[np.flatnonzero(free)[-1]]
        wrong = free & (found < 0)
        missing = ~free & (gain > 1e-9 * springs.stiffness.max())
        if not (wrong | missing).any():
            return found
        free = (free & ~wrong) | missing
    found = np.maximum(found, 0.0)
    return np.asarray(found / found.sum(), dtype=np.float64)
