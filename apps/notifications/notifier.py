"""The notifier: looks for what happened, and sends what is due, in a process of its own.

It is none of the checker's processes, so that a mail server that does not answer holds up no check, and so
that somebody is there to say that the checker stands still. Several of them do no harm.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connections

from apps.accounts.services import forget_expired_sessions
from apps.checks.beats import What, beat
from apps.checks.stalled import stall
from apps.core import clock

from . import letters, services, webhooks
from .timing import LOOK_SLOWER, STALL_PATIENCE

log = logging.getLogger(__name__)

SHORTEST_PAUSE_SECONDS = 5.0  # between two slower looks, however fast the record's time runs


class Notifier:
    """One process's notifier. `stop` ends it between two messages."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._stalled_at: float | None = None  # on the monotonic clock: every look since saw it
        self.look_slower_at = 0.0  # on the monotonic clock

    def run(self) -> None:
        """Look and send until stopped. A database that goes away is waited for."""
        while not self._stop.is_set():
            close_old_connections()
            self.round()
            self._stop.wait(settings.CHECK_TICK_SECONDS)

    def round(self) -> None:
        """One look for everything, and what is due sent. What fails keeps nothing else from being done."""
        steps: list[Callable[[], object]] = [
            lambda: beat(What.NOTICE),
            services.find_changes,
            services.find_stale_definitions,
            self._find_stall,
        ]
        if time.monotonic() >= self.look_slower_at:
            pause = clock.in_real_time(LOOK_SLOWER).total_seconds()
            self.look_slower_at = time.monotonic() + max(pause, SHORTEST_PAUSE_SECONDS)
            steps += [services.find_deadlines, services.find_claims]
            steps += [services.let_go_of_old, forget_expired_sessions]
        steps += [
            lambda: letters.send_due_letters(self._stop),
            lambda: webhooks.send_due_messages(self._stop),
        ]
        for step in steps:
            if self._stop.is_set():
                return
            try:
                step()
            except (OperationalError, InterfaceError) as error:
                log.error("The database does not answer (%s). Trying again.", type(error).__name__)
                connections.close_all()
                return
            except Exception:
                log.exception("A step of the notifier failed; it is done again.")

    def _find_stall(self) -> None:
        """Believe a stall that lasts for so long while this process runs.

        So neither a machine that slept nor a site that was just started is said to stand still.
        """
        found, now = stall(), time.monotonic()
        if found is None:
            self._stalled_at = None
            return
        if self._stalled_at is None:
            self._stalled_at = now
        if now - self._stalled_at >= STALL_PATIENCE.total_seconds():
            services.find_stall(found)
