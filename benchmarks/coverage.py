"""How often the limits hold the truth: `python benchmarks/coverage.py [repetitions]`, by default 1000.

Makes fictional items whose removal times are known, lets them be watched in six ways, and prints in percent
how often the 95% band holds the true share at 24 h, 48 h, 7 d and 30 d, and the 95% interval of the median
holds the true median; after each, half of the band's mean width. Beside that: the plain Wilson interval, and
how often the comparison of two groups has p < 0.05, where they do not differ and where they do. With 1000
repetitions, a true 95.0 shows as 93.6 to 96.4; groups of 200 get half as many, of 1000 a fifth.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "benchmarks")]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402

django.setup()

from survival import Floats, watched  # noqa: E402

from apps.metrics import comparison, shares, survival  # noqa: E402
from apps.metrics.figures import while_followed  # noqa: E402
from apps.metrics.population import until_next_look  # noqa: E402

MARKS = np.array([24, 48, 168, 720], dtype=np.float64)  # hours
Observed = tuple[Floats, Floats]
Way = Callable[[Floats, np.random.Generator], Observed]


def removals(count: int, random: np.random.Generator, slower: float = 1) -> Floats:
    """When items are removed, in hours: four in ten around a day, a third around twelve days."""
    kind = random.random(count)
    soon, late = random.lognormal(math.log(20), 1.2, count), random.lognormal(math.log(300), 1.0, count)
    return np.where(kind < 0.4, soon, np.where(kind < 0.75, late, np.inf)) * slower


def true_share(hours: float) -> float:
    """The share of `removals` by `hours`."""
    soon = 0.5 + math.erf((math.log(hours) - math.log(20)) / 1.2 / math.sqrt(2)) / 2
    late = 0.5 + math.erf((math.log(hours) - math.log(300)) / 1.0 / math.sqrt(2)) / 2
    return 0.4 * soon + 0.35 * late


def long_watch(events: Floats, random: np.random.Generator) -> Observed:
    """Checked on the cadence for 10 to 400 days."""
    return watched(events, random.uniform(240, 9600, events.size), random)


def short_watch(events: Floats, random: np.random.Generator) -> Observed:
    """Checked on the cadence for 5 hours to 40 days: many leave early."""
    return watched(events, random.uniform(5, 960, events.size), random)


def next_look_due(events: Floats, random: np.random.Generator) -> Observed:
    """As `short_watch`, and as in the figures: up until the next look is due, and as long as enough were
    followed."""
    followed = random.uniform(5, 960, events.size)
    left, right = watched(events, followed, random)
    seconds = until_next_look(
        (left * 3600).astype(np.int64),
        (followed * 3600).astype(np.int64),
        watched=np.ones(events.size, bool),
    )
    left, right, _ = while_followed(np.where(np.isinf(right), seconds / 3600, left), right, minimum_n=5)
    return left, right


def one_look(events: Floats, random: np.random.Generator) -> Observed:
    """A person looks once, on one of the first 60 days."""
    look = 24 * np.ceil(random.uniform(0, 60, events.size)) - random.integers(0, 12, events.size)
    gone = events <= look
    return np.where(gone, 0.0, look), np.where(gone, look, np.inf)


def three_looks(events: Floats, random: np.random.Generator) -> Observed:
    """A person looks up to three times, about 20 days apart."""
    left, right = np.zeros(events.size), np.full(events.size, np.inf)
    for _ in range(3):
        look = left + np.round(random.exponential(480, events.size) + 1)
        still = np.isinf(right)
        gone = still & (events <= look)
        right[gone] = look[gone]
        left = np.where(still & ~gone, look, left)
    return left, right


def mixed(events: Floats, random: np.random.Generator) -> Observed:
    """Half of them checked on the cadence, half looked at once."""
    half = events.size // 2
    one, other = long_watch(events[:half], random), one_look(events[half:], random)
    return np.concatenate((one[0], other[0])), np.concatenate((one[1], other[1]))


def true_median() -> float:
    """Where `true_share` is a half."""
    low, high = 1.0, 10_000.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if true_share(middle) < 0.5 else (low, middle)
    return low


def bands(repetitions: int) -> Iterator[str]:
    """How often band and median interval hold."""
    truth, median = np.array([true_share(hours) for hours in MARKS.tolist()]), true_median()
    shown = ", ".join(f"{share:.3f}" for share in truth)
    yield f"True shares at 24 h, 48 h, 7 d, 30 d: {shown}; median {median:.0f} h"
    yield f"{'':<12} {'n':>5}  " + "  ".join(
        f"{mark:>13}" for mark in ("24 h", "48 h", "7 d", "30 d", "median")
    )
    for way in (long_watch, short_watch, next_look_due, mixed, three_looks, one_look):
        for count in (20, 50, 200, 1000):
            random = np.random.default_rng(count)
            hits, widths, medians, failed = np.zeros(4), np.zeros(4), 0, 0
            times = max(repetitions // (1 if count < 200 else 2 if count < 1000 else 5), 1)
            for _ in range(times):
                fit = survival.fit(*survival.rounded_outward(*way(removals(count, random), random)))
                if not fit.converged:
                    failed += 1
                    continue
                low, high = survival.band(fit, MARKS)
                hits += (low <= truth) & (truth <= high)
                widths += high - low
                soonest, latest = survival.quantile_band(fit, 0.5)
                medians += soonest <= median <= (math.inf if latest is None else latest)
            done = times - failed
            cells = [
                f"{100 * hit / done:5.1f} (±{width / done / 2:.3f})"
                for hit, width in zip(hits, widths, strict=True)
            ]
            yield (
                f"{way.__name__:<12} {count:>5}  {'  '.join(cells)}  {100 * medians / done:13.1f}"
                + (f"  {failed} of {times} did not converge" if failed else "")
            )


def wilson(repetitions: int) -> Iterator[str]:
    """How often the Wilson interval of a plain share holds."""
    random = np.random.default_rng(1)
    yield "Wilson interval of a share of 0.05, 0.23, 0.5, 0.95"
    for count in (20, 50, 200, 1000):
        cells = []
        for truth in (0.05, 0.23, 0.5, 0.95):
            held = 0
            for seen in random.binomial(count, truth, 10 * repetitions).tolist():
                interval = shares.wilson(seen, count)
                held += interval is not None and interval.low <= truth <= interval.high
            cells.append(f"{100 * held / (10 * repetitions):5.1f}")
        yield f"{'':<12} {count:>5}  {'  '.join(cells)}"


def tests(repetitions: int) -> Iterator[str]:
    """How often the comparison of two groups has p < 0.05."""
    cases: tuple[tuple[str, Way, Way, float], ...] = (
        ("the same, watched alike", long_watch, long_watch, 1),
        ("the same, one not for long", long_watch, short_watch, 1),
        ("the same, one looked at once", long_watch, one_look, 1),
        ("the same, both looked at once", one_look, one_look, 1),
        ("four times as slow", long_watch, long_watch, 4),
    )
    yield "Comparison: p < 0.05 in percent, for two groups of n (and of n and 3 n)"
    for name, one, other, slower in cases:
        for count in (20, 50, 200):
            cells = []
            for more in (1, 3):
                random = np.random.default_rng(count)
                small, able = 0, 0
                for _ in range(repetitions):
                    first = one(removals(count, random), random)
                    second = other(removals(more * count, random, slower), random)
                    p = comparison.compare(
                        survival.rounded_outward(*first), survival.rounded_outward(*second)
                    ).p
                    able += p is not None
                    small += p is not None and p < 0.05
                cells.append(f"{100 * small / max(able, 1):5.1f}")
            yield f"{name:<30} {count:>5}  {'  '.join(cells)}"


def main() -> None:
    """Print it all."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for part in (wilson, bands, tests):
        for line in part(repetitions):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
