"""One core for a checker, because Python works on one at a time.

A checker's threads share the interpreter's lock, so that only one of them works at any moment. Spread over
several cores they spend a third of their time handing it over. So they are kept together on a core that no
other checker of this machine keeps (those in other containers are not seen), and move on where another
program that does not give way has it. Where the system knows no such thing or forbids it, or all are taken,
they run anywhere.
"""

from __future__ import annotations

import os
import random
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread

from django.conf import settings

CLAIM = "still-up-checker-core"  # what the names of cores begin with
LOOK_EVERY_SECONDS = 1.0
CONFLICT_SHARE = 0.3  # of a core's time: so much that others take is none of the kernel's passing work
_STAT = Path("/proc/stat")


def better_core(
    own: int, *, idle: Mapping[int, float], used: float, chance: Callable[[], float] = random.random
) -> int | None:
    """Where to move, given the share of the time that each core was idle and that we `used`; None to stay.

    Programs that are free to move make way by themselves. Of two that are not, each goes with a chance of one
    half, so that both do not for ever go together.
    """
    others = 1 - idle.get(own, 0.0) - used
    if others < CONFLICT_SHARE or used > 1 - CONFLICT_SHARE:
        return None
    free = max((core for core in idle if core != own), key=lambda core: idle[core], default=None)
    if free is None or idle[free] < CONFLICT_SHARE or chance() < 0.5:
        return None
    return free


class OneCore:
    """Keeps the threads of one checker on one core. For one thread, which starts the others after `take`."""

    def __init__(self) -> None:
        self._allowed: set[int] = set()
        self._core: int | None = None
        self._claim: socket.socket | None = None
        self._looked_at = 0.0
        self._used = 0.0
        self._idle: dict[int, float] = {}

    @property
    def core(self) -> int | None:
        """The core on which the threads are kept; None where they are not."""
        return self._core

    def take(self) -> None:
        """Keep this thread, and those that it will start, on a core that no other checker has."""
        if not settings.CHECK_ONE_CORE or sys.platform != "linux":
            return
        self._allowed = os.sched_getaffinity(0)
        if len(self._allowed) < 2:
            return
        for core in random.sample(sorted(self._allowed), len(self._allowed)):
            if self._claims(core):
                self._move(core, ())
                self._look()
                return

    def look(self, threads: Iterable[Thread]) -> None:
        """Once a second: move this thread and the others where another program keeps the core busy."""
        if self._core is None or time.monotonic() - self._looked_at < LOOK_EVERY_SECONDS:
            return
        before, used_before, idle_before = self._looked_at, self._used, self._idle
        self._look()
        passed = self._looked_at - before
        idle = {
            core: (self._idle[core] - idle_before[core]) / passed
            for core in self._allowed & self._idle.keys() & idle_before.keys()
        }
        core = better_core(self._core, idle=idle, used=(self._used - used_before) / passed)
        if core is not None and self._claims(core):
            self._move(core, threads)

    def give_back(self) -> None:
        """Let this thread run on any core again; the others have ended, or will."""
        if self._core is not None:
            _keep(0, self._allowed)
            self._core = None
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def _claims(self, core: int) -> bool:
        """Take a core's name, which ends with its process; false where another checker has it."""
        try:
            claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        except OSError:  # a service may be forbidden to open any
            return False
        try:
            claim.bind(f"\0{CLAIM}-{core}")
        except OSError:
            claim.close()
            return False
        if self._claim is not None:
            self._claim.close()
        self._claim = claim
        return True

    def _move(self, core: int, threads: Iterable[Thread]) -> None:
        if _keep(0, {core}):
            self._core = core
            for thread in threads:
                if thread.native_id is not None:
                    _keep(thread.native_id, {core})

    def _look(self) -> None:
        self._looked_at, self._used, self._idle = time.monotonic(), time.process_time(), _idle_seconds()


def _keep(thread: int, cores: set[int]) -> bool:
    """Keep a thread (0: this one) on some cores; false where it has ended, or where that is not allowed."""
    try:
        os.sched_setaffinity(thread, cores)
    except OSError:
        return False
    return True


def _idle_seconds() -> dict[int, float]:
    """For how long each core has been idle since the start; empty where the system does not say."""
    found = {}
    with suppress(OSError):
        for line in _STAT.read_text().splitlines():
            name, *columns = line.split()
            if name.startswith("cpu") and name != "cpu":
                found[int(name[3:])] = sum(map(int, columns[3:5])) / os.sysconf("SC_CLK_TCK")
    return found
