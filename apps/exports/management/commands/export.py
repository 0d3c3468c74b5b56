"""`manage.py export`: a table of a campaign as a file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import CommandError

from apps.accounts.role_option import add_role_option, audience_asked
from apps.core.commands import RecordCommand
from apps.exports.columns import OWNERS_TABLES, UnknownTable
from apps.exports.csv_format import DIALECTS
from apps.exports.downloads import take_table
from apps.exports.management.outputs import bar, file_or_output
from apps.exports.published import DATES
from apps.exports.writing import Export, Format, UnusableExport, count_of, export_of
from apps.metrics.grouping import GroupKey, UnusableGrouping, group_keys
from apps.reports.selectors import UnknownCampaign, campaign_called


class Command(RecordCommand):
    """Write a table: `export CAMPAIGN --table TABLE --format FORMAT`."""

    help = (
        "Write a table of a campaign as CSV, JSON Lines or XLSX, to a file or to standard output. "
        "docs/codebook.md explains the columns. The number of rows and the SHA-256 of the file are said on "
        "standard error at the end: without them, the file is not whole."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("campaign", metavar="CAMPAIGN", help="the campaign's slug")
        parser.add_argument("--table", required=True, metavar="TABLE", help=", ".join(OWNERS_TABLES))
        parser.add_argument(
            "--format",
            default=Format.CSV.value,
            metavar="FORMAT",
            help=f"{', '.join(Format)}; csv if not said",
        )
        add_role_option(parser)
        parser.add_argument(
            "--public",
            action="store_true",
            help="the form for everyone: no URL, no account, nothing that somebody wrote",
        )
        parser.add_argument(
            "--dates",
            default="",
            metavar="UNIT",
            help=f"of public rows: {' or '.join(DATES)}; as the campaign's publication chose if not said",
        )
        parser.add_argument(
            "--by",
            action="append",
            default=[],
            metavar="KEY",
            help=f"group the summary by {', '.join(GroupKey)}; may be given twice",
        )
        parser.add_argument("--out", type=Path, metavar="FILE", help="write here instead of standard output")
        parser.add_argument(
            "--bom", action="store_true", help="begin a CSV file with a mark that Excel needs"
        )
        parser.add_argument(
            "--dialect",
            default="",
            metavar="DIALECT",
            help=f"of CSV: {', '.join(filter(None, DIALECTS))} (semicolons, and a comma in decimals)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file, and say of how many rows and bytes it is."""
        export = _export(options)
        out: Path | None = options["out"]
        if out is None and export.format == Format.XLSX and sys.stdout.isatty():
            raise CommandError("An XLSX file is nothing for a terminal. Say where to: --out FILE.")
        total = count_of(export) if sys.stderr.isatty() else None
        with file_or_output(out) as stream, bar(export.table.title, total, " rows") as progress:
            written = take_table(export, stream, person=None, progress=progress)
        self.stderr.write(f"rows {written.rows}  bytes {written.size}  sha256 {written.sha256}")


def _export(options: dict[str, Any]) -> Export:
    try:
        return export_of(
            campaign=campaign_called(options["campaign"]),
            table=options["table"],
            format=options["format"],
            public=options["public"],
            who=audience_asked(options),
            dates=options["dates"],
            by=group_keys(options["by"]),
            dialect=options["dialect"],
            bom=options["bom"],
        )
    except (UnknownCampaign, UnknownTable, UnusableExport, UnusableGrouping, PermissionDenied) as error:
        raise CommandError(str(error)) from error
