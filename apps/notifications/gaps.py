"""Reading a growing table in the order of its primary keys without missing a late row. Pure.

A database gives out primary keys before it commits, so a row can come to light after one with a higher key.
What was missing below the highest key that was read is remembered for a while and looked for again; a key
that was given out and taken back (a rolled-back transaction) is given up at the end of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

PATIENCE = timedelta(hours=1)
"""Longer than any transaction that records checks: its lease would have run out long before."""

MOST_GAPS = 200


@dataclass(frozen=True, slots=True)
class Gap:
    """Keys from `first` to `last` that were not there at `since`."""

    first: int
    last: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """How far a table was read: all up to `upto`, but for the gaps."""

    upto: int
    gaps: tuple[Gap, ...] = field(default=())


def read_on(place: Place, keys: Iterable[int], now: datetime) -> Place:
    """The place after the rows of `keys` were read, which lie above `upto` or in a gap."""
    found = sorted(set(keys))
    old = [part for gap in place.gaps for part in _without(gap, found) if now - gap.since < PATIENCE]
    above = [key for key in found if key > place.upto]
    if not above:
        return Place(place.upto, tuple(old))
    whole = Gap(place.upto + 1, above[-1], now)
    gaps = [*old, *_without(whole, above)]
    return Place(above[-1], tuple(gaps[-MOST_GAPS:]))


def _without(gap: Gap, found: Sequence[int]) -> list[Gap]:
    """What is left of a gap when the found keys are taken out."""
    left, start = [], gap.first
    for key in found:
        if gap.first <= key <= gap.last:
            if key > start:
                left.append(Gap(start, key - 1, gap.since))
            start = key + 1
    if start <= gap.last:
        left.append(Gap(start, gap.last, gap.since))
    return left
