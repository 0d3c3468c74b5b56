"""How fast hosts are asked. In memory, because one worker at a time holds a host (lease.py)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from apps.core import clock
from apps.platforms import registry


class Pacer:
    """Hands out the moments at which a host may be asked, `interval` seconds apart.

    Threads share one Pacer. Names are those of `registry.pace_group`: a platform's hosts count as one.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, host: str) -> None:
        """Wait for the next free moment of the host in a URL, and take it."""
        group = registry.pace_group(host)
        interval = registry.politeness(group).interval_seconds
        with self._lock:
            now = self._monotonic()
            slot = max(now, self._next.get(group, now))
            self._next[group] = slot + interval
        if slot > now:
            self._sleep(slot - now)

    def seconds_until_free(self, group: str) -> float:
        """How long until `group` may be asked again; 0 when it may be asked now."""
        with self._lock:
            return max(0.0, self._next.get(group, 0.0) - self._monotonic())

    def hold(self, group: str, until: datetime) -> None:
        """Do not ask `group` before `until`, in real time (its Retry-After)."""
        seconds = (until - clock.wall()).total_seconds()
        with self._lock:
            self._next[group] = max(self._next.get(group, 0.0), self._monotonic() + seconds)

    def free_at(self, group: str) -> datetime | None:
        """The real time at which `group` may be asked again; None when it may be asked now."""
        seconds = self.seconds_until_free(group)
        return clock.wall() + timedelta(seconds=seconds) if seconds else None
