"""`manage.py import_reports`: a list of reported URLs from a file into a campaign."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.core.validators import validate_slug
from tqdm import tqdm

from apps.core import clock
from apps.core.commands import RecordCommand
from apps.reports.campaigns import ADDRESS_WORDS, create_campaign
from apps.reports.columns import UnusableMapping, check_mapping, guess_columns
from apps.reports.csv_files import Table, UnreadableFile
from apps.reports.importing import (
    ImportResult,
    Progress,
    UnknownTimeZone,
    read_list,
    row_context,
    time_zone,
    write_list,
)
from apps.reports.models import Campaign
from apps.reports.moments import UnusableMoment, read_moment
from apps.reports.rejected import write_rejected
from apps.reports.rows import COLUMNS
from apps.reports.spool import Spool


class Command(RecordCommand):
    """Import a list: `import_reports FILE --campaign SLUG`."""

    help = (
        "Import a CSV file (or a plain list) of reported URLs into a campaign. Rows that cannot be used go "
        "to FILE.rejected.csv with their line and the reason; the others are written all or not at all. "
        "The same file can be imported again: what the campaign has already is a duplicate."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("file", metavar="FILE", type=Path, help="CSV with a header, or one URL a line")
        parser.add_argument("--campaign", metavar="SLUG", required=True, help="the campaign to import into")
        parser.add_argument("--create", action="store_true", help="make the campaign if there is none")
        parser.add_argument(
            "--map",
            metavar="OURS=COLUMN",
            action="append",
            default=[],
            help=f"which of the file's columns is which of ours ({', '.join(COLUMNS)}); nothing after the = "
            "leaves ours out. Columns that are not named are guessed from the header",
        )
        parser.add_argument(
            "--timezone",
            metavar="NAME",
            default=settings.TIME_ZONE,
            help="of times without an offset, such as Europe/Berlin (default: %(default)s)",
        )
        parser.add_argument("--sent-at", metavar="TIME", help="when rows without a reported_at were reported")
        parser.add_argument("--dry-run", action="store_true", help="count and check, and keep nothing")

    def handle(
        self,
        *args: Any,
        file: Path,
        campaign: str,
        create: bool,
        timezone: str,
        sent_at: str | None,
        dry_run: bool,
        **options: Any,
    ) -> None:
        """Check what was asked for, read the file, write it, and say what became of its rows."""
        try:
            zone = time_zone(timezone)
            context = row_context(zone=zone, reported_at=_sent_at(sent_at, zone))
            _check_campaign(campaign, create=create)
            with _opened(file) as stream:
                table = Table(stream)
                column_map = _column_map(options["map"], table.headers)
                size = file.stat().st_size
                with _bar("Reading", size, "B", scale=True) as advance:
                    spool = read_list(
                        table,
                        column_map=column_map,
                        context=context,
                        progress=lambda rows: advance(min(table.position, size)),
                    )
        except (UnknownTimeZone, UnusableMoment, UnusableMapping, UnreadableFile) as error:
            raise CommandError(str(error)) from error
        rejected_file = file.with_name(file.name + ".rejected.csv")
        with (
            spool,
            _rejected_kept(rejected_file, table, spool),
            _bar("Writing", spool.accepted_count(), " rows") as to,
        ):
            result = write_list(
                spool,
                campaign=lambda: _campaign(campaign, create=create),
                now=context.now,
                dry_run=dry_run,
                progress=to,
            )
        self._tell(result, rejected_file)

    def _tell(self, result: ImportResult, rejected_file: Path) -> None:
        self.stdout.write(
            f"rows {result.rows}  created {result.created}  duplicates {result.duplicates}  "
            f"rejected {result.rejected}"
        )
        if result.observations:
            self.stdout.write(f"observations {result.observations}")
        if result.rejected:
            self.stderr.write(f"The rejected rows are in {rejected_file}, each with its reason.")


def _sent_at(text: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    try:
        moment = read_moment(text, zone).first
    except UnusableMoment as error:
        raise CommandError(f"--sent-at: {error}") from error
    if moment > clock.now():
        raise CommandError(f"--sent-at: “{text}” is in the future.")
    return moment


def _check_campaign(slug: str, *, create: bool) -> None:
    if Campaign.objects.filter(slug=slug).exists():
        return
    if not create:
        raise CommandError(f"There is no campaign “{slug}”. Add --create to make it.")
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise CommandError(f"“{slug}” cannot name a campaign: use letters, digits, - and _.") from error
    if len(slug) > 80:
        raise CommandError(f"“{slug}” cannot name a campaign: choose a name of at most 80 characters.")
    if slug in ADDRESS_WORDS:
        raise CommandError(f"“{slug}” cannot name a campaign: it is an address of the site. Choose another.")


def _campaign(slug: str, *, create: bool) -> Campaign:
    found = Campaign.objects.filter(slug=slug).first()
    if found is None and create:
        return create_campaign(slug=slug, name=slug.replace("-", " ").replace("_", " ").capitalize())
    if found is None:
        raise CommandError(f"The campaign “{slug}” was deleted meanwhile. Nothing was imported.")
    return found


def _column_map(options: Sequence[str], headers: Sequence[str]) -> Mapping[str, str]:
    """The guess, corrected by `--map`."""
    given: dict[str, str] = {}
    for option in options:
        column, separator, header = option.partition("=")
        if not separator:
            raise CommandError(f"--map {option}: write it as url=COLUMN.")
        given[column.strip()] = header
    taken = {header.strip().casefold() for header in given.values()}
    guessed = {
        column: header
        for column, header in guess_columns(headers).items()
        if column not in given and header.casefold() not in taken
    }
    return check_mapping(guessed | given, headers)


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    try:
        stream = file.open("rb")
    except OSError as error:
        raise CommandError(f"Cannot read {file}: {error.strerror}.") from error
    with stream:
        yield stream


@contextmanager
def _rejected_kept(file: Path, table: Table, spool: Spool) -> Iterator[None]:
    """Write the rejected rows before the others, and put them in place once those are written.

    So a folder that cannot be written to stops the import instead of losing rows, and an import that fails
    leaves an earlier file as it was. Where nothing is rejected, an earlier file is out of date and goes.
    """
    if not spool.rejected_count():
        yield
        file.unlink(missing_ok=True)
        return
    part = file.with_name(file.name + ".part")
    try:
        with part.open(
            "w", encoding="utf-8-sig" if table.has_byte_order_mark else "utf-8", newline=""
        ) as stream:
            write_rejected(
                stream, headers=table.headers, delimiter=table.delimiter, rejected=spool.rejected()
            )
    except OSError as error:
        raise CommandError(
            f"Nothing was imported: the rejected rows cannot be written to {part}: {error.strerror}."
        ) from error
    try:
        yield
        part.replace(file)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


@contextmanager
def _bar(what: str, total: int, unit: str, *, scale: bool = False) -> Iterator[Progress]:
    """A progress bar on a terminal, and nothing elsewhere."""
    with tqdm(
        total=total, desc=what, unit=unit, unit_scale=scale, file=sys.stderr, disable=not sys.stderr.isatty()
    ) as bar:

        def to(done: int) -> None:
            bar.update(done - bar.n)

        yield to
