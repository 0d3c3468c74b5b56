"""What the cadence costs and what it learns: `python benchmarks/cadence.py [items]`.

Items are reported, and removed after a lognormal time, for good. Each is watched for a year by the cadence
as the checker follows it (`cadence.next_check_at` after `status.fold`, with its confirmations and its looks
for a return), and by schedules that people would use instead: every 1, 6 and 24 hours; at 1 h, 6 h, 24 h,
3 d, 7 d, 30 d, 90 d and 365 d; and at two fixed intervals that cost or know as much as the cadence does: with
as many requests the interval has to be wider, and as wide on average it takes more requests.

Of each: requests in the year; how wide the interval is in which the removal is known to lie (median and mean,
in hours, and the mean of its share of the removal's age); and of the marks that a deadline may stand at, the
share for which "removed by then?" has no answer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from apps.checks import cadence, status  # noqa: E402
from apps.checks.outcomes import Outcome, Reason  # noqa: E402

Floats = npt.NDArray[np.float64]
Looks = Callable[[float, float], Sequence[float]]
"""The hours after the report at which an item is looked at that is removed after so many, given a jitter."""

REPORTED = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = 365 * 24.0
DEADLINES = tuple(mark.total_seconds() / 3600 for mark in cadence.MARKS)
LADDER = (1, 6, 24, 3 * 24, 7 * 24, 30 * 24, 90 * 24, YEAR)
FAST = ("median 5 h, mean 54 h", 5.0, 54.0)
SLOW = ("median 12 d, mean 30 d", 12 * 24.0, 30 * 24.0)


def removal_times(median: float, mean: float, items: int) -> Floats:
    """Lognormal hours with this median and mean: ln(mean / median) is half the variance of the logarithm."""
    random = np.random.default_rng(1)
    return random.lognormal(np.log(median), np.sqrt(2 * np.log(mean / median)), items)


def by_cadence(removed_after: float, jitter: float) -> Sequence[float]:
    """As the checker looks: each answer is folded into the status, which says when to look next."""
    state, looks, age, number = status.State(), [], 0.0, 0
    while age < YEAR:
        looks.append(age)
        number += 1
        gone = age >= removed_after
        started = REPORTED + timedelta(hours=age)
        finished = started + timedelta(seconds=1)
        outcome, reason = (Outcome.REMOVED, Reason.NOT_FOUND) if gone else (Outcome.AVAILABLE, Reason.OK)
        state, _ = status.fold(state, status.Seen(number, started, finished, outcome, reason))
        at = cadence.next_check_at(
            origins=[REPORTED],
            state=state,
            checked_at=finished,
            started_at=started,
            jitter=(jitter * number) % 1,
        )
        age = (at - REPORTED) / timedelta(hours=1)
    return looks


def every(hours: float) -> Looks:
    """At the report, and then every so many hours."""
    looks = np.arange(0, YEAR, hours).tolist()
    return lambda removed_after, jitter: looks


def at(ages: Iterable[float]) -> Looks:
    """At the report, and at these ages."""
    looks = [0.0, *(float(age) for age in ages)]
    return lambda removed_after, jitter: looks


@dataclass(frozen=True, slots=True)
class Found:
    """What one schedule came to, over all items."""

    requests: float  # an item and year
    widths: Floats  # hours, of the removals that were seen
    shares: Floats  # of the removal's age
    indeterminate: float  # of the marks


def tried(looks_of: Looks, times: Floats) -> Found:
    """Watch each item for a year. A removal that the year's last look did not show counts for marks alone."""
    random = np.random.default_rng(2)
    requests, widths, shares, unclear = 0, [], [], 0
    for removed_after in times.tolist():
        looks = np.array(looks_of(removed_after, float(random.random())))
        requests += len(looks)
        place = int(np.searchsorted(looks, removed_after))
        after = looks[place - 1] if place else 0.0
        by = looks[place] if place < len(looks) else np.inf
        unclear += sum(after < mark < by for mark in DEADLINES)
        if np.isfinite(by):
            widths.append(by - after)
            shares.append((by - after) / removed_after)
    return Found(
        requests / len(times),
        np.array(widths),
        np.array(shares),
        unclear / (len(times) * len(DEADLINES)),
    )


def row(name: str, found: Found) -> str:
    """One line of the table."""
    return (
        f"{name:<34}{found.requests:>9,.0f}{np.median(found.widths):>10.2f}{found.widths.mean():>10.2f}"
        f"{np.median(found.shares):>10.1%}{found.indeterminate:>12.2%}\n"
    )


def main(arguments: Sequence[Any]) -> None:
    """Print the table for both kinds of removal times."""
    items = int(arguments[0]) if arguments else 2_000
    head = f"{'':<34}{'requests':>9}{'width h':>10}{'width h':>10}{'of age':>10}{'marks with':>12}\n"
    under = f"{'':<34}{'a year':>9}{'median':>10}{'mean':>10}{'median':>10}{'no answer':>12}\n"
    for name, median, mean in (FAST, SLOW):
        times = removal_times(median, mean, items)
        ours = tried(by_cadence, times)
        sys.stdout.write(f"{items:,} items, removed after a lognormal time, {name}\n{head}{under}")
        sys.stdout.write(row("the cadence", ours))
        same = YEAR / ours.requests
        sys.stdout.write(row(f"every {same:.1f} h: as many requests", tried(every(same), times)))
        wide = float(ours.widths.mean())
        sys.stdout.write(row(f"every {wide:.1f} h: as wide on average", tried(every(wide), times)))
        for hours in (1, 6, 24):
            sys.stdout.write(row(f"every {hours} h", tried(every(hours), times)))
        sys.stdout.write(row("1 h, 6 h, 24 h, 3 d, ... 365 d", tried(at(LADDER), times)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
