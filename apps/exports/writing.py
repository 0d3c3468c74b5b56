"""Exports written out: a table in a format, in constant memory, with its row count and SHA-256 at the end.

A file is only known to be whole once it is at its end. So whoever writes one gets the number of rows, of
bytes and the digest back (`Written`), and says them beside the file; a CSV file itself holds its rows and
nothing else.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet

from apps.accounts.roles import Audience
from apps.core import clock
from apps.metrics.grouping import GroupKey, UnusableGrouping, check_visible
from apps.metrics.summary import summarise
from apps.reports.activity_log import activity_of
from apps.reports.models import Activity, Campaign, Item
from apps.reports.selectors import items_of

from . import csv_format
from .activity_rows import activity_blocks
from .columns import Table, table_called
from .csv_format import BYTE_ORDER_MARK, DIALECTS, END, Dialect
from .items import Items, worked_out, worked_out_columns
from .models import public_key_of
from .public_items import streamed_item_blocks
from .public_record import read_public
from .public_reports import report_blocks as public_report_blocks
from .publication import draft_of
from .published import CHARTS, DATES, Choices
from .report_rows import replies_to, reply_blocks, report_blocks, reports_chosen
from .snapshots import choices_of
from .sources import checks_source, items_source, transitions_source
from .sql import Block, Source, all_csv_lines, blocks, csv_lines, has_csv_lines, one_view
from .summary_rows import check_public, public_groups, summary_blocks
from .xlsx_format import Out, write_xlsx

Progress = Callable[[int], None]


class Format(StrEnum):
    """The formats of a file."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"


MEDIA_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSONL: "application/jsonl; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class UnusableExport(ValueError):
    """An export that cannot be made. `str()` is a sentence that says what to ask for."""


@dataclass(frozen=True, slots=True)
class Export:
    """What to write: a table of a campaign, of all its items or of those that a filter chose.

    `by` groups the summary; `choices` are there for the public form of a table. `table` has the columns that
    `who` may see. `activities` are the rows of the activity log that a filter chose.
    """

    campaign: Campaign
    table: Table
    format: Format
    items: QuerySet[Item] | None = None
    activities: QuerySet[Activity] | None = None
    choices: Choices | None = None
    who: Audience = Audience.MEMBERS
    by: Sequence[GroupKey] = ()
    dialect: Dialect = DIALECTS[""]
    bom: bool = False

    @property
    def public(self) -> bool:
        """Whether it is the form for everyone."""
        return self.choices is not None

    @property
    def chosen(self) -> QuerySet[Item]:
        """The items that it is about."""
        return items_of(self.campaign) if self.items is None else self.items

    @property
    def filename(self) -> str:
        """What a file of it is called."""
        form = "-public" if self.public else "-figures" if self.who == Audience.FIGURES else ""
        return f"{self.campaign.slug}-{self.table.name}{form}.{self.format}"


@dataclass(frozen=True, slots=True)
class Written:
    """A file that is whole: its rows without the header, its bytes, and its SHA-256 in hexadecimal."""

    rows: int
    size: int
    sha256: str


