"""What is withheld cannot be worked out from what is shown: neither its size nor what became of it."""

from __future__ import annotations

import math
from collections.abc import Hashable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from apps.exports.suppression import ITEMS, SIZE, Sum, suppressed

MINIMUM_N = 5
KINDS = ("items", "eligible", "removed", "still up")
Counts = npt.NDArray[np.int64]


def shown(sums: list[Sum], counts: Counts, *, minimum_n: int) -> frozenset[Hashable]:
    return suppressed(sums, counts, minimum_n=minimum_n).shown


def table(*rows: tuple[int, int, int, int]) -> Counts:
    return np.array(rows, np.int64).reshape(len(rows), len(KINDS))


def sums(many: int, **members: set[int]) -> list[Sum]:
    return [Sum(name, np.isin(np.arange(many), list(chosen))) for name, chosen in members.items()]


def each(counts: Counts) -> list[Sum]:
    return sums(len(counts), **{f"p{part}": {part} for part in range(len(counts))})


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # All are large enough.
        ([(10, 10, 2, 8), (20, 20, 3, 17)], {"p0", "p1"}),
        # One is too small: another goes with it, else it would be the total less the others.
        ([(30, 30, 5, 25), (20, 20, 5, 15), (2, 2, 1, 1)], {"p0"}),
        # Two that are too small are together too small a group as well.
        ([(30, 30, 5, 25), (20, 20, 5, 15), (2, 2, 1, 1), (2, 2, 1, 1)], {"p0"}),
        # Together they are enough of a group.
        ([(30, 30, 5, 25), (4, 4, 1, 3), (3, 3, 1, 2)], {"p0"}),
        # Nothing removed among what would be withheld would be known of each: another one goes.
        ([(30, 30, 2, 28), (7, 7, 0, 7), (3, 3, 0, 3)], {"p1"}),
        # A platform that removed nothing is shown as such.
        ([(30, 30, 9, 21), (30, 30, 0, 30)], {"p0", "p1"}),
        # As many parts as items: each would be known to have one.
        ([(30, 30, 5, 25), *[(1, 1, 0, 1)] * 3, (1, 1, 1, 0), (1, 1, 1, 0)], set()),
        # Each report has one item, as the list itself says: what became of them stays open all the same.
        ([(1, 1, 0, 1)] * 4 + [(1, 1, 1, 0)] * 4, set()),
        # The whole is too small.
        ([(3, 3, 1, 2), (1, 1, 0, 1)], set()),
        ([], set()),
        # A part without items tells of none.
        ([(30, 30, 5, 25), (0, 0, 0, 0)], {"p0", "p1"}),
    ],
)
def test_small_groups_and_what_would_give_them_away(
    rows: list[tuple[int, int, int, int]], expected: set[str]
) -> None:
    counts = table(*rows)
    assert shown(each(counts), counts, minimum_n=MINIMUM_N) == expected


def test_a_list_of_single_items_leaves_their_sums_to_be_shown() -> None:
    counts = table(*[(1, 1, 0, 1), (1, 1, 1, 0)] * 6)
    cells = sums(12, first=set(range(6)), second=set(range(6, 12)))
    assert shown([*cells, *each(counts)], counts, minimum_n=MINIMUM_N) == {"first", "second"}


def test_a_difference_between_two_tables_reveals_nothing() -> None:
    # Reports 0 and 1 went to one platform, 2 and 3 to another; 0, 1 and 2 by one channel, 3 by another.
    counts = table((40, 40, 9, 31), (30, 30, 5, 25), (3, 3, 1, 2), (50, 50, 7, 43))
    cells = sums(4, first={0, 1}, second={2, 3}, form={0, 1, 2}, mail={3})
    # All of these are large; "form" less "first" would be report 2.
    found = shown(cells, counts, minimum_n=MINIMUM_N)
    assert found in ({"first", "second"}, {"form", "mail"})


@st.composite
def campaigns(draw: st.DrawFn) -> tuple[Counts, list[Sum]]:
    many = draw(st.integers(2, 8))
    rows = []
    for _ in range(many):
        removed, up, unclear, left_out = (draw(st.integers(0, 9)) for _ in range(4))
        eligible = removed + up + unclear
        rows.append((max(eligible + left_out, 1), eligible, removed, up))
    counts = table(*rows)
    cells = []
    for name in ("platform", "channel"):
        of = [draw(st.integers(0, 2)) for _ in range(many)]
        cells += [Sum((name, value), np.array(of) == value) for value in sorted(set(of))]
    cells.sort(key=lambda one: -int(counts[one.parts, SIZE].sum()))
    if draw(st.booleans()):
        cells += [Sum(("report", part), np.arange(many) == part) for part in range(many)]
    days = np.sort(np.array([draw(st.integers(0, 4)) for _ in range(many)]))
    if draw(st.booleans()):
        cells += [Sum(("until", day), days <= day, counted=False) for day in sorted(set(days.tolist()))[:-1]]
    return counts, cells


@given(campaigns())
def test_no_withheld_figure_is_computed_nor_bounded_to_one_value(made: tuple[Counts, list[Sum]]) -> None:
    """By linear programming: the least and the most that a withheld sum can be, given all that is shown."""
    counts, cells = made
    known = shown(cells, counts, minimum_n=MINIMUM_N)
    total = np.ones(len(counts), bool)
    rows = np.array([total, *(cell.parts for cell in cells if cell.name in known)], float)
    for kind in range(len(KINDS)):
        if not counts[:, kind].sum():
            continue  # the total says that there is none
        if kind == ITEMS and counts[:, ITEMS].sum() == len(counts):
            continue  # the list of reports says that each has one
        at_least = 1 if kind == ITEMS else 0  # a report is known to have an item
        for cell in cells:
            inside = counts[cell.parts]
            if cell.name in known or not inside.any() or cell.parts.all():
                continue
            if kind > SIZE and not cell.counted:
                continue
            ends = [
                linprog(
                    sign * cell.parts.astype(float),
                    A_eq=rows,
                    b_eq=rows @ counts[:, kind],
                    bounds=[(at_least, None)] * len(counts),
                ).fun
                * sign
                for sign in (1, -1)
            ]
            assert math.floor(ends[1] + 1e-6) > math.ceil(ends[0] - 1e-6), (cell.name, KINDS[kind], known)


@given(campaigns())
def test_no_combination_of_what_is_shown_is_about_a_small_group(made: tuple[Counts, list[Sum]]) -> None:
    counts, cells = made
    known = shown(cells, counts, minimum_n=MINIMUM_N)
    rows = np.array([cell.parts for cell in cells if cell.name in known]).reshape(-1, len(counts))
    alike: dict[tuple[bool, ...], list[int]] = {}
    for part in range(len(counts)):
        alike.setdefault(tuple(rows[:, part].tolist()), []).append(part)
    for parts in alike.values():
        size = counts[parts, SIZE].sum()
        assert size >= MINIMUM_N or counts[:, SIZE].sum() < MINIMUM_N or not counts[parts].any()


@given(campaigns())
def test_what_is_large_alone_is_shown(made: tuple[Counts, list[Sum]]) -> None:
    """Nothing is withheld without need: where all parts are large, all is shown."""
    counts, cells = made
    assert shown(cells, counts + np.array([40, 40, 20, 20]), minimum_n=MINIMUM_N) == {
        cell.name for cell in cells
    }
