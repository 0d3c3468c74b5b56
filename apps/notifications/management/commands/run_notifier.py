"""The notifier as a service: tells people and programs what happened, until it is stopped."""

from __future__ import annotations

import signal
import threading
from typing import Any

from apps.core.commands import RecordCommand
from apps.notifications.notifier import Notifier

GRACE_SECONDS = 5.0  # for a message under way; one that is cut off goes out again later


class Command(RecordCommand):
    """`manage.py run_notifier`: what `serve` starts beside the checker, with a queue or without."""

    help = "Look for what happened, and send notices, e-mails and webhooks, until SIGTERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped, in a thread: a server that does not answer must not hold up the stop."""
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        thread = threading.Thread(target=Notifier(stop).run, name="notifier", daemon=True)
        thread.start()
        while thread.is_alive() and not stop.wait(1.0):
            pass
        thread.join(GRACE_SECONDS)
