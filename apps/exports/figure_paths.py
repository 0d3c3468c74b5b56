"""The numbers of a summary as a flat list: one row a group and figure. Pure.

A figure's name is its place in the summary's JSON, with points between the keys. An interval gives two rows,
`.from` and `.to`; a deadline stands under its rule's name. What is null has no row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .summary_rows import group_name

NOT_FROM_ROWS: Mapping[str, str] = {
    "targets": "rows do not tell which of them are the same address, which would link reports to each other",
    "accounts.*": "rows do not tell which of them share an account, by which uploaders could be found",
    "deadlines.*.hours": "the limit itself, as the law names it",
    "chart-accounts.csv": "as for accounts",
    "chart-statuses.csv": "rows tell how items stand now, which is its last line, and not how they stood",
    "ledger-heads.csv": "the checks behind the rows are not public",
}
"""Figures, by their names in figures.csv, and files that published rows do not tell, and why."""

REPLY_CLOCKS = ("first_reply_hours.*", "first_answer_hours.*", "decision_hours.*")
"""Figures that are computed from the rows of reports."""

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
