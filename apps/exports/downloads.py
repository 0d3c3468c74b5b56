"""Files that somebody takes out: each is written, and noted with who took it.

It is noted twice: `Download` has what tells a whole copy from a cut one, for whoever took it; the activity
log says it to the owners.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC
from typing import IO, BinaryIO, cast

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import Person
from apps.core import clock
from apps.reports.activity import Told, Word, record
from apps.reports.models import Campaign, Deed, Item, Subject

from .evidence import write_evidence
from .models import Download
from .writing import Export, Progress, Written, write
from .xlsx_format import Out


def take_table(
    export: Export,
    out: Out,
    *,
    person: Person | None,
    filtered: bool = False,
    progress: Progress | None = None,
) -> Written:
    """Write an export, and note who took it; `person` is None at the command line."""
    written = write(export, out, progress=progress)
    _note(
        campaign=export.campaign,
        person=person,
        filename=dated(export.filename),
        written=written,
        filtered=filtered,
        told={
            "file": Word(export.table.name),
            "format": export.format,
            "public": export.public,
            "filtered": filtered,
        },
    )
    return written


def take_evidence(
    file: IO[bytes],
    *,
    campaign: Campaign,
    person: Person | None,
    items: QuerySet[Item],
    subject: Subject,
    number: int,
    progress: Progress | None = None,
) -> Written:
    """Write the evidence bundle of an item or a report to a file that can be read, and note who took it.

    The rows are its checks.
    """
    what = f"{subject.value} {number}"
    checks = write_evidence(
        cast(BinaryIO, file), campaign=campaign, items=items, what=what, progress=progress
    )
    size = file.tell()
    file.seek(0)
    written = Written(checks, size, hashlib.file_digest(file, "sha256").hexdigest())  # type: ignore[arg-type]
    _note(
        campaign=campaign,
        person=person,
        filename=f"{campaign.slug}-{subject.value}-{number}-evidence.zip",
        written=written,
        told={"file": Word("evidence")},
        subject=subject,
        number=number,
    )
    return written


@transaction.atomic
def note_file(
    *,
    campaign: Campaign,
    person: Person | None,
    file: str,
    subject: Subject | None = None,
    number: int | None = None,
) -> None:
    """Note that somebody took a file that a page made; `file` is the program's name for its sort."""
    record(
        Deed.FILE_TAKEN,
        person=person,
        campaign=campaign,
        subject=subject,
        number=number,
        became={"file": Word(file)},
    )


@transaction.atomic
def _note(
    *,
    campaign: Campaign,
    person: Person | None,
    filename: str,
    written: Written,
    told: Mapping[str, Told],
    filtered: bool = False,
    subject: Subject | None = None,
    number: int | None = None,
) -> None:
    Download.objects.create(
        campaign=campaign,
        person=person,
        filename=filename,
        filtered=filtered,
        rows=written.rows,
        size=written.size,
        sha256=written.sha256,
    )
    record(
        Deed.FILE_TAKEN,
        person=person,
        campaign=campaign,
        subject=subject,
        number=number,
        became={**told, "rows": written.rows, "bytes": written.size},
    )


def dated(filename: str) -> str:
    """A file's name with the moment that it is of."""
    stem, _, ending = filename.rpartition(".")
    return f"{stem}-{clock.now().astimezone(UTC):%Y-%m-%dT%H%MZ}.{ending}"