def export_of(
    *,
    campaign: Campaign,
    table: str,
    format: str,
    items: QuerySet[Item] | None = None,
    activities: QuerySet[Activity] | None = None,
    public: bool = False,
    who: Audience = Audience.MEMBERS,
    dates: str = "",
    by: Sequence[GroupKey] = (),
    dialect: str = "",
    bom: bool = False,
) -> Export:
    """What somebody of the audience `who` asked for in words.

    Raises UnknownTable, UnusableExport, UnusableGrouping, or PermissionDenied.
    """
    found = table_called(table, public=public, who=who)
    if format not in set(Format):
        raise UnusableExport(f"There is no format “{format}”. Formats: {', '.join(Format)}.")
    if dialect not in DIALECTS:
        known = ", ".join(filter(None, DIALECTS))
        raise UnusableExport(f"There is no dialect “{dialect}”. Dialects: {known}, or none for commas.")
    if (dialect or bom) and format != Format.CSV:
        raise UnusableExport(f"A byte-order mark and a dialect are for CSV, not for {format}.")
    if dates and dates not in DATES:
        raise UnusableExport(f"Dates cannot be told by “{dates}”. Choose from: {', '.join(DATES)}.")
    if dates and not public:
        raise UnusableExport("Only public rows tell dates by month or day; others have the moment itself.")
    if public and items is not None:
        raise UnusableExport(
            "Public tables are of the whole campaign: what a filter chose could be a small group, or leave "
            "one out. Take the filter out."
        )
    if by and found.name != "summary":
        raise UnusableGrouping(f"Only the summary has groups, and {found.name} has none.")
    check_visible(by, who)
    if public:
        check_public(by)
    return Export(
        campaign=campaign,
        table=found.seen_by(who),
        who=who,
        format=Format(format),
        items=items,
        activities=activities,
        choices=_public_choices(campaign, found, dates) if public else None,
        by=by,
        dialect=DIALECTS[dialect],
        bom=bom,
    )


def _public_choices(campaign: Campaign, table: Table, dates: str) -> Choices:
    """How the public form of a table speaks: as was chosen for the campaign's publication.

    Whether platforms are named, reports listed, and days told is one decision for pages and files; a file may
    only be coarser. Raises UnusableExport.
    """
    chosen = choices_of(draft_of(campaign))
    if table.name == "reports" and not chosen.reports:
        raise UnusableExport("The publication of this campaign does not list reports. Choose so there first.")
    if dates and DATES.index(dates) > DATES.index(chosen.dates):
        raise UnusableExport(
            f"The publication of this campaign tells dates by {chosen.dates}, so no public file tells more."
        )
    return replace(chosen, charts=tuple(CHARTS), dates=dates or chosen.dates)


def write(export: Export, out: Out, *, progress: Progress | None = None) -> Written:
    """Write an export to `out`; `progress` hears the number of rows so far."""
    key = public_key_of(export.campaign) if export.table.name == "items" else ""
    with one_view():
        return write_in_view(export, out, key=key, progress=progress)


def write_in_view(export: Export, out: Out, *, key: str, progress: Progress | None = None) -> Written:
    """As `write`, within a view of the record that is open already; `key` is that of the public names."""
    counted = _Counted(out)
    rows = 0
    for many in _WRITERS[export.format](export, key, counted):
        rows += many
        if progress is not None:
            progress(rows)
    return Written(rows, counted.size, counted.digest.hexdigest())


def count_of(export: Export) -> int | None:
    """How many rows an export will have, for a progress bar; None where that is as much work as the rows."""
    items = export.chosen.order_by()
    match export.table.name:
        case "items":
            return items.count()
        case "checks":
            return checks_source(export.campaign, items, export.who).rows.count()
        case "transitions":
            return transitions_source(items, export.who).rows.count()
    return None


@dataclass(slots=True)
class _Counted:
    """A file that is only written to, and what is known of its bytes."""

    out: Out
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def write(self, content: bytes) -> int:
        self.out.write(content)
        self.digest.update(content)
        self.size += len(content)
        return len(content)

    def flush(self) -> None:
        self.out.flush()


# --------------------------------------------------------------------------------------------------- the rows


def _blocks(export: Export, key: str) -> Iterator[Block]:
    """The rows of an export as columns of values, whatever its format."""
    items = export.chosen
    if export.choices is not None:
        yield from _public_blocks(export, export.choices, key)
        return
    match export.table.name:
        case "checks" | "transitions":
            yield from blocks(_source(export))
        case "items":
            found = Items.read(export.campaign, items, key=key)
            for chunk in found.chunks(found.numbers()):
                first = 0
                rest = worked_out(found, chunk, export.who)
                for block in blocks(items_source(chunk.rows, export.who)):
                    last = first + len(block[0])
                    yield [*block, *(column[first:last] for column in rest)]
                    first = last
        case "reports":
            found = Items.read(export.campaign, items, key=key)
            yield from report_blocks(found, reports_chosen(export.campaign, export.items), export.who)
        case "replies":
            replies = replies_to(reports_chosen(export.campaign, export.items))
            yield from reply_blocks(replies, export.who)
        case "activity":
            chosen = export.activities if export.activities is not None else activity_of(export.campaign)
            yield from activity_blocks(chosen)
        case _:
            summary = summarise(export.campaign, items=items, by=export.by, who=export.who)
            yield from summary_blocks(summary.all_groups)


