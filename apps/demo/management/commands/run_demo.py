"""`manage.py run_demo`: the simulated platform, and the people who report to it. `serve --demo` starts it."""

from __future__ import annotations

import io
import signal
import threading
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from apps.accounts.models import Person
from apps.core import clock
from apps.demo import story
from apps.demo.lists import write_list
from apps.demo.platform import StoryServer
from apps.demo.story import Host
from apps.reports.campaigns import create_campaign
from apps.reports.models import Campaign

SLUG = "example-models"
NAME = "Example Models, first and second list"
DESCRIPTION = (
    "A fictional campaign: two lists of items that were reported to a simulated platform, and a few controls "
    "that nobody reported."
)


class Command(BaseCommand):
    help = "Play the demo's platform on two loopback ports, and send its lists when their time comes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8765, help="the platform's; the next port is used, too"
        )

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        """Answer at once; send the first list when the story begins, and the second when it is due."""
        stop = threading.Event()
        for asked in (signal.SIGINT, signal.SIGTERM):
            signal.signal(asked, lambda *_: stop.set())
        servers = {
            Host.PLATFORM: self._server(Host.PLATFORM, port),
            Host.ELSEWHERE: self._server(Host.ELSEWHERE, port + 1),
        }
        for server in servers.values():
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        authorities = {host: server.authority for host, server in servers.items()}
        campaign = self._campaign()
        for number, at in ((1, timedelta(0)), (2, story.SECOND_REPORT)):
            if self._wait_for(at, stop):
                self._send(number, campaign, authorities)
        connection.close()
        stop.wait()
        for server in servers.values():
            server.shutdown()
            server.server_close()

    def _server(self, host: Host, port: int) -> StoryServer:
        try:
            return StoryServer(host, port, since_start)
        except OSError as error:
            raise CommandError(
                f"Cannot listen on port {port}: {error.strerror}. Choose another port with --port."
            ) from error

    def _campaign(self) -> Campaign:
        if Campaign.objects.filter(slug=SLUG).exists():
            raise CommandError(f"There is a campaign {SLUG} already. The demo needs a new database.")
        owner = Person.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        return create_campaign(slug=SLUG, name=NAME, description=DESCRIPTION, person=owner)

    def _wait_for(self, at: timedelta, stop: threading.Event) -> bool:
        """Wait until the story has got to `at`. False when a stop is asked for first."""
        while (left := at - since_start()) > timedelta(0):
            if stop.wait(max(0.01, clock.in_real_time(left).total_seconds())):
                return False
        return not stop.is_set()

    def _send(self, number: int, campaign: Campaign, authorities: dict[Host, str]) -> None:
        path = settings.VAR_DIR / f"demo-list-{number}.csv"
        rows = write_list(number, path, authorities=authorities, reported_at=clock.now())
        answer = io.StringIO()
        call_command("import_reports", str(path), campaign=campaign.slug, stdout=answer)
        if f"created {rows}" not in " ".join(answer.getvalue().split()):
            raise CommandError(f"List {number} was not imported as it is: {answer.getvalue().strip()}")


def since_start() -> timedelta:
    """How far the story has got. Negative before it begins."""
    return clock.now() - settings.CLOCK_ORIGIN
