"""`manage.py verify_edition`: prove that the checks behind an edition are the ones it was made from."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps.core.commands import RecordCommand
from apps.exports.edition_ledger import checked, erased, faults
from apps.exports.editions import UnknownEdition, edition_called
from apps.reports.selectors import UnknownCampaign, campaign_called


class Command(RecordCommand):
    """Verify an edition: `verify_edition CAMPAIGN N`."""

    help = (
        "Recompute the sums of an edition's files and the chain of checks up to each of its heads; name the "
        "first check of each watched URL that is not the one that the edition was made from."
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
        targets, checks = checked(edition)
        self.stdout.write(
            f"Edition {edition.number} holds: its files, and {checks} checks of {targets} targets."
        )
        if gone := erased(edition):
            self.stdout.write(
                f"{gone} of these targets are erased: their checks are as they were left then, and end with "
                "the edition's heads."
            )
