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

For 2, the class that is cut must have more items than it has parts of which it is known that they are not
empty (listed reports), unless the total has no more either: then the list itself says that each has one. And
it must have at least one of each kind of item that is counted, unless the campaign has none: if all that is
withheld together has no removed item, none of it has. This is the suppression of cells in
statistical tables (Willenborg and de Waal, Elements of Statistical Disclosure Control, 2001, chapter 4), with
the class in place of the cell. Rows of single items are the finest table of all; `anonymity` takes them on
from the classes that are found here.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from apps.metrics.reading import Flags, Whole

ITEMS, SIZE = 0, 1
"""The first two columns of what is counted: items on record, and the items that `minimum_n` is about."""


class Sum:
    """A figure that may be shown: the sum over the parts that are in it.

    `counted` is true where it is shown by kind of item (removed, still up), not by its size alone. Which
    parts are in it is kept a bit a part: there can be hundreds of thousands, and as many hundreds of sums.
    """

    def __init__(self, name: Hashable, parts: Flags, *, counted: bool = True) -> None:
        self.name, self.counted = name, counted
        self._many, self._bits = len(parts), np.packbits(parts)

    @property
    def parts(self) -> Flags:
        """Whether each of the parts is in it."""
        return np.unpackbits(self._bits, count=self._many).view(bool)

    def among(self, parts: Whole) -> Sum:
        """The same sum over some of the parts, or over some of them several times."""
        return Sum(self.name, self.parts[parts], counted=self.counted)


@dataclass(frozen=True, slots=True)
class Suppression:
    """What was decided: the names of the sums that are shown, the class of each part, and the rest."""

    shown: frozenset[Hashable]
    classes: Whole
    withheld: tuple[Sum, ...]


def suppressed(
    sums: Sequence[Sum], counts: Whole, *, minimum_n: int, known: Whole | None = None
) -> Suppression:
    """Which sums may be shown beside the total; the earlier ones have precedence.

    `counts` has a row for each part: its items on record, those that `minimum_n` is about, and how many of
    these are of each kind that is counted. `known` numbers the groups of parts of which everybody knows that
    they have an item; without it, that is known of each part. Nothing may be shown where the total itself is
    too small.

    1. What is too small by itself is withheld.
    2. Each other sum is shown if all classes still hold with it.
    3. Where a later decision has left a class open, the smallest sum that is shown is withheld, until all
       hold. With nothing shown, there is one class.
    """
    if not len(counts) or counts[:, SIZE].sum() < max(minimum_n, 1):
        return Suppression(frozenset(), np.zeros(len(counts), np.int64), tuple(sums))
    state = _State(counts, minimum_n, np.arange(len(counts)) if known is None else known)
    small = [_is_small(one, counts, minimum_n) for one in sums]
    for one, too_small in zip(sums, small, strict=True):
        if too_small:
            state.withhold(one)
    for one, too_small in zip(sums, small, strict=True):
        if not too_small and not state.show(one):
            state.withhold(one)
    while state.shown and not state.holds(state.classes):
        state.hide(min(state.shown, key=lambda one: (int(counts[one.parts, SIZE].sum()), str(one.name))))
    return Suppression(frozenset(one.name for one in state.shown), state.classes, tuple(state.withheld))


def _is_small(one: Sum, counts: Whole, minimum_n: int) -> bool:
    inside = counts[one.parts]
    return bool(inside.any()) and int(inside[:, SIZE].sum()) < minimum_n


class _State:
    """What is shown and withheld so far, and what that makes of the parts.

    `classes` are the parts that no shown sum tells apart; `sides` those that no withheld one does, and
    `counted_sides` those that no withheld one does that is shown by kind.
    """

    def __init__(self, counts: Whole, minimum_n: int, known: Whole) -> None:
        self.counts = counts
        self.minimum_n = minimum_n
        self.known = known
        self.exists = counts.sum(axis=0) > 0
        self.size_is_open = int(counts[:, ITEMS].sum()) > len(np.unique(known))
        self.shown: list[Sum] = []
        self.withheld: list[Sum] = []
        self.classes, self.sides, self.counted_sides = (np.zeros(len(counts), np.int64) for _ in range(3))

    def show(self, one: Sum) -> bool:
        """Show it, if everything holds with it."""
        classes = parted(self.classes, one.parts)
        if not self.holds(classes):
            return False
        self.classes = classes
        self.shown.append(one)
        return True

    def withhold(self, one: Sum) -> None:
        self.withheld.append(one)
        self.sides = parted(self.sides, one.parts)
        if one.counted:
            self.counted_sides = parted(self.counted_sides, one.parts)

    def hide(self, one: Sum) -> None:
        self.shown.remove(one)
        self.classes = np.zeros(len(self.counts), np.int64)
        for other in self.shown:
            self.classes = parted(self.classes, other.parts)
        self.withhold(one)

    def holds(self, classes: Whole) -> bool:
        """Whether no class is too small, and each that a withheld sum cuts leaves it open."""
        many = int(classes.max()) + 1
        sums = summed(self.counts, classes, many)
        nothing = ~sums.any(axis=1)
        if not (nothing | (sums[:, SIZE] >= self.minimum_n)).all():
            return False
        if self.size_is_open:
            cut = distinct(classes, self.sides) > 1
            if not (~cut | nothing | (sums[:, ITEMS] > distinct(classes, self.known))).all():
                return False
        counted = distinct(classes, self.counted_sides) > 1
        every_kind = (sums > 0)[:, self.exists].all(axis=1)
        return bool((~counted | nothing | every_kind).all())


def parted(classes: Whole, inside: Flags) -> Whole:
    """Classes as `inside` parts them further, numbered from 0."""
    pieces = classes * 2 + inside
    there = np.zeros(int(pieces.max(initial=0)) + 1, np.int64)
    there[pieces] = 1
    numbered: Whole = np.cumsum(there)[pieces] - 1
    return numbered


def summed(counts: Whole, into: Whole, many: int) -> Whole:
    """The rows of `counts` added up: `into` says to which of so many sums each belongs."""
    columns = [np.bincount(into, weights=column, minlength=many) for column in counts.T]
    return np.stack(columns, axis=1).astype(np.int64)


def distinct(classes: Whole, values: Whole) -> Whole:
    """How many different values each class has; both are numbered from 0."""
    width = int(values.max()) + 1
    pairs = np.unique(classes * width + values)
    many: Whole = np.bincount(pairs // width, minlength=int(classes.max()) + 1)
    return many
