"""The information that interval-censored times carry about a cumulative distribution, and solving with it.

Cut a distribution at the nodes 0, 1, ..., s, with F = 0 at the first and F = 1 at the last. An observation
that says "between node l and node r" with probability P and weight w adds w / P^2 (F_r - F_l)^2 to the
quadratic form of the information: that of a spring between l and r. So the whole is the Laplacian of a
weighted graph whose two outer nodes are held fast (what Turnbull (1976), Journal of the Royal Statistical
Society B 38: 290-295, section 5, has as a matrix of second derivatives, in other coordinates). Most springs
are short, so the matrix is cut into blocks such that none reaches beyond the next block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

WHOLE = 64  # up to so many nodes are one block
SMALLEST_BLOCK = 32
SHORT = 96  # up to that size, a block is solved by one thread; several cost more than they bring


@dataclass(frozen=True, slots=True)
class Springs:
    """The graph: `stiffness` between the nodes `start` < `end`, of `nodes` + 1 nodes from 0 to `nodes`."""

    start: Integers
    end: Integers
    stiffness: Floats
    nodes: int

    def parted(self, furthest: float) -> tuple[Springs, Floats]:
        """The springs that reach no further than so many nodes, and what the others would pin.

        The second has, for each node, the stiffness of the longer springs that end there. Those that end at
        an outer node are never too long.
        """
        near = (self.end - self.start <= furthest) | (self.start == 0) | (self.end == self.nodes)
        if near.all():
            return self, np.zeros(self.nodes + 1)
        far = ~near
        return (
            Springs(self.start[near], self.end[near], self.stiffness[near], self.nodes),
            _totals(self.start[far], self.stiffness[far], self.nodes + 1)
            + _totals(self.end[far], self.stiffness[far], self.nodes + 1),
        )

    def times(self, inner: Floats) -> Floats:
        """The information times a column for the inner nodes."""
        whole = np.concatenate(([0.0], inner, [0.0]))
        force = self.stiffness * (whole[self.end] - whole[self.start])
        return (_totals(self.end, force, whole.size) - _totals(self.start, force, whole.size))[1:-1]


def affordable(nodes: int) -> float:
    """How far springs may reach so that the variances take about a second and 100 MB."""
    return min(math.sqrt(2e9 / nodes), 4e6 / nodes)


def solved(springs: Springs, right: Floats) -> Floats:
    """x with (information) x = `right`, whatever the lengths of the springs.

    Where some are too long, by conjugate gradients, with those pinned instead as the preconditioner.
    """
    near, pins = springs.parted(SHORT)
    nearly = Information(near, pins)
    if not pins.any():
        return nearly.solve(right)
    found = np.zeros_like(right)
    left_over = right.copy()
    way = nearly.solve(left_over)
    step, size = way, float(left_over @ way)
    enough = 1e-12 * size
    for _ in range(200):
        if size <= enough:
            break
        ahead = springs.times(step)
        part = size / float(step @ ahead)
        found += part * step
        left_over -= part * ahead
        way = nearly.solve(left_over)
        before, size = size, float(left_over @ way)
        step = way + size / before * step
    return found


class Information:
    """The information of the inner nodes 1 to `nodes` - 1, as blocks along its diagonal and beside it."""

    def __init__(self, springs: Springs, pins: Floats | None = None) -> None:
        """`pins`: the stiffness with which each node, the outer ones too, is held where it is."""
        size = springs.nodes - 1
        inner = (springs.start > 0) & (springs.end < springs.nodes)
        start, end = springs.start[inner] - 1, springs.end[inner] - 1
        stiffness = -springs.stiffness[inner]
        whole = _totals(springs.start, springs.stiffness, springs.nodes + 1)
        whole += _totals(springs.end, springs.stiffness, springs.nodes + 1)
        self.diagonal: Floats = (whole if pins is None else whole + pins)[1:-1]
        # With springs between neighbours at most, scalars do: `beside` is what lies next to the diagonal.
        self.chain = not start.size or int((end - start).max()) == 1
        if self.chain:
            self.beside = _totals(start, stiffness, size)
            return
        self.bounds = _bounds(start, end, size)
        lengths = np.diff(self.bounds)
        widths = lengths + np.append(lengths[1:], 0)
        offsets = np.concatenate(([0], np.cumsum(lengths * widths)))
        block = np.repeat(np.arange(lengths.size), lengths)[start]
        place = offsets[block] + (start - self.bounds[block]) * widths[block] + end - self.bounds[block]
        flat = _totals(place, stiffness, int(offsets[-1]))
        self.blocks: list[Floats] = []  # along the diagonal
        self.onward: list[Floats] = []  # from each block to the next
        for index, (length, width) in enumerate(zip(lengths.tolist(), widths.tolist(), strict=True)):
            rows = flat[offsets[index] : offsets[index + 1]].reshape(length, width)
            square = rows[:, :length] + rows[:, :length].T
            square.flat[:: length + 1] = self.diagonal[self.bounds[index] : self.bounds[index + 1]]
            self.blocks.append(square)
            self.onward.append(rows[:, length:])

    def solve(self, right: Floats) -> Floats:
        """x with (information) x = `right`, a column. Block Gaussian elimination, and back."""
        if self.chain:
            return self._solve_chain(right)
        matrix, values = self.blocks[0], right[: self.bounds[1], None]
        eliminated: list[NDArray[np.floating[Any]]] = []
        for index, onward in enumerate(self.onward):
            solved = np.linalg.solve(matrix, np.concatenate((onward, values), axis=1))
            eliminated.append(solved)
            if index + 1 < len(self.blocks):
                change = onward.T @ solved
                matrix = self.blocks[index + 1] - change[:, :-1]
                values = right[self.bounds[index + 1] : self.bounds[index + 2], None] - change[:, -1:]
        found = np.empty_like(right)
        found[self.bounds[-2] :] = last = eliminated[-1][:, -1]
        for index in range(len(eliminated) - 2, -1, -1):
            last = eliminated[index][:, -1] - eliminated[index][:, :-1] @ last
            found[self.bounds[index] : self.bounds[index + 1]] = last
        return found

    def variances(self) -> Floats:
        """The diagonal of the inverse: the variance of F at each inner node."""
        if self.chain:
            return self._variances_of_chain()
        inverses: list[NDArray[np.floating[Any]]] = []
        carried: list[NDArray[np.floating[Any]]] = []
        matrix = self.blocks[0]
        for index, onward in enumerate(self.onward):
            inverses.append(np.linalg.inv(matrix))
            carried.append(inverses[-1] @ onward)
            if index + 1 < len(self.blocks):
                matrix = self.blocks[index + 1] - onward.T @ carried[-1]
        found = np.empty_like(self.diagonal)
        covariance = inverses[-1]
        found[self.bounds[-2] :] = np.diag(covariance)
        for index in range(len(inverses) - 2, -1, -1):
            covariance = inverses[index] + carried[index] @ covariance @ carried[index].T
            found[self.bounds[index] : self.bounds[index + 1]] = np.diag(covariance)
        return found

    def _pivots(self) -> tuple[list[float], list[float]]:
        """Of a chain: what elimination leaves on the diagonal, and what it carries on to the next."""
        beside = self.beside.tolist()
        pivots, carried, reduction = [], [], 0.0
        for own, across in zip(self.diagonal.tolist(), beside, strict=True):
            pivot = own - reduction
            pivots.append(pivot)
            carried.append(across / pivot)
            reduction = across * carried[-1]
        return pivots, carried

    def _solve_chain(self, right: Floats) -> Floats:
        pivots, carried = self._pivots()
        values, before = [], 0.0
        for value, pivot, carry in zip(right.tolist(), pivots, carried, strict=True):
            values.append((value - before) / pivot)
            before = carry * (value - before)
        last = 0.0
        for index in range(len(values) - 1, -1, -1):
            last = values[index] = values[index] - carried[index] * last
        return np.array(values)

    def _variances_of_chain(self) -> Floats:
        pivots, carried = self._pivots()
        found, variance = [], 0.0
        for pivot, carry in zip(reversed(pivots), reversed(carried), strict=True):
            variance = 1 / pivot + carry * carry * variance
            found.append(variance)
        return np.array(found[::-1])


def _totals(place: Integers, value: Floats, size: int) -> Floats:
    return np.bincount(place, value, size).astype(np.float64)


def _bounds(start: Integers, end: Integers, size: int) -> Integers:
    """Where blocks begin, and the end, so that every spring stays in its block or goes to the next."""
    if size <= WHOLE:
        return np.array([0, size])
    furthest = np.arange(size)
    np.maximum.at(furthest, start, end)
    reach = np.maximum.accumulate(furthest).tolist()
    bounds = [0, SMALLEST_BLOCK]
    while bounds[-1] < size:
        bounds.append(max(reach[bounds[-1] - 1] + 1, bounds[-1] + SMALLEST_BLOCK))
    bounds[-1] = size
    return np.array(bounds)
