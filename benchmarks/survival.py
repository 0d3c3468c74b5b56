"""How long Turnbull's estimate takes, beside lifelines: `python benchmarks/survival.py [items ...]`.

Makes fictional items that are checked as the cadence has it (the gap is age/16, from 15 minutes to 7 days,
and each mark is checked on time), of which some are removed soon, some late and some never, followed for 10
to 400 days. Fits them as they are, to the second, and rounded outward as the summary does; prints the median
seconds of three runs and the peak memory of the process, for the fit, and for the fit with its band at the
marks and at 200 more times and its quartiles. lifelines gets the same items and 60 seconds.
"""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from apps.metrics import survival  # noqa: E402

Floats = NDArray[np.float64]

MARKS = np.array([1, 2, 3, 24, 48, 72, 168, 336, 720, 2160], dtype=np.float64)  # hours
SECONDS_FOR_LIFELINES = 60
WAYS = ("raw, fit", "raw, fit + band", "rounded, fit", "rounded, fit + band", "rounded, lifelines")


def watched(events: Floats, followed: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """What checks on the cadence see of `events`, each item being followed for `followed`; all in hours."""
    age = np.zeros(events.size)
    left, right = np.zeros(events.size), np.full(events.size, np.inf)
    watching = np.arange(events.size)
    while watching.size:
        now = age[watching]
        due = now + np.clip(now / 16, 0.25, 168) * (1 - 0.1 * random.random(now.size))
        mark = np.append(MARKS, np.inf)[np.searchsorted(MARKS, now, side="right")]
        due = np.round(np.minimum(due, mark) * 3600) / 3600
        over = due > followed[watching]
        seen = ~over & (events[watching] <= due)
        right[watching[seen]] = due[seen]
        again = ~over & ~seen
        left[watching[again]] = due[again]
        age[watching] = due
        watching = watching[again]
    return left, right


def removals(count: int, random: np.random.Generator) -> Floats:
    """When items are removed, in hours: three in ten around a day, three around twelve days, four never."""
    kind = random.random(count)
    soon, late = random.lognormal(np.log(20), 1.2, count), random.lognormal(np.log(300), 1.0, count)
    return np.where(kind < 0.3, soon, np.where(kind < 0.6, late, np.inf))


def items(count: int) -> tuple[Floats, Floats]:
    """`count` fictional items, always the same."""
    random = np.random.default_rng(count)
    return watched(removals(count, random), random.uniform(240, 9600, count), random)


def run(way: str, count: int) -> None:
    """In a process of its own: three times, and what it took."""
    import resource
    import warnings

    left, right = items(count)
    if way.startswith("rounded"):
        left, right = survival.rounded_outward(left, right)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    took, note = [], ""
    for _ in range(1 if "lifelines" in way else 3):
        began = time.perf_counter()
        if "lifelines" in way:
            from lifelines import KaplanMeierFitter

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                KaplanMeierFitter().fit_interval_censoring(left, right)
        else:
            fit = survival.fit(left, right)
            note = f"{fit.mass.size} intervals with mass, {fit.iterations} steps, gap {fit.gap:.1e}"
            if "band" in way:
                survival.band(fit, np.concatenate((MARKS, np.geomspace(0.25, 9600, 200))))
                for p in (0.25, 0.5, 0.75, 0.9):
                    survival.quantile_band(fit, p)
        took.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{sorted(took)[len(took) // 2]:8.3f} s  {peak:5.0f} MB ({before:.0f} before)  {note}")


def main() -> None:
    """Each way for each number of items."""
    if len(sys.argv) > 2 and sys.argv[1] == "--run":
        run(sys.argv[2], int(sys.argv[3]))
        return
    sys.stdout.write(f"Python {sys.version.split()[0]}")
    for name in ("numpy", "lifelines"):
        sys.stdout.write(f", {name} {version(name)}")
    sys.stdout.write("\n")
    for count in [int(argument) for argument in sys.argv[1:]] or [1_000, 100_000, 1_000_000]:
        for way in WAYS:
            command = [sys.executable, __file__, "--run", way, str(count)]
            limit = SECONDS_FOR_LIFELINES if "lifelines" in way else None
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
                last = done.stderr.strip().splitlines()[-1:]
                told = done.stdout if done.returncode == 0 else f"failed: {' '.join(last)}"
            except subprocess.TimeoutExpired:
                told = f"not finished after {limit} s"
            sys.stdout.write(f"{count:>9,} items, {way + ':':<21} {told}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
