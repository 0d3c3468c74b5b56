"""Editions: numbered copies of what a campaign has public, which stay as they were when they were cited."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.db.models import Max, QuerySet

from apps.accounts.models import Person
from apps.reports.activity import record
from apps.reports.models import Campaign, Deed, Subject

from .edition_comparison import ComparedGroup, compared
from .edition_files import FIGURES_FILE, JSON, SUMS, File, edition_files
from .edition_ledger import public_heads, trail_file
from .models import Correction, Edition, EditionFile, EditionPiece, Publication, content_of, public_key_of
from .published import LANGUAGES, Snapshot
from .publishing import snapshot_of
from .snapshots import in_force, record_of
from .sql import one_view
from .writing import Progress

MAX_NOTE = 2_000


class UnusableEdition(ValueError):
    """An edition that cannot be made or corrected so. The message is a sentence for people."""


class UnknownEdition(LookupError):
    """There is no such edition for the public. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of an edition without its bytes; `size` is in bytes."""

    name: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """What is wrong with an edition, and since when its page says so."""

    text: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class EditionRow:
    """An edition with its files and corrections. `sums` is the SHA-256 of SHA256SUMS: it stands for all."""

    number: int
    title: str
    note: str
    findings: dict[str, str]
    as_of: datetime
    made_at: datetime
    files: tuple[FileRow, ...]
    corrections: tuple[CorrectionRow, ...]

    @property
    def sums(self) -> str:
        """The SHA-256 of the file of sums."""
        return next(file.sha256 for file in self.files if file.name == SUMS)


# --------------------------------------------------------------------------------------------------- writing


def publish_edition(
    *, campaign: Campaign, person: Person | None, note: str = "", progress: Progress | None = None
) -> Edition:
    """Freeze what the campaign has public, as its record stands now. Raises UnusableEdition.

    1. All of it is made in one view of the record: figures, rows and the heads of the ledger belong together.
       It goes to disk as it comes, and may be larger than the memory; `progress` hears the rows so far.
    2. It is written in one transaction under the campaign's next number, if the same decision to publish is
       still in force.
    """
    note = _words(note, empty_is_fine=True)
    key = public_key_of(campaign)
    with tempfile.TemporaryDirectory(prefix="still-up-edition-") as folder:
        try:
            publication, snapshot, files = _made(campaign, key, Path(folder), progress)
        except OSError as error:
            raise UnusableEdition(f"Its files cannot be written to {folder}: {error.strerror}.") from error
        return _written(publication, snapshot, files, person=person, note=note)


def _made(
    campaign: Campaign, key: str, folder: Path, progress: Progress | None
) -> tuple[Publication, Snapshot, list[File]]:
    with one_view():
        publication = _decision(campaign)
        record = record_of(publication)
        snapshot = snapshot_of(record, title=publication.title, text=publication.text)
        if snapshot.counts is None:
            raise UnusableEdition(
                f"“{campaign.slug}” has fewer than {snapshot.minimum_n} items that count. "
                "An edition needs figures."
            )
        trail = trail_file(record.population.records.target, key=key, folder=folder)
        files = edition_files(
            record, snapshot, key=key, heads=public_heads(trail), folder=folder, progress=progress
        )
    return publication, snapshot, [*files, trail]


@transaction.atomic
def _written(
    publication: Publication, snapshot: Snapshot, files: list[File], *, person: Person | None, note: str
) -> Edition:
    campaign = Campaign.objects.select_for_update().get(pk=publication.campaign_id)
    if _decision(campaign).pk != publication.pk:
        raise UnusableEdition("What is public was changed in the meantime. Look at it, then try again.")
    last = Edition.objects.filter(campaign=campaign).aggregate(last=Max("number"))["last"] or 0
    edition = Edition.objects.create(
        campaign=campaign,
        number=last + 1,
        title=snapshot.title,
        note=note,
        findings={language: snapshot.said(language).whole.finding for language in LANGUAGES},
        as_of=snapshot.as_of,
        person=person,
    )
    for file in files:
        row = EditionFile.objects.create(
            edition=edition,
            name=file.name,
            media_type=file.media_type,
            public=file.public,
            size=file.packed.size,
            sha256=file.packed.sha256,
        )
        for number, piece in enumerate(file.packed.pieces()):
            EditionPiece.objects.create(file=row, number=number, packed=piece)
    record(
        Deed.EDITION_PUBLISHED,
        person=person,
        campaign=campaign,
        subject=Subject.EDITION,
        number=edition.number,
        became={"as_of": edition.as_of},
        hidden=["note"] if note else [],
    )
    return edition


def correct_edition(*, campaign: Campaign, number: int, text: str, person: Person | None) -> Correction:
    """Say on an edition's page what is wrong with it; its files stay as they are. Raises UnusableEdition."""
    text = _words(text)
    edition = Edition.objects.filter(campaign=campaign, number=number).first()
    if edition is None:
        raise UnusableEdition(f"There is no edition {number} of “{campaign.slug}”. {_known(campaign)}")
    with transaction.atomic():
        correction = Correction.objects.create(edition=edition, text=text, person=person)
        record(
            Deed.EDITION_CORRECTED,
            person=person,
            campaign=campaign,
            subject=Subject.EDITION,
            number=number,
            hidden=["text"],
        )
    return correction


