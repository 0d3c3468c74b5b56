"""What people hand in: a pasted list as reports, or a file as an import that the checker runs."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from django.conf import settings
from django.db import transaction

from apps.accounts.models import Person
from apps.core import clock
from apps.core.canonical import UnusableURL, canonicalise
from apps.core.defanging import refang

from .activity import record, word_of
from .columns import check_mapping, guess_columns
from .csv_files import Table, UnreadableFile
from .importing import read_table_row, row_context, time_zone
from .models import Campaign, Category, Channel, Deed, Delivery, Import, Item, Report, Standing, Subject
from .moments import EARLIEST
from .rows import AcceptedRow, RejectedRow, read_row
from .spool import RejectedLine, Spool
from .writing import ROWS_A_CHUNK, Details, Writer

PREVIEW_ROWS = 50
PREVIEW_CHECKED_ROWS = 2_000
_STILL_OPEN = (Import.State.MAPPING, Import.State.FAILED)

_BULLET = re.compile(r"^\s*(?:[-*•·–]|\d{1,4}[.)])\s+")


class UnusableReport(ValueError):
    """A report or a list that cannot be taken as a whole. `str()` is a sentence for people."""


# ----------------------------------------------------------------------------------------------- pasted lists


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """What became of a list.

    `items` are new, and `lines` has the line of each. `duplicates` are lines whose item the campaign has
    already, by their number and text; `rejected` lines have the reason. `reports` are those that the new
    items stand in, one a platform.
    """

    items: list[Item] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    duplicates: list[tuple[int, str]] = field(default_factory=list)
    rejected: list[RejectedLine] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SubmittedRow:
    """One row that was handed in: its line, its text as it stood there, and our columns.

    `problem` is what is known to be wrong with it already.
    """

    line: int
    text: str
    cells: Mapping[str, str]
    problem: str = ""


def submit_report(
    *,
    campaign: Campaign,
    urls: str | Iterable[str],
    person: Person | None = None,
    platform: str = "",
    channel: str = Channel.UNKNOWN,
    standing: str = Standing.UNKNOWN,
    category: str = Category.UNKNOWN,
    policy: str = "",
    reference: str = "",
    sent_at: datetime | None = None,
    delivery: str = Delivery.SENT,
    note: str = "",
    labels: Iterable[str] = (),
    control: bool = False,
    attested: bool = True,
) -> SubmitResult:
    """Record a list of URLs that was sent, as one report for each platform in it.

    `urls` is pasted text (one URL a line; bullets, empty lines and lines with a `#` first do not matter) or
    its lines. `platform` only has to be given to insist on one: URLs of another are then rejected. `sent_at`
    is when the list was sent, and without it now. `attested` is the reporter's word that the items were up
    then. Usable lines are written in one transaction, the others come back with their line number and a
    reason. Raises UnusableReport for a `sent_at` in the future.
    """
    common = {
        "platform": platform,
        "channel": channel,
        "standing": standing,
        "category": category,
        "reference": reference,
        "labels": ";".join(labels),
        "control": "yes" if control else "",
        "attested": "yes" if attested else "no",
    }
    return submit_rows(
        campaign=campaign,
        rows=(
            SubmittedRow(line, text, {"url": text, **common}, problem)
            for line, text, problem in pasted_lines(urls)
        ),
        person=person,
        sent_at=sent_at,
        details=Details(policy=policy, delivery=Delivery(delivery), note=note),
    )


def submit_rows(
    *,
    campaign: Campaign,
    rows: Iterable[SubmittedRow],
    person: Person | None = None,
    sent_at: datetime | None = None,
    details: Details | None = None,
    token: int | None = None,
) -> SubmitResult:
    """Record rows that each may say more than their URL, as one report for each group of them.

    What holds for `submit_report` holds here: what can be used is written in one transaction, all else comes
    back with its line and a reason. `token` is the number of the API token by which `person` did it. Raises
    UnusableReport for a `sent_at` in the future, or before the web.
    """
    now = clock.now()
    if sent_at is not None and sent_at > now:
        raise UnusableReport(f"The report was sent in the future; it is now {now:%Y-%m-%d %H:%M} UTC.")
    if sent_at is not None and sent_at < EARLIEST:
        raise UnusableReport("The report was sent before there was a web: check the year.")
    context = row_context(zone=time_zone("UTC"), reported_at=sent_at)
    result = SubmitResult()
    with Spool() as spool:
        for row in rows:
            read = RejectedRow(row.problem) if row.problem else read_row(row.cells, context)
            if isinstance(read, RejectedRow):
                spool.reject(row.line, [row.text], read.reason)
            else:
                spool.accept(row.line, read, [row.text])
        spool.settle(now=now)
        with transaction.atomic():
            writer = Writer(
                campaign=campaign,
                person_id=None if person is None else person.pk,
                now=now,
                details=details,
            )
            for ready in spool.ready(ROWS_A_CHUNK):
                for written in writer.write(ready):
                    if written.item is None:
                        result.duplicates.append((written.row.line, written.row.row.submitted))
                    else:
                        result.items.append(written.item)
                        result.lines.append(written.row.line)
            result.rejected.extend(spool.rejected())
            result.reports.extend({item.report_id: item.report for item in result.items}.values())
            _note_report(result, campaign, person, token)
    return result


def _note_report(result: SubmitResult, campaign: Campaign, person: Person | None, token: int | None) -> None:
    """One row for each report that got items; one without a report where there was nothing new."""
    shared = {"duplicates": len(result.duplicates), "rejected": len(result.rejected)}
    for report in result.reports:
        record(
            Deed.REPORT_MADE,
            person=person,
            campaign=campaign,
            subject=Subject.REPORT,
            number=report.number,
            became={
                "items": sum(item.report_id == report.pk for item in result.items),
                **shared,
                "channel": Channel(report.channel),
                "standing": word_of(Standing, report.standing),
                "category": word_of(Category, report.category),
                "sent_at": report.sent_at,
            },
            token=token,
        )
    if not result.reports:
        became = {"items": 0, **shared}
        record(Deed.REPORT_MADE, person=person, campaign=campaign, became=became, token=token)


def pasted_lines(urls: str | Iterable[str]) -> Iterator[tuple[int, str, str]]:
    """(line number from 1, the text of one URL, what is wrong with the line or "") of what was pasted.

    Bullets and the commas behind a URL are taken off; empty lines and those with a `#` first are left out.
    Several URLs may stand on a line where each has its scheme: of `https://example.org/my clip.mov` the
    second word could be a host, and is none.
    """
    for line, text in enumerate(urls.splitlines() if isinstance(urls, str) else urls, start=1):
        text = _BULLET.sub("", text).strip().rstrip(",;").rstrip()
        if not text or text.startswith("#"):
            continue
        words = text.split()
        if all(map(_is_url, words)) and all(map(_has_scheme, words[1:])):
            yield from ((line, word, "") for word in words)
        elif len(words) > 1 and any(map(_is_url, words)):
            # Taken as part of the path, the text would make another page of it.
            yield line, text, "There is other text beside the URL: leave one URL alone on its line."
        else:
            yield line, text, ""


def _has_scheme(word: str) -> bool:
    return "://" in refang(word)


def _is_url(text: str) -> bool:
    try:
        canonicalise(text)
    except UnusableURL:
        return False
    return True


# ------------------------------------------------------------------------------------------------------ files


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row of an uploaded list: its line, our columns with their texts, and why it is unusable (or "")."""

    line: int
    cells: Mapping[str, str]
    problem: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What an uploaded list would give, before anything is written.

    `rows` are its first rows; `problems` the rows that cannot be used among the first `checked`, of `total`.
    `unreadable` says why reading ended before the list did (or ""): then nothing of it can be imported.
    Whether a row is a duplicate, and whether a removal lies before a report that has no date of its own,
    shows only when the list is imported.
    """

    headers: tuple[str, ...]
    is_plain_list: bool
    rows: list[PreviewRow]
    problems: list[PreviewRow]
    checked: int
    total: int
    unreadable: str = ""


def upload_list(
    *, campaign: Campaign, filename: str, content: bytes, person: Person | None = None, timezone: str = "UTC"
) -> Import:
    """Keep an uploaded list with its columns guessed, to be looked through before it is imported.

    Raises UnusableReport for a file that is too large, UnreadableFile for one that is no list or cannot be
    read to its end, and UnknownTimeZone.
    """
    if len(content) > settings.LARGEST_UPLOAD_BYTES:
        raise UnusableReport(
            f"The file is larger than {settings.LARGEST_UPLOAD_BYTES // 1_000_000} MB: split it, or import "
            "it with manage.py import_reports."
        )
    time_zone(timezone)
    table = Table(io.BytesIO(content))
    _count(table)
    with transaction.atomic():
        pending = Import.objects.create(
            campaign=campaign,
            created_by=person,
            filename=filename[-255:],
            content=content,
            column_map=guess_columns(table.headers),
            timezone=timezone,
        )
        _note_list(Deed.LIST_UPLOADED, pending, person, became={"bytes": len(content)})
    return pending


def map_columns(
    *, pending: Import, column_map: Mapping[str, str], timezone: str, person: Person | None = None
) -> None:
    """Correct the columns (ours to the file's header; "" for none) and the time zone of an uploaded list.

    Raises UnusableMapping, UnknownTimeZone, and UnusableReport for a list that is being imported already.
    """
    time_zone(timezone)
    checked = check_mapping(column_map, _table(pending).headers)
    with transaction.atomic():
        changed = Import.objects.filter(pk=pending.pk, state__in=_STILL_OPEN).update(
            column_map=checked, timezone=timezone
        )
        if not changed:
            raise UnusableReport(
                "This list is being imported already; its columns cannot be changed any more."
            )
        if (checked, timezone) != (pending.column_map, pending.timezone):
            _note_list(Deed.LIST_MAPPED, pending, person, hidden=["columns", "timezone"])
    pending.column_map, pending.timezone = checked, timezone


def preview(pending: Import, *, rows: int = PREVIEW_ROWS) -> Preview:
    """Read an uploaded list with its columns as they are mapped now, and write nothing.

    Without a column for `url` each row's problem says so.
    """
    table = _table(pending)
    places = {
        column: table.headers.index(header)
        for column, header in pending.column_map.items()
        if header in table.headers
    }
    context = row_context(zone=time_zone(pending.timezone))
    found = Preview(table.headers, table.is_plain_list, [], [], 0, 0)
    checked = 0
    try:
        for row in islice(table, PREVIEW_CHECKED_ROWS):
            checked += 1
            read = read_table_row(row, places, context)
            cells = {column: row.cells[place] for column, place in places.items() if place < len(row.cells)}
            shown = PreviewRow(row.line, cells, "" if isinstance(read, AcceptedRow) else read.reason)
            if len(found.rows) < rows:
                found.rows.append(shown)
            if shown.problem:
                found.problems.append(shown)
        return replace(found, checked=checked, total=checked + _count(table))
    except UnreadableFile as error:
        return replace(found, checked=checked, total=checked, unreadable=str(error))


def queue_import(*, pending: Import, person: Person | None = None) -> None:
    """Hand an uploaded list to the checker, which imports it. One that failed may be handed over again.

    Raises UnusableMapping while no column is mapped to `url`, and UnreadableFile. One that is under way or
    done is left alone.
    """
    table = _table(pending)
    check_mapping(pending.column_map, table.headers)
    total = _count(table)
    with transaction.atomic():
        queued = Import.objects.filter(pk=pending.pk, state__in=_STILL_OPEN).update(
            state=Import.State.QUEUED, rows_total=total, rows_read=0, attempts=0, lease_until=None, problem=""
        )
        if queued:
            _note_list(Deed.LIST_QUEUED, pending, person, became={"rows": total})
    pending.refresh_from_db()


def discard_import(*, pending: Import, person: Person | None = None) -> bool:
    """Delete an uploaded list that was not imported; returns false for one that is under way or done."""
    with transaction.atomic():
        deleted, _ = Import.objects.filter(pk=pending.pk, state__in=_STILL_OPEN).delete()
        if deleted:
            _note_list(Deed.LIST_DISCARDED, pending, person)
    return bool(deleted)


def _note_list(
    deed: Deed,
    pending: Import,
    person: Person | None,
    *,
    became: Mapping[str, int] | None = None,
    hidden: Iterable[str] = (),
) -> None:
    record(
        deed,
        person=person,
        campaign=pending.campaign_id,
        subject=Subject.IMPORT,
        number=pending.pk,
        became=became,
        hidden=hidden,
    )


def _count(table: Table) -> int:
    """How many rows are left in a list. Raises UnreadableFile where it cannot be read to its end."""
    return sum(1 for _ in table)


def _table(pending: Import) -> Table:
    return Table(io.BytesIO(bytes(pending.content)))
