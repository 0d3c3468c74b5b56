"""How fast hosts are asked. In memory, because one worker at a time holds a host (lease.py)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from apps.core import clock
from apps.platforms import registry


class Pacer:
    """Hands out the moments at which a host may be asked, `interval` seconds apart.

    Threads share one Pacer. Hosts are named as in a URL, with the port where it is not the scheme's own.
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
        self._held: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, host: str) -> None:
        """Wait for the next free moment of `host`, and take it."""
        interval = registry.politeness(host).interval_seconds
        with self._lock:
            now = self._monotonic()
            slot = max(now, self._next.get(host, now))
            self._next[host] = slot + interval
        if slot > now:
            self._sleep(slot - now)

    def seconds_until_free(self, host: str) -> float:
        """How long until `host` may be asked again; 0 when it may be asked now."""
        with self._lock:
            free_at = max(self._next.get(host, 0.0), self._held.get(host, 0.0))
            return max(0.0, free_at - self._monotonic())

    def hold(self, host: str, until: datetime) -> None:
        """Do not ask `host` before `until`, in real time (its Retry-After).

        Whoever asks all the same does not wait for it: that may be a day, with a thread that stands still.
        """
        seconds = (until - clock.wall()).total_seconds()
        with self._lock:
            self._held[host] = max(self._held.get(host, 0.0), self._monotonic() + seconds)

    def seconds_held(self, host: str) -> float:
        """How long `host` still wants to be left alone."""
        with self._lock:
            return max(0.0, self._held.get(host, 0.0) - self._monotonic())

    def free_at(self, hosts: Iterable[str]) -> datetime | None:
        """The real time at which all of `hosts` may be asked again; None when that is now."""
        seconds = max(map(self.seconds_until_free, hosts), default=0.0)
        return clock.wall() + timedelta(seconds=seconds) if seconds else None
