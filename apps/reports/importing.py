"""Lists from files: read and checked row by row, then written in one transaction.

`manage.py import_reports` and the workspace's uploads are two faces of this. The two passes:

1. `read_list` reads every row into a `Spool`, accepted or rejected with its reason. Nothing is written.
2. `write_list` writes the accepted rows in one transaction: an import that is interrupted leaves nothing.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Event
from zoneinfo import ZoneInfo

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q

from apps.checks.address import refusal
from apps.core import clock

from .activity import record
from .columns import UnusableMapping, check_mapping
from .csv_files import Row, Table, UnreadableFile
from .models import Campaign, Deed, Import, Subject
from .rejected import write_rejected
from .rows import AcceptedRow, RejectedRow, RowContext, read_row
from .spool import Spool
from .writing import ROWS_A_CHUNK, Writer

log = logging.getLogger(__name__)

PROGRESS_EVERY = 500  # rows
WRITE_ATTEMPTS = 3
IMPORT_ATTEMPTS = 3
READING_LEASE = timedelta(minutes=2)
WRITING_LEASE_A_ROW = timedelta(milliseconds=10)

Progress = Callable[[int], None]
"""Called with the number of rows that are done."""


class UnknownTimeZone(ValueError):
    """A name that is no time zone. `str()` is a sentence for people."""


class ImportInterrupted(Exception):
    """The import was stopped, or another process has taken it over; this one writes nothing."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a list's rows: `rows` is the sum of created, duplicates and rejected.

    `observations` counts the manual checks that were new.
    """

    rows: int
    created: int
    duplicates: int
    rejected: int
    observations: int


def time_zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name. Raises UnknownTimeZone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise UnknownTimeZone(
            f"There is no time zone “{name}”. Write a name such as Europe/Berlin or UTC."
        ) from error


def row_context(*, zone: ZoneInfo, reported_at: datetime | None = None) -> RowContext:
    """What rows are read against here and now; `reported_at` stands in where a row has no date."""
    return RowContext(zone=zone, now=clock.now(), refusal=refusal, default_reported_at=reported_at)


def read_list(
    table: Table, *, column_map: Mapping[str, str], context: RowContext, progress: Progress | None = None
) -> Spool:
    """The first pass: every row of the file, read and checked.

    `column_map` is our column to the file's header, as `check_mapping` gives it. Raises UnreadableFile.
    """
    places = {column: table.headers.index(header) for column, header in column_map.items()}
    spool = Spool()
    try:
        count = 0
        for count, row in enumerate(table, start=1):
            read = read_table_row(row, places, context)
            if isinstance(read, AcceptedRow):
                spool.accept(row.line, read, row.cells)
            else:
                spool.reject(row.line, row.cells, read.reason)
            if progress is not None and count % PROGRESS_EVERY == 0:
                progress(count)
        if progress is not None:
            progress(count)
        spool.settle(now=context.now)
    except BaseException:
        spool.close()
        raise
    return spool


def read_table_row(row: Row, places: Mapping[str, int], context: RowContext) -> AcceptedRow | RejectedRow:
    """One row of a file; `places` are our columns and where in the row they stand."""
    if row.problem:
        return RejectedRow(row.problem)
    return read_row({column: row.cells[place] for column, place in places.items()}, context)


def write_list(
    spool: Spool,
    *,
    campaign: Callable[[], Campaign],
    now: datetime,
    person_id: int | None = None,
    import_id: int | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    finish: Callable[[ImportResult], None] | None = None,
) -> ImportResult:
    """The second pass: all that is accepted, in one transaction.

    `campaign` gives (or makes) the campaign inside the transaction, and `finish` is called inside it at its
    end. `import_id` is the uploaded list that it is of. The activity log gets one row. A dry run does the
    same work, so that it counts the same, and then takes it back. Where the database ends the transaction
    because it got in another's way, it is tried again.
    """
    for attempt in range(1, WRITE_ATTEMPTS + 1):
        try:
            with transaction.atomic():
                found = campaign()
                writer = Writer(campaign=found, person_id=person_id, now=now)
                result = _write(spool, writer, progress)
                record(
                    Deed.LIST_IMPORTED,
                    person=person_id,
                    campaign=found,
                    subject=Subject.IMPORT if import_id is not None else None,
                    number=import_id,
                    became=asdict(result),
                )
                if finish is not None:
                    finish(result)
                if dry_run:
                    transaction.set_rollback(True)
            return result
        except OperationalError:
            if attempt == WRITE_ATTEMPTS or transaction.get_connection().in_atomic_block:
                raise
            log.warning("Writing a list was broken off by the database (attempt %d); trying again.", attempt)
    raise AssertionError("the last attempt returns or raises")


def _write(spool: Spool, writer: Writer, progress: Progress | None) -> ImportResult:
    done = created = 0
    for rows in spool.ready(ROWS_A_CHUNK):
        created += sum(written.item is not None for written in writer.write(rows))
        done += len(rows)
        if progress is not None:
            progress(done)
    rejected = spool.rejected_count()
    return ImportResult(
        rows=done + rejected,
        created=created,
        duplicates=done - created,
        rejected=rejected,
        observations=writer.observations,
    )


def run_next_import(stop: Event | None = None) -> bool:
    """Run one import that waits in the workspace, if there is one; returns whether there was.

    1. It is taken by a conditional update with a lease in real time, which reading renews.
    2. The end of the lease is a condition of the result, too, and stands in the same transaction as the
       items: whoever was taken for dead writes nothing, and an import that was killed is taken again.
    3. A list that cannot be read fails with a sentence; one that ends the process three times fails, too.

    While `stop` is set, an import that is being read goes back to the queue.
    """
    pending = _take()
    if pending is None:
        return False
    try:
        _run(pending, stop)
    except ImportInterrupted:
        log.info("Import %d was stopped or taken over.", pending.pk)
    except (UnreadableFile, UnusableMapping, UnknownTimeZone) as error:
        _fail(pending, str(error))
    except (OperationalError, InterfaceError):
        # Whether the database can take this note, too, is not certain; else the lease runs out.
        _update(pending, state=Import.State.QUEUED, lease_until=None)
        raise
    except Exception:
        log.exception("Import %d failed.", pending.pk)
        _fail(pending, "An error of the program itself stopped this import: the log of the checker has it.")
    return True


def _take() -> Import | None:
    now = clock.shared_wall()
    waiting = Q(state=Import.State.QUEUED)
    abandoned = Q(state__in=[Import.State.READING, Import.State.WRITING], lease_until__lt=now)
    for pending in Import.objects.filter(waiting | abandoned).defer("content", "rejected_csv").order_by("pk"):
        if pending.attempts >= IMPORT_ATTEMPTS:
            _fail(
                pending, f"The import was interrupted {IMPORT_ATTEMPTS} times. Split the list and try again."
            )
            continue
        taken = _update(
            pending,
            state=Import.State.READING,
            lease_until=now + READING_LEASE,
            attempts=F("attempts") + 1,
            rows_read=0,
            problem="",
        )
        if taken:
            return pending
    return None


def _run(pending: Import, stop: Event | None) -> None:
    table = Table(io.BytesIO(bytes(pending.content)))
    column_map = check_mapping(pending.column_map, table.headers)
    context = row_context(zone=time_zone(pending.timezone))
    noted = clock.wall()

    def note_progress(rows: int) -> None:
        nonlocal noted
        now = clock.wall()
        if stop is not None and stop.is_set():
            _update(pending, state=Import.State.QUEUED, lease_until=None, attempts=F("attempts") - 1)
            raise ImportInterrupted
        if now - noted >= timedelta(seconds=1):
            noted = now
            _keep(pending, rows_read=rows, lease_until=clock.shared_wall() + READING_LEASE)

    def finish(result: ImportResult) -> None:
        _keep(
            copy(pending),  # the transaction may still be taken back
            state=Import.State.DONE,
            lease_until=None,
            rows_total=result.rows,
            created_count=result.created,
            duplicate_count=result.duplicates,
            rejected_count=result.rejected,
            observation_count=result.observations,
            rejected_csv=rejected.getvalue(),
            content=b"",
        )

    with read_list(table, column_map=column_map, context=context, progress=note_progress) as spool:
        rejected = io.StringIO(newline="")
        if spool.rejected_count():
            write_rejected(
                rejected, headers=table.headers, delimiter=table.delimiter, rejected=spool.rejected()
            )
        accepted = spool.accepted_count()
        _keep(
            pending,
            state=Import.State.WRITING,
            rows_read=accepted + spool.rejected_count(),
            lease_until=clock.shared_wall() + READING_LEASE + accepted * WRITING_LEASE_A_ROW,
        )
        write_list(
            spool,
            campaign=lambda: Campaign.objects.get(pk=pending.campaign_id),
            now=context.now,
            person_id=pending.created_by_id,
            import_id=pending.pk,
            finish=finish,
        )


def _keep(pending: Import, **changes: object) -> None:
    if not _update(pending, **changes):
        raise ImportInterrupted


def _update(pending: Import, **changes: object) -> bool:
    """Change an import that nobody else has taken meanwhile; returns whether it was still ours."""
    held = Import.objects.filter(pk=pending.pk, state=pending.state, lease_until=pending.lease_until)
    if held.update(**changes) != 1:
        return False
    for name in ("state", "lease_until"):
        setattr(pending, name, changes.get(name, getattr(pending, name)))
    return True


def _fail(pending: Import, sentence: str) -> None:
    _update(pending, state=Import.State.FAILED, lease_until=None, problem=sentence)
