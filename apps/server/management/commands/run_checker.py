"""The checker as a service: checks what becomes due, and runs imports, until it is stopped."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

from django.db import InterfaceError, OperationalError, close_old_connections, connections

from apps.checks.runner import Runner
from apps.core.commands import RecordCommand
from apps.reports.importing import run_next_import

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0


class Command(RecordCommand):
    """`manage.py run_checker`: what `serve` starts where no REDIS_URL is set."""

    help = "Check what becomes due and run uploaded imports, in this process, until SIGTERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped. A database that goes away is waited for: leases and due times are kept there."""
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        while not stop.is_set():
            try:
                Runner(stop=stop).run_forever(between=lambda: _between(stop))
            except (OperationalError, InterfaceError) as error:
                log.error("The database does not answer (%s). Trying again.", type(error).__name__)
                connections.close_all()
                stop.wait(RETRY_SECONDS)


def _between(stop: threading.Event) -> None:
    close_old_connections()
    run_next_import(stop)