def _decision(campaign: Campaign) -> Publication:
    publication = in_force(campaign)
    if publication is None:
        raise UnusableEdition(f"“{campaign.slug}” is not public. Publish it first, then an edition of it.")
    return publication


def _words(text: str, *, empty_is_fine: bool = False) -> str:
    text = text.strip()
    if not text and not empty_is_fine:
        raise UnusableEdition("Say what is wrong with the edition.")
    if len(text) > MAX_NOTE:
        raise UnusableEdition(f"A note has at most {MAX_NOTE} characters.")
    return text


def _known(campaign: Campaign) -> str:
    last = Edition.objects.filter(campaign=campaign).aggregate(last=Max("number"))["last"]
    return f"The last one is {last}." if last else "It has none yet."


# --------------------------------------------------------------------------------------------------- reading


def edition_called(campaign: Campaign, number: int) -> Edition:
    """An edition whose number somebody typed, public or not. Raises UnknownEdition."""
    edition = Edition.objects.filter(campaign=campaign, number=number).first()
    if edition is None:
        raise UnknownEdition(f"There is no edition {number} of “{campaign.slug}”. {_known(campaign)}")
    return edition


def editions_of(campaign: Campaign) -> list[EditionRow]:
    """All editions of a campaign, the last one first. Three queries."""
    return _rows(Edition.objects.filter(campaign=campaign))


def public_editions(slug: str) -> list[EditionRow]:
    """The editions that the public can see: all while the campaign is public, else none. Three queries."""
    return _rows(_public().filter(campaign__slug=slug))


def public_edition(slug: str, number: int) -> EditionRow:
    """One of them. Raises UnknownEdition."""
    found = _rows(_public().filter(campaign__slug=slug, number=number))
    if not found:
        raise UnknownEdition("There is no such edition, or its campaign is not public.")
    return found[0]


def public_file(slug: str, number: int, name: str) -> FileRow:
    """A file of a public edition without its bytes. One query. Raises UnknownEdition."""
    return _row(_public_file(slug, number, name).first())


def public_content(slug: str, number: int, name: str) -> Iterator[bytes]:
    """The bytes of a file of a public edition, a piece at a time. Raises UnknownEdition."""
    file = _public_file(slug, number, name).first()
    if file is None:
        raise UnknownEdition("There is no such file.")
    return content_of(file)


def compare_editions(slug: str, first: int, second: int) -> list[ComparedGroup]:
    """The figures of two public editions side by side. Raises UnknownEdition."""
    one, other = (b"".join(public_content(slug, number, FIGURES_FILE)) for number in (first, second))
    return compared(one, other)


def edition_summary(edition: Edition) -> dict[str, object]:
    """The summary that an edition was published with."""
    file = edition.files.get(name="summary.json", media_type=JSON)
    return dict(json.loads(b"".join(content_of(file))))


def _public() -> QuerySet[Edition]:
    return Edition.objects.filter(campaign__public_snapshot__isnull=False)


def _public_file(slug: str, number: int, name: str) -> QuerySet[EditionFile]:
    editions = _public().filter(campaign__slug=slug, number=number)
    return EditionFile.objects.filter(edition__in=editions, name=name, public=True)


def _rows(editions: QuerySet[Edition]) -> list[EditionRow]:
    found = editions.order_by("-number").prefetch_related("corrections")
    files: dict[int, list[FileRow]] = {}
    for file in EditionFile.objects.filter(edition__in=editions, public=True).order_by("name"):
        files.setdefault(file.edition_id, []).append(_row(file))
    return [
        EditionRow(
            number=edition.number,
            title=edition.title,
            note=edition.note,
            findings=edition.findings,
            as_of=edition.as_of,
            made_at=edition.made_at,
            files=tuple(files[edition.pk]),
            corrections=tuple(_corrections(edition)),
        )
        for edition in found
    ]


def _row(file: EditionFile | None) -> FileRow:
    if file is None:
        raise UnknownEdition("There is no such file.")
    return FileRow(file.name, file.media_type, file.size, file.sha256)


def _corrections(edition: Edition) -> Iterator[CorrectionRow]:
    for correction in sorted(edition.corrections.all(), key=lambda each: each.pk):
        yield CorrectionRow(correction.text, correction.made_at)
