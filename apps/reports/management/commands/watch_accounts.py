"""`manage.py watch_accounts`: watch the accounts behind items that were reported earlier."""

from __future__ import annotations

from itertools import islice
from typing import Any

from apps.checks.models import Target
from apps.checks.services import watch_pages_of
from apps.core.commands import RecordCommand
from apps.reports.models import Item

CHUNK = 1000


class Command(RecordCommand):
    """New items do this by themselves. It can be run again, for example when a definition was added."""

    help = (
        "Watch the page of the account behind every reported item, where its platform's definition knows how "
        "to probe one."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the targets in constant memory."""
        reported = Item.objects.filter(control=False).values("target_id")
        targets = Target.objects.filter(pk__in=reported).exclude(account_key=0).order_by("pk")
        columns = targets.only("platform", "kind", "account", "key").iterator(CHUNK)
        made = 0
        while some := list(islice(columns, CHUNK)):
            made += watch_pages_of(some)
        self.stdout.write(f"accounts watched from now on: {made}")
