"""The files of an edition, from a campaign's public snapshot: tables, figures, charts, method, codebook.

What may be shown was decided when the snapshot was made; nothing here reads a figure from anywhere else. Item
rows are there where the campaign chose to publish them. Each file goes to disk as its rows come.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from apps.accounts.roles import Audience
from apps.metrics.chart import Chart, csv_text

from .columns import PUBLIC_ITEMS, PUBLIC_REPORTS, Column, Table, Type
from .csv_format import DIALECTS, csv_bytes, header
from .datapackage import Resource, datapackage
from .edition_texts import edition_texts
from .figure_paths import figures_in
from .items import CHUNK
from .packing import Packed, pack
from .public_items import item_blocks
from .public_record import PublicRecord
from .public_reports import report_blocks
from .published import LANGUAGES, Snapshot
from .sql import Block
from .writing import Progress, Written

CSV, JSON = "text/csv; charset=utf-8", "application/json"
TEXT, MARKDOWN = "text/plain; charset=utf-8", "text/markdown; charset=utf-8"
SUMS = "SHA256SUMS"
FIGURES_FILE, ITEMS_FILE, HEADS_FILE = "figures.csv", "items.csv", "ledger-heads.csv"

FIGURES = Table(
    "figures",
    "Figures",
    "one number of one group; what is withheld has no row",
    (
        Column("group", Type.STRING, Audience.PUBLIC, "The group, such as channel=email; all for the total."),
        Column("figure", Type.STRING, Audience.PUBLIC, "The figure's place in summary.json, with points."),
        Column("value", Type.NUMBER, Audience.PUBLIC, "The number, as summary.json has it."),
    ),
    ("group", "figure"),
)

HEADS = Table(
    "ledger-heads",
    "Heads of the ledger",
    "a watched URL, under a name that leads nowhere",
    (
        Column("target", Type.STRING, Audience.PUBLIC, "Stands for the URL, in this campaign alone."),
        Column(
            "head", Type.STRING, Audience.PUBLIC, "The SHA-256 of its last check, which covers all before."
        ),
    ),
    ("target",),
)


@dataclass(frozen=True, slots=True)
class File:
    """A file of an edition. `public` is false for what only this site's own check of an edition reads."""

    name: str
    media_type: str
    packed: Packed
    public: bool = True


def made(folder: Path, name: str, media_type: str, chunks: Iterable[bytes], *, public: bool = True) -> File:
    """A file whose content is written to a folder as it comes."""
    return File(name, media_type, pack(folder / name, chunks), public)


def edition_files(
    record: PublicRecord,
    snapshot: Snapshot,
    *,
    key: str,
    heads: Iterable[tuple[str, str]],
    folder: Path,
    progress: Progress | None = None,
) -> list[File]:
    """All public files of an edition, SHA256SUMS last, written to an empty folder.

    `snapshot` is that of the record, `key` that of the public names, `heads` the public name and the head of
    each watched URL; `progress` hears the number of rows so far.
    """
    words = snapshot.said(LANGUAGES[0])
    charts = {f"chart-{name}.csv": chart for name, chart in words.whole.charts.items() if chart.rows}
    tables: dict[str, tuple[Table, Iterable[Block]]] = {FIGURES_FILE: (FIGURES, [_figures(snapshot)])}
    if snapshot.choices.reports:
        tables["reports.csv"] = (PUBLIC_REPORTS, report_blocks(record))
    if snapshot.choices.items:
        tables[ITEMS_FILE] = (PUBLIC_ITEMS, item_blocks(record, key=key))
    tables[HEADS_FILE] = (HEADS, _heads(heads))
    files, resources = [], []
    rows = _Rows(progress)
    for name, (table, blocks) in tables.items():
        before = rows.so_far
        files.append(made(folder, name, CSV, _csv(table, rows.counted(blocks))))
        resources.append(_resource(files[-1], table, rows.so_far - before))
    for name, chart in charts.items():
        files.append(made(folder, name, CSV, [csv_text(chart).encode()]))
        resources.append(_resource(files[-1], chart_table(name, chart), len(chart.rows)))
    texts = edition_texts(snapshot, [one.table for one in resources])
    package = datapackage(name=snapshot.slug, title=snapshot.title, resources=resources)
    files += [
        made(folder, "summary.json", JSON, [_json(snapshot.summary)]),
        *(made(folder, name, MARKDOWN, [content]) for name, content in texts),
        made(folder, "datapackage.json", JSON, [_json(package)]),
    ]
    files.sort(key=lambda file: file.name)
    # As `sha256sum --check` reads it.
    sums = (f"{file.packed.sha256}  {file.name}\n".encode() for file in files)
    return [*files, made(folder, SUMS, TEXT, sums)]


class _Rows:
    """Counts rows as they pass."""

    def __init__(self, progress: Progress | None) -> None:
        self.so_far = 0
        self.progress = progress

    def counted(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """The same blocks."""
        for block in blocks:
            yield block
            self.so_far += len(block[0])
            if self.progress is not None:
                self.progress(self.so_far)


# ----------------------------------------------------------------------------------------------------- tables


def _figures(snapshot: Snapshot) -> Block:
    found = list(figures_in(snapshot.summary))
    return [
        [one.group for one in found],
        [one.figure for one in found],
        [one.value for one in found],
    ]


def _heads(heads: Iterable[tuple[str, str]]) -> Iterator[Block]:
    waiting = iter(heads)
    while some := list(islice(waiting, CHUNK)):
        yield [[name for name, _ in some], [head for _, head in some]]


def chart_table(name: str, chart: Chart) -> Table:
    """The columns of a chart's file, described as the codebook describes the others."""

    def column(place: int) -> Column:
        heading = chart.headings[place]
        values = [row[place].value for row in chart.rows]
        type_ = Type.NUMBER if any(values) and all(map(_is_number, values)) else Type.STRING
        return Column(heading.name, type_, Audience.PUBLIC, heading.label)

    columns = tuple(column(place) for place in range(len(chart.headings)))
    return Table(name.removesuffix(".csv"), chart.title, "a line of the chart", columns, ())


def _is_number(value: str) -> bool:
    try:
        return not value or float(value) is not None
    except ValueError:
        return False


def _csv(table: Table, blocks: Iterable[Block]) -> Iterator[bytes]:
    plain = DIALECTS[""]
    yield header(table.columns, plain)
    for _, lines in csv_bytes(blocks, table.columns, plain):
        yield lines


def _resource(file: File, table: Table, rows: int) -> Resource:
    return Resource(file.name, table, Written(rows, file.packed.size, file.packed.sha256))


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
