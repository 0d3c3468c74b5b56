"""What every chart and table of figures is made of: a finding, numbers, their definitions, and a plot.

A chart has the same numbers three times: drawn, as the table under it, and as a CSV file. All are made from
`rows`, so that they cannot differ. Pure.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apps.core.csv_cells import safe_cell
from apps.core.templatetags.show import thousands

from .definitions import DEFINITIONS, Definition
from .shares import Share
from .words import fine_percent, hours_words, points_words

MISSING = "–"
Plot = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Heading:
    """A column: its name in the CSV file, how a page calls it, and whether it holds numbers."""

    name: str
    label: str
    number: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as people read it, and as the CSV file has it: empty where there is none."""

    text: str
    value: str

    @property
    def csv(self) -> str:
        """The value where a spreadsheet must not run it: a number below zero stays a number."""
        return self.value if _is_number(self.value) else safe_cell(self.value)


Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure of a page. `finding` is one sentence, made from the numbers; `definitions` are what they mean.

    The first column of `rows` names each row. `plot` is what plotly draws (data, layout, and what changes of
    the layout on a narrow screen); None for numbers that are best read as a table.
    """

    slug: str
    title: str
    finding: str
    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]
    definitions: tuple[str, ...]
    notes: tuple[str, ...] = ()
    plot: Plot | None = field(default=None, repr=False)

    @property
    def meanings(self) -> tuple[Definition, ...]:
        """The definitions behind it."""
        return tuple(DEFINITIONS[name] for name in self.definitions)

    @property
    def table(self) -> list[list[tuple[Heading, Cell]]]:
        """The rows, each cell beside its heading."""
        return [list(zip(self.headings, row, strict=True)) for row in self.rows]

    def csv_rows(self) -> Iterator[list[str]]:
        """The headings' names, then the rows."""
        yield [heading.name for heading in self.headings]
        for row in self.rows:
            yield [cell.csv for cell in row]


def csv_text(chart: Chart) -> str:
    """The chart's numbers as a CSV file."""
    file = io.StringIO()
    csv.writer(file).writerows(chart.csv_rows())
    return file.getvalue()


def text(value: str) -> Cell:
    """Words."""
    return Cell(value, value)


def whole(value: int | None) -> Cell:
    """A count."""
    return Cell(MISSING, "") if value is None else Cell(thousands(value), str(value))


def portion(value: float | None) -> Cell:
    """A share from 0 to 1, shown in percent."""
    return Cell(MISSING, "") if value is None else Cell(fine_percent(value), _decimal(value, 4))


def points(value: float | None) -> Cell:
    """A difference of two shares, shown in percentage points."""
    if value is None:
        return Cell(MISSING, "")
    return Cell(points_words(value), _decimal(value, 4))


def duration(hours: float | None, missing: str = MISSING) -> Cell:
    """A duration in hours."""
    return Cell(missing, "") if hours is None else Cell(hours_words(hours), _decimal(hours, 2))


def instant(moment: datetime | None) -> Cell:
    """A moment in UTC."""
    if moment is None:
        return Cell(MISSING, "")
    utc = moment.astimezone(UTC)
    return Cell(f"{utc:%Y-%m-%d %H:%M}", utc.isoformat(timespec="seconds").replace("+00:00", "Z"))


def share_cells(share: Share) -> tuple[Cell, Cell, Cell, Cell, Cell]:
    """n, of, share, and the ends of its interval; the last three are missing where there are too few."""
    return whole(share.n), whole(share.of), portion(share.value), portion(share.low), portion(share.high)


SHARE_HEADINGS = (
    Heading("n", "n"),
    Heading("of", "of"),
    Heading("share", "Share"),
    Heading("low", "95% from"),
    Heading("high", "to"),
)


def _decimal(value: float, places: int) -> str:
    return f"{value:.{places}f}".rstrip("0").rstrip(".") if value else "0"


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
