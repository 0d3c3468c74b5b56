"""`manage.py export_evidence`: everything on record of an item or a report, as a file that proves itself."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db.models import QuerySet

from apps.accounts.role_option import add_role_option, check_may_view
from apps.core.commands import RecordCommand
from apps.exports.downloads import take_evidence
from apps.exports.evidence import items_of_one, items_of_report
from apps.exports.management.outputs import bar, file_or_output
from apps.reports.models import Campaign, Item, Report, Subject
from apps.reports.selectors import UnknownCampaign, campaign_called, items_of


class Command(RecordCommand):
    """Write an evidence bundle: `export_evidence CAMPAIGN --item N --out FILE`."""

    help = (
        "Write a zip with everything on record of one item or one report: what was reported, every check "
        "with its digest, changes of status, replies, a README, and a program that checks it all."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("campaign", metavar="CAMPAIGN", help="the campaign's slug")
        add_role_option(parser)
        chosen = parser.add_mutually_exclusive_group(required=True)
        chosen.add_argument("--item", type=int, metavar="N", help="the number in the address of its page")
        chosen.add_argument("--report", type=int, metavar="N", help="the report's number in the campaign")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the zip to write")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the bundle, and say how many checks are in it."""
        check_may_view(options, "Evidence bundles")
        try:
            campaign = campaign_called(options["campaign"])
        except UnknownCampaign as error:
            raise CommandError(str(error)) from error
        items, subject, number = _chosen(campaign, options["item"], options["report"])
        with file_or_output(options["out"]) as out, bar("Checks", None, " checks") as progress:
            written = take_evidence(
                out,
                campaign=campaign,
                person=None,
                items=items,
                subject=subject,
                number=number,
                progress=progress,
            )
        self.stderr.write(f"checks {written.rows}")


def _chosen(campaign: Campaign, item: int | None, report: int | None) -> tuple[QuerySet[Item], Subject, int]:
    if item is not None:
        found = items_of(campaign).filter(pk=item).first()
        if found is None:
            raise CommandError(f"There is no item {item} in “{campaign.slug}”.")
        return items_of_one(found), Subject.ITEM, item
    sent = Report.objects.filter(campaign=campaign, number=report or 0).first()
    if sent is None:
        numbers = campaign.reports.order_by("number").values_list("number", flat=True)[:10]
        known = ", ".join(map(str, numbers)) or "none yet"
        raise CommandError(f"There is no report {report} in “{campaign.slug}”. Reports: {known}.")
    return items_of_report(sent), Subject.REPORT, sent.number
