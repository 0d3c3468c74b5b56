"""Run the checks that are due, in this process."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from apps.checks.models import Host, Target
from apps.checks.outcomes import Outcome, Trouble
from apps.checks.runner import Runner
from apps.checks.stalled import current_pause
from apps.core import clock
from apps.core.commands import RecordCommand, demo_problem
from apps.reports.models import Item
from apps.reports.selectors import UnknownCampaign, campaign_called


class Command(RecordCommand):
    """`manage.py recheck [--campaign SLUG] [--force] [--watch] [--until ISO-TIME]`."""

    help = (
        "Check the targets that are due, in this process, and print a count per outcome. Hosts that another "
        "checker holds at this moment are left to it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--campaign", metavar="SLUG", help="only the items of this campaign")
        parser.add_argument("--force", action="store_true", help="all targets now, due or not")
        parser.add_argument(
            "--watch", action="store_true", help="go on with what becomes due, until Ctrl-C (or --until)"
        )
        parser.add_argument(
            "--until",
            type=_moment,
            metavar="ISO-TIME",
            help="watch until this moment, for example 2026-03-01T12:00:00+00:00",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, then print what was seen."""
        if problem := demo_problem():
            raise CommandError(problem)
        targets = _targets(options["campaign"])
        if options["force"]:
            # Due since it was last looked at: so the one that has waited longest comes first.
            targets.exclude(key="").update(next_check_at=Coalesce("last_check_at", "created_at"))
        watch = options["watch"] or options["until"] is not None
        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())

        # Without --watch, only what is due at the start: what becomes due meanwhile is for the next run.
        among = targets if watch else targets.filter(next_check_at__lte=clock.now())
        progress = tqdm(
            total=None if watch else among.count(),
            unit="check",
            file=sys.stderr,
            disable=not sys.stderr.isatty(),
        )

        def show(outcomes: Counter[str]) -> None:
            progress.update(outcomes.total())
            if progress.disable and watch:
                self.stdout.write(f"{clock.now().isoformat(timespec='seconds')}  {_line(outcomes)}")

        def look_at_the_time() -> None:
            if options["until"] is not None and clock.now() >= options["until"]:
                stop.set()

        runner = Runner(among=among, stop=stop, on_recorded=show)
        with progress:
            summary = runner.run_forever(between=look_at_the_time) if watch else runner.run_due()
        self.stdout.write(f"checks {summary.checks}  {_line(summary.outcomes)}")
        for left in () if watch else _left(among):
            self.stdout.write(left)
        if summary.errors:
            raise CommandError(
                f"{summary.errors} targets could not be recorded and were put off by an hour; see the log."
            )


def _targets(slug: str | None) -> QuerySet[Target]:
    if slug is None:
        return Target.objects.all()
    try:
        campaign = campaign_called(slug)
    except UnknownCampaign as error:
        raise CommandError(str(error)) from error
    return Target.objects.filter(pk__in=Item.objects.filter(report__campaign=campaign).values("target_id"))


def _left(among: QuerySet[Target]) -> Iterator[str]:
    """What is due and was not checked, and why: a host may not be asked now, or nobody."""
    if (paused := current_pause()) is not None:
        yield f"left {among.count()}  Checking is paused since {paused.since:%Y-%m-%d %H:%M} UTC: " + (
            f"{Trouble(paused.why).label}. It goes on when our line is up again."
        )
        return
    hosts = Host.objects.filter(targets__in=among).annotate(due=Count("targets", filter=Q(targets__in=among)))
    wall = clock.shared_wall()
    for host in hosts.order_by("name"):
        if host.lease_until is not None and host.lease_until > wall:
            why = "is being asked by another checker"
        elif host.not_before is not None and host.not_before > wall:
            why = f"is left alone until {host.not_before:%Y-%m-%d %H:%M:%S} UTC"
        else:
            why = "was not reached"
        yield f"left {host.due}  {host.name} {why}"


def _line(outcomes: Counter[str]) -> str:
    return "  ".join(f"{outcome.value} {outcomes[outcome.value]}" for outcome in Outcome)


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time with an offset. Write it as 2026-03-01T12:00:00+00:00."
        )
    return moment
