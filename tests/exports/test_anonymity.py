"""Rows of single items let nobody count a small group: not by themselves, nor with the tables beside them."""

from __future__ import annotations

import math
from collections import Counter
from itertools import chain, combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import linprog

from apps.exports.anonymity import UNTOLD, Start, row_classes, told
from apps.exports.redaction import Parts, Shown, what_is_shown
from apps.exports.suppression import ITEMS, SIZE

MINIMUM_N = 5
Whole = npt.NDArray[np.int64]


class Campaign(NamedTuple):
    """Cells (a report, a day, a kind) with what is counted of each, and each report's groups."""

    report: Whole
    day: Whole
    kind: Whole
    counts: Whole
    platform: list[int]  # by report
    channel: list[int]
    category: list[int]

    def columns(self) -> dict[str, Whole]:
        """What is true of each cell."""
        return {
            "platform": np.array(self.platform)[self.report],
            "channel": np.array(self.channel)[self.report],
            "category": np.array(self.category)[self.report],
            "month": self.day // 3,
            "day": self.day,
            "kind": self.kind,
        }

    def shown(self) -> Shown:
        """What the tables show."""
        reports = range(len(self.platform))
        return what_is_shown(
            Parts(self.report, self.day, self.counts),
            platforms={report: str(self.platform[report]) for report in reports},
            channels={report: str(self.channel[report]) for report in reports},
            rules={},
            reports=list(reports),
            days=True,
            minimum_n=MINIMUM_N,
        )

    def classes(self, shown: Shown) -> Whole:
        """The classes of the rows."""
        of = self.columns()
        start = Start(self.counts, shown.classes, shown.withheld, shown.known)
        return row_classes([of["month"], of["category"], of["kind"], of["day"]], start, minimum_n=MINIMUM_N)


@st.composite
def campaigns(draw: st.DrawFn, small: bool = False) -> Campaign:
    """Campaigns that may be published. `small`: their first cell is one that must not be told."""
    reports = draw(st.integers(1, 5))
    places = draw(
        st.lists(
            st.tuples(st.integers(0, reports - 1), st.integers(0, 8), st.integers(0, 2)),
            min_size=1 + small,
            max_size=9,
            unique=True,
        )
    )
    numbers = sorted({report for report, _, _ in places})
    cells = [(numbers.index(report), day, kind) for report, day, kind in sorted(places)]
    rows = []
    for place in range(len(cells)):
        most = 1 if small and not place else draw(st.sampled_from([1, 3, 12]))  # small cells are what matters
        removed, up, unclear, left_out = (draw(st.integers(0, most)) for _ in range(4))
        eligible = removed + up + unclear
        rows.append((max(eligible + left_out, 1), eligible, removed, up))
    report, day, kind = np.array(cells, np.int64).T
    counts = np.array(rows, np.int64)
    # Of fewer nothing is published at all.
    counts[-1, [ITEMS, SIZE]] += max(MINIMUM_N - counts[:, SIZE].sum(), 0)
    of = [draw(st.lists(st.integers(0, 2), min_size=len(numbers), max_size=len(numbers))) for _ in range(3)]
    return Campaign(report, day, kind, counts, *of)


def rows_told(made: Campaign) -> list[tuple[int, ...]]:
    """What the rows of each cell tell: platform and channel as the tables do, the others by class."""
    shown = made.shown()
    classes = made.classes(shown)
    of = made.columns()
    tables = {"platform": shown.platforms, "channel": shown.channels}
    columns = [
        np.where(np.isin(values.astype(str), list(tables[name])), values, UNTOLD)
        if name in tables
        else told(values, classes)
        for name, values in of.items()
    ]
    return [tuple(row) for row in np.stack(columns, axis=1).tolist()]


@given(campaigns())
def test_rows_that_tell_the_same_are_of_enough_items(made: Campaign) -> None:
    """In every combination of columns: a reader may sort by one, by two, by all of them."""
    rows = rows_told(made)
    for chosen in subsets(range(len(rows[0]))):
        sizes: Counter[tuple[int, ...]] = Counter()
        for row, size in zip(rows, made.counts[:, SIZE].tolist(), strict=True):
            sizes[tuple(row[column] for column in chosen)] += size
        assert min(sizes.values()) >= MINIMUM_N


@given(campaigns(small=True), st.data())
def test_rows_and_tables_together_leave_every_small_group_open(made: Campaign, data: st.DataObject) -> None:
    """By linear programming: the least and the most items that a small group can have, given all that is
    published. Any group that columns make: of one platform, of one kind on one day, of one report."""
    shown = made.shown()
    of = {**made.columns(), "report": made.report}
    cell = data.draw(st.sampled_from(np.flatnonzero(made.counts[:, SIZE] < MINIMUM_N).tolist()))
    columns = data.draw(st.permutations(list(of)))
    same = [np.all([of[name] == of[name][cell] for name in columns[:many]], axis=0) for many in range(1, 8)]
    groups = [group for group in same if made.counts[group, SIZE].sum() < MINIMUM_N]
    group = data.draw(st.sampled_from(groups))
    known = published(made, shown, made.classes(shown))
    for kind in (ITEMS, SIZE):
        if kind == SIZE or made.counts[:, ITEMS].sum() > len(made.platform):
            # Else the list of reports says that each has one.
            least, most = bounds(made, group, known, kind)
            assert math.floor(most + 1e-6) > math.ceil(least - 1e-6), kind


