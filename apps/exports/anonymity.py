"""What rows of single items may tell of the groups that each is in, so that no small group is counted. Pure.

A row tells everything about its item's fate, so whoever has the rows has every figure of every set of rows
that tell the same. These sets are therefore kept as large as any other group that is shown, and they go on
from what the tables show (`suppression`), since both are published together:

1. Rows start in the classes that the tables already tell apart.
2. Column by column, a class is parted by that column's values. Values with too few items stay together, at
   least two of them and with enough items, so that none of them can be told, nor had by subtraction.
3. A class stays whole where a part of it would be too small, where a figure that is withheld would no longer
   be open in it, or where the parts together would tell such a figure.

What a class does not have in common is left empty in its rows. So each set of rows that agree in all that
they tell has at least `minimum_n` items, and whatever is worked out of rows and tables together is about
whole classes: the number of items in any smaller group stays open. This is k-anonymity (Samarati 2001, IEEE
Transactions on Knowledge and Data Engineering 13: 1010-1027) with k = `minimum_n`, found from the top down as
by LeFevre, DeWitt and Ramakrishnan (2006, Mondrian multidimensional k-anonymity, ICDE). It is about groups:
where all of a class met the same fate, that is known of each of its items, as of any group that is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from apps.metrics.reading import Flags, Whole

from .suppression import ITEMS, SIZE, Sum, distinct, parted, summed

UNTOLD = -1


@dataclass(frozen=True, slots=True)
class Start:
    """What the tables tell of the parts that rows are made of: items that agree in every column.

    `counts` and `known` are those of `suppression.suppressed`; `classes` and `withheld` what it found.
    """

    counts: Whole
    classes: Whole
    withheld: Sequence[Sum]
    known: Whole


def row_classes(columns: Sequence[Whole], start: Start, *, minimum_n: int) -> Whole:
    """The class of each part, numbered from 0: rows of parts of one class must tell the same.

    `columns` are what rows could tell, one value a part, those that matter most first.
    """
    split = _Split(start, minimum_n)
    classes = start.classes
    for values in columns:
        pieces = [piece for members in _members(classes) for piece in split.of(members, values[members])]
        classes = np.empty_like(classes)
        for number, piece in enumerate(pieces):
            classes[piece] = number
    return classes


def told(values: Whole, classes: Whole) -> Whole:
    """Of each part, the value that its whole class has in common, or UNTOLD."""
    first = np.zeros(int(classes.max()) + 1, np.int64)
    first[classes] = values
    differs = np.bincount(classes, weights=values != first[classes]) > 0
    return np.where(differs[classes], UNTOLD, values)


def _members(classes: Whole) -> Iterator[Whole]:
    order = np.argsort(classes, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(classes[order])) + 1)


class _Split:
    """How a class may be parted."""

    def __init__(self, start: Start, minimum_n: int) -> None:
        self.counts = start.counts
        self.minimum_n = max(minimum_n, 1)
        self.known = np.unique(start.known, return_inverse=True)[1]
        self.exists = start.counts.sum(axis=0) > 0
        self.size_is_open = int(start.counts[:, ITEMS].sum()) > int(self.known.max()) + 1
        self.sides, self.counted_sides = (np.zeros(len(start.counts), np.int64) for _ in range(2))
        for one in start.withheld:
            self.sides = parted(self.sides, one.parts)
            if one.counted:
                self.counted_sides = parted(self.counted_sides, one.parts)
        _, first = np.unique(self.sides, return_index=True)
        # For each of `sides`, which of the withheld sums it is in.
        self.inside: Flags = np.zeros((len(first), len(start.withheld)), bool)
        for place, one in enumerate(start.withheld):
            self.inside[:, place] = one.parts[first]

    def of(self, members: Whole, values: Whole) -> list[Whole]:
        """The parts of a class by value, what stays together first; the class itself if it stays whole."""
        place = np.unique(values, return_inverse=True)[1]
        sizes = np.bincount(place, weights=self.counts[members, SIZE])
        together = sizes < self.minimum_n
        if sizes.sum() < 2 * self.minimum_n:
            return [members]
        larger = [one for one in np.argsort(sizes, kind="stable").tolist() if not together[one]]
        for joining in [None, *larger]:
            if joining is not None:
                together[joining] = True
            if together.all():
                break
            enough = together.sum() > 1 and sizes[together].sum() >= self.minimum_n
            if not together.any() or enough:
                pieces = np.unique(np.where(together[place], 0, place + 1), return_inverse=True)[1]
                if self._holds(members, pieces):
                    return [members[pieces == piece] for piece in range(int(pieces.max()) + 1)]
        return [members]

    def _holds(self, members: Whole, pieces: Whole) -> bool:
        """Whether these parts of a class leave open what is withheld."""
        many = int(pieces.max()) + 1
        sums = summed(self.counts[members], pieces, many)
        sides = self.sides[members]
        if self.size_is_open:
            open_ = sums[:, ITEMS] > distinct(pieces, self.known[members])
            if not (open_ | (distinct(pieces, sides) < 2)).all():
                return False
        every_kind = (sums > 0)[:, self.exists].all(axis=1)
        if not (every_kind | (distinct(pieces, self.counted_sides[members]) < 2)).all():
            return False
        return bool((~self._cut(np.zeros_like(pieces), sides) | self._cut(pieces, sides)).all())

    def _cut(self, pieces: Whole, sides: Whole) -> Flags:
        """Which of the withheld sums cut through any of the pieces."""
        pairs = np.unique(pieces * len(self.inside) + sides)
        inside = self.inside[pairs % len(self.inside)]
        starts = np.flatnonzero(np.diff(pairs // len(self.inside), prepend=-1))
        some = np.logical_or.reduceat(inside, starts)
        every = np.logical_and.reduceat(inside, starts)
        return np.asarray((some & ~every).any(axis=0), bool)