def _public_blocks(export: Export, choices: Choices, key: str) -> Iterator[Block]:
    if export.table.name == "items":
        yield from streamed_item_blocks(export.campaign, choices, key=key)
        return
    record = read_public(export.campaign, choices)
    match export.table.name:
        case "reports":
            yield from public_report_blocks(record)
        case _:
            yield from summary_blocks(public_groups(record, export.by), public=True)


def _source(export: Export) -> Source:
    if export.table.name == "checks":
        return checks_source(export.campaign, export.chosen, export.who)
    return transitions_source(export.chosen, export.who)


# ------------------------------------------------------------------------------------------------ the formats


def _csv(export: Export, key: str, out: _Counted) -> Iterator[int]:
    if export.bom:
        out.write(BYTE_ORDER_MARK)
    out.write(csv_format.header(export.table.columns, export.dialect))
    for rows, lines in csv_rows(export, key):
        out.write(lines)
        yield rows


def csv_rows(export: Export, key: str, *, plainly: bool = False) -> Iterator[tuple[int, bytes]]:
    """The lines below the header, and how many; made by the database where it can, unless `plainly`."""
    columns, dialect = export.table.columns, export.dialect
    name = export.table.name
    if plainly or export.public or name not in {"items", "checks", "transitions"}:
        yield from csv_format.csv_bytes(_blocks(export, key), columns, dialect)
    elif name != "items" and has_csv_lines(columns):
        for lines in csv_lines(_source(export), delimiter=dialect.delimiter):
            yield len(lines), END.join([*lines, b""])
    elif name == "items" and has_csv_lines(items_source(export.chosen, export.who).columns):
        yield from _item_lines(export, key)
    else:
        yield from csv_format.csv_bytes(_blocks(export, key), columns, dialect)


def _item_lines(export: Export, key: str) -> Iterator[tuple[int, bytes]]:
    """The database's part of each line, and what was worked out beside it, in the order of the numbers."""
    found = Items.read(export.campaign, export.chosen, key=key)
    delimiter, end = export.dialect.delimiter, END.decode()
    for chunk in found.chunks(found.numbers()):
        lines = all_csv_lines(items_source(chunk.rows, export.who), delimiter=delimiter)
        ((_, content),) = csv_format.csv_bytes(
            [worked_out(found, chunk, export.who)], worked_out_columns(export.who), export.dialect
        )
        rest = content.decode().split(end)  # no line break is in anything that was worked out
        text = end.join(map(delimiter.join, zip(lines, rest, strict=False)))
        yield len(lines), (text + end).encode()


def _jsonl(export: Export, key: str, out: _Counted) -> Iterator[int]:
    names = export.table.names
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for block in _blocks(export, key):
        text = io.StringIO()
        for values in zip(*block, strict=True):
            text.write(encode(dict(zip(names, values, strict=True))))
            text.write("\n")
        out.write(text.getvalue().encode())
        yield len(block[0])


def _xlsx(export: Export, key: str, out: _Counted) -> Iterator[int]:
    yield from write_xlsx(out, export.table, _blocks(export, key), made_at=clock.now())


_WRITERS: dict[Format, Callable[[Export, str, _Counted], Iterator[int]]] = {
    Format.CSV: _csv,
    Format.JSONL: _jsonl,
    Format.XLSX: _xlsx,
}