@given(campaigns(small=True), st.data())
def test_rows_tell_nothing_that_a_table_withholds(made: Campaign, data: st.DataObject) -> None:
    """What is withheld by kind of item (removed, still up) stays open beside the rows."""
    shown = made.shown()
    withheld = [one for one in shown.withheld if one.parts.any() and not one.parts.all()]
    assume(withheld)
    one = data.draw(st.sampled_from(withheld))
    known = published(made, shown, made.classes(shown))
    for kind in range(SIZE, made.counts.shape[1]) if one.counted else [SIZE]:
        if made.counts[:, kind].sum():
            least, most = bounds(made, one.parts, known, kind)
            assert math.floor(most + 1e-6) > math.ceil(least - 1e-6), (one.name, kind)


def published(made: Campaign, shown: Shown, classes: Whole) -> npt.NDArray[np.float64]:
    """All sums that are known: of the tables, and of every class of rows."""
    of = made.columns()
    sums = [np.ones(len(made.report), bool)]
    sums += [classes == one for one in np.unique(classes)]
    sums += [of["platform"] == int(name) for name in shown.platforms]
    sums += [of["channel"] == int(name) for name in shown.channels]
    sums += [made.report == report for report in shown.reports]
    sums += [made.day <= day for day in shown.until]
    return np.array(sums, float)


def bounds(
    made: Campaign, group: npt.NDArray[np.bool_], known: npt.NDArray[np.float64], kind: int
) -> tuple[float, float]:
    """The least and the most of a kind in a group. Each report is known to have an item.

    Nobody knows which cells there are, so each report could have items of any day and kind that occur.
    """
    reports = np.unique(made.report)
    options = {}
    if kind == ITEMS:
        options = {
            "A_ub": -np.array([made.report == report for report in reports], float),
            "b_ub": -np.ones(len(reports)),
        }
    ends = [
        linprog(
            sign * group.astype(float),
            A_eq=known,
            b_eq=known @ made.counts[:, kind],
            bounds=[(0, None)] * len(group),
            **options,
        ).fun
        * sign
        for sign in (1, -1)
    ]
    return ends[0], ends[1]


def subsets(names: range) -> list[tuple[int, ...]]:
    return list(chain.from_iterable(combinations(names, many) for many in range(1, len(names) + 1)))


def split(values: list[int], sizes: list[int]) -> list[set[int]]:
    """How one class is parted by one column: the values that stay together."""
    counts = np.array([(size, size, size // 2, size - size // 2) for size in sizes], np.int64)
    start = Start(counts, np.zeros(len(values), np.int64), [], np.zeros(len(values), np.int64))
    classes = row_classes([np.array(values)], start, minimum_n=MINIMUM_N)
    return [set(np.array(values)[classes == one].tolist()) for one in np.unique(classes)]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        # All are large enough.
        ([10, 20, 5], [{0}, {1}, {2}]),
        # A small one takes the next larger one along, else it would be what is left.
        ([30, 20, 2], [{1, 2}, {0}]),
        # Two small ones are together large enough,
        ([30, 3, 2], [{1, 2}, {0}]),
        # and here they are not.
        ([30, 2, 2], [{0, 1, 2}]),
        ([30, 20, 2, 2], [{1, 2, 3}, {0}]),
        # Nothing is left to be told apart.
        ([4, 4], [{0, 1}]),
        ([30, 1], [{0, 1}]),
    ],
)
def test_values_with_too_few_items_stay_together(sizes: list[int], expected: list[set[int]]) -> None:
    assert split(list(range(len(sizes))), sizes) == expected


def test_what_is_common_to_a_class_is_told() -> None:
    assert told(np.array([3, 3, 4, 5]), np.array([0, 0, 1, 1])).tolist() == [3, 3, UNTOLD, UNTOLD]


def test_a_campaign_of_large_groups_tells_everything() -> None:
    """Nothing is left out of rows without need."""
    report = np.repeat([0, 1], 4)
    made = Campaign(
        report=report,
        day=np.array([0, 0, 4, 4] * 2),
        kind=np.array([0, 1] * 4),
        counts=np.array([(40, 40, 20, 20)] * 8),
        platform=[0, 1],
        channel=[0, 1],
        category=[0, 1],
    )
    assert rows_told(made) == [tuple(row) for row in np.stack(list(made.columns().values()), axis=1).tolist()]
