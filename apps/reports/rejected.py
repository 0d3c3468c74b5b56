"""The rows of a list that could not be used, as a list to correct and hand in again."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import TextIO

from apps.core.csv_cells import plain_cell, safe_cell

from .spool import RejectedLine

LINE = "line"
BECAUSE = "rejected_because"


def write_rejected(
    stream: TextIO, *, headers: Sequence[str], delimiter: str, rejected: Iterable[RejectedLine]
) -> None:
    """Write rejected rows as CSV: the line in the list, the row under its own headers, and why.

    Cells are safe for a spreadsheet by `csv_cells`, which reading undoes. Of a row with too many cells the
    surplus is put into the last one, with its delimiters, so that every reason stands in its column. NUL,
    which few programs can read, is written as its symbol.
    """
    keep = [place for place, header in enumerate(headers) if header not in {LINE, BECAUSE}]
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow([LINE, *(headers[place] for place in keep), BECAUSE])
    width = len(headers)
    for row in rejected:
        cells = [*row.cells, *[""] * (width - len(row.cells))]
        cells[width - 1 :] = [delimiter.join(cells[width - 1 :])]
        shown = [safe_cell(plain_cell(cells[place]).replace("\x00", "␀")) for place in keep]
        writer.writerow([row.line, *shown, row.reason])
