"""`manage.py erase`: erase personal data of an item, an account, a report or a reply."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps.checks.outcomes import ErasedFor
from apps.core.commands import RecordCommand
from apps.reports.erasing import CannotErase, ToErase, erase_account, erase_item, erase_reply, erase_report
from apps.reports.models import Campaign, Item, Reply, Report
from apps.reports.selectors import UnknownCampaign, campaign_called, items_of


class Command(RecordCommand):
    """Erase: `erase CAMPAIGN --item N --why concerned`."""

    help = (
        "Erase the URL of an item (or of all items of its account, or of a report), with what was written of "
        "it. Its row and its figures stay. It cannot be undone, and does not reach backups or files that "
        "were taken out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("campaign", metavar="CAMPAIGN", help="the campaign's slug")
        chosen = parser.add_mutually_exclusive_group(required=True)
        chosen.add_argument("--item", type=int, metavar="N", help="the number in the address of its page")
        chosen.add_argument("--account", type=int, metavar="N", help="the account behind this item")
        chosen.add_argument("--report", type=int, metavar="N", help="the report's number in the campaign")
        chosen.add_argument("--reply", type=int, metavar="N", help="the reply's number in exports")
        parser.add_argument(
            "--why",
            required=True,
            choices=ErasedFor.values,
            metavar="WORD",
            help="; ".join(f"{why.value}: {why.label}" for why in ErasedFor),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase, and say what went."""
        try:
            campaign = campaign_called(options["campaign"])
            told = _erase(campaign, options, ErasedFor(options["why"]))
        except (UnknownCampaign, CannotErase) as error:
            raise CommandError(str(error)) from error
        if told is None:
            self.stdout.write("Erased what the reply says.")
            return
        self.stdout.write(f"items {told.items}  urls {told.urls}  watched elsewhere, too {told.shared}")


def _erase(campaign: Campaign, options: dict[str, Any], why: ErasedFor) -> ToErase | None:
    if options["report"] is not None:
        report = Report.objects.filter(campaign=campaign, number=options["report"]).first()
        if report is None:
            raise CommandError(f"There is no report {options['report']} in “{campaign.slug}”.")
        return erase_report(report=report, why=why)
    if options["reply"] is not None:
        reply = Reply.objects.filter(report__campaign=campaign, pk=options["reply"]).first()
        if reply is None:
            raise CommandError(f"There is no reply {options['reply']} in “{campaign.slug}”.")
        erase_reply(reply=reply, why=why)
        return None
    number = options["item"] if options["item"] is not None else options["account"]
    item: Item | None = items_of(campaign).filter(pk=number).first()
    if item is None:
        raise CommandError(f"There is no item {number} in “{campaign.slug}”.")
    return (erase_item if options["item"] is not None else erase_account)(item=item, why=why)
