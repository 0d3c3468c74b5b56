"""`manage.py correct_edition`: say on an edition's page what is wrong with it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps.core.commands import RecordCommand
from apps.exports.editions import UnusableEdition, correct_edition
from apps.reports.selectors import UnknownCampaign, campaign_called


class Command(RecordCommand):
    """Put a note on an edition: `correct_edition CAMPAIGN N TEXT`."""

    help = (
        "Put a correction note on an edition's page. Its files stay as they are; notes are never taken away."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("campaign", metavar="CAMPAIGN", help="the campaign's slug")
        parser.add_argument("number", metavar="N", type=int, help="the edition's number")
        parser.add_argument("text", metavar="TEXT", help="what is wrong with it, for the public")

    def handle(self, *args: Any, **options: Any) -> None:
        """Add the note."""
        try:
            campaign = campaign_called(options["campaign"])
            correct_edition(campaign=campaign, number=options["number"], text=options["text"], person=None)
        except (UnknownCampaign, UnusableEdition) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Edition {options['number']} of {campaign.slug} has the note.")
