"""Two editions side by side, from the figures that each was published with. Pure.

What an edition withheld has no row in its figures, so it has none here. A difference is only taken of what
both have.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

ALL = "all"


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """One figure: its value in each edition and the second less the first; None where there is none."""

    figure: str
    first: Decimal | None
    second: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """How much more the second has."""
        if self.first is None or self.second is None:
            return None
        return self.second - self.first


@dataclass(frozen=True, slots=True)
class ComparedGroup:
    """The figures of one group. `in_first` and `in_second` say whether the group is shown there at all."""

    name: str
    in_first: bool
    in_second: bool
    figures: tuple[ComparedFigure, ...]


def compared(first: bytes, second: bytes) -> list[ComparedGroup]:
    """The groups of two files of figures, those of the first file in its order, then the others."""
    one, other = _read(first), _read(second)
    groups = []
    for name in dict.fromkeys([*one, *other]):
        here, there = one.get(name, {}), other.get(name, {})
        figures = tuple(
            ComparedFigure(figure, here.get(figure), there.get(figure)) for figure in _together(here, there)
        )
        groups.append(ComparedGroup(name, name in one, name in other, figures))
    return groups


def _together(first: Mapping[str, Decimal], second: Mapping[str, Decimal]) -> list[str]:
    """The names of both, what belongs together side by side: as the first has them, then by their start."""
    order = list(first)
    for figure in second:
        if figure in first:
            continue
        start = figure.rpartition(".")[0]
        place = max((at for at, name in enumerate(order) if name.startswith(start)), default=len(order) - 1)
        order.insert(place + 1, figure)
    return order


def _read(content: bytes) -> dict[str, dict[str, Decimal]]:
    groups: dict[str, dict[str, Decimal]] = {}
    for row in csv.DictReader(io.StringIO(content.decode(), newline="")):
        groups.setdefault(row["group"], {})[row["figure"]] = Decimal(row["value"])
    return groups
