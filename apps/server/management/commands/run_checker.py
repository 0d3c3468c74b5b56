"""The checker as a service: checks what becomes due, and runs imports, until it is stopped."""

from __future__ import annotations

import logging
import signal
import threading
import time
from typing import Any

from django.db import InterfaceError, OperationalError, close_old_connections, connections

from apps.checks.probing import TAKE_UP_EVERY, take_up
from apps.checks.retention import THIN_EVERY, thin_by_setting
from apps.checks.runner import Runner
from apps.core import clock
from apps.core.commands import RecordCommand
from apps.reports.importing import run_next_import

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
SHORTEST_PAUSE_SECONDS = 5.0  # between two looks for canaries, however fast the record's time runs


class Command(RecordCommand):
    """`manage.py run_checker`: what `serve` starts where no REDIS_URL is set."""

    help = "Check what becomes due and run uploaded imports, in this process, until SIGTERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped. A database that goes away is waited for: leases and due times are kept there."""
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        between = Between(stop)
        while not stop.is_set():
            try:
                Runner(stop=stop).run_forever(between=between)
            except (OperationalError, InterfaceError) as error:
                log.error("The database does not answer (%s). Trying again.", type(error).__name__)
                connections.close_all()
                stop.wait(RETRY_SECONDS)


class Between:
    """What is done beside the checks: imports, and every hour a look at which canaries there are."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self.take_up_at = self.thin_at = 0.0

    def __call__(self) -> None:
        close_old_connections()
        run_next_import(self._stop)
        if time.monotonic() >= self.take_up_at:
            take_up()
            pause = clock.in_real_time(TAKE_UP_EVERY).total_seconds()
            self.take_up_at = time.monotonic() + max(pause, SHORTEST_PAUSE_SECONDS)
        if time.monotonic() >= self.thin_at:
            thin_by_setting(self._stop)
            self.thin_at = time.monotonic() + THIN_EVERY.total_seconds()
