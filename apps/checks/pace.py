"""How fast hosts are asked: the turns that all processes share (turns.py), and what this one remembers."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, MutableMapping
from datetime import datetime, timedelta

from apps.core import clock
from apps.platforms import registry

from .turns import OutOfTurn, Turns, turns


class Pacer:
    """Lets a host be asked once an `interval`, whoever asks it.

    Threads share one Pacer. Hosts are named as in a URL, with the port where it is not the scheme's own.
    `held` is given where what hosts said is to outlast the Pacer.
    """

    def __init__(
        self,
        *,
        turns: Callable[[], Turns] = turns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        held: MutableMapping[str, float] | None = None,
    ) -> None:
        self._turns = turns()
        self._monotonic = monotonic
        self._sleep = sleep
        self._next: dict[str, float] = {}
        self._held: MutableMapping[str, float] = {} if held is None else held
        self._lock = threading.Lock()
        self._queues: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._closed = False
        self.waiting = 0  # threads that wait for a turn at this moment

    def __call__(self, host: str) -> None:
        """Wait for a turn at `host`, and take it. Raises OutOfTurn if there is none to be had."""
        interval = registry.politeness(host).interval_seconds
        if not interval:
            return
        with self._lock:
            queue = self._queues[host]
            self.waiting += 1
        try:
            with queue:  # of this process, one thread at a time looks whether it is its turn
                while seconds := self._take(host, interval):
                    self._sleep(seconds)
        finally:
            with self._lock:
                self.waiting -= 1

    def _take(self, host: str, interval: float) -> float:
        if self._closed:
            raise OutOfTurn("the checker has stopped")
        seconds = self._turns.take(host, interval)
        with self._lock:
            self._next[host] = self._monotonic() + (seconds or interval)
        return seconds

    def close(self) -> None:
        """Give no more turns."""
        self._closed = True
        self._turns.close()

    def seconds_until_free(self, host: str) -> float:
        """How long until `host` may be asked again, as far as this process knows; 0 when that is now."""
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

    def rest(self, hosts: Iterable[str]) -> timedelta:
        """How long until all of `hosts` may be asked again."""
        return timedelta(seconds=max(map(self.seconds_until_free, hosts), default=0.0))
