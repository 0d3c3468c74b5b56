"""List a campaign's items with what is held of them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.accounts.role_option import add_role_option, audience_asked
from apps.accounts.roles import Audience
from apps.core.commands import RecordCommand
from apps.exports.management.outputs import BytesOf
from apps.exports.writing import export_of, write
from apps.reports.models import Campaign
from apps.reports.selectors import ItemRow, UnknownCampaign, campaign_called, item_rows, items_of

CHUNK = 2000


class Command(RecordCommand):
    """`manage.py status CAMPAIGN [--role ROLE] [--jsonl]`."""

    help = "List a campaign's items: for people, or with --jsonl one JSON object a line for programs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("campaign", metavar="CAMPAIGN", help="the campaign's slug")
        add_role_option(parser)
        parser.add_argument(
            "--jsonl",
            action="store_true",
            help="one JSON object a line; docs/codebook.md explains its columns",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the items in the order in which they were recorded."""
        try:
            campaign = campaign_called(options["campaign"])
        except UnknownCampaign as error:
            raise CommandError(str(error)) from error
        who = audience_asked(options)
        if options["jsonl"]:
            export = export_of(campaign=campaign, table="items", format="jsonl", who=who)
            write(export, BytesOf(self.stdout))
        else:
            self._for_people(campaign, who)

    def _for_people(self, campaign: Campaign, who: Audience) -> None:
        items = items_of(campaign).order_by("report__number", "pk")
        counts: Counter[str] = Counter()
        for item in items.iterator(chunk_size=CHUNK):
            (row,) = item_rows([item], who=who)
            counts[row.status.value] += 1
            self.stdout.write(_line(row))
        shown = "  ".join(f"{status} {count}" for status, count in counts.most_common())
        self.stdout.write(f"items {counts.total()}  {shown}".rstrip())


def _line(row: ItemRow) -> str:
    """One item on one line, its URL defanged and last, so that a narrow terminal breaks no column."""
    when = _date(row.removed_by) if row.removed_by and not row.came_back else _date(row.last_check_at)
    reason = row.reason or row.last_reason or "-"
    returned = "  returned" if row.came_back else ""
    control = "  control" if row.control else ""
    return (
        f"{row.status.value:<12}  {reason:<18}  {when:<16}  {row.checks:>4} checks  "
        f"report {row.report:<3}{returned}{control}  {row.defanged or f'item {row.pk}'}"
    )


def _date(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else "not checked yet"
