"""The numbers of a summary as a flat list: one row a group and figure. Pure.

A figure's name is its place in the summary's JSON, with points between the keys. An interval gives two rows,
`.from` and `.to`; a deadline stands under its rule's name. What is null has no row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .summary_rows import group_name

_NO_FIGURES = {"by"}
_ENDS = ("from", "to")


class FigureValue(NamedTuple):
    """One number of one group."""

    group: str
    figure: str
    value: float


def figures_in(summary: Mapping[str, Any]) -> Iterator[FigureValue]:
    """Every number of a summary's groups, in the order of the JSON. Nothing for an empty summary."""
    for group in summary.get("groups", ()):
        name = group_name(group["by"])
        for key, value in group.items():
            if key not in _NO_FIGURES:
                yield from (FigureValue(name, path, number) for path, number in _numbers(key, value))


def _numbers(path: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _numbers(f"{path}.{key}", one)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            name = one["rule"] if isinstance(one, Mapping) else _ENDS[place]
            yield from _numbers(f"{path}.{name}", one)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value
