"""`manage.py publish_edition`: freeze what a campaign has public, under the next number."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from apps.core.commands import RecordCommand
from apps.exports.editions import UnusableEdition, publish_edition
from apps.exports.management.outputs import bar
from apps.reports.selectors import UnknownCampaign, campaign_called


class Command(RecordCommand):
    """Publish an edition: `publish_edition CAMPAIGN`."""

    help = (
        "Freeze the public data of a published campaign as its next edition: tables, figures, method, sums. "
        "An edition never changes; an error in it gets a note (correct_edition) and a new edition."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("campaign", metavar="CAMPAIGN", help="the campaign's slug")
        parser.add_argument("--note", default="", metavar="TEXT", help="a public word on this edition")

    def handle(self, *args: Any, **options: Any) -> None:
        """Publish it, and say where it is."""
        try:
            campaign = campaign_called(options["campaign"])
            with bar("Rows", None, " rows") as progress:
                edition = publish_edition(
                    campaign=campaign, person=None, note=options["note"], progress=progress
                )
        except (UnknownCampaign, UnusableEdition) as error:
            raise CommandError(str(error)) from error
        address = f"{settings.SITE_URL}/c/{campaign.slug}/editions/{edition.number}/"
        self.stdout.write(f"Edition {edition.number}: {address}")
