"""Which of the figures that groups share may be shown, so that no small group can be worked out. Pure.

What is published of a campaign overlaps: a total, tables by platform, channel and report, a line by day. Each
figure is a sum over the same parts (the items of one report that were reported on one day), so a small group
that is left out of one table could be had by taking sums from each other.

Parts that are in exactly the same shown sums cannot be told apart by any calculation with them: they make a
class, and whatever can be worked out is about whole classes. So what is shown is chosen such that

1. every class has at least `minimum_n` items: no smaller group follows from any difference, within a table
   or between tables;
2. a sum that is withheld cuts through a class. An item could then be on either side of the cut without any
   shown sum being different, which leaves its value open, and more than one value possible.

For 2, the class that is cut must have more items than parts (a part is known not to be empty) and at least
one of each kind of item that is counted, unless the campaign has none: if all that is withheld together has
no removed item, none of it has. This is the suppression of cells in statistical tables (Willenborg and de
Waal, Elements of Statistical Disclosure Control, 2001, chapter 4), with the class in place of the cell.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from apps.metrics.reading import Flags, Whole

ITEMS, SIZE = 0, 1
"""The first two columns of what is counted: items on record, and the items that `minimum_n` is about."""

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Sum:
    """A figure that may be shown: the sum over the parts that are in it.

    `counted` is true where it is shown by kind of item (removed, still up), not by its size alone.
    """

    name: Hashable
    parts: Flags
    counted: bool = True


def shown(sums: Sequence[Sum], counts: Whole, *, minimum_n: int) -> frozenset[Hashable]:
    """The names of the sums that may be shown beside the total; the earlier ones have precedence.

    `counts` has a row for each part: its items on record, those that `minimum_n` is about, and how many of
    these are of each kind that is counted. Nothing may be shown where the total itself is too small.

    1. What is too small by itself is withheld.
    2. Each other sum is shown if all classes still hold with it.
    3. Where a later decision has left a class open, the smallest sum that is shown is withheld, until all
       hold. With nothing shown, there is one class.
    """
    if not len(counts) or counts[:, SIZE].sum() < max(minimum_n, 1):
        return frozenset()
    state = _State(counts, minimum_n)
    small = [one for one in sums if _is_small(one, counts, minimum_n)]
    for one in small:
        state.withhold(one)
    for one in sums:
        if one not in small and not state.show(one):
            state.withhold(one)
    while not state.holds(state.classes()):
        least = min(state.shown, key=lambda one: (int(counts[one.parts, SIZE].sum()), str(one.name)))
        state.hide(least)
    return frozenset(one.name for one in state.shown)


def _is_small(one: Sum, counts: Whole, minimum_n: int) -> bool:
    inside = counts[one.parts]
    return bool(inside.any()) and int(inside[:, SIZE].sum()) < minimum_n


class _State:
    """What is shown and withheld so far."""

    def __init__(self, counts: Whole, minimum_n: int) -> None:
        self.counts = counts
        self.minimum_n = minimum_n
        self.exists = counts.sum(axis=0) > 0
        self.shown: list[Sum] = []
        self.withheld: list[Sum] = []

    def show(self, one: Sum) -> bool:
        """Show it, if everything holds with it."""
        self.shown.append(one)
        if self.holds(self.classes()):
            return True
        self.shown.pop()
        return False

    def withhold(self, one: Sum) -> None:
        self.withheld.append(one)

    def hide(self, one: Sum) -> None:
        self.shown.remove(one)
        self.withheld.append(one)

    def classes(self) -> Whole:
        """The class of each part."""
        return _grouped(len(self.counts), (one.parts for one in self.shown))

    def holds(self, classes: Whole) -> bool:
        """Whether no class is too small, and each that a withheld sum cuts leaves it open."""
        many = int(classes.max()) + 1
        sums = np.zeros((many, self.counts.shape[1]), np.int64)
        np.add.at(sums, classes, self.counts)
        nothing = ~sums.any(axis=1)
        if not (nothing | (sums[:, SIZE] >= self.minimum_n)).all():
            return False
        parts = np.bincount(classes, minlength=many)
        cut = self._cut(classes, self.withheld)
        if not (~cut | nothing | (sums[:, ITEMS] > parts)).all():
            return False
        counted = self._cut(classes, [one for one in self.withheld if one.counted])
        every_kind = (sums > 0)[:, self.exists].all(axis=1)
        return bool((~counted | nothing | every_kind).all())

    def _cut(self, classes: Whole, withheld: Sequence[Sum]) -> Flags:
        """The classes that have parts on both sides of a withheld sum."""
        sides = _grouped(len(classes), (one.parts for one in withheld))
        pairs = np.unique(np.stack([classes, sides]), axis=1)
        cut: Flags = np.bincount(pairs[0], minlength=int(classes.max()) + 1) > 1
        return cut


def _grouped(parts: int, sums: Iterable[Flags]) -> Whole:
    """A number for each part, the same for those that are in the same sums."""
    found: npt.NDArray[np.int64] = np.zeros(parts, np.int64)
    for inside in sums:
        found = np.unique(found * 2 + inside, return_inverse=True)[1].astype(np.int64)
    return found
