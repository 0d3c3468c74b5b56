"""`manage.py run_demo`: the simulated platform, and the people who report to it. `serve --demo` starts it."""

from __future__ import annotations

import io
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.models import Q

from apps.accounts.models import Person
from apps.core import clock
from apps.demo import story
from apps.demo.lists import reference_of, write_list
from apps.demo.platform import StoryServer
from apps.demo.story import Host
from apps.reports.campaigns import create_campaign
from apps.reports.models import Campaign, Report
from apps.reports.observations import look_at_definition
from apps.reports.replies import log_reminder, log_reply

SLUG = "example-models"
PLATFORM = "example-models"  # the definition's slug
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
        """Answer at once; send the lists and log the replies when the story has got to each."""
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
        events: list[tuple[timedelta, Callable[[], None]]] = [
            (timedelta(0), partial(self._send, 1, campaign, authorities)),
            (story.SECOND_REPORT, partial(self._send, 2, campaign, authorities)),
            *((reply.at, partial(self._log, reply, campaign)) for reply in story.REPLIES),
            (story.REMINDER, partial(self._remind, campaign)),
            (story.LOOK, partial(self._look, campaign)),
        ]
        for at, happen in sorted(events, key=lambda event: event[0]):
            if self._wait_for(at, stop):
                happen()
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

    def _log(self, reply: story.Reply, campaign: Campaign) -> None:
        """Log what the story's people answer, as somebody who read it would."""
        report = self._report(campaign, reply.number, reply.host)
        paths = {urlsplit(item.target.key).path: item.pk for item in report.items.select_related("target")}
        claims = {paths[path]: claim for path, claim in story.claims(reply).items() if path in paths}
        log_reply(
            report=report,
            kind=reply.kind,
            decision=reply.decision,
            received_at=max(clock.now(), report.sent_at),
            claims=claims,
        )

    def _remind(self, campaign: Campaign) -> None:
        log_reminder(report=self._report(campaign, 1, Host.PLATFORM), sent_at=clock.now())

    def _look(self, campaign: Campaign) -> None:
        owner = campaign.memberships.order_by("pk").first()
        look_at_definition(
            platform=PLATFORM,
            right=True,
            person=owner.person if owner is not None else None,
            note="Everything was missing for a day, and is back.",
        )

    def _report(self, campaign: Campaign, number: int, host: Host) -> Report:
        """The report of a list's part that went to one host. The other host is a platform by its domain."""
        reports = campaign.reports.filter(reference=reference_of(number))
        on_platform = Q(platform=PLATFORM)
        return reports.get(on_platform if host is Host.PLATFORM else ~on_platform)


def since_start() -> timedelta:
    """How far the story has got. Negative before it begins."""
    return clock.now() - settings.CLOCK_ORIGIN
