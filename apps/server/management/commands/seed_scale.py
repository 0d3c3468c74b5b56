"""`manage.py seed_scale`: a fictional campaign as large as wanted, to see how a site fares with it."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.core.commands import RecordCommand
from apps.demo.scale import UNTIL, UnusableSize, seed


class Command(RecordCommand):
    help = (
        "Fill an empty record with a fictional campaign: reports, replies, items, and checks by the cadence. "
        "The same numbers give the same rows. No checker should run on it: its sites do not exist."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--items", type=int, required=True, metavar="N")
        parser.add_argument("--checks", type=int, required=True, metavar="M", help="of all items, about")
        parser.add_argument("--platforms", type=int, default=50, metavar="P", help="besides small sites (50)")
        parser.add_argument("--seed", type=int, default=1, metavar="S", help="another one, other rows (1)")
        parser.add_argument(
            "--until",
            type=_moment,
            default=UNTIL,
            metavar="MOMENT",
            help=f"when the campaign stands as it does, as {UNTIL.isoformat()}, which is the default",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, and say what there is."""
        try:
            made = seed(
                items=options["items"],
                checks=options["checks"],
                platforms=options["platforms"],
                seed=options["seed"],
                until=options["until"],
                say=self.stdout.write,
            )
        except UnusableSize as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Campaign {made.campaign.slug}: {made.reports:,} reports, {made.items:,} items, "
            f"{made.checks:,} checks."
        )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no moment. Write it as {UNTIL.isoformat()}.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
