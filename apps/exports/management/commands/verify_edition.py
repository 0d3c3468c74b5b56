"""`manage.py verify_edition`: prove that the checks behind an edition are the ones it was made from."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps.core.commands import RecordCommand
from apps.exports.edition_ledger import checked, erased, faults
from apps.exports.edition_statuses import row_statuses
from apps.exports.editions import UnknownEdition, edition_called
from apps.reports.selectors import UnknownCampaign, campaign_called


class Command(RecordCommand):
    """Verify an edition: `verify_edition CAMPAIGN N`."""

    help = (
        "Recompute the sums of an edition's files and the chain of checks up to each of its heads, then the "
        "status of each item from these checks; name the first check of each watched URL that is not the one "
        "that the edition was made from, and each row whose status is another."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("campaign", metavar="CAMPAIGN", help="the campaign's slug")
        parser.add_argument("number", metavar="N", type=int, help="the edition's number")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each fault; exit with 1 if there was one."""
        try:
            edition = edition_called(campaign_called(options["campaign"]), options["number"])
        except (UnknownCampaign, UnknownEdition) as error:
            raise CommandError(str(error)) from error
        found = 0
        for fault in faults(edition):
            self.stderr.write(f"{fault.what} {fault.problem}")
            found += 1
        if found:
            raise SystemExit(1)
        rows = untold = 0
        for row in row_statuses(edition):
            if row.problem:
                self.stderr.write(f"items.csv: row {row.row} {row.problem}")
                found += 1
            rows += row.adds_up_to is not None
            untold += row.item is not None and row.adds_up_to is None
        if found:
            raise SystemExit(1)
        targets, checks = checked(edition)
        self.stdout.write(
            f"Edition {edition.number} holds: its files, and {checks} checks of {targets} targets."
        )
        if rows:
            self.stdout.write(f"The status in each of {rows} rows is what these checks add up to.")
        if untold:
            self.stdout.write(
                f"{untold} more rows are of URLs that were erased here and are watched for another campaign: "
                "their status cannot be compared any more."
            )
        if gone := erased(edition):
            self.stdout.write(
                f"{gone} of these targets are erased: their checks are as they were left then, and end with "
                "the edition's heads."
            )
