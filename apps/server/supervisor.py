"""Starts the parts of a running site, watches them, and stops them all together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

LIFELINE = Path(__file__).with_name("lifeline.py")
LOOK_EVERY_SECONDS = 0.1
GRACE_SECONDS = 20.0  # for a part to finish what it is doing, before it is killed
IMPATIENCE_SECONDS = 1.0
PAUSE_SECONDS = 2.0  # before a part is started again


@dataclass(frozen=True, slots=True)
class Part:
    """One process of a running site: its name for people, its command, and what its environment adds.

    One that ends by itself ends the site, unless it `comes_again`: then it is started anew after a pause.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    comes_again: bool = False


class PartEnded(Exception):
    """A part ended by itself. The message is a sentence for people."""


class Supervisor:
    """Runs parts as child processes, each in a session of its own, so that Ctrl-C reaches only this process.

    A signal (SIGINT, SIGTERM) asks for a stop: the parts are asked one after the other, the last started
    first, and each may finish its work. A second signal kills what is left.
    """

    def __init__(self, *, grace_seconds: float = GRACE_SECONDS, pause_seconds: float = PAUSE_SECONDS) -> None:
        self.grace_seconds = grace_seconds
        self.pause_seconds = pause_seconds
        self._running: list[tuple[Part, subprocess.Popen[bytes]]] = []
        self._again_at: dict[str, float] = {}  # parts that have ended, by name, and when to start them anew
        self._stop_asked = threading.Event()
        self._stop_asked_at = 0.0
        self._impatient = threading.Event()
        # The second end stays open for as long as this process lives; the parts notice when it closes.
        self._lifeline, self._held_open = os.pipe()

    def listen_to_signals(self) -> None:
        """From here on SIGINT and SIGTERM stop the parts instead of ending this process at once."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def close(self) -> None:
        """Stop what still runs, and let go of the pipe."""
        self.stop()
        os.close(self._held_open)
        os.close(self._lifeline)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        # One stop may arrive twice, for this process and for its group (`timeout` does so): only a signal
        # that comes a while after the first one is a person's who will not wait.
        if self._stop_asked.is_set() and now - self._stop_asked_at > IMPATIENCE_SECONDS:
            self._impatient.set()
        if not self._stop_asked.is_set():
            self._stop_asked_at = now
        self._stop_asked.set()

    @property
    def stop_asked(self) -> bool:
        """Whether a signal has asked for a stop."""
        return self._stop_asked.is_set()

    def start(self, part: Part) -> None:
        """Start one more part."""
        self._running.append((part, self._process(part)))

    def _process(self, part: Part) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", str(LIFELINE), str(self._lifeline), *part.command],
            env={**os.environ, **part.environment},
            stdin=subprocess.DEVNULL,
            pass_fds=[self._lifeline],
            start_new_session=True,
        )

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> bool:
        """Wait for `ready()`. False when a stop was asked for meanwhile, or the time is over.

        Raises PartEnded when a part ends instead of becoming ready.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._stop_asked.is_set():
            self._raise_if_one_ended()
            if ready():
                return True
            time.sleep(LOOK_EVERY_SECONDS)
        return False

    def watch(self) -> None:
        """Return when a signal asks for a stop. Raises PartEnded when a part ends before that."""
        while not self._stop_asked.wait(LOOK_EVERY_SECONDS):
            self._raise_if_one_ended()

    def _raise_if_one_ended(self) -> None:
        """Raise PartEnded if a part that the site cannot do without has ended; start the others anew."""
        for number, (part, process) in enumerate(self._running):
            code = process.poll()
            if code is not None and part.comes_again:
                at = self._again_at.setdefault(part.name, time.monotonic() + self.pause_seconds)
                if time.monotonic() >= at:
                    del self._again_at[part.name]
                    self._running[number] = (part, self._process(part))
            elif code is not None:
                raise PartEnded(
                    f"The {part.name} ended by itself (exit code {code}). What it said is above; "
                    "all other parts were stopped."
                )

    def stop(self) -> list[str]:
        """Stop every part and wait for it. Returns the names of those that had to be killed."""
        killed = []
        while self._running:
            part, process = self._running.pop()
            if process.poll() is None:
                process.terminate()
                if not self._wait_for(process):
                    killed.append(part.name)
            # What a part that crashed or did not listen has left of its own processes goes, too.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return killed

    def _wait_for(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + self.grace_seconds
        while process.poll() is None:
            if time.monotonic() > deadline or self._impatient.is_set():
                return False
            time.sleep(LOOK_EVERY_SECONDS / 2)
        return True
