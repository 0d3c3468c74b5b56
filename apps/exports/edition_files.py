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
        File("method.md", MARKDOWN, _text(method_lines(snapshot))),
        File("codebook.md", MARKDOWN, _text(codebook_lines(snapshot, [one.table for one in resources]))),
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


def _text(lines: Iterable[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


# ------------------------------------------------------------------------------------------------------ words


def method_lines(snapshot: Snapshot) -> Iterator[str]:
    """How the record was made and what its figures mean, with the numbers of the code of that moment."""
    how, words = snapshot.method, snapshot.said(LANGUAGES[0])
    yield from ("# Method", "", f"{snapshot.title}, as of {_moment(snapshot)}.", "")
    yield from ("## What is looked at, and how often", "")
    yield (
        f"Each reported address is asked for again. The gap to the next look is one part in {how.age_share} "
        f"of the report's age, at least {how.shortest_gap_minutes} minutes and at most "
        f"{how.longest_gap_days} days. At these ages it is looked at exactly on time: "
        f"{_hours(how.marks_hours)}. A look that ended within {how.mark_tolerance_minutes} minutes after "
        "such a mark answers for the mark."
    )
    yield from ("", "## When an item counts as removed", "")
    yield (
        f"After {how.confirm_count} answers that say that it is gone, which span {how.confirm_hours} hours "
        f"with none between that saw it; after {how.definitive_count} that span {how.definitive_hours} hours "
        "where the platform itself says so; at once when a person has looked. A suspected item is looked at "
        f"again {_hours(how.confirmation_hours)} after it was first seen gone. The removal is dated from the "
        "evidence, as an interval: later than the item was last seen, no later than it was first seen gone. "
        "Who took it down is not known from that."
    )
    yield from ("", "## What could not be told", "")
    yield (
        "An inconclusive answer neither counts as a removal nor undoes one. After "
        f"{how.unverifiable_count} of them in a row over {how.unverifiable_days} days, an item is "
        "unverifiable."
    )
    yield from ("", "## What is withheld", "")
    yield (
        f"Figures of groups of fewer than {snapshot.minimum_n} items, and others where a difference would "
        "reveal these. No file holds an address, an account, a label, a note, or a word of a report or reply."
    )
    if snapshot.choices.items:
        yield "Item rows are published one by one, and can be counted by whoever has them."
    yield from ("", "## What the figures mean", "")
    for each in words.meanings:
        yield f"- {each.title} (`{each.name}`). {each.meaning} Formula: {each.formula}. Unit: {each.unit}."
        yield f"  Population: {each.population}. Left out: {each.exclusions}."
        if each.source:
            yield f"  Source: {each.source}."
    yield from ("", "## Why an item is left out", "")
    for name, said in words.exclusions.items():
        yield f"- `{name}`: {said}"


def codebook_lines(snapshot: Snapshot, tables: Sequence[Table]) -> Iterator[str]:
    """What each column of the edition's files holds."""
    yield from ("# Codebook", "", f"Of the files of “{snapshot.title}”, as of {_moment(snapshot)}.", "")
    yield (
        "All files are UTF-8, CSV as in RFC 4180. A cell that a spreadsheet would take for a formula begins "
        "with an apostrophe. An empty cell is a value that there is none of, or that is withheld."
    )
    for table in tables:
        yield from ("", f"## {table.name}.csv: {table.title}", "", f"One row is {table.row}.", "")
        yield from ("| column | type | unit | meaning |", "|---|---|---|---|")
        for column in table.columns:
            yield f"| `{column.name}` | {column.type} | {column.unit} | {column.meaning} |"


def _hours(hours: Iterable[int]) -> str:
    return ", ".join(f"{hour} h" for hour in hours)


def _moment(snapshot: Snapshot) -> str:
    return f"{snapshot.as_of:%Y-%m-%d %H:%M} UTC"
