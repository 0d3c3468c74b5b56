"""The files of an edition, from a campaign's public snapshot: tables, figures, charts, method, codebook.

What may be shown was decided when the snapshot was made; nothing here reads a figure from anywhere else. Item
rows are there where the campaign chose to publish them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from apps.metrics.chart import Chart, csv_text
from apps.metrics.records import seconds
from apps.platforms.registry import definitions
from apps.reports.models import Campaign
from apps.reports.selectors import items_of

from .columns import PUBLIC_ITEMS, PUBLIC_REPORTS, Audience, Column, Table, Type
from .csv_format import DIALECTS, csv_bytes, header
from .datapackage import Resource, datapackage
from .edition_texts import edition_texts
from .figure_paths import figures_in
from .items import Items, public_blocks
from .published import LANGUAGES, Snapshot
from .redaction import platform_keys
from .sql import Block
from .writing import Written

CSV, JSON = "text/csv; charset=utf-8", "application/json"
TEXT, MARKDOWN = "text/plain; charset=utf-8", "text/markdown; charset=utf-8"
SUMS = "SHA256SUMS"
FIGURES_FILE, ITEMS_FILE, HEADS_FILE = "figures.csv", "items.csv", "ledger-heads.csv"

_COUNTS = {"eligible", "removed", "still_up"}
EDITION_REPORTS = replace(
    PUBLIC_REPORTS,
    columns=tuple(
        column
        for column in PUBLIC_REPORTS.columns
        if column.name in _COUNTS | {"report", "platform", "channel", "category", "sent", "bounced"}
    ),
)
"""Reports as the public pages list them. The counts of a report are empty where they are withheld."""

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
    content: bytes
    public: bool = True

    @property
    def sha256(self) -> str:
        """Of its content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def edition_files(
    campaign: Campaign, snapshot: Snapshot, *, key: str, heads: Sequence[tuple[str, str]]
) -> list[File]:
    """All public files of an edition, SHA256SUMS last.

    `key` is that of the public names, `heads` the public name and the head of each watched URL.
    """
    words = snapshot.said(LANGUAGES[0])
    charts = {f"chart-{name}.csv": chart for name, chart in words.whole.charts.items() if chart.rows}
    tables: dict[str, tuple[Table, list[Block]]] = {FIGURES_FILE: (FIGURES, [_figures(snapshot)])}
    if snapshot.choices.reports:
        tables["reports.csv"] = (EDITION_REPORTS, [_reports(snapshot)])
    if snapshot.choices.items:
        tables[ITEMS_FILE] = (PUBLIC_ITEMS, list(_items(campaign, snapshot, key=key)))
    tables[HEADS_FILE] = (HEADS, [[[name for name, _ in heads], [head for _, head in heads]]])
    files, resources = [], []
    for name, (table, blocks) in tables.items():
        files.append(File(name, CSV, _csv(table, blocks)))
        resources.append(_resource(files[-1], table, sum(len(block[0]) for block in blocks)))
    for name, chart in charts.items():
        files.append(File(name, CSV, csv_text(chart).encode()))
        resources.append(_resource(files[-1], chart_table(name, chart), len(chart.rows)))
    files += [
        File("summary.json", JSON, _json(snapshot.summary)),
        *(
            File(name, MARKDOWN, content)
            for name, content in edition_texts(snapshot, [one.table for one in resources])
        ),
        File(
            "datapackage.json",
            JSON,
            _json(datapackage(name=snapshot.slug, title=snapshot.title, resources=resources)),
        ),
    ]
    return [*sorted(files, key=lambda file: file.name), sums_of(files)]


def sums_of(files: Iterable[File]) -> File:
    """SHA256SUMS, as `sha256sum --check` reads it."""
    lines = [f"{file.sha256}  {file.name}\n" for file in sorted(files, key=lambda file: file.name)]
    return File(SUMS, TEXT, "".join(lines).encode())


# ----------------------------------------------------------------------------------------------------- tables


def _figures(snapshot: Snapshot) -> Block:
    found = list(figures_in(snapshot.summary))
    return [
        [one.group for one in found],
        [one.figure for one in found],
        [one.value for one in found],
    ]


def _reports(snapshot: Snapshot) -> Block:
    rows = [
        {
            "report": report.number,
            "platform": report.platform or None,
            "channel": report.channel,
            "category": report.category,
            "sent": report.sent,
            "bounced": report.bounced,
            "eligible": report.counts.eligible if report.counts else None,
            "removed": report.counts.removed if report.counts else None,
            "still_up": report.counts.up if report.counts else None,
        }
        for report in snapshot.reports
    ]
    return [[row[name] for row in rows] for name in EDITION_REPORTS.names]


def _items(campaign: Campaign, snapshot: Snapshot, *, key: str) -> Iterator[Block]:
    """Item rows under the names that the public knows platforms by."""
    choices = snapshot.choices
    found = Items.read(campaign, items_of(campaign), key=key)
    found = replace(found, now=seconds(snapshot.as_of))
    in_order = sorted(found.reports.values(), key=lambda report: report.number)
    by_letter = choices.platforms == "letters"
    keys = platform_keys([report.platform for report in in_order], named=definitions(), by_letter=by_letter)
    if "platforms" not in choices.charts:
        keys = dict.fromkeys(keys, "")
    kind = PUBLIC_ITEMS.names.index("kind")
    for block in public_blocks(found, dates=choices.dates, platforms=keys):
        if by_letter or "platforms" not in choices.charts:
            block[kind] = [None] * len(block[kind])  # a platform can be known by the kinds that it has
        yield block


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


def _csv(table: Table, blocks: Iterable[Block]) -> bytes:
    plain = DIALECTS[""]
    return header(table.columns, plain) + b"".join(
        lines for _, lines in csv_bytes(blocks, table.columns, plain)
    )


def _resource(file: File, table: Table, rows: int) -> Resource:
    return Resource(file.name, table, Written(rows, len(file.content), file.sha256))


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
